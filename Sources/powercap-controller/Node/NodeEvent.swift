internal import Kubernetes

/// Something that happened on the node and that its Events tell.
struct NodeEvent: Equatable, Sendable {
    enum Reason: String, CaseIterable, Sendable {
        case limitChanged = "PowerLimitChanged"
        case limitRefused = "PowerLimitRefused"
        case zoneLocked = "PowerZoneLocked"
        case notGoverned = "PowerNotGoverned"
        case heldLower = "PowerHeldLower"
        case limitDrifted = "PowerLimitChangedByAnother"
        case zoneGone = "PowerZoneGone"
        case zoneDisabled = "PowerZoneDisabled"
        case overrideRejected = "PowerOverrideRejected"
        case overrideEnded = "PowerOverrideEnded"
        case operatorOrdered = "PowerOperatorOrder"
        case controlLost = "PowerControlLost"
        case controlRegained = "PowerControlRegained"

        /// What the controller did or tried.
        var action: String {
            switch self {
            case .limitChanged, .limitRefused, .zoneLocked, .notGoverned: "ApplyLimit"
            case .limitDrifted, .zoneGone, .zoneDisabled, .heldLower: "Sample"
            case .overrideRejected, .overrideEnded: "ReadOverride"
            case .operatorOrdered: "FollowOperator"
            case .controlLost, .controlRegained: "HoldControl"
            }
        }

        var type: Event.Kind {
            switch self {
            case .limitChanged, .overrideEnded, .controlRegained, .operatorOrdered: .normal
            case .limitRefused, .zoneLocked, .notGoverned, .heldLower, .limitDrifted, .zoneGone, .zoneDisabled, .overrideRejected,
                .controlLost:
                .warning
            }
        }
    }

    /// Whose Events these are.
    static let reporter = "powercap.dev/controller"

    let reason: Reason
    /// What it is about, a package or an annotation. Events of one reason and subject are one series.
    let subject: String
    /// What a person reads.
    let note: String

    /// As the API server is told of it.
    var event: Event {
        Event(action: reason.action, reason: reason.rawValue, type: reason.type, subject: subject, note: note)
    }
}
