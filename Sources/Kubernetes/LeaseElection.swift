internal import HTTP
internal import JSON
public import LinuxSystem
public import Logging

/// Takes part in an election by a Lease of coordination.k8s.io. Nothing here ever waits.
public final class LeaseElection {
    /// What a candidate needs to know before it answers anybody.
    public struct Term: Equatable, Sendable {
        /// Until when it leads, on CLOCK_BOOTTIME; 0 where it doesn't.
        public let validUntil_ns: UInt64
        /// How often the Lease has changed hands: a later leader's is higher, unless somebody deletes the Lease.
        public let epoch: UInt64

        /// Whether it leads: nobody else does.
        public func isValid(at boottime_ns: UInt64) -> Bool { boottime_ns < validUntil_ns }
    }

    /// The candidate's own.
    public var identity: String { election.identity }
    /// Who has the Lease, as far as is known; nil where nobody has.
    public var holder: String? { election.lease.map(\.spec.holder).flatMap { $0.isEmpty || $0 == Election.nobody ? nil : $0 } }
    /// What is wrong, in a sentence; nil where nothing is.
    public var why: String? { trouble.sentence }
    /// As it is now. It is asked for right before each answer: it ends without anything happening.
    public var term: Term { Term(validUntil_ns: election.validUntil_ns, epoch: election.epoch) }

    private let client: APIClient
    private let leases: Resource
    private let name: String
    private let log: Log
    private let clock: () -> UInt64
    private var election: Election
    private var trouble: Trouble
    private var inFlight: (exchange: Exchange, sent_ns: UInt64)?
    /// What was told of last.
    private var toldHolder: String?
    private var wasLeading = false

    /// - Parameters:
    ///   - lease: the Lease's name; it is made where there is none.
    ///   - name: what people call this candidate. Something random is added: what an earlier process of the same name was given isn't this one's.
    ///   - lease_s: how long others wait after the last sign of life, s.
    ///   - clock: CLOCK_BOOTTIME in nanoseconds.
    public init(
        _ client: APIClient, lease: String, in namespace: String, identity name: String, lease_s: UInt64 = 8, _ log: Log,
        _ causes: SharedCauses = SharedCauses(), clock: @escaping () -> UInt64 = { Clock.boottime_ns }
    ) {
        (self.client, self.name, self.log, self.clock) = (client, lease, log, clock)
        leases = Resource(group: "coordination.k8s.io", "v1", "leases", in: namespace)
        var timing = Election.Timing()
        timing.lease_s = lease_s
        let unlike = String(UInt64.random(in: 1 << 60...UInt64.max), radix: 16)
        election = Election(identity: "\(name)_\(unlike)", timing: timing)
        trouble = Trouble("the Lease can't be asked for", log, causes)
    }

    /// When `step` has something to do, on CLOCK_MONOTONIC.
    public var due_ns: UInt64 {
        let due_ns = inFlight.map { $0.sent_ns + election.timing.answer_ns } ?? election.due_ns
        // A term that ends is told of.
        let next_ns = min(due_ns, wasLeading ? election.validUntil_ns : .max)
        if next_ns == .max { return .max }
        let now_ns = clock()
        return Clock.monotonic_ns + (next_ns - min(now_ns, next_ns))
    }

    /// A request is on its way.
    var isBusy: Bool { inFlight != nil }

    /// The Lease is given back, or can't be.
    public var isOver: Bool { election.isOver }

    /// Does what is due.
    public func step() {
        let now_ns = clock()
        if let (exchange, sent_ns) = inFlight, now_ns >= sent_ns + election.timing.answer_ns {
            client.giveUp(exchange)
            failed(.failed(.silent), now_ns)
        }
        if inFlight == nil, let step = election.next(now_ns, at: Timestamp.microseconds(Clock.wall)) { send(step, now_ns) }
        tell(now_ns)
    }

    /// Gives the Lease back where this candidate has it: it doesn't lead from now on, and whoever waits need not wait any longer.
    public func release() {
        if let inFlight { client.cancel(inFlight.exchange) }
        inFlight = nil
        election.release(clock())
        step()
    }

    private func send(_ step: Election.Step, _ now_ns: UInt64) {
        let request =
            switch step {
            case .read: leases.get(name)
            case .create(let spec): leases.create(Lease.object(name, in: leases.namespace ?? "", spec))
            case .update(let lease, let spec): leases.update(name, lease.object(spec))
            }
        do throws(APIProblem) {
            inFlight = (try client.send(request) { [weak self] in self?.ended(step, $0) }, now_ns)
        } catch { failed(error, now_ns) }
    }

    private func ended(_ step: Election.Step, _ result: Result<Answer, APIProblem>) {
        inFlight = nil
        let now_ns = clock()
        switch result {
        case .success(let answer):
            guard let object = try? JSON(answer.body, Lease.interest, within: .file) else {
                return failed(.failed(.garbled("the answer is no object")), now_ns)
            }
            do throws(JSONField.Problem) { took(.found(try Lease(object)), now_ns) } catch {
                failed(.failed(.garbled("the Lease's \(error.words)")), now_ns)
            }
        // A write to what isn't there any more; a read of what never was.
        case .failure(let problem) where problem.status == 404: took(.absent, now_ns)
        case .failure(let problem) where problem.status == 409 && step != .read: took(.conflict, now_ns)
        case .failure(let problem): failed(problem, now_ns)
        }
        tell(now_ns)
    }

    private func took(_ outcome: Election.Outcome, _ now_ns: UInt64) {
        if trouble.end() { log.info("the Lease can be asked for again", ("lease", .text(name))) }
        election.took(outcome, now_ns)
    }

    private func failed(_ problem: APIProblem, _ now_ns: UInt64) {
        inFlight = nil
        let monotonic_ns = Clock.monotonic_ns
        let retry_ns = trouble.met(problem, monotonic_ns, ("lease", .text(name)))
        // An election is no place for long pauses: the first that finds the server again leads.
        election.took(.failed, now_ns, wait_ns: min(retry_ns - min(monotonic_ns, retry_ns), LeaseElection.longestPause_ns))
    }

    private static let longestPause_ns: UInt64 = 2_000_000_000

    // MARK: What is told

    private func tell(_ now_ns: UInt64) {
        let isLeading = election.leads(at: now_ns)
        if isLeading != wasLeading {
            wasLeading = isLeading
            let fields: [Log.Field] = [("lease", .text(name)), ("epoch", .number(election.epoch))]
            if isLeading {
                log.info("this coordinator leads", fields)
            } else if election.isReleasing {
                log.info("the Lease is given back", fields)
            } else {
                log.warning("this coordinator does not lead any more", fields + [("holder", .text(holder ?? ""))])
            }
        }
        guard let holder, holder != toldHolder, holder != identity else { return }
        toldHolder = holder
        log.info("another coordinator leads", ("lease", .text(name)), ("holder", .text(holder)))
    }
}
