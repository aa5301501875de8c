internal import JSON

/// A Lease of coordination.k8s.io/v1, as far as an election needs it.
struct Lease: Equatable, Sendable {
    /// What stands there, to be handed back as it is: who replaces an object keeps what others have written on it.
    let metadata: JSON
    /// Which state of the object it is. Every write makes another one.
    let version: String
    var spec: Spec

    /// Who has it, and since when.
    struct Spec: Equatable, Sendable {
        /// Empty where nobody has it.
        var holder: String
        /// For so long after each sign of life others leave it alone, s.
        var duration_s: UInt64
        /// How often it has changed hands.
        var transitions: UInt64
        /// For people: no clock but one's own is trusted.
        var acquired: String
        var renewed: String
    }

    /// - Throws: `JSONField.Problem` that names the member.
    init(_ object: JSON) throws(JSONField.Problem) {
        let top = JSONField(top: object)
        let head = try top.member("metadata")
        version = try head.member("resourceVersion").text()
        metadata = .object((object["metadata"]?.members ?? []).filter { $0.name != "managedFields" })
        // All of it may be missing: a Lease can be made by hand.
        guard case .object = object["spec"] else {
            spec = Spec(holder: "", duration_s: 0, transitions: 0, acquired: "", renewed: "")
            return
        }
        let body = try top.member("spec")
        func number(_ name: String) throws(JSONField.Problem) -> UInt64 {
            let found = try body.optional(name) { field throws(JSONField.Problem) -> UInt32 in try field.integer() }
            return UInt64(found ?? 0)
        }
        spec = Spec(
            holder: try body.optional("holderIdentity") { field throws(JSONField.Problem) in try field.text() } ?? "",
            duration_s: try number("leaseDurationSeconds"), transitions: try number("leaseTransitions"),
            acquired: try body.optional("acquireTime") { field throws(JSONField.Problem) in try field.text() } ?? "",
            renewed: try body.optional("renewTime") { field throws(JSONField.Problem) in try field.text() } ?? "")
    }

    static let interest = JSONInterest.members([
        "metadata": .members([
            "name": .all, "namespace": .all, "uid": .all, "resourceVersion": .all, "labels": .all, "annotations": .all,
            "ownerReferences": .all, "finalizers": .all,
        ]),
        "spec": .all,
    ])

    /// The object with another spec; the server refuses it where the state is another by then.
    func object(_ spec: Spec) -> JSON {
        ["apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "metadata": metadata, "spec": spec.json]
    }

    /// One that isn't there yet.
    static func object(_ name: String, in namespace: String, _ spec: Spec) -> JSON {
        [
            "apiVersion": "coordination.k8s.io/v1", "kind": "Lease",
            "metadata": ["name": .text(name), "namespace": .text(namespace), "labels": ["app.kubernetes.io/name": "powercap"]],
            "spec": spec.json,
        ]
    }
}

extension Lease.Spec {
    fileprivate var json: JSON {
        [
            "holderIdentity": .text(holder), "leaseDurationSeconds": .number("\(duration_s)"),
            "leaseTransitions": .number("\(transitions)"), "acquireTime": .text(acquired), "renewTime": .text(renewed),
        ]
    }
}
