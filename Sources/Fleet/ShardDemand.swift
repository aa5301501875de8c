public import PowercapProtocol

/// What a shard says that its nodes need and could use of a budget.
public struct ShardDemand: Equatable, Sendable {
    /// What its nodes have in any case, with the room for jumps.
    public var minimum: Microwatts
    /// What its nodes can have at most.
    public var ceiling: Microwatts
    /// What is wanted beyond the minimum.
    public var wishes: [Wish]

    /// What the nodes of one priority could use beyond their minimums.
    public struct Wish: Equatable, Sendable {
        /// Of the nodes' class: a higher one is given what it wants first.
        public var priority: Int
        /// Of all these nodes together.
        public var weight: UInt64
        /// Beyond their minimums, and beyond what is kept for their jumps.
        public var power: Microwatts

        public init(priority: Int, weight: UInt64, power: Microwatts) {
            (self.priority, self.weight, self.power) = (priority, weight, power)
        }
    }

    public init(minimum: Microwatts = .zero, ceiling: Microwatts = .zero, wishes: [Wish] = []) {
        (self.minimum, self.ceiling, self.wishes) = (minimum, ceiling, wishes)
    }

    /// What each shard should have: minimums first, then what is wanted by priority, and what is left up to the ceilings; each in proportion to the
    /// weights, as nodes are given it.
    /// - Parameter shards: nil is given nothing.
    static func divide(_ limit: Microwatts, among shards: [ShardDemand?]) -> [Microwatts] {
        var allocation = Allocation()
        var owners: [Int] = []
        let heaviest = shards.compactMap { $0 }.map(\.weight).max() ?? 1
        // In mW, and weights by their proportion, so that no product is more than 64 bits hold.
        func add(_ shard: Int, least: UInt64 = 0, most: UInt64, demand: UInt64, priority: Int, weight: UInt64) {
            let weight = max(1, UInt64(Double(weight) / Double(heaviest) * 1_000))
            allocation.shares.append(
                Allocation.Share(
                    least: least, ceiling: most, jump: most, demand: demand, priority: priority, weight: weight,
                    isFixed: least == most))
            owners.append(shard)
        }
        let whole = limit.rawValue / 1_000
        for (index, shard) in shards.enumerated() {
            guard let shard else { continue }
            // Rounded up: a minimum has to fit.
            let minimum = min((shard.minimum.rawValue + 999) / 1_000, 1_000_000_000_000_000)
            add(index, least: minimum, most: minimum, demand: minimum, priority: 0, weight: 1)
            var rest = min(shard.ceiling.rawValue / 1_000, whole)
            rest -= min(rest, minimum)
            for wish in shard.wishes {
                let power = min(wish.power.rawValue / 1_000, rest)
                rest -= power
                add(index, most: power, demand: power, priority: wish.priority, weight: wish.weight)
            }
            add(index, most: rest, demand: 0, priority: .min, weight: shard.weight)
        }
        var bound = Allocation.Bound(limit: whole, contingency: 0)
        bound.members = Array(allocation.shares.indices)
        allocation.bounds = [bound]
        allocation.divide()
        var parts = Array(repeating: Microwatts.zero, count: shards.count)
        for (share, owner) in zip(allocation.shares, owners) { parts[owner] = parts[owner] + Microwatts(share.result * 1_000) }
        return parts
    }

    private var weight: UInt64 { max(1, wishes.reduce(0) { $0 + $1.weight }) }
}
