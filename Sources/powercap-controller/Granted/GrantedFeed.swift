internal import Fleet
internal import HTTP
internal import LinuxSystem
internal import Logging
internal import Policy
internal import PowercapProtocol

/// What SOURCE=granted goes by: this node's part of a budget that it shares with others, which a coordinator grants again and again. It is
/// the node's side of the conversation (docs/fleet.md): a grant holds until its end by CLOCK_BOOTTIME, and then the node's rest does.
final class GrantedFeed: Feed {
    private let caller: any GrantCaller
    private let node: String
    private let log: Log?
    private let clock_ns: () -> UInt64
    private var tenure: Tenure?
    private var begun: (boot: BootID, lease_ns: UInt64)?
    private var hasControl = false
    /// What is so on the node; nil where that isn't known.
    private var standing: () -> Tenure.Standing? = { nil }
    /// Of the newest report.
    private var reported: Tenure.Standing?
    /// A decision had to do with less than is granted, because of that.
    private var isHeldBack = false
    /// What holds is another, and nothing was decided since: a report would say what was in force before.
    private var isUndecided = false
    private var isStarted = false
    /// When the node's work is looked at next, on CLOCK_BOOTTIME.
    private var look_ns: UInt64 = 0
    /// Nothing is granted, and what holds instead was found out.
    private var isResting = false
    /// What holds now.
    private var granted = Granted(limit: .zero, rest: nil, cause: .notGranted)
    private var counts: [String: UInt64] = [:]
    private var problem: GrantProblem?
    private var taken: Int64?
    private var (told, hasTold): (String?, Bool) = (nil, false)

    /// - Parameters:
    ///   - log: nil where nobody reads it.
    ///   - clock_ns: CLOCK_BOOTTIME.
    init(_ caller: any GrantCaller, node: String, _ log: Log?, clock_ns: @escaping () -> UInt64 = { Clock.boottime_ns }) {
        (self.caller, self.node, self.log, self.clock_ns) = (caller, node, log, clock_ns)
    }

    // MARK: What the loop tells

    /// Whom to ask for what is so on the node.
    func follow(_ standing: @escaping () -> Tenure.Standing?) { self.standing = standing }

    /// There is control, perhaps again, with a lease of this time at most.
    func begin(boot: BootID, lease_ns: UInt64) {
        if begun?.boot != boot || lease_ns > begun?.lease_ns ?? 0 {
            tenure = Tenure(node: node, boot: boot, lease_ns: lease_ns)
            begun = (boot, lease_ns)
            reported = nil
        }
        (hasControl, isResting) = (true, false)
        tenure?.hurry(now_ns: clock_ns())
    }

    /// Control is lost: what somebody else does to the limits isn't this node's to report.
    func end() { hasControl = false }

    /// A decision was carried out, as far as it could be, and read back: what became less is said at once, because others wait for it.
    func noteSet() {
        isUndecided = false
        guard let reported, let now = standing(), now.inForce < reported.inForce else { return }
        tenure?.hurry(now_ns: clock_ns())
    }

    /// The node's work was looked at: another demand is said at once.
    func noteDemand() {
        let now_ns = clock_ns()
        look_ns = now_ns + DemandMeter.step_ns
        guard let reported, let now = standing() else { return }
        let distance = max(now.demand, reported.demand) - min(now.demand, reported.demand)
        // What a coordinator takes for noise.
        if distance.rawValue > now.ceiling.rawValue / 50 { tenure?.hurry(now_ns: now_ns) }
        if let asks_ns, asks_ns <= now_ns { ask() }
    }

    /// What of it a decision may use now. While it isn't known what became of the newest report, others may have been given what that leaves
    /// of a grant: nothing goes above what it says.
    func bounded(_ reading: SourceReading) -> SourceReading {
        guard let open = tenure?.unanswered else { return reading }
        isHeldBack = isHeldBack || reading.power > open.inForce || reading.fallback.map { $0 > open.rest } ?? false
        return reading.lowered(to: open.inForce, rest: open.rest)
    }

    // MARK: The feed

    var data: SourceData { SourceData(.granted(granted)) }
    var place: String { caller.place }
    var trouble: String? { problem?.sentence }
    var fetches: FetchState? { nil }
    var descriptorNumber: Int32? { caller.descriptorNumber }

    /// How it stands, as everybody sees it.
    var state: GrantState {
        GrantState(
            place: caller.place, last: tenure?.lastTaken, taken: taken,
            ends_ns: isGranted ? tenure?.ends_ns : nil, rest: granted.rest, demand: reported?.demand,
            problem: problem?.sentence, counts: counts)
    }

    /// It is worked out anew at each turn: CLOCK_MONOTONIC stands still while the machine is asleep, and a grant doesn't.
    var due_ns: UInt64 {
        let now_ns = clock_ns()
        var due_ns = caller.due_ns
        func add(_ time_ns: UInt64) { due_ns = min(due_ns, time_ns <= now_ns ? 0 : Clock.monotonic_ns + (time_ns - now_ns)) }
        if let ends_ns = tenure?.ends_ns, isGranted { add(ends_ns) }
        if let asks_ns = asks_ns { add(asks_ns) }
        return due_ns
    }

    func start() { isStarted = true }

    func take() {}

    func refresh() -> Bool {
        let now_ns = clock_ns()
        var isNews = false
        if let reply = caller.take() { isNews = take(reply, now_ns) }
        if renew(now_ns) { isNews = true }
        if let asks_ns = asks_ns, asks_ns <= now_ns { ask() }
        return isNews
    }

    // MARK: Its own

    private var isGranted: Bool { granted.cause == nil }

    /// When to ask, on CLOCK_BOOTTIME; nil while there is nothing to say, or an answer is waited for.
    private var asks_ns: UInt64? {
        guard isStarted, hasControl, !isUndecided, !caller.isBusy, let tenure else { return nil }
        return tenure.asksAgain_ns(lookingAt: look_ns)
    }

    private func ask() {
        guard let now = standing(), tenure != nil else { return hasControl = false }
        let report = tenure!.ask(now, now_ns: clock_ns())
        reported = now
        caller.ask(report.bytes)
    }

    /// - Returns: whether a decision that was held back can go on.
    private func take(_ reply: ReportOutcome, _ now_ns: UInt64) -> Bool {
        do throws(GrantProblem) {
            switch reply {
            case .problem(let problem, let retryAfter_ms):
                tenure?.fail(retryAfter_ms: retryAfter_ms, now_ns: now_ns)
                throw problem
            case .grant(let bytes, let place): try take(bytes, place, now_ns)
            }
        } catch {
            count(error.kind)
            problem = error
        }
        tell()
        guard isHeldBack, tenure?.unanswered == nil else { return false }
        isHeldBack = false
        return true
    }

    private func take(_ bytes: [UInt8], _ place: String, _ now_ns: UInt64) throws(GrantProblem) {
        let grant: Grant
        do throws(FleetProblem) { grant = try Grant(bytes) } catch {
            tenure?.fail(retryAfter_ms: nil, now_ns: now_ns)
            let words = String(error.sentence.dropLast())
            if case .version = error { throw .version(place: place, words) }
            throw .unreadable(place: place, words)
        }
        switch tenure?.take(grant, now_ns: now_ns) {
        case .taken:
            count("taken")
            (problem, taken) = (nil, Clock.wall.seconds)
        case .nothingYet:
            count("nothing-yet")
            problem = nil
        case .overtaken, nil:
            count("overtaken")
            tenure?.fail(retryAfter_ms: nil, now_ns: now_ns)
        case .late: throw .late(place: place)
        case .superseded:
            tenure?.fail(retryAfter_ms: nil, now_ns: now_ns)
            throw .superseded(place: place)
        }
    }

    /// Puts together what holds now: whether that is something else than before.
    private func renew(_ now_ns: UInt64) -> Bool {
        guard let tenure, let granted = granted(by: tenure, now_ns), granted != self.granted else { return false }
        let wasGranted = isGranted
        (self.granted, isUndecided) = (granted, true)
        if wasGranted, !isGranted {
            log?.warning(
                "the grant is over, and no other came: the node goes to its rest",
                ("why", .text(problem?.sentence ?? "no coordinator has answered")), ("rest_uw", .power(granted.limit)))
        }
        return true
    }

    /// nil where it isn't known what is so on the node.
    private func granted(by tenure: Tenure, _ now_ns: UInt64) -> Granted? {
        if let limit = tenure.granted(at: now_ns) {
            isResting = false
            let rest = max(reported?.floor ?? .zero, tenure.lastTaken?.minimum ?? .zero)
            return Granted(limit: limit, rest: min(rest, limit))
        }
        // Found out once: each time that it is divided over packages, what is in force is a little less.
        if isResting { return granted }
        guard let now = standing() else { return nil }
        isResting = true
        // Where there is no fallback limit the node goes up to its ceiling: that is nothing to go on from.
        let held = now.rest < now.ceiling ? now.rest : nil
        var rest = tenure.rest(held: held, inForce: now.inForce, floor: now.floor)
        // It goes up by a grant alone.
        if tenure.lastTaken == nil, let held { rest = min(rest, held) }
        return Granted(limit: rest, rest: rest, cause: tenure.lastTaken == nil ? .notGranted : .grantEnded)
    }

    private func count(_ result: String) { counts[result, default: 0] += 1 }

    /// Once for each problem, and once when it is over.
    private func tell() {
        guard let problem else {
            if told != nil || !hasTold {
                log?.info(
                    told == nil ? "a coordinator answers" : "a coordinator answers again", ("coordinator", .text(place)),
                    ("limit_uw", .power(tenure?.lastTaken?.limit)))
            }
            (told, hasTold) = (nil, true)
            return
        }
        if problem.kind != told {
            log?.error(
                "nothing new is granted: what is granted holds until its end, and then the node's rest",
                ("why", .text(problem.sentence)))
        }
        (told, hasTold) = (problem.kind, true)
    }
}

extension Settings {
    /// What keeps up what is granted; nil where the source is another.
    func grantedFeed(_ log: Log) throws(UsageError) -> GrantedFeed? {
        guard configuration.policy.source == .granted, let node = configuration.nodeName else { return nil }
        do throws(HTTPProblem) { return GrantedFeed(try Coordinators(configuration.grants, node: node), node: node, log) } catch {
            throw .cannotAsk(given("GRANT_URL"), error.kind)
        }
    }
}
