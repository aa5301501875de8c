internal import Fleet
internal import JSON
internal import LinuxSystem
internal import PowercapProtocol

/// What is published on a PowerBudget, and when that is worth a write: at once where a condition is another, and where numbers have moved once
/// a minute at most.
struct BudgetStatus: Equatable, Sendable {
    let generation: UInt64
    let conditions: [BudgetCondition]
    /// nil where nothing is counted.
    let overview: BudgetOverview?
    /// By the parts in which it is kept.
    var shards: [ShardStatus] = []

    static let numbers_ns: UInt64 = 60_000_000_000

    enum Urgency: Comparable { case none, numbers, conditions }

    /// - Parameter status: what stands there; nil where nothing does.
    func urgency(beside status: JSON?) -> Urgency {
        if status?["observedGeneration"]?.integer != generation { return .conditions }
        let standing = status?["conditions"]?.elements ?? []
        for condition in conditions where !condition.isSaid(by: Self.find(condition.type, standing), generation: generation) {
            return .conditions
        }
        guard let overview else { return .none }
        let nodes = status?["nodes"]
        if nodes?["total"]?.integer != UInt64(overview.nodes) || nodes?["silent"]?.integer != UInt64(overview.silent) {
            return .numbers
        }
        if status?["shards"]?.elements?.count != shards.count { return .numbers }
        // What is less than 1 % of the limit moves all the time.
        let band = overview.terms.limit.milliwatts / 100
        for (name, power) in powers(overview) {
            guard let standing = status?[name]?.integer else { return .numbers }
            if max(standing, power) - min(standing, power) > band { return .numbers }
        }
        return .none
    }

    /// As a merge patch of the status.
    func patch(beside status: JSON?, at wall: Clock.Wall) -> JSON {
        let standing = status?["conditions"]?.elements ?? []
        var all = conditions.map { $0.json(generation: generation, before: Self.find($0.type, standing), at: wall) }
        // What can't be said at present stays as it is, and so do conditions of others.
        all += standing.filter { other in !conditions.contains { $0.type.rawValue == other["type"]?.text } }
        var members: [JSON.Member] = [.init("observedGeneration", .whole(generation)), .init("conditions", .list(all))]
        if let overview {
            members += powers(overview).map { JSON.Member($0.name, .whole($0.power)) }
            members += [
                .init(
                    "nodes",
                    [
                        "total": .whole(overview.nodes), "heard": .whole(overview.nodes - overview.silent),
                        "silent": .whole(overview.silent),
                    ]), .init("shards", .list(shards.map(\.json))),
            ]
        }
        return ["status": .object(members)]
    }

    private static func find(_ kind: BudgetCondition.Kind, _ conditions: [JSON]) -> JSON? {
        conditions.first { $0["type"]?.text == kind.rawValue }
    }

    private func powers(_ overview: BudgetOverview) -> [(name: String, power: UInt64)] {
        let most: UInt64 = 1_000_000_000_000_000
        return [
            ("limitMilliwatts", overview.terms.limit), ("countedMilliwatts", overview.counted),
            ("inForceMilliwatts", overview.inForce),
        ].map { ($0.0, min($0.1.milliwatts, most)) }
    }
}
