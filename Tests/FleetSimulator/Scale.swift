import Fleet
import PowercapProtocol

/// Many nodes, which look at their work every 2 s, and one coordinator whose messages take a few milliseconds: how long it takes until a change of
/// what is wanted is in force everywhere, and whether limits come to rest.
package struct Scale {
    package struct Result: Sendable {
        /// From each change until the last limit is where it stays, in ms, ascending.
        package var settled_ms: [UInt64] = []
        /// Writes for each node and change.
        package var moves = 0.0
        /// Nodes whose limit went up and down again after one change, of all.
        package var swung = 0.0
        /// The highest sum in force, as a part of the budget.
        package var highest = 0.0
        /// Answers a second.
        package var answers = 0.0
    }

    private struct Node {
        var tenure: Tenure
        var limit: UInt64
        var rest: UInt64 = 20_000_000
        var demand: UInt64
        /// When the work is looked at next, each node's at times of its own.
        var look_ns: UInt64
        /// What its work wants, and isn't seen yet.
        var work: UInt64?
        var answer: (grant: Grant, at_ns: UInt64)?
        var moved_ns: UInt64 = 0
        var moves = 0
        var direction = 0
        var hasSwung = false
    }

    private static let step_ns: UInt64 = 5_000_000
    private static let look_ns: UInt64 = 2_000_000_000
    private static let ceiling: UInt64 = 300_000_000
    private static let floor: UInt64 = 20_000_000

    /// - Parameters:
    ///   - changes: how often half of all nodes want something else.
    ///   - isSeen: all nodes have seen the change when the time begins to count; or else it is their work that changes then, which each sees
    ///     when it looks.
    ///   - settle_s: how long is waited after each.
    package static func run(
        nodes count: Int, changes: Int, isSeen: Bool, settle_s: UInt64 = 12, seed: UInt64 = 1
    ) -> Result {
        var random = Seeded(seed)
        let budget = UInt64(count) * 150_000_000
        let leadership = Leadership(epoch: 1, sent_ns: 0, duration_ns: 1_000_000_000_000_000)
        var coordinator = Coordinator(leadership: leadership, earlierTTL_ms: 10_000)
        coordinator.set([BudgetTerms(name: "site", limit: Microwatts(budget), maximum: .watts(300), contingencyNodes: 2)])
        var nodes: [Node] = []
        for number in 0..<count {
            coordinator.place("n\(number)", in: [Membership("site")], now_ns: 0)
            nodes.append(
                Node(
                    tenure: Tenure(node: "n\(number)", boot: .number(UInt64(number), of: "n0"), lease_ns: 5_000_000_000),
                    limit: floor, demand: random.within(floor...ceiling), look_ns: 1_000_000_000 + random.within(0...look_ns)))
        }
        var (result, now_ns, answers, writes) = (Result(), UInt64(1_000_000_000), 0, 0)
        func look(_ index: Int) {
            nodes[index].look_ns += look_ns
            guard let work = nodes[index].work else { return }
            (nodes[index].demand, nodes[index].work) = (work, nil)
            nodes[index].tenure.hurry(now_ns: now_ns)
        }
        func pass(_ until_ns: UInt64) {
            while now_ns < until_ns {
                now_ns += step_ns
                var sum: UInt64 = 0
                for index in nodes.indices {
                    if now_ns >= nodes[index].look_ns { look(index) }
                    if let (grant, at_ns) = nodes[index].answer, at_ns <= now_ns {
                        nodes[index].answer = nil
                        _ = nodes[index].tenure.take(grant, now_ns: now_ns, using: &random)
                        let limit = nodes[index].tenure.limit(at: now_ns)?.rawValue ?? nodes[index].rest
                        let before = nodes[index].limit
                        if limit != before {
                            writes += 1
                            nodes[index].limit = limit
                            if limit > before ? limit - before > ceiling / 50 : before - limit > ceiling / 50 {
                                let direction = limit > before ? 1 : -1
                                if nodes[index].direction == -direction { nodes[index].hasSwung = true }
                                (nodes[index].direction, nodes[index].moved_ns) = (direction, now_ns)
                            }
                            if limit < before { nodes[index].tenure.hurry(now_ns: now_ns) }
                        }
                    }
                    sum += nodes[index].limit
                    let node = nodes[index]
                    guard node.answer == nil, now_ns >= node.tenure.asksAgain_ns(lookingAt: node.look_ns) else { continue }
                    let report = nodes[index].tenure.ask(
                        Tenure.Standing(
                            inForce: Microwatts(node.limit), rest: Microwatts(node.rest), floor: Microwatts(floor),
                            ceiling: Microwatts(ceiling), demand: Microwatts(node.demand), bootsAtRest: true), now_ns: now_ns)
                    if let grant = try? coordinator.answer(report, now_ns: now_ns) {
                        answers += 1
                        nodes[index].answer = (grant, now_ns + random.within(2...15) * 1_000_000)
                    } else {
                        nodes[index].tenure.fail(retryAfter_ms: nil, now_ns: now_ns, using: &random)
                    }
                }
                result.highest = max(result.highest, Double(sum) / Double(budget))
            }
        }
        pass(now_ns + 30_000_000_000)
        (writes, answers) = (0, 0)
        let start_ns = now_ns
        var swung = 0
        for _ in 0..<changes {
            let change_ns = now_ns
            for index in nodes.indices {
                (nodes[index].moved_ns, nodes[index].direction, nodes[index].hasSwung) = (change_ns, 0, false)
                guard random.once(in: 2) else { continue }
                nodes[index].work = random.within(floor...ceiling)
                guard isSeen else { continue }
                nodes[index].look_ns = now_ns
                look(index)
            }
            pass(now_ns + settle_s * 1_000_000_000)
            result.settled_ms.append((nodes.map(\.moved_ns).max()! - change_ns) / 1_000_000)
            swung += nodes.count { $0.hasSwung }
        }
        result.settled_ms.sort()
        result.moves = Double(writes) / Double(count * changes)
        result.swung = Double(swung) / Double(count * changes)
        result.answers = Double(answers) / (Double(now_ns - start_ns) / 1e9)
        return result
    }
}
