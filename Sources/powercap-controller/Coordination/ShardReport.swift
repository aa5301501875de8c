internal import Fleet
internal import JSON
internal import PowercapProtocol

/// What a shard publishes of its part of a budget, beside what the next coordinator has to know: from it the parent divides the budget, and adds up what
/// is so of the whole.
struct ShardReport: Equatable, Sendable {
    var counted = Microwatts.zero
    /// What is kept for jumps beside that.
    var contingency = Microwatts.zero
    var inForce = Microwatts.zero
    var demand = Microwatts.zero
    var nodes = 0
    var silent = 0
    var wants = ShardDemand()

    /// Of a power in an object, mW.
    static let most: UInt64 = 1_000_000_000_000_000

    init() {}

    init(_ overview: BudgetOverview, _ wants: ShardDemand) {
        (counted, contingency, inForce) = (overview.counted, overview.contingency, overview.inForce)
        (demand, nodes, silent, self.wants) = (overview.demand, overview.nodes, overview.silent, wants)
    }

    /// - Parameter status: of a PowerBudgetShard; what isn't there is nothing.
    init(_ status: JSONField) throws(JSONField.Problem) {
        func power(_ name: String) throws(JSONField.Problem) -> Microwatts {
            try status.optional(name) { field throws(JSONField.Problem) in try field.milliwatts() } ?? .zero
        }
        func count(_ name: String) throws(JSONField.Problem) -> Int {
            try status.optional(name) { field throws(JSONField.Problem) in try field.integer() } ?? 0
        }
        (counted, contingency) = (try power("countedMilliwatts"), try power("contingencyMilliwatts"))
        (inForce, demand) = (try power("inForceMilliwatts"), try power("demandMilliwatts"))
        (nodes, silent) = (try count("nodesTotal"), try count("nodesSilent"))
        wants = ShardDemand(
            minimum: try power("minimumMilliwatts"), ceiling: try power("ceilingMilliwatts"),
            wishes: try status.optional("wishes", ShardReport.wishes) ?? [])
    }

    private static func wishes(_ field: JSONField) throws(JSONField.Problem) -> [ShardDemand.Wish] {
        var wishes: [ShardDemand.Wish] = []
        for element in try field.elements() {
            wishes.append(
                ShardDemand.Wish(
                    priority: try element.member("priority").signed(), weight: try element.member("weight").integer(),
                    power: try element.member("milliwatts").milliwatts()))
        }
        return wishes
    }

    /// The whole status of a part as a merge patch.
    /// - Parameters:
    ///   - version: of the state that it changes.
    ///   - grant_s: for how long grants may hold.
    ///   - records: what the next coordinator has to know.
    func patch(_ version: String, acknowledged: Microwatts, grant_s: UInt64, _ records: [Fleet.NodeRecord]) -> JSON {
        let own: [JSON.Member] = [
            .init("grantSeconds", .whole(grant_s)),
            .init("acknowledgedMilliwatts", .whole(min(acknowledged.milliwatts, ShardReport.most))),
            .init("nodes", .list(records.map(\.json))),
        ]
        return ["metadata": ["resourceVersion": .text(version)], "status": .object(own + members)]
    }

    private var members: [JSON.Member] {
        powers.map { JSON.Member($0.name, .whole($0.power)) } + [
            .init("nodesTotal", .whole(nodes)), .init("nodesSilent", .whole(silent)),
            .init(
                "wishes",
                .list(
                    wants.wishes.map { wish in
                        [
                            "priority": .number("\(wish.priority)"), "weight": .whole(wish.weight),
                            "milliwatts": .whole(min(wish.power.milliwatts, ShardReport.most)),
                        ]
                    })),
        ]
    }

    private var powers: [(name: String, power: UInt64)] {
        [
            ("countedMilliwatts", counted), ("contingencyMilliwatts", contingency), ("inForceMilliwatts", inForce),
            ("demandMilliwatts", demand), ("minimumMilliwatts", wants.minimum.roundedUpToMilliwatts),
            ("ceilingMilliwatts", wants.ceiling),
        ].map { ($0.0, min($0.1.milliwatts, ShardReport.most)) }
    }

    /// Whether it is worth a write though nothing was heard: nodes fell silent or were heard, or need more than before.
    func isUrgent(beside told: ShardReport, _ limit: Microwatts) -> Bool {
        (nodes, silent) != (told.nodes, told.silent)
            || wants.minimum > told.wants.minimum && isFar(wants.minimum, told.wants.minimum, limit)
    }

    /// Whether numbers have moved by more than 2 % of a limit.
    func isFar(from told: ShardReport, _ limit: Microwatts) -> Bool {
        let (own, others) = (all, told.all)
        return own.count != others.count || zip(own, others).contains { isFar($0, $1, limit) }
    }

    private var all: [Microwatts] { [counted, demand, wants.minimum, wants.ceiling] + wants.wishes.map(\.power) }

    private func isFar(_ one: Microwatts, _ other: Microwatts, _ limit: Microwatts) -> Bool {
        max(one, other) - min(one, other) > Microwatts(max(limit.rawValue / 50, 1_000))
    }
}
