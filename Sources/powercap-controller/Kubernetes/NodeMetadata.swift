/// What the API server says of a Node, without its spec and status.
struct NodeMetadata: Equatable, Sendable {
    let uid: String
    let resourceVersion: String
    let labels: [String: String]
    let annotations: [String: String]

    /// From a whole object, or one reduced to its metadata.
    init?(_ object: JSON) {
        guard let metadata = object["metadata"], let version = metadata["resourceVersion"]?.text else { return nil }
        uid = metadata["uid"]?.text ?? ""
        resourceVersion = version
        labels = metadata["labels"]?.texts ?? [:]
        annotations = metadata["annotations"]?.texts ?? [:]
    }

    /// What takes up most of a Node's metadata, and is nobody's business but the server's.
    static let uninteresting = "managedFields"

    /// Whether this is an older state of the same object than `other`. Versions count up within a resource; where they are no
    /// numbers nobody can tell.
    func isOlder(than other: NodeMetadata) -> Bool {
        guard uid == other.uid, let mine = UInt64(resourceVersion), let others = UInt64(other.resourceVersion) else {
            return false
        }
        return mine < others
    }
}
