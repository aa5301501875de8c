internal import JSON

/// Metadata of a PowerBudgetShard, by which a change of it is seen.
struct PartHead: Equatable, Sendable {
    let version: String
    /// Of the spec.
    let generation: UInt64

    init(_ object: JSON) throws(JSONField.Problem) {
        let metadata = try JSONField(top: object).member("metadata")
        version = try metadata.member("resourceVersion").text()
        generation = object["metadata"]?["generation"]?.integer ?? 0
    }
}
