// A coordinator of 2,000 nodes in one budget of a site and four of rows, with classes and room for two jumps, whose demands change all the
// time. Prints the median and the 99th percentile in nanoseconds: of dividing the budgets anew, and of answering a report, from its bytes to
// those of the answer.
import Fleet
import Glibc
import PowercapProtocol

let (count, rounds, each) = (2_000, 400, 50)
func watts(_ count: UInt64) -> Microwatts { Microwatts(count * 1_000_000) }
func terms(_ name: String, nodes: Int, each: Int) -> BudgetTerms {
    BudgetTerms(name: name, limit: watts(UInt64(nodes * each)), minimum: watts(60), maximum: watts(500), contingencyNodes: 2)
}
func now_ns() -> UInt64 {
    var time = timespec()
    clock_gettime(CLOCK_MONOTONIC, &time)
    return UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec)
}

/// All nodes, and whom they ask.
struct Nodes {
    var coordinator = Coordinator(
        leadership: Leadership(epoch: 1, sent_ns: 0, duration_ns: 1_000_000_000_000_000), earlierTTL_ms: 10_000)
    var limits = Array(repeating: watts(60), count: count)
    var (granted, grown) = (0, 0)
    var time_ns: UInt64 = 1_000_000_000
    private var nonce: UInt64 = 0
    private var state: UInt64 = 1

    init() {
        // What the rows have together is more than the site has, and some of them have less than their part of it.
        let rows = (0..<4).map { terms("row-\($0)", nodes: count / 4, each: 200 + 40 * $0) }
        coordinator.set([terms("site", nodes: count, each: 240)] + rows)
        for number in 0..<count {
            let site = Membership("site", priority: number % 3, weight: UInt64(1 + number % 2))
            let row = Membership("row-\(number % 4)", priority: number % 3)
            coordinator.place("node-\(number)", in: [site, row], now_ns: 0)
        }
        for number in 0..<count { _ = (ask(number, epoch: 0), ask(number)) }
        (granted, grown) = (0, 0)
    }

    /// SplitMix64: the same demands each time.
    private mutating func demand() -> Microwatts {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ mixed >> 30) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ mixed >> 27) &* 0x94D0_49BB_1331_11EB
        return Microwatts(60_000_000 + (mixed ^ mixed >> 31) % 440_000_000)
    }

    /// A report of a node is answered.
    /// - Returns: how long that takes, in ns.
    mutating func ask(_ number: Int, epoch: UInt64 = 1) -> UInt64 {
        nonce += 1
        let report = Report(
            node: "node-\(number)", boot: BootID("00000000-0000-4000-8000-000000000001")!, nonce: nonce, epoch: epoch,
            inForce: limits[number], rest: watts(60), floor: watts(40), ceiling: watts(500), demand: demand(), bootsAtRest: true)
        let bytes = report.bytes
        let start_ns = now_ns()
        guard let heard = try? Report(bytes), let grant = try? coordinator.answer(heard, now_ns: time_ns) else {
            fatalError("node \(number) isn't answered")
        }
        let answer = grant.bytes
        let taken_ns = now_ns() - start_ns
        guard answer.count > 100 else { fatalError("that is no answer") }
        if let limit = grant.limit {
            granted += 1
            if limit > limits[number] { grown += 1 }
            limits[number] = limit
        }
        return taken_ns
    }
}

var nodes = Nodes()
var (allocations_ns, answers_ns): ([UInt64], [UInt64]) = ([], [])
for round in 0..<rounds {
    // What is answered within 200 ms of an allocation goes by that; the next one is the tick's.
    for step in 0..<each { answers_ns.append(nodes.ask((round * each + step) % count)) }
    nodes.time_ns += 250_000_000
    let start_ns = now_ns()
    nodes.coordinator.tick(now_ns: nodes.time_ns)
    allocations_ns.append(now_ns() - start_ns)
}
guard nodes.granted == rounds * each, nodes.grown > nodes.granted / 10 else {
    fatalError("limits hardly move: nothing was measured")
}
for times in [allocations_ns.sorted(), answers_ns.sorted()] { print(times[times.count / 2], times[times.count * 99 / 100]) }
