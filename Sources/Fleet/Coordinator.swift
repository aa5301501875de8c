internal import PowercapProtocol

/// Divides budgets over nodes: hears reports, answers with grants, and counts what may be in force. The sum of what is counted, with room for
/// K jumps, is within each budget before anything grows; what it rests on is in docs/fleet.md, with why it holds.
///
/// Pure: times are given, in ns of one clock that goes on while the machine is asleep. The owner calls `tick` a few times a second.
public struct Coordinator: Sendable {
    /// Whether anything may be answered, which the owner keeps up to date with the Lease.
    public var leadership: Leadership
    package var rules = Rules()

    /// One budget and who is in it.
    struct Budget: Sendable {
        var terms: BudgetTerms
        var members: [Int] = []
        var tally = Tally(limit: 0, counted: [], ceilings: [], contingency: 0)
        /// How many of them aren't heard.
        var silent = 0
        /// Somebody waits for room since the last allocation.
        var isLacking = false
        /// Counts what may have made room: a node that counts at less, a limit or members that are others.
        var changes: UInt64 = 0
    }

    var nodes: [NodeClaim] = []
    var numbers: [String: Int] = [:]
    var budgets: [Budget] = []
    /// How many nodes any budget covers.
    var covered = 0
    /// How long an earlier coordinator's grants may hold.
    let earlierTTL_ns: UInt64
    /// Budgets or members are others than the tallies have.
    var isRebuilt = true
    /// Something that the allocation goes by has changed.
    var isDue = false
    var allocated_ns: UInt64 = 0
    /// How often it was found anew what each node should have.
    public internal(set) var allocationCount: UInt64 = 0
    /// When the first thing happens that needs no report: a belief ends, a node has left.
    var sweep_ns: UInt64 = 0
    var version: UInt64 = 0
    /// How often budgets were set.
    var resets: UInt64 = 0

    /// How often targets are found anew, at most.
    static let interval_ns: UInt64 = 200_000_000

    /// - Parameters:
    ///   - leadership: of this start; every coordinator has an epoch of its own.
    ///   - earlierTTL_ms: the longest that a grant of an earlier coordinator may hold. For so long nodes count at their ceilings, until
    ///     they are heard.
    public init(leadership: Leadership, earlierTTL_ms: UInt64) {
        self.leadership = leadership
        earlierTTL_ns = earlierTTL_ms * 1_000_000
    }

    // MARK: What is set

    /// The budgets as they are from now on. A node stays in those of them that it was in.
    public mutating func set(_ terms: [BudgetTerms]) {
        let before = budgets
        budgets = terms.map { terms in Budget(terms: terms) }
        resets += 1
        let moved = before.map { old in terms.firstIndex { $0.name == old.terms.name } }
        for index in nodes.indices {
            nodes[index].places = nodes[index].places.compactMap { place in
                moved[place.budget].map { budget in
                    var place = place
                    place.budget = budget
                    return place
                }
            }
        }
        isRebuilt = false
    }

    /// A node is in these budgets from now on; those that there aren't are passed over. Where it leaves one it counts there for as long as
    /// what it was granted may hold.
    public mutating func place(_ node: String, in memberships: [Membership], now_ns: UInt64) {
        let index = number(of: node, now_ns)
        var places = memberships.compactMap { membership in
            budgets.firstIndex { $0.terms.name == membership.budget }.map {
                NodeClaim.Place(budget: $0, priority: membership.priority, weight: min(max(1, membership.weight), 10_000))
            }
        }
        for old in nodes[index].places where !places.contains(where: { $0.budget == old.budget }) {
            let leaves_ns = old.leaves_ns ?? max(nodes[index].ends_ns, nodes[index].unknownUntil_ns)
            guard leaves_ns > now_ns else { continue }
            places.append(NodeClaim.Place(budget: old.budget, leaves_ns: leaves_ns))
        }
        nodes[index].places = places
        isRebuilt = false
    }

    /// What an earlier coordinator kept of a node. To be given before anything is answered; where there are several records of a node the
    /// worst of each counts.
    public mutating func remember(_ record: NodeRecord, now_ns: UInt64) {
        nodes[number(of: record.node, now_ns)].remember(record)
        isRebuilt = false
    }

    private mutating func number(of node: String, _ now_ns: UInt64) -> Int {
        if let number = numbers[node] { return number }
        numbers[node] = nodes.count
        // A node that comes later may have been another coordinator's, too.
        nodes.append(NodeClaim(name: node, unknownUntil_ns: now_ns + earlierTTL_ns))
        return nodes.count - 1
    }

    /// No grant of an earlier coordinator can hold any more: every node that there is has answered to this one, or has had the time for it.
    public func isAfterEarlierGrants(now_ns: UInt64) -> Bool { nodes.allSatisfy { now_ns >= $0.unknownUntil_ns } }

    // MARK: What happens

    /// Answers a report.
    /// - Throws: why it isn't answered with a grant.
    public mutating func answer(_ report: Report, now_ns: UInt64) throws(Refusal) -> Grant {
        guard leadership.isValid(at: now_ns) || !rules.fences else { throw .notLeading }
        guard let index = numbers[report.node], nodes[index].isCovered else { throw .inNoBudget(report.node) }
        guard report.epoch <= leadership.epoch else { throw .superseded }
        tick(now_ns: now_ns)
        let wasHeard = nodes[index].isHeard(now_ns)
        let range = nodes[index].range
        let hearing = nodes[index].hear(report, isEcho: report.epoch == leadership.epoch, now_ns: now_ns, rules)
        if hearing == .overtaken { throw .overtaken }
        count(index, now_ns)
        sweep_ns = min(sweep_ns, nodes[index].ends_ns)
        settleDemand(index)
        let isHeard = nodes[index].isHeard(now_ns)
        if isHeard != wasHeard { for place in nodes[index].places { budgets[place.budget].silent += isHeard ? -1 : 1 } }
        if isHeard != wasHeard || range != nodes[index].range { isDue = true }
        allocateIfDue(now_ns)
        return hearing == .confirmed ? grant(index, report, now_ns) : nothing(index, report)
    }

    /// Lets time pass: what nobody renews ends. Called often, it costs nothing where nothing ends.
    public mutating func tick(now_ns: UInt64) {
        if !isRebuilt { rebuild(now_ns) }
        if now_ns >= sweep_ns { sweep(now_ns) }
        allocateIfDue(now_ns)
    }
}
