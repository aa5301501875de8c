internal import JSON

/// A Node as far as budgets go by it: its name and its labels.
struct FleetNode: Equatable, Sendable {
    let name: String
    let labels: [String: String]

    init(name: String, labels: [String: String]) { (self.name, self.labels) = (name, labels) }

    init(_ object: JSON) throws(JSONField.Problem) {
        let metadata = try JSONField(top: object).member("metadata")
        name = try metadata.member("name").text()
        labels = object["metadata"]?["labels"]?.texts ?? [:]
    }
}
