internal import Kubernetes
internal import LinuxSystem
internal import Policy
internal import PowercapProtocol

/// Everything there is to say about the running controller, as it is at one moment (P15). The loop makes it where somebody asks; the
/// Node's record, systemd's status line, `status`, `explain`, metrics and the page read it, and find nothing out by themselves.
struct NodeState: Sendable {
    /// When it was made.
    let now: Moment
    /// CLOCK_MONOTONIC and CLOCK_BOOTTIME then.
    let (monotonic_ns, boot_ns): (UInt64, UInt64)
    /// When this process began, in seconds since 1970.
    let started: Int64
    let settings: Settings
    let source: SourceState
    let wishes: Wishes
    let helper: HelperState
    /// The packages and zones of the connected helper; nil while there is no control over the limits.
    let limits: NodeLimits?
    /// The average power of each zone between the last two samples, by the zone's id.
    let power: [String: Microwatts]
    /// The last decision; also of before control was lost.
    let decision: Decided?
    /// When the next one is due, on CLOCK_MONOTONIC; nil without control.
    let nextDecision_ns: UInt64?
    /// nil where Kubernetes is off.
    let api: APIState?
    let listeners: [ListenerState]
    let counts: Counts
    /// nil where nothing goes by the node's work.
    var work: WorkState? = nil
    /// The id of the zone that is the whole server's meter; nil where nobody asks one, or there is none.
    var meter: String? = nil
    /// Those of DEVICE_URL.
    var services: [DeviceServiceState] = []

    /// What the controller does with the node's limits.
    enum Phase: String, Sendable {
        /// They follow the source, or an override.
        case managed
        /// They stay as they are, by an override.
        case paused
        /// There is no control over them.
        case uncontrolled
        /// It has ended, and given control back.
        case stopped
    }

    /// A time of CLOCK_MONOTONIC in seconds since 1970, rounded down, as the clock on the wall is set now.
    func wall(_ ns: UInt64) -> Int64 {
        let ahead_ns = Int64(clamping: ns) - Int64(clamping: monotonic_ns)
        return now.seconds + (ahead_ns >= 0 ? ahead_ns / 1_000_000_000 : -((-ahead_ns + 999_999_999) / 1_000_000_000))
    }

    /// The clock that decisions of a shaped policy go by.
    var shapeClock_ms: Int64 { Int64(clamping: monotonic_ns / 1_000_000) }

    var phase: Phase { limits == nil ? .uncontrolled : wishes.together.paused ? .paused : .managed }

    /// The packages that are there, with their limits.
    var entries: [NodeLimits.Entry] { limits.map { limits in limits.present.map { limits.entries[$0] } } ?? [] }

    /// The packages' long-term limits together, as they were read back (P4, P13): for each the lowest of every register that limits it. nil
    /// where one isn't known or enforced, before the first decision, and without control.
    var inForce: Microwatts? {
        guard let limits, decision != nil, !entries.isEmpty else { return nil }
        return InForce.sum(entries.map { limits.inForce($0) })
    }

    /// What the packages' long-term limits become together when the controller is lost, as the helper holds it (P18); nil where the
    /// originals come back, and without control.
    var fallback: Microwatts? { limits?.fallback }

    /// This boot was begun at the fallback limits, and the next one begins at what is held now: a node that is gone for a moment, or
    /// boots, has no more than `fallback`.
    var bootsAtFallback: Bool { helper.welcome?.boot.contains(.atFallback) == true && limits?.isFallbackKept == true }

    /// The power of the devices together; nil where one isn't known.
    var drawn: Microwatts? {
        guard !entries.isEmpty else { return nil }
        return entries.reduce(Microwatts?.some(.zero)) { sum, entry in
            // What sleeps isn't measured, so that it sleeps on.
            let own = power[entry.device.zone] ?? (limits?.isSuspended(entry) == true ? .zero : nil)
            return sum.flatMap { sum in own.map { sum + $0 } }
        }
    }
}

/// The source as it was last read.
struct SourceState: Equatable, Sendable {
    let name: SourceName
    let reading: SourceReading
    /// When it was read, in seconds since 1970.
    let read: Int64
    /// What it goes by; nil where that is a formula.
    var data: SourceData?
    /// Where the data come from; nil without data.
    var file: SourceFileState?
    /// How it stands with asking for them; nil where they lie on this machine.
    var fetches: FetchState?
    /// nil where nothing is measured beside it.
    var live: LiveState?
    /// How it stands with what is granted; nil where the source is another.
    var grant: GrantState?
}

/// What is measured beside the source.
struct LiveState: Equatable, Sendable {
    /// The last one; nil before the first.
    let value: LiveValue?
    /// Where it comes from.
    let place: String
    /// What is wrong with it now, behind the place; nil where nothing is.
    let problem: String?
}

/// The file that a source goes by, or the service.
struct SourceFileState: Equatable, Sendable {
    let path: String
    /// What is wrong with it now, behind its path; nil where nothing is.
    let problem: String?
}

/// A decision, and when it was made.
struct Decided: Equatable, Sendable {
    let decision: Decision
    /// In seconds since 1970.
    let at: Int64
}

/// The helper, and the control over its limits.
struct HelperState: Equatable, Sendable {
    let socket: String
    /// As it introduced itself; nil before the first answer.
    var welcome: Welcome?
    /// Granted with the last renewal; nil without control.
    var lease: Lease?
    /// Why there is no control; nil where there is.
    var problem: String?

    struct Lease: Equatable, Sendable {
        let time_ms: UInt32
        /// When it ends unless it is renewed, on CLOCK_MONOTONIC.
        let ends_ns: UInt64
    }
}

/// What is asked for against the configuration, and by whom.
struct Wishes: Equatable, Sendable {
    /// By the Node's annotations, as far as they can be followed.
    var node = Overrides()
    /// What the Node's annotations ask for and this node can't do.
    var rejected: [Rejection] = []
    /// What people have to know of them beside, each a sentence: when they end, that they have ended, and why they are there.
    var notes: [String] = []
    /// What they are after each end that is known, in the order of these.
    var later: [Later] = []
    /// By an operator on this machine.
    var orders = Orders()
    /// Orders that were saved and can't be read: why. Until somebody gives new ones the floor holds.
    var ordersProblem: String?

    struct Rejection: Equatable, Sendable {
        /// The annotation.
        let name: String
        let value: String
        /// What a person reads: what is wrong with it, and what holds instead.
        let sentence: String
    }

    struct Later: Equatable, Sendable {
        /// In seconds since 1970.
        let at: Int64
        let node: Overrides
    }

    /// What the policy follows.
    var together: Overrides {
        var own = orders.overrides
        // Whatever it was, it wasn't less than the floor.
        if ordersProblem != nil { own.limit = .zero }
        return node.together(with: own)
    }
}

/// A place where the controller can be asked.
struct ListenerState: Equatable, Sendable {
    /// `control` or `metrics`.
    let name: String
    /// A path, or an address with its port.
    let place: String
    /// Why nobody is answered there; nil where somebody is.
    let problem: String?
}

/// The API server, and how this machine's Node stands with it.
struct APIState: Equatable, Sendable {
    let server: String
    let node: String
    /// Why Kubernetes is used at all.
    let reason: String
    /// The Node is being watched, or was a moment ago.
    let isWatching: Bool
    /// What is to stand on the Node stands there.
    let isPublished: Bool
    /// What is wrong with it, each a sentence.
    let troubles: [String]
    /// How many requests ended, by verb and by status or cause.
    let requests: [APIClient.Outcome: UInt64]
    /// How often the watch was begun after the first time.
    let watchRestarts: UInt64
}
