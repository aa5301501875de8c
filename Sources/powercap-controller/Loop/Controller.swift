internal import HTTP
internal import LinuxSystem
internal import Logging
internal import Policy
internal import PowercapProtocol

/// The loop of `run`: sample, decide, apply, read back, publish. One thread, which sleeps until the next thing is due, the helper's
/// connection ends, the API server says something, or a signal comes.
final class Controller {
    let settings: Settings
    let configuration: Configuration
    let source: FollowedSource
    /// The source itself where limits are granted; nil with another.
    let granted: GrantedFeed?
    let log: Log
    private let signals: Signals
    let epoll: Epoll
    /// A helper that was restarted is found within a second.
    var backoff = Backoff(first_ms: 250, longest_ms: 10_000)
    /// nil while there is no control over the limits.
    var session: ControlSession?
    /// The session has lived through a sample: losing it isn't one more failed attempt.
    var isProven = false
    /// Of the last session: with the token, control is kept when only the connection was lost.
    var last: (token: UInt64, onLeaseExpiry: LimitDisposal)?
    var decided: Decided?
    /// When this process began.
    private let started = Clock.wall.seconds
    /// How the helper introduced itself last.
    var welcome: Welcome?
    let tally = Tally()
    private(set) var history = History()
    let book: OrderBook
    var listeners: Listeners!
    /// Nothing is tried a second time.
    var isOnce = false
    /// What was last reported about the connection, so that it isn't told at every attempt.
    var reportedProblem: HelperError?
    /// The last attempt was closed without an answer.
    var wasClosed = false
    /// What was last reported about a batch that failed as a whole.
    var reportedFailure: Failure?
    var due = Schedule()
    private var clock = StepDetector()
    let node: NodeLink
    /// What doesn't fit the zones of a helper that came back; to be told when control is granted.
    var misfit: UsageError?
    /// The helper's floor that was last looked at.
    var reportedFloor: Microwatts?
    /// Why the helper doesn't go to the fallback limit, as it was last told.
    var reportedFallback: String?
    let supervisor: Supervisor
    /// Control was lost: that it is back is worth telling.
    var isControlMissed = false
    /// Somebody wants an answer of the controller's own.
    private var isAsked = false
    /// And nothing else has happened, or is due, since it slept: what was answered is still so.
    var isOnlyAsked = false
    let lastAnswer = LastAnswer()
    /// Something has happened since it slept.
    private var isWoken = true
    /// When it has something to do beside renewing its lease, as that was known before it slept; on CLOCK_MONOTONIC.
    private var othersDue_ns: UInt64 = 0
    /// nil where nothing goes by the node's work.
    let work: WorkWatch?
    /// nil where the node's limit isn't the server's.
    var server: ServerWatch?
    /// Devices that aren't the helper's; nil where there are none.
    let bank: (any DeviceBank)?
    /// What it was at the last decision.
    var workload = Workload()
    /// The decision that limits wait for power for changes nothing but the packages' parts.
    var isMove = false
    /// When the history was last told.
    private var noted_ns: UInt64 = 0
    /// What was last published.
    var published: NodeRecord?
    /// More is in force than is granted, and couldn't be lowered: the lease isn't renewed, so that the helper does it.
    var isAboveGrant = false
    private var spareCode = SpareCode(Clock.monotonic_ns)

    /// When things are due, on CLOCK_MONOTONIC.
    struct Schedule {
        var connect_ns: UInt64 = 0
        var decide_ns: UInt64 = 0
        var sample_ns: UInt64 = 0
        var renew_ns: UInt64 = 0
        /// A limit is on its way, or may set out: the source needn't be asked for it.
        var shape_ns: UInt64 = .max
        /// Of the node's work.
        var step_ns: UInt64 = .max
    }

    enum Token {
        static let signals: UInt64 = 1
        static let helper: UInt64 = 2
        static let api: UInt64 = 3
        static let feed: UInt64 = 4
        static let live: UInt64 = 5
        static let bank: UInt64 = 6
        /// And the one behind it.
        static let listeners: UInt64 = 7
    }

    /// - Parameters:
    ///   - feed: nil where the source goes by a formula.
    ///   - own: nil where Kubernetes is off.
    ///   - bank: devices that aren't the helper's; nil where there are none.
    init(
        settings: Settings, feed: (any Feed)?, node own: OwnNode?, bank: (any DeviceBank)? = nil, log: Log
    ) throws(Errno) {
        (self.settings, self.log, granted) = (settings, log, feed as? GrantedFeed)
        configuration = settings.configuration
        source = FollowedSource(settings.configuration.policy, feed, live: try settings.liveFeed(log))
        node = NodeLink(own, settings.configuration, log)
        supervisor = Supervisor(log)
        book = OrderBook(log)
        work = WorkWatch(settings.configuration.policy, log)
        (server, self.bank) = (ServerWatch(settings.configuration.policy), bank)
        signals = try Signals()
        epoll = try Epoll()
        try epoll.add(signals.number, token: Token.signals)
        if let number = source.descriptorNumber { try epoll.add(number, token: Token.feed) }
        if let number = source.liveDescriptorNumber { try epoll.add(number, token: Token.live) }
        if let number = bank?.descriptorNumber { try epoll.add(number, token: Token.bank) }
        listeners = Listeners(configuration, log, firstToken: Token.listeners) { [unowned self] request in
            lastAnswer.answer(request, Clock.monotonic_ns) { Routes(self, operators: configuration.controlGroup).answer(request) }
        }
        granted?.follow { [unowned self] in standing }
    }

    /// Runs until SIGTERM, SIGINT or SIGHUP: the exit status. The first two end this system's work on the node, SIGHUP ends only
    /// this process.
    /// - Throws: a configuration that doesn't fit the zones. Nothing has been written for it then.
    func run() throws(UsageError) -> Int32 {
        try step(Clock.monotonic_ns)
        node.start(in: epoll, token: Token.api)
        source.start()
        while true {
            listeners.open(in: epoll, Clock.monotonic_ns)
            supervisor.step(state.supervisorStatus, Clock.monotonic_ns)
            let signal = wait().map { "\($0)" }
            let woken_ns = Clock.monotonic_ns
            if let signal {
                listeners.close()
                return signal == "SIGHUP" ? handOver(signal) : end(signal)
            }
            if isAsked { answer(woken_ns) }
            try step(Clock.monotonic_ns)
            if !isOnlyAsked { lastAnswer.forget() }
            spareCode.step(woken_ns)
            tally.counts.noteTurn(Clock.monotonic_ns - woken_ns)
        }
    }

    /// One cycle: connect, decide, apply, read back; then what ON_EXIT says. Devices whose driver takes its time are waited for.
    func runOnce() throws(UsageError) -> Int32 {
        isOnce = true
        let patience_ns = Clock.monotonic_ns + Controller.oncePatience_ns
        try step(Clock.monotonic_ns)
        while let limits = session?.limits, limits.isPending || limits.isWaiting, Clock.monotonic_ns < patience_ns {
            due.sample_ns = min(due.sample_ns, Clock.monotonic_ns + Handover.look_ns)
            if let signal = wait() { return end("\(signal)") }
            try step(Clock.monotonic_ns)
        }
        guard let session else { return 1 }
        return max(end("--once"), session.limits.isComplete ? 0 : 1)
    }

    /// Firmware behind ACPI or IPMI takes seconds. What takes longer than this is told as not set.
    private static let oncePatience_ns: UInt64 = 15_000_000_000

    // MARK: A step

    private func step(_ now_ns: UInt64) throws(UsageError) {
        if session == nil, now_ns >= due.connect_ns, let candidate = connect() {
            // Before control is even asked for: a floor that doesn't fit must not write anything. Only a start ends by it: zones that
            // came back with another ceiling are no reason to leave a node alone that was governed for days.
            do throws(UsageError) { try check(candidate) } catch {
                guard last != nil else { throw error }
                misfit = error
            }
            takeControl(candidate, now_ns)
        }
        endOrders()
        if now_ns >= source.due_ns, source.refresh() { (due.decide_ns, isWoken) = (0, true) }
        if bank?.step(now_ns) == true { due.sample_ns = 0 }
        if let session { do throws(HelperError) { try cycle(session, now_ns) } catch { fail(error) } }
        tally.counts.lostLogLines += log.tellLost()
        // A lease that was renewed and nothing else is nothing to tell of.
        if session != nil, !isWoken, now_ns < othersDue_ns { return }
        if node.step(publish(), now_ns) {
            source.follow(wishes.together)
            due.decide_ns = 0
        }
    }

    /// As everybody sees it who asks.
    var state: NodeState {
        var helper = HelperState(socket: configuration.helperSocket, welcome: welcome, problem: reportedProblem?.sentence)
        if let session { helper.lease = HelperState.Lease(time_ms: session.lease_ms, ends_ns: session.leaseEnds_ns) }
        return NodeState(
            now: .now, monotonic_ns: Clock.monotonic_ns, boot_ns: Clock.boottime_ns, started: started, settings: settings,
            source: source.state, wishes: wishes, helper: helper,
            limits: session?.limits, power: session?.power ?? [:], decision: decided,
            nextDecision_ns: session == nil ? nil : due.decide_ns, api: node.state, listeners: listeners.states,
            counts: tally.counts, work: work?.state(isMoving: isMove && session?.limits.isWaiting == true), meter: server?.meter,
            services: bank?.states ?? [])
    }

    var wishes: Wishes {
        Wishes(
            node: node.overrides, rejected: node.rejected, notes: node.notes, later: node.later, orders: book.orders,
            ordersProblem: book.problem?.words)
    }

    /// Does what is due.
    private func cycle(_ session: ControlSession, _ now_ns: UInt64) throws(HelperError) {
        if clock.stepped(monotonic_ns: now_ns, wall_ns: Clock.wall_ns) {
            log.info("the clock was set, or the node was asleep: deciding anew")
            (due.decide_ns, isWoken) = (now_ns, true)
            // An override may have ended by it, or hold again.
            node.wake()
        }
        // Before the lease is renewed: should this be the last that this process does, the helper has to act while the grant still holds.
        if granted != nil, now_ns >= due.decide_ns { try follow(session, now_ns) }
        // First, because a lease that has run out explains what a sample then shows.
        if now_ns >= due.renew_ns { try renew(session, now_ns) }
        if now_ns >= due.step_ns { try step(session, now_ns) }
        if now_ns >= due.sample_ns { try sample(session, now_ns) }
        if now_ns >= due.decide_ns {
            try follow(session, now_ns)
        } else if now_ns >= due.shape_ns {
            try decideAndApply(session)
        }
    }

    func renew(_ session: ControlSession, _ now_ns: UInt64) throws(HelperError) {
        tally.counts.noteLateness(now_ns - min(due.renew_ns, now_ns))
        // Before the answer, which may be an error.
        due.renew_ns = now_ns + session.renewal_ns
        if isAboveGrant { return }
        try session.renew()
    }

    func sample(_ session: ControlSession, _ now_ns: UInt64) throws(HelperError) {
        due.sample_ns = now_ns + configuration.sampleInterval.nanoseconds
        let observations = try session.sample(onDrift: configuration.onDrift)
        isProven = true
        backoff.succeed()
        work?.note(session.lastSample, session.limits)
        if now_ns >= noted_ns + Controller.fresh_ns {
            noted_ns = now_ns
            history.note(state)
        }
        // What was seen changes what the packages may take, or has to be put right: at once, not at the next decision.
        if session.isRejoined || observations.contains(where: \.callsForDecision) {
            try decideAndApply(session)
        } else if session.limits.isWaiting {
            try decideAndApply(session, isMove: isMove)
        }
        planLook(session)
    }

    // MARK: Waiting

    /// Sleeps until something is due or happens: the signal that came, or nil.
    private func wait() -> StaticString? {
        let now_ns = Clock.monotonic_ns
        let own_ns = session == nil ? due.connect_ns : min(due.decide_ns, due.sample_ns, due.step_ns, due.shape_ns)
        let work_ns = min(own_ns, source.due_ns, node.due_ns, supervisor.due_ns, ordersDue_ns(now_ns), bank?.due_ns ?? .max)
        othersDue_ns = min(work_ns, listeners.due_ns)
        (isWoken, isOnlyAsked) = (true, false)
        let quiet_ns = session == nil ? work_ns : min(work_ns, due.renew_ns)
        let next_ns = min(quiet_ns, listeners.due_ns)
        let milliseconds = next_ns <= now_ns ? 0 : min((next_ns - now_ns + 999_999) / 1_000_000, 3_600_000)
        guard let count = try? epoll.wait(milliseconds: Int32(milliseconds)) else { return nil }
        isAsked = listeners.due_ns <= Clock.monotonic_ns
        // What a source says is told of at once where it changes something, or else with the next look at the node's work, if there is one.
        isWoken = (0..<count).contains { epoll[$0].token != Token.feed || due.step_ns == .max }
        isOnlyAsked = Clock.monotonic_ns < quiet_ns && (0..<count).allSatisfy { epoll[$0].token >= Token.listeners }
        for index in 0..<count {
            switch epoll[index].token {
            case Token.signals: if let signal = signals.next() { return signal }
            case Token.api: node.wake()
            // Every step looks what has come.
            case Token.bank: break
            case Token.feed: if source.take() { (due.decide_ns, isWoken) = (0, true) }
            case Token.live: if source.takeLive() { due.decide_ns = 0 }
            case Token.listeners...: isAsked = true
            // The helper sends nothing unasked, so this is its end.
            default: if session != nil { lose(.closed(greeting: false)) }
            }
        }
        return nil
    }
}
