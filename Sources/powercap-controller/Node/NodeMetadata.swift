internal import JSON

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

    /// What is read of an object: the keys that this program writes or follows, of which it is the only user. Annotations may have 256 KiB,
    /// and managedFields are most of a Node's metadata: one path is read of them.
    static let interest = JSONInterest.members(["metadata": metadata])
    /// The same of a list, and of a watch's event, whose object is a Status where it is an error.
    static let listInterest = JSONInterest.members(["metadata": .members(["resourceVersion": .all]), "items": .each(whole)])
    private static let whole = JSONInterest.members([
        "metadata": metadata, "status": .members(["conditions": .each(NodeCondition.interest)]),
    ])
    static let eventInterest = JSONInterest.members([
        "type": .all,
        "object": .members([
            "metadata": metadata, "kind": .all, "reason": .all, "message": .all, "code": .all,
        ]),
    ])

    private static let metadata = JSONInterest.members([
        "name": .all, "uid": .all, "resourceVersion": .all, "labels": .prefixes(prefixes), "annotations": .prefixes(prefixes),
        "managedFields": OwnedCondition.interest,
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

extension String {
    /// What a server gave to be handed back as it is, such as a version: of a length and of characters that any of them has.
    var isToken: Bool { 1...128 ~= utf8.count && utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F } }
}
