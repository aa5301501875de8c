internal import Fleet
internal import JSON
internal import Kubernetes
internal import PowercapProtocol

/// A PowerBudgetShard: a part of a budget, with what the next coordinator has to know of its nodes.
struct ShardObject: Equatable, Sendable {
    let name: String
    let budget: String
    let shard: Int
    /// In how many parts its budget is kept, by a label.
    let shards: Int
    /// What the part had last; nil where nobody said.
    let limit: Microwatts?
    /// The longest that grants of an earlier coordinator may hold; nil where nobody said.
    let grant_s: UInt64?
    /// What the part keeps to; nil where nobody said.
    let acknowledged: Microwatts?
    let report: ShardReport
    let records: [Fleet.NodeRecord]

    /// - Throws: which member isn't as it has to be.
    init(_ object: JSON) throws(JSONField.Problem) {
        let top = JSONField(top: object)
        name = try top.member("metadata").member("name").text()
        let spec = try top.member("spec")
        budget = try spec.member("budget").text()
        shard = try spec.member("shard").integer()
        limit = try spec.optional("limitMilliwatts") { field throws(JSONField.Problem) in try field.milliwatts() }
        shards = ShardObject.shards(object)
        let status = try top.optional("status") { $0 }
        acknowledged = try status?.optional("acknowledgedMilliwatts") { field throws(JSONField.Problem) in try field.milliwatts()
        }
        report = try status.map { status throws(JSONField.Problem) in try ShardReport(status) } ?? ShardReport()
        grant_s = try status?.optional("grantSeconds") { field throws(JSONField.Problem) in try field.integer() }
        records = try status?.optional("nodes", ShardObject.records) ?? []
    }

    private static func records(_ field: JSONField) throws(JSONField.Problem) -> [Fleet.NodeRecord] {
        var records: [Fleet.NodeRecord] = []
        for element in try field.elements() {
            records.append(
                Fleet.NodeRecord(
                    node: try element.member("name").text(), ceiling: try element.member("ceilingMilliwatts").milliwatts(),
                    rest: try element.member("restMilliwatts").milliwatts(),
                    bootsAtRest: try element.member("bootsAtRest").flag()))
        }
        return records
    }

    /// What a coordinator reads of one.
    static let interest = JSONInterest.members([
        "metadata": .members(["name": .all, "resourceVersion": .all, "generation": .all, "labels": .all]), "spec": .all,
        "status": .all,
    ])

    static func name(of budget: String, shard: Int) -> String { "\(budget)-\(shard)" }

    static let shardLabel = "powercap.dev/shard"
    static let shardsLabel = "powercap.dev/shards"

    /// Of an object as it stands there, or of its metadata alone.
    static func shards(_ object: JSON) -> Int { object["metadata"]?["labels"]?[shardsLabel]?.text.flatMap { Int($0) } ?? 1 }
}

extension Fleet.NodeRecord {
    /// As it is kept: in whole milliwatts, and never less than it is.
    var json: JSON {
        [
            "name": .text(node), "ceilingMilliwatts": .whole((ceiling.rawValue + 999) / 1_000),
            "restMilliwatts": .whole((rest.rawValue + 999) / 1_000), "bootsAtRest": .flag(bootsAtRest),
        ]
    }
}

extension ShardObject {
    /// One that isn't there yet.
    static func new(
        _ head: BudgetObject.Head, shard: Int, of shards: Int, _ limit: Microwatts, _ claimant: String
    ) -> JSON {
        let name = name(of: head.name, shard: shard)
        return [
            "apiVersion": "powercap.dev/v1alpha1", "kind": "PowerBudgetShard",
            "metadata": [
                "name": .text(name),
                "labels": [
                    "app.kubernetes.io/name": "powercap", "powercap.dev/shard": .text("\(shard)"),
                    "powercap.dev/shards": .text("\(shards)"),
                ],
                "annotations": ["powercap.dev/coordinator": .text(claimant)],
                "ownerReferences": [
                    [
                        "apiVersion": "powercap.dev/v1alpha1", "kind": "PowerBudget", "name": .text(head.name),
                        "uid": .text(head.uid), "controller": .flag(true), "blockOwnerDeletion": .flag(false),
                    ]
                ],
            ],
            "spec": ["budget": .text(head.name), "shard": .whole(shard), "limitMilliwatts": .whole(limit.milliwatts)],
        ]
    }
}

extension Resource {
    static let powerBudgets = Resource(group: "powercap.dev", "v1alpha1", "powerbudgets")
    static let powerBudgetShards = Resource(group: "powercap.dev", "v1alpha1", "powerbudgetshards")
}
