internal import LinuxSystem
internal import Policy
internal import PowercapProtocol

/// The decisions that the running controller is going to make within a day, as far as is known today: by the source, and by overrides
/// until they end. Made with the decision's own function, each when it is asked for; limits that others hold are taken to stay.
struct Outlook: Sequence, IteratorProtocol {
    /// A decision to come.
    struct Line: Equatable, Sendable {
        /// In seconds since 1970.
        let at: Int64
        let decision: Decision
    }

    private let state: NodeState
    private let devices: [Device]
    /// Of the whole server (BUDGET_OF=server), beside its devices: taken to stay as it is.
    private let rest: Microwatts
    private let least_s: Int64
    private let first: Int64
    private let step_s: Int64
    private var at: Int64
    private var last: Decision
    private var reading: SourceReading
    /// Up to when everything has been looked at, in seconds since 1970.
    private var looked: Int64
    /// When orders and the Node's overrides end, the next one first.
    private var ends: ArraySlice<Int64>

    /// How far ahead is looked.
    static let horizon_s: Int64 = 86_400

    /// nil before the first decision, and without control.
    /// - Parameter least_s: what lies closer together is passed over, but for the end of an order. No decision depends on the one before
    ///   while nothing pauses it.
    /// - Parameter after: in seconds since 1970, when another outlook has been so far.
    init?(from state: NodeState, atLeast least_s: Int64 = 1, after begun: Int64 = .min) {
        guard let limits = state.limits, let decision = state.decision, let next_ns = state.nextDecision_ns else { return nil }
        self.state = state
        devices = limits.devices
        rest = decision.decision.server?.loop.rest ?? .zero
        self.least_s = least_s
        let apart_s = Swift.max(Int64(state.settings.configuration.stabilisationTime.rawValue / 1_000), 1)
        step_s = (Swift.max(least_s, apart_s) + apart_s - 1) / apart_s * apart_s
        first =
            state.now.seconds + Int64(clamping: (Swift.max(next_ns, state.monotonic_ns) - state.monotonic_ns) / 1_000_000_000)
        at = begun < first ? first : first + ((begun - first) / step_s + 1) * step_s
        (last, reading) = (decision.decision, state.source.reading)
        looked = Swift.max(state.now.seconds, begun)
        ends =
            (state.wishes.orders.standing.compactMap { state.end(of: $0) } + state.wishes.later.map(\.at))
            .filter { $0 > Swift.max(state.now.seconds, begun) }.sorted()[...]
    }

    mutating func next() -> Line? {
        // An end decides at once.
        var (moment, isEnd, isStep, isMove) = (at, false, false, false)
        if let end = ends.first, end < at { (moment, isEnd) = (end, true) }
        if let step = nextStep, step < moment { (moment, isEnd, isStep) = (step, false, true) }
        // It moves, and the source isn't asked.
        if let move = nextMove, move < moment { (moment, isEnd, isStep, isMove) = (move, false, true, true) }
        if isEnd { ends = ends.dropFirst() }
        looked = moment
        guard moment <= state.now.seconds + Outlook.horizon_s else { return nil }
        var then = state.wishes
        _ = then.orders.end(at: state.boot_ns + UInt64(moment - state.now.seconds + (isEnd ? 1 : 0)) * 1_000_000_000)
        if let later = then.later.last(where: { $0.at <= moment }) { then.node = later.node }
        let policy = state.settings.configuration.policy
        // What the node will have to do nobody knows: it is taken to stay as it is.
        let workload = Workload(isIdle: state.work?.isIdle ?? false)
        if !isMove {
            reading = powerSource(
                for: policy, then.together, data: state.source.data, live: state.source.live?.value
            ).reading(
                at: Moment(seconds: moment), for: devices, policy, then.together
            ) { Moment(seconds: $0) }
        }
        last = decide(
            devices: devices, policy: policy, reading: reading, overrides: then.together, workload: workload, rest: rest,
            last: last,
            at_ms: state.shapeClock_ms + (moment - state.now.seconds) * 1_000)
        if !isEnd && !isStep { at += step_s }
        return Line(at: moment, decision: last)
    }

    /// When the source's next step has been made, and something is to be looked at again.
    private var nextStep: Int64? {
        let policy = state.settings.configuration.policy
        let source = powerSource(for: policy, data: state.source.data, live: state.source.live?.value)
        let step = source.nextStep(after: Moment(seconds: looked))
        let look = reading.nextLook_ms.map { ($0 + 999) / 1_000 }
        return [step, look].compactMap { $0 }.min().map { Swift.max($0, looked + least_s) }
    }

    /// When the limit has gone a part of its way, or may go it.
    private var nextMove: Int64? {
        last.shape?.nextMove(state.settings.configuration.policy).map {
            Swift.max(state.now.seconds + ($0 - state.shapeClock_ms + 999) / 1_000, looked + least_s)
        }
    }
}
