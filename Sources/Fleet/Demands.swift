internal import PowercapProtocol

extension Coordinator {
    /// What the nodes of a budget need and could use together; nil where there is no such budget, and between `set` or `place` and
    /// the next `tick`. What isn't heard needs what it counts at.
    public func demand(of budget: String, now_ns: UInt64) -> ShardDemand? {
        guard isRebuilt, let budget = budgets.first(where: { $0.terms.name == budget }) else { return nil }
        let members = budget.members.map { nodes[$0] }
        let least = members.map { $0.isHeard(now_ns) ? $0.range.minimum : $0.counted }
        let ceilings = members.map(\.ceiling)
        var tally = Tally(
            limit: 0, counted: least, ceilings: ceilings, contingency: rules.keepsContingency ? budget.terms.contingencyNodes : 0)
        var demand = ShardDemand(minimum: Microwatts(tally.whole), ceiling: Microwatts(ceilings.reduce(0, +)))
        let heard = members.indices.filter { members[$0].isHeard(now_ns) && members[$0].isCovered }
        for priority in Set(heard.map { members[$0].bounds.priority }).sorted(by: >) {
            let (before, nodes) = (tally.whole, heard.filter { members[$0].bounds.priority == priority })
            for slot in nodes {
                let range = members[slot].range
                let wanted = min(max(members[slot].settledDemand, range.minimum), range.ceiling)
                tally.set(slot, counted: wanted, ceiling: ceilings[slot])
            }
            // Beside the widest nodes' jumps: what is wanted of those takes no more room than the jumps did.
            let power = tally.whole - min(tally.whole, before)
            let weight = nodes.reduce(0) { $0 + members[$1].bounds.weight }
            demand.wishes.append(ShardDemand.Wish(priority: priority, weight: weight, power: Microwatts(power)))
        }
        return demand
    }
}
