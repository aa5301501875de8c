internal import JSON
internal import Kubernetes
internal import LinuxSystem
internal import Policy
internal import PowercapProtocol

/// What the controller publishes on its Node. Every key that it ever writes is here.
struct NodeRecord: Equatable, Sendable {
    var state: NodeState.Phase
    /// The packages' long-term limits together, as they were read back; nil where that isn't known, or isn't the controller's.
    var effectiveLimit: Microwatts?
    /// The node's reference power as PMAX_FUNC has it.
    var reference: Microwatts?
    var source: String?
    var reason: String?
    /// What an operator on the node has ordered.
    var orders: String?
    var condition: Condition

    enum Label {
        /// The limit in force, in microwatts.
        static let limit = "rapl/pmax"
        /// The reference power, in microwatts.
        static let reference = "rapl/max_power_uw"
        static let all = [limit, reference]
    }

    enum Annotation {
        /// There while the node is managed.
        static let initialized = "power-manager/initialized"
        static let state = "powercap.dev/state"
        /// The limit in force, for people: `77 W`.
        static let limit = "powercap.dev/effective-limit"
        static let source = "powercap.dev/source"
        static let reason = "powercap.dev/reason"
        /// What an operator on the node has ordered, until when, and why: `120 W until 2026-06-21T15:00:00Z by uid 0: maintenance`.
        static let orders = "powercap.dev/operator"
        /// When the limit in force last changed.
        static let changed = "powercap.dev/changed"
        static let all = [initialized, state, limit, source, reason, orders, changed]
    }

    var labels: [String: String?] {
        [
            Label.limit: effectiveLimit.map { "\($0.rawValue)" }, Label.reference: reference.map { "\($0.rawValue)" },
        ]
    }

    /// All but the time of change.
    var annotations: [String: String?] {
        [
            Annotation.initialized: state == .stopped ? nil : "true", Annotation.state: state.rawValue,
            Annotation.limit: effectiveLimit?.words, Annotation.source: source, Annotation.reason: reason,
            Annotation.orders: orders,
        ]
    }
}

/// Changes of a Node's labels and annotations: nil removes.
struct NodeChanges: Equatable, Sendable {
    var labels: [String: String?] = [:]
    var annotations: [String: String?] = [:]

    var isEmpty: Bool { labels.isEmpty && annotations.isEmpty }

    /// What has to change for `record` to stand on the Node; nothing where it does already.
    init(to record: NodeRecord, on node: NodeMetadata, at moment: Clock.Wall) {
        labels = record.labels.filter { node.labels[$0.key] != $0.value }
        annotations = record.annotations.filter { node.annotations[$0.key] != $0.value }
        if record.effectiveLimit == nil {
            if node.annotations[NodeRecord.Annotation.changed] != nil { annotations[NodeRecord.Annotation.changed] = .some(nil) }
        } else if annotations[NodeRecord.Annotation.limit] != nil || node.annotations[NodeRecord.Annotation.changed] == nil {
            annotations[NodeRecord.Annotation.changed] = Timestamp.seconds(moment)
        }
    }

    /// Removes everything that was ever written.
    static let removal = NodeChanges(
        labels: Dictionary(uniqueKeysWithValues: NodeRecord.Label.all.map { ($0, nil) }),
        annotations: Dictionary(uniqueKeysWithValues: NodeRecord.Annotation.all.map { ($0, nil) }))

    private init(labels: [String: String?], annotations: [String: String?]) {
        (self.labels, self.annotations) = (labels, annotations)
    }

    /// A merge patch (RFC 7386), with the keys in order.
    var patch: JSON {
        func object(_ changes: [String: String?]) -> JSON {
            .object(changes.sorted { $0.key < $1.key }.map { JSON.Member($0.key, $0.value.map { .text($0) } ?? .null) })
        }
        let parts = [("labels", labels), ("annotations", annotations)].filter { !$0.1.isEmpty }
        return ["metadata": .object(parts.map { JSON.Member($0.0, object($0.1)) })]
    }

    /// For a log line: `rapl/pmax=100000000`, or `rapl/pmax=` where it is removed.
    var words: String {
        (labels.sorted { $0.key < $1.key } + annotations.sorted { $0.key < $1.key })
            .map { "\($0.key)=\($0.value ?? "")" }.joined(separator: ",")
    }
}

extension Condition {
    /// As the Node shows it.
    init?(_ shown: NodeCondition) {
        guard let status = Status(rawValue: shown.status) else { return nil }
        self.init(status: status, reason: shown.reason, message: shown.message)
    }

    /// A strategic merge patch of the status: conditions are merged by their type.
    /// - Parameter since: when its status last changed, which isn't when its reason did (metav1.Condition).
    func patch(at moment: Clock.Wall, since: String) -> JSON {
        let members = [
            JSON.Member("type", .text(Self.type)), JSON.Member("status", .text(status.rawValue)),
            JSON.Member("reason", .text(reason)), JSON.Member("message", .text(message)),
            JSON.Member("lastHeartbeatTime", .text(Timestamp.seconds(moment))), JSON.Member("lastTransitionTime", .text(since)),
        ]
        return ["status": ["conditions": [.object(members)]]]
    }

    static let removal: JSON = ["status": ["conditions": [["type": .text(type), "$patch": "delete"]]]]
}
