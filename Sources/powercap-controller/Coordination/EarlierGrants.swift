internal import Fleet
internal import PowercapProtocol

// What of the records has to do with grants of coordinators before this one, and after it.
extension RecordKeeper {
    /// From now on nodes are answered: the longest that a grant of an earlier coordinator may hold, ms.
    /// - Parameter budgets: those that there are.
    func open(_ budgets: [String]) -> UInt64 {
        // One that is gone by now may have been there a moment ago.
        let kept = (Array(shards.keys) + budgets).map { shards[$0, default: KeptShard()].wait_s }
        let earlier_s = kept.max() ?? GrantTime.range.upperBound
        time = GrantTime(earlier_s: earlier_s)
        return earlier_s * 1_000
    }

    /// What earlier coordinators knew of nodes.
    var records: [Fleet.NodeRecord] { shards.values.flatMap(\.records) }
    /// What an earlier coordinator had to give last, by budget.
    var earlierLimits: [String: Microwatts] { shards.compactMapValues(\.limit) }

    /// For how long grants of any budget may hold at most, s.
    /// - Parameter wanted_s: the longest that a budget is to have.
    func mostGrant_s(_ entries: [BudgetBook.Entry], wanted wanted_s: UInt64, _ boot_ns: UInt64) -> UInt64 {
        let kept_s = entries.map { shards[$0.head.name, default: KeptShard()].wait_s }.min() ?? GrantTime.range.upperBound
        return time.most_s(wanted_s, kept_s: kept_s, boot_ns)
    }
}
