// Grants: whatever a node or a coordinator sends is refused with a sentence or understood, and written again it means the same.
import Fleet
import PowercapProtocol

@_cdecl("LLVMFuzzerTestOneInput")
public func fuzz(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    // SAFETY: libFuzzer's input is valid for the call, and `count` is its size.
    let input = unsafe Array(UnsafeBufferPointer(start: start, count: count))
    do {
        let report = try Report(input)
        precondition((try? Report(report.bytes)) == report)
        precondition(report.floor <= report.ceiling && report.inForce.rawValue <= 1_000_000_000_000)
        answer(report)
    } catch {
        precondition(!error.sentence.isEmpty)
    }
    do {
        let grant = try Grant(input)
        precondition((try? Grant(grant.bytes)) == grant)
        precondition(grant.minimum <= grant.limit ?? .zero)
        take(grant)
    } catch {
        precondition(!error.sentence.isEmpty)
    }
    return 0
}

/// No report makes a coordinator grant more than there is.
private func answer(_ report: Report) {
    var coordinator = Coordinator(
        leadership: Leadership(epoch: 1, sent_ns: 0, duration_ns: 1_000_000_000_000), earlierTTL_ms: 10_000)
    coordinator.set([BudgetTerms(name: "site", limit: Microwatts(400_000_000), contingencyNodes: 1)])
    coordinator.place(report.node, in: [Membership("site")], now_ns: 0)
    var next = report
    for step in 1...3 as ClosedRange<UInt64> {
        (next.nonce, next.epoch) = (step, step > 1 ? 1 : 0)
        guard let grant = try? coordinator.answer(next, now_ns: step * 1_000_000_000), let limit = grant.limit else { continue }
        precondition(limit <= max(next.inForce, Microwatts(400_000_000)) && grant.minimum <= limit)
    }
}

/// No answer keeps a limit for longer than its time.
private func take(_ grant: Grant) {
    var tenure = Tenure(node: "n1", boot: BootID("00000000-0000-4000-8000-000000000001")!, lease_ns: 5_000_000_000)
    let standing = Tenure.Standing(
        inForce: Microwatts(100_000_000), rest: Microwatts(50_000_000), floor: Microwatts(20_000_000),
        ceiling: Microwatts(300_000_000), demand: Microwatts(300_000_000), bootsAtRest: true)
    var grant = grant
    grant.nonce = tenure.ask(standing, now_ns: 1_000_000_000).nonce
    _ = tenure.take(grant, now_ns: 1_000_000_000)
    precondition(tenure.limit(at: 1_000_000_000 + grant.ttl_ms * 1_000_000) == nil)
}
