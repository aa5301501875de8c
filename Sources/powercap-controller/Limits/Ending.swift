internal import Logging
internal import PowercapProtocol

/// What became of the limits when the controller ended: the one answer that log, Node and exit status give.
enum Ending: Equatable, Sendable {
    /// No helper ever answered.
    case untouched
    /// Control could not be given back: the helper deals with the limits by itself.
    case abandoned
    case held
    /// They are the fallback limits now.
    case fallenBack
    case restored
    /// Nothing was changed, or nothing is any more.
    case nothingToRestore
    /// Another party changed a limit since: the others are restored.
    case foreign
    /// An original could not be restored.
    case incomplete

    /// After control was given back.
    init(_ action: ExitAction, _ released: Released) {
        self =
            if released.failed > 0 {
                .incomplete
            } else if action == .hold {
                .held
            } else if released.foreign > 0 {
                .foreign
            } else {
                released.fallback > 0 ? .fallenBack : released.restored > 0 ? .restored : .nothingToRestore
            }
    }

    /// Behind "The controller has ended: ".
    var words: String {
        switch self {
        case .untouched: "no limit was ever set"
        case .abandoned: "control could not be given back, and the helper deals with the limits by itself"
        case .held: "the limits stay as they were"
        case .fallenBack: "the limits are at the fallback limit"
        case .restored: "the original limits are back"
        case .nothingToRestore: "no limit had to be restored"
        case .foreign: "limits that another party set are left as they are"
        case .incomplete: "not every original limit could be restored, see the helper's log"
        }
    }

    var exitStatus: Int32 { self == .abandoned || self == .incomplete ? 1 : 0 }

    /// Tells what the helper has done.
    func tell(_ log: Log, _ fields: [Log.Field]) {
        switch self {
        case .untouched: log.info("stopped, no limit was ever set", fields)
        case .abandoned: log.warning("stopped without control: the helper deals with the limits by itself", fields)
        case .held: log.info("stopped, limits held", fields)
        case .fallenBack: log.info("stopped, limits at the fallback limit", fields)
        case .restored: log.info("stopped, original limits restored", fields)
        case .nothingToRestore: log.info("stopped, no limit had to be restored", fields)
        case .foreign: log.warning("stopped, limits that another party set are left as they are", fields)
        case .incomplete: log.error("stopped, but not every original limit could be restored: see the helper's log", fields)
        }
    }
}

extension ExitAction {
    /// What the helper is asked for. One that knows no fallback limits then holds.
    var disposal: LimitDisposal {
        switch self {
        case .restore: .restore
        case .hold: .hold
        case .fallback: .fallback
        }
    }
}
