public import PowercapProtocol

/// What is set for a budget: a PowerBudget's spec, or a shard's part of it.
public struct BudgetTerms: Equatable, Sendable {
    /// The PowerBudget's name.
    public var name: String
    /// What all nodes may have together. Where it is known to fall, the lowest of the next ttl: so long it takes until a fall is kept.
    public var limit: Microwatts
    /// What each node is guaranteed.
    public var minimum: Microwatts
    /// The most that any node can draw, by the word of whoever set it: no node is granted more, none counts at more, and one that nobody
    /// knows counts at it. nil: a node's ceiling is what it says, and one that nobody knows counts at the whole limit.
    public var maximum: Microwatts?
    /// Kept free for what no limit holds.
    public var reserve: Microwatts
    /// How many nodes may jump to their ceilings at once. At least 0.
    public var contingencyNodes: Int
    /// How long grants hold, within `Grant.ttlRange_ms`; of several budgets of a node the shortest.
    public var ttl_ms: UInt64

    public init(
        name: String, limit: Microwatts, minimum: Microwatts = .zero, maximum: Microwatts? = nil, reserve: Microwatts = .zero,
        contingencyNodes: Int = 1, ttl_ms: UInt64 = 20_000
    ) {
        (self.name, self.limit, self.minimum, self.maximum, self.reserve) = (name, limit, minimum, maximum, reserve)
        (self.contingencyNodes, self.ttl_ms) = (contingencyNodes, ttl_ms)
    }
}

/// A node's place in a budget.
public struct Membership: Equatable, Sendable {
    /// The budget's name.
    package var budget: String
    /// Of the node's class: a higher one is given what it wants first.
    package var priority: Int
    /// Of the node's class, 1 to 10,000: what is divided within a class is divided so.
    package var weight: UInt64

    public init(_ budget: String, priority: Int = 0, weight: UInt64 = 1) {
        (self.budget, self.priority, self.weight) = (budget, priority, weight)
    }
}

/// What outlives a coordinator about a node: the next one counts it so as long as it doesn't hear it.
public struct NodeRecord: Equatable, Sendable {
    /// The Node's name.
    public var node: String
    /// The most that it can jump to.
    public var ceiling: Microwatts
    /// The most that it may rest at.
    public var rest: Microwatts
    /// It is at its rest as soon as it boots.
    public var bootsAtRest: Bool

    public init(node: String, ceiling: Microwatts, rest: Microwatts, bootsAtRest: Bool) {
        (self.node, self.ceiling, self.rest, self.bootsAtRest) = (node, ceiling, rest, bootsAtRest)
    }

    /// What is safe to rely on where either of the two may be what is kept.
    func orWorse(_ other: NodeRecord) -> NodeRecord {
        NodeRecord(
            node: node, ceiling: min(ceiling, other.ceiling), rest: min(rest, other.rest),
            bootsAtRest: bootsAtRest || other.bootsAtRest)
    }

    /// Whoever counts a node by this record counts it at no less than by the other.
    func covers(_ other: NodeRecord) -> Bool {
        ceiling >= other.ceiling && rest >= other.rest && (other.bootsAtRest || !bootsAtRest)
    }
}
