internal import JSON
internal import Kubernetes
internal import LinuxSystem

/// The condition as it stands on the Node, as far as that is known: from the Node when it is listed, and afterwards by who wrote it
/// last. A watch of metadata shows no condition, but it shows when somebody takes one's fields away.
struct StandingCondition {
    /// nil where there is none, or not the one that was written.
    private(set) var known: Condition?
    /// Since when it has had its status (metav1.Condition).
    private var since: (status: Condition.Status, time: String)?
    private var owner: OwnedCondition?

    /// Takes what an answer or an event shows.
    mutating func note(_ node: NodeMetadata) {
        if let conditions = node.conditions {
            let own = conditions.first { $0.type == Condition.type }
            known = own.flatMap { Condition($0) }
            since = own.flatMap { own in
                Condition.Status(rawValue: own.status).flatMap { status in own.since.map { (status, $0) } }
            }
            owner = node.ownedCondition
        } else if node.ownedCondition != owner {
            known = nil
        }
    }

    /// Since when `condition` will have had its status once it is written.
    func since(_ condition: Condition, at moment: Clock.Wall) -> String {
        if let since, since.status == condition.status { return since.time }
        return Timestamp.seconds(moment)
    }

    mutating func written(_ condition: Condition, since time: String, on node: NodeMetadata) {
        (known, since, owner) = (condition, (condition.status, time), node.ownedCondition)
    }
}

/// A condition of a Node's status.
struct NodeCondition: Equatable, Sendable {
    let type: String
    let status: String
    let reason: String
    let message: String
    /// nil where it doesn't say.
    let since: String?

    init?(_ condition: JSON) {
        guard let type = condition["type"]?.text else { return nil }
        self.type = type
        status = condition["status"]?.text ?? ""
        reason = condition["reason"]?.text ?? ""
        message = condition["message"]?.text ?? ""
        since = condition["lastTransitionTime"]?.text
    }

    static let interest = JSONInterest.members([
        "type": .all, "status": .all, "reason": .all, "message": .all, "lastTransitionTime": .all,
    ])
}

/// What of the condition this program was the last to write, and when, by the server's own record (metadata.managedFields). Whoever
/// writes a field after it takes it from there, and whoever removes it, too.
struct OwnedCondition: Equatable, Sendable {
    let time: String
    let fields: Set<String>

    /// nil where it owns none.
    init?(_ managedFields: JSON?) {
        let entry = managedFields?.elements?.first {
            $0["manager"]?.text == Resource.fieldManager && $0["operation"]?.text == "Update"
                && $0["subresource"]?.text == "status"
        }
        guard let entry, let fields = entry["fieldsV1"]?["f:status"]?["f:conditions"]?[OwnedCondition.key]?.members else {
            return nil
        }
        time = entry["time"]?.text ?? ""
        self.fields = Set(fields.map(\.name))
    }

    private static let key = #"k:{"type":"\#(Condition.type)"}"#
    static let interest = JSONInterest.each(
        .members([
            "manager": .all, "operation": .all, "subresource": .all, "time": .all,
            "fieldsV1": .members(["f:status": .members(["f:conditions": .members([key: .all])])]),
        ]))
}
