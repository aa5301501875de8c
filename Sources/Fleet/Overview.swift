public import PowercapProtocol

/// A budget as its coordinator sees it: for status and metrics.
public struct BudgetOverview: Equatable, Sendable {
    /// As it is set.
    public var terms: BudgetTerms
    /// What the nodes are counted at, together.
    public var counted: Microwatts
    /// What is kept for jumps beside that.
    public var contingency: Microwatts
    /// What is in force as far as is known: what heard nodes said, and what the others are counted at.
    public var inForce: Microwatts
    /// What heard nodes want, at least their minimums, and what the others are counted at.
    public var demand: Microwatts
    /// What all nodes have in any case, with the contingency.
    public var minimum: Microwatts
    /// How many nodes it covers.
    public var nodes: Int
    /// How many of them aren't heard: they may be granted nothing.
    public var silent: Int
    /// Nodes that say that they can draw more than the budget's maximum: they are counted at that.
    public var aboveMaximum: [String]

    public init(
        terms: BudgetTerms, counted: Microwatts, contingency: Microwatts, inForce: Microwatts, demand: Microwatts,
        minimum: Microwatts, nodes: Int, silent: Int, aboveMaximum: [String]
    ) {
        (self.terms, self.counted, self.contingency, self.inForce) = (terms, counted, contingency, inForce)
        (self.demand, self.minimum, self.nodes, self.silent) = (demand, minimum, nodes, silent)
        self.aboveMaximum = aboveMaximum
    }

    /// What is counted, kept for jumps and reserved is within the limit.
    public var isWithin: Bool { counted + contingency + terms.reserve <= terms.limit }
    /// The minimums, with what is kept, are more than the limit: nodes have their minimums all the same.
    public var minimumsExceed: Bool { minimum + terms.reserve > terms.limit }
}

/// A node as its coordinator sees it.
public struct NodeOverview: Equatable, Sendable {
    /// The Node's name.
    public var name: String
    /// The budgets that cover it.
    public var budgets: [String]
    /// It was heard within the ttl, and has answered to this coordinator.
    public var isHeard: Bool
    /// What it said is in force; nil where it said nothing.
    public var inForce: Microwatts?
    /// What it counts at.
    public var counted: Microwatts
    /// What it was granted last.
    public var granted: Microwatts?
    /// What it should have; nil where it isn't heard.
    public var target: Microwatts?
    /// Until when the grant counts, in ns of the coordinator's clock; 0 where there is none.
    public var ends_ns: UInt64
    /// What it said that it wants.
    public var demand: Microwatts
    /// The most that it can jump to.
    public var ceiling: Microwatts
    /// The most that it may rest at.
    public var rest: Microwatts
    /// It is at its rest as soon as it boots.
    public var bootsAtRest: Bool
}

extension Coordinator {
    /// A view of each budget, as they were set.
    public func overview(now_ns: UInt64) -> [BudgetOverview] { budgets.map { overview($0, now_ns) } }

    /// A view of each node that any budget covers.
    public func nodesOverview(now_ns: UInt64) -> [NodeOverview] {
        nodes.lazy.filter(\.isCovered).map { node in
            NodeOverview(
                name: node.name, budgets: node.places.map { budgets[$0.budget].terms.name }, isHeard: node.isHeard(now_ns),
                inForce: node.heard_ns.map { _ in Microwatts(node.inForce) }, counted: Microwatts(node.counted),
                granted: node.granted.map { Microwatts($0) }, target: node.target.map { Microwatts($0) }, ends_ns: node.ends_ns,
                demand: Microwatts(node.demand), ceiling: Microwatts(node.ceiling), rest: Microwatts(node.rest),
                bootsAtRest: node.bootsAtRest)
        }
    }

    private func overview(_ budget: Budget, _ now_ns: UInt64) -> BudgetOverview {
        var (inForce, demand, silent): (UInt64, UInt64, Int) = (0, 0, 0)
        var (least, ceilings, above): ([UInt64], [UInt64], [String]) = ([], [], [])
        for index in budget.members {
            let node = nodes[index]
            let (isHeard, range) = (node.isHeard(now_ns), node.range)
            inForce += isHeard ? node.bounded(node.inForce) : node.counted
            demand += isHeard ? min(max(node.demand, range.minimum), range.ceiling) : node.counted
            silent += isHeard ? 0 : 1
            least.append(isHeard ? range.minimum : node.counted)
            ceilings.append(node.ceiling)
            if let said = node.saidCeiling, let most = budget.terms.maximum, said > most.rawValue { above.append(node.name) }
        }
        let minimum = Tally(limit: 0, counted: least, ceilings: ceilings, contingency: budget.terms.contingencyNodes).whole
        return BudgetOverview(
            terms: budget.terms, counted: Microwatts(budget.tally.sum), contingency: Microwatts(budget.tally.contingency),
            inForce: Microwatts(inForce), demand: Microwatts(demand), minimum: Microwatts(minimum), nodes: budget.members.count,
            silent: silent, aboveMaximum: above)
    }
}

// For the simulation.
extension Coordinator {
    /// Whether every budget has room for its jumps.
    package var isWithinAll: Bool { isRebuilt && budgets.allSatisfy { $0.tally.whole <= $0.tally.limit } }

    /// What a node counts at, in µW; nil where no budget covers it.
    package func counted(_ node: String) -> UInt64? { numbers[node].map { nodes[$0].counted } }
}
