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
}
