internal import PowercapProtocol

// What each node should have. It is found anew when something changed that it goes by, a few times a second at most.
extension Coordinator {
    mutating func allocateIfDue(_ now_ns: UInt64) {
        guard isDue, now_ns >= allocated_ns + Self.interval_ns || allocated_ns == 0 else { return }
        (isDue, allocated_ns) = (false, now_ns)
        allocationCount += 1
        var allocation = Allocation()
        allocation.shares = nodes.map { $0.share(now_ns) }
        allocation.bounds = budgets.map { budget in
            let jumps = rules.keepsContingency ? budget.terms.contingencyNodes : 0
            var bound = Allocation.Bound(limit: budget.tally.limit, contingency: jumps)
            bound.members = budget.members
            return bound
        }
        allocation.divide()
        for (index, share) in allocation.shares.enumerated() {
            nodes[index].target = share.isFixed ? nil : share.result
        }
        for index in budgets.indices { budgets[index].isLacking = false }
    }

    /// Takes a demand over where it has moved beyond what is noise: 2 % of what the node can have.
    mutating func settleDemand(_ index: Int) {
        let (said, settled, ceiling) = (nodes[index].demand, nodes[index].settledDemand, nodes[index].range.ceiling)
        let distance = said > settled ? said - settled : settled - said
        guard distance > nodes[index].deadBand || (said >= ceiling && settled < ceiling) else { return }
        nodes[index].settledDemand = said
        isDue = true
    }
}

extension NodeClaim {
    /// What isn't worth a move.
    var deadBand: UInt64 { range.ceiling / 50 }

    fileprivate func share(_ now_ns: UInt64) -> Allocation.Share {
        guard isHeard(now_ns), isCovered else {
            return Allocation.Share(
                least: counted, ceiling: counted, jump: ceiling, demand: counted, priority: bounds.priority, weight: 1,
                isFixed: true)
        }
        let range = range
        return Allocation.Share(
            least: range.minimum, ceiling: range.ceiling, jump: ceiling, demand: max(range.minimum, settledDemand),
            priority: bounds.priority, weight: bounds.weight)
    }
}
