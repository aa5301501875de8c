internal import JSON
internal import Kubernetes

/// What the API server says of a Node, without its spec, and of its status the conditions alone.
struct NodeMetadata: Equatable, Sendable {
    let uid: String
    let resourceVersion: String
    let labels: [String: String]
    let annotations: [String: String]
    let ownedCondition: OwnedCondition?
    /// nil where the object came without its status.
    let conditions: [NodeCondition]?

    /// From a whole object, or one reduced to its metadata.
    init?(_ object: JSON) {
        guard let metadata = object["metadata"], let version = metadata["resourceVersion"]?.text, version.isToken else {
            return nil
        }
        let uid = metadata["uid"]?.text ?? ""
        guard uid.isEmpty || uid.isToken else { return nil }
        self.uid = uid
        resourceVersion = version
        labels = metadata["labels"]?.texts ?? [:]
        annotations = metadata["annotations"]?.texts ?? [:]
        ownedCondition = OwnedCondition(metadata["managedFields"])
        conditions = object["status"].map { ($0["conditions"]?.elements ?? []).compactMap { NodeCondition($0) } }
    }

    /// What is read of an object's metadata: the keys that this program writes or follows, of which it is the only user. Annotations may have
    /// 256 KiB, and managedFields are most of a Node's metadata: one path is read of them.
    static let metadata: [String: JSONInterest] = [
        "labels": .prefixes(prefixes), "annotations": .prefixes(prefixes), "managedFields": OwnedCondition.interest,
    ]
    /// And of the rest of it, where it is shown whole.
    static let rest: [String: JSONInterest] = ["status": .members(["conditions": .each(NodeCondition.interest)])]
    /// The metadata of an answer that is one object.
    static let interest = JSONInterest.members([
        "metadata": .members(metadata.merging(["name": .all, "uid": .all, "resourceVersion": .all]) { own, _ in own })
    ])
    private static let prefixes = ["rapl/", "power-manager/", "powercap.dev/"]

    /// Whether this is an older state of the same object than `other`. Versions count up within a resource; where they are no
    /// numbers nobody can tell.
    func isOlder(than other: NodeMetadata) -> Bool {
        guard uid == other.uid, let mine = UInt64(resourceVersion), let others = UInt64(other.resourceVersion) else {
            return false
        }
        return mine < others
    }
}
