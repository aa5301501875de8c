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
    private let packages: [Package]
    private let least_s: Int64
    private let first: Int64
    private let step_s: Int64
    private var at: Int64
    private var last: Decision
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
        packages = limits.packages
        self.least_s = least_s
        let apart_s = Swift.max(Int64(state.settings.configuration.stabilisationTime.rawValue / 1_000), 1)
        step_s = (Swift.max(least_s, apart_s) + apart_s - 1) / apart_s * apart_s
        first =
            state.now.seconds + Int64(clamping: (Swift.max(next_ns, state.monotonic_ns) - state.monotonic_ns) / 1_000_000_000)
        at = begun < first ? first : first + ((begun - first) / step_s + 1) * step_s
        last = decision.decision
        looked = Swift.max(state.now.seconds, begun)
        ends =
            (state.wishes.orders.standing.compactMap { state.end(of: $0) } + state.wishes.later.map(\.at))
            .filter { $0 > Swift.max(state.now.seconds, begun) }.sorted()[...]
    }

    mutating func next() -> Line? {
        // An end decides at once.
        var (moment, isEnd, isStep) = (at, false, false)
        if let end = ends.first, end < at { (moment, isEnd) = (end, true) }
        if let step = nextStep, step < moment { (moment, isEnd, isStep) = (step, false, true) }
        if isEnd { ends = ends.dropFirst() }
        looked = moment
        guard moment <= state.now.seconds + Outlook.horizon_s else { return nil }
        var then = state.wishes
        _ = then.orders.end(at: state.boot_ns + UInt64(moment - state.now.seconds + (isEnd ? 1 : 0)) * 1_000_000_000)
        if let later = then.later.last(where: { $0.at <= moment }) { then.node = later.node }
        let policy = state.settings.configuration.policy
        // What the node will have to do nobody knows: it is taken to stay as it is.
        let workload = Workload(isIdle: state.work?.isIdle ?? false)
        let reading = powerSource(for: policy, then.together, data: state.source.data).reading(at: Moment(seconds: moment))
        last = decide(
            packages: packages, policy: policy, reading: reading, overrides: then.together, workload: workload, last: last)
        if !isEnd && !isStep { at += step_s }
        return Line(at: moment, decision: last)
    }

    /// When the source's next step has been made, and something is to be looked at again.
    private var nextStep: Int64? {
        let policy = state.settings.configuration.policy
        return state.source.data.flatMap { powerSource(for: policy, data: $0).nextStep(after: Moment(seconds: looked)) }.map {
            Swift.max($0, looked + least_s)
        }
    }
}
