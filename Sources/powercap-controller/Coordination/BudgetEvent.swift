internal import JSON
internal import Kubernetes

/// Something that became so of a PowerBudget and that somebody may have to act on, or need not any more: its Events tell it.
struct BudgetEvent: Equatable, Sendable {
    enum Reason: String, CaseIterable, Sendable {
        case invalid = "PowerBudgetInvalid"
        case accepted = "PowerBudgetAccepted"
        case belowMinimums = "PowerBudgetBelowMinimums"
        case nodesSilent = "PowerBudgetNodesSilent"
        case shrinking = "PowerBudgetShrinking"
        case withinLimit = "PowerBudgetWithinLimit"
        case sourceFailed = "PowerBudgetSourceFailed"
        case shardsMissing = "PowerBudgetShardsMissing"
        case nodesAboveMaximum = "PowerBudgetNodesAboveMaximum"
        case recovered = "PowerBudgetRecovered"
        case takenOver = "PowerBudgetTakenOver"

        /// What the coordinator did or tried.
        var action: String {
            switch self {
            case .invalid, .accepted: "ReadBudget"
            case .belowMinimums, .nodesSilent, .shrinking, .withinLimit: "KeepBudget"
            case .sourceFailed, .shardsMissing, .nodesAboveMaximum, .recovered: "FollowBudget"
            case .takenOver: "Lead"
            }
        }

        var type: Event.Kind {
            switch self {
            case .accepted, .shrinking, .withinLimit, .recovered, .takenOver: .normal
            case .invalid, .belowMinimums, .nodesSilent, .sourceFailed, .shardsMissing, .nodesAboveMaximum: .warning
            }
        }
    }

    /// Whose Events these are.
    static let reporter = "powercap.dev/coordinator"

    let reason: Reason
    /// The condition's type, or the shard. Events of one reason and subject are one series.
    let subject: String
    /// What a person reads.
    let note: String

    /// As the API server is told of it.
    var event: Event {
        Event(action: reason.action, reason: reason.rawValue, type: reason.type, subject: subject, note: note)
    }

    /// A coordinator has begun to answer nodes.
    /// - Parameter wait_s: for how long nodes that it doesn't hear count at their ceilings.
    static func takenOver(_ identity: String, shard: Int, wait_s: UInt64) -> BudgetEvent {
        BudgetEvent(
            reason: .takenOver, subject: "shard \(shard)",
            note: "\(identity) leads shard \(shard) and answers nodes from now on: until each is heard, or \(wait_s) s are over, "
                + "it counts at its ceiling, so that others may have less for a moment.")
    }

    /// What conditions say that they didn't before, as far as it is a matter for somebody: nodes that go down to a limit that fell are none.
    /// - Parameter status: of the PowerBudget as it stood; nil where there was none.
    static func changes(from status: JSON?, to conditions: [BudgetCondition]) -> [BudgetEvent] {
        let standing = status?["conditions"]?.elements ?? []
        var events: [BudgetEvent] = []
        for condition in conditions {
            let old = standing.first { $0["type"]?.text == condition.type.rawValue }
            let before = bad(condition.type, isTrue: old?["status"]?.text == "True", old?["reason"]?.text)
            let now = bad(condition.type, isTrue: condition.isTrue, condition.reason)
            guard let reason = now == before ? nil : now ?? end(of: condition) else { continue }
            // That nodes are silent is one thing, though it is why two conditions are as they are.
            if now == .nodesSilent, events.contains(where: { $0.reason == .nodesSilent }) { continue }
            events.append(BudgetEvent(reason: reason, subject: condition.type.rawValue, note: condition.message))
        }
        return events
    }

    /// Why somebody may have to act; nil where nobody has to.
    private static func bad(_ type: BudgetCondition.Kind, isTrue: Bool, _ reason: String?) -> Reason? {
        switch (type, isTrue, reason) {
        case (.ready, false, "Invalid"): .invalid
        case (.within, false, "MinimumsExceedLimit"): .belowMinimums
        case (.within, false, "NodesSilent"), (.degraded, true, "NodesSilent"): .nodesSilent
        case (.degraded, true, "SourceStale"): .sourceFailed
        case (.degraded, true, "ShardsMissing"): .shardsMissing
        case (.degraded, true, "NodesAboveMaximum"): .nodesAboveMaximum
        default: nil
        }
    }

    private static func end(of condition: BudgetCondition) -> Reason {
        switch condition.type {
        case .ready: .accepted
        case .within: condition.isTrue ? .withinLimit : .shrinking
        case .degraded: .recovered
        }
    }
}
