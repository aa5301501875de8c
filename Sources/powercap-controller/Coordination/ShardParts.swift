internal import Fleet
internal import PowercapProtocol

// What of the records has to do with the other shards.
extension RecordKeeper {
    /// Why nothing can be kept before somebody acts; nil where nothing is in the way.
    var obstacle: String? {
        guard case .blocked(let name, let shards) = phase else { return nil }
        return
            "the PowerBudgetShard \(name) is of \(shards) shard\(shards == 1 ? "" : "s"), and --shards says \(sharding.count): to change the "
            + "number end all coordinators, wait 120 s, delete all PowerBudgetShards, and start them again (docs/fleet.md)"
    }

    /// What this shard may give of a budget.
    /// - Parameter followsParent: there is a parent.
    func limit(of budget: String, followsParent: Bool) -> Microwatts {
        shards[budget]?.part?.usable(followsParent: followsParent) ?? .zero
    }

    /// A watch has seen objects.
    /// - Parameter generations: of their specs, by name: a later one than is known is read.
    func note(generations: [String: UInt64]) {
        for (budget, shard) in shards where shard.exists && shard.version != nil {
            guard let seen = generations[ShardObject.name(of: budget, shard: self.shard)], seen > shard.generation else {
                continue
            }
            shards[budget]?.version = nil
        }
    }

    /// What is to be told of a part; nil where nobody can say at the moment.
    func report(
        _ overview: BudgetOverview, _ shard: KeptShard, _ coordinator: Coordinator, _ isBeginning: Bool, _ boot_ns: UInt64
    ) -> ShardReport? {
        guard sharding.count > 1 else { return ShardReport(overview, ShardDemand(minimum: overview.minimum)) }
        // What nodes want that aren't heard yet the earlier coordinator knew better, and by it the parent divides.
        if isBeginning, let earlier = shard.report, earlier.nodes > 0 { return earlier }
        return coordinator.demand(of: overview.terms.name, now_ns: boot_ns).map { ShardReport(overview, $0) }
    }
}
