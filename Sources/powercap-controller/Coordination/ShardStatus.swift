internal import Fleet
internal import JSON
internal import PowercapProtocol

/// A shard's part of a budget as the PowerBudget's status has it.
struct ShardStatus: Equatable, Sendable {
    let shard: Int
    let limit: Microwatts
    let acknowledged: Microwatts
    let counted: Microwatts
    let nodes: Int
    let silent: Int

    init(_ object: ShardObject) {
        (shard, limit) = (object.shard, object.limit ?? .zero)
        (acknowledged, counted) = (object.acknowledged ?? .zero, object.report.counted)
        (nodes, silent) = (object.report.nodes, object.report.silent)
    }

    /// Of the only one.
    init(_ overview: BudgetOverview) {
        (shard, limit, acknowledged) = (0, overview.terms.limit, overview.terms.limit)
        (counted, nodes, silent) = (overview.counted, overview.nodes, overview.silent)
    }

    var json: JSON {
        func power(_ power: Microwatts) -> JSON { .whole(min(power.milliwatts, ShardReport.most)) }
        return [
            "shard": .whole(shard), "limitMilliwatts": power(limit), "acknowledgedMilliwatts": power(acknowledged),
            "countedMilliwatts": power(counted), "nodes": .whole(nodes), "silent": .whole(silent),
        ]
    }
}
