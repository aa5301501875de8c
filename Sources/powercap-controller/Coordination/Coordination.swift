internal import Fleet
internal import HTTP
internal import HTTPServer
internal import JSON
internal import Kubernetes
internal import LinuxSystem
internal import Logging
internal import Metrics
internal import PowercapProtocol

/// The loop of `coordinate`: takes part in the election, follows budgets and Nodes, and while it leads answers what nodes ask. One thread, which
/// sleeps until something is due or happens, and waits for nobody.
final class Coordination {
    let options: CoordinateOptions
    let client: APIClient
    let election: LeaseElection
    let log: Log
    let started = Clock.wall.seconds
    private let signals: Signals
    private let epoll: Epoll
    private let supervisor: Supervisor
    let tokens: TokenCache
    private let records: RecordKeeper
    private let causes: SharedCauses
    /// Of several shards: what is so of all parts, and whether somebody divides budgets over them.
    private var parts: Collection<PartHead>?
    private var parentWatch: ParentWatch?
    private let statuses: StatusKeeper
    private let events: EventKeeper
    private(set) var budgets: Collection<JSON>
    private(set) var nodes: Collection<FleetNode>
    private(set) var desk: GrantDesk
    /// nil while another one has the Lease, or nobody.
    private(set) var leader: Leader?
    private(set) var turns = Counts().turns
    private(set) var answers = Histogram(bounds: [0.000_05, 0.000_1, 0.000_25, 0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.1])
    private var grants: HTTPListener?
    private(set) var listeners: Listeners!
    private var complaints = Allowance(burst: 2, refill_ns: 60_000_000_000)
    /// Descriptors of sources that are in the epoll.
    private var watched: Set<Int32> = []

    private enum Token {
        static let signals: UInt64 = 1
        static let api: UInt64 = 2
        static let grants: UInt64 = 3
        static let source: UInt64 = 4
        static let listeners: UInt64 = 5
    }

    init(_ options: CoordinateOptions, _ access: ClusterAccess, _ log: Log) throws(APIProblem) {
        (self.options, self.log) = (options, log)
        client = try APIClient(access, userAgent: OwnNode.userAgent)
        let causes = SharedCauses()
        self.causes = causes
        desk = GrantDesk(shard: options.shard, of: options.sharding)
        election = LeaseElection(
            client, lease: "powercap-coordinator-\(options.shard)", in: options.namespace, identity: options.identity, log, causes
        )
        budgets = Collection(client, .budgets, log, causes) { $0 }
        nodes = Collection(client, .nodes, log, causes, read: FleetNode.init)
        records = RecordKeeper(client, shard: options.shard, of: options.sharding, log, causes)
        if options.sharding.count > 1 {
            parts = Collection(client, options.shard == 0 ? .parts(nil) : .parts(options.shard), log, causes, read: PartHead.init)
            parentWatch = options.shard == 0 ? nil : ParentWatch(client, in: options.namespace, log, causes)
        }
        events = EventKeeper(client, instance: election.identity, log, causes)
        statuses = StatusKeeper(client, events, log, causes)
        tokens = TokenCache(client, audience: options.audience, account: options.account, log, causes)
        supervisor = Supervisor(log)
        do throws(Errno) {
            (signals, epoll) = (try Signals(), try Epoll())
            try epoll.add(signals.number, token: Token.signals)
            try epoll.add(client.descriptorNumber, token: Token.api)
        } catch { throw .failed(.broken("\(error.explanation) (\(error.name))")) }
        listeners = Listeners(metrics: options.metricsAddress, log, token: Token.listeners) { [unowned self] in
            CoordinatorRoutes(self).answer($0)
        }
    }

    /// Runs until SIGTERM, SIGINT or SIGHUP: the exit status.
    func run() -> Int32 {
        do throws(ServerProblem) { try listen() } catch {
            log.error("can't be asked for grants", ("place", .text("\(options.listen)")), ("why", .text("\(error)")))
            return 1
        }
        while true {
            let woken_ns = Clock.monotonic_ns
            step(woken_ns)
            listeners.open(in: epoll, woken_ns)
            listeners.run()
            grants?.run()
            client.run()
            supervisor.step(supervisorStatus, woken_ns)
            log.tellLost()
            turns.note(Double(Clock.monotonic_ns - woken_ns) / 1e9)
            if let signal = wait() { return end("\(signal)") }
        }
    }

    private func listen() throws(ServerProblem) {
        let server = try HTTPListener(at: options.listen, certificate: options.certificate) { [weak self] problem in
            guard let self, complaints.take(Clock.monotonic_ns) else { return }
            log.warning("not all is well where grants are asked for", ("why", .text("\(problem)")))
        } answer: { [unowned self] request in
            answer(request)
        }
        do throws(Errno) { try epoll.add(server.descriptorNumber, token: Token.grants) } catch {
            throw .failed("watch \(options.listen)", error)
        }
        grants = server
        log.info("listening", ("for", .text("grants")), ("place", .text("\(options.listen)")))
    }

    // MARK: A step

    private func step(_ now_ns: UInt64) {
        client.run()
        election.step()
        budgets.step(now_ns)
        nodes.step(now_ns)
        parts?.step(now_ns)
        parentWatch?.step(now_ns)
        tokens.step()
        let boot_ns = Clock.boottime_ns
        followTerm(boot_ns)
        leader?.step(
            election.term, budgets, nodes, parts: parts, followsParent: parentWatch?.isThere(boot_ns) ?? true, now_ns, boot_ns)
        watchSources()
        // What was just begun is sent now, and not when the loop comes round.
        client.run()
    }

    private func followTerm(_ boot_ns: UInt64) {
        let term = election.term
        if term.isValid(at: boot_ns) {
            guard leader?.epoch != term.epoch else { return }
            leader?.end()
            let parent =
                options.sharding.count > 1 && options.shard == 0
                ? Parent(
                    client, shards: options.sharding.count, claimant: "\(election.identity) \(term.epoch)", log, causes) : nil
            leader = Leader(
                term, boot_ns, records: records, statuses: statuses, events: events, parent: parent, options,
                identity: election.identity, log)
            desk.forget()
        } else if let leader, election.holder.map({ $0 != election.identity }) ?? false || term.epoch > leader.epoch {
            leader.end()
            self.leader = nil
        }
    }

    private func watchSources() {
        let wanted = Set(leader?.book.entries.flatMap { $0.source?.descriptorNumbers ?? [] } ?? [])
        if wanted == watched { return }
        for number in watched.subtracting(wanted) { epoll.remove(number) }
        for number in wanted.subtracting(watched) { try? epoll.add(number, token: Token.source) }
        watched = wanted
    }

    /// Sleeps until something is due or happens: the signal that came, or nil.
    private func wait() -> StaticString? {
        let now_ns = Clock.monotonic_ns
        let next_ns = min(
            client.due_ns, election.due_ns, budgets.due_ns, nodes.due_ns, parts?.due_ns ?? .max, parentWatch?.due_ns ?? .max,
            tokens.due_ns, leader?.due_ns(now_ns) ?? .max,
            grants?.due_ns ?? .max, listeners.due_ns, supervisor.due_ns)
        let milliseconds = next_ns <= now_ns ? 0 : min((next_ns - now_ns + 999_999) / 1_000_000, 60_000)
        guard let count = try? epoll.wait(milliseconds: Int32(milliseconds)) else { return nil }
        for index in 0..<count {
            switch epoll[index].token {
            case Token.signals: if let signal = signals.next() { return signal }
            case Token.source: for entry in leader?.book.entries ?? [] { entry.source?.take() }
            // Every step looks what has come.
            default: break
            }
        }
        return nil
    }

    // MARK: Answers

    private func answer(_ request: ServerRequest) -> ServerResponse {
        guard request.path == "/v1/grant" else {
            return CoordinatorRoutes.refusal(404, "there is nothing at \(request.path): reports are posted to /v1/grant")
        }
        guard request.method == .post else {
            return CoordinatorRoutes.refusal(405, "reports are posted", [ServerResponse.Header("Allow", "POST")])
        }
        let (began_ns, boot_ns) = (Clock.monotonic_ns, Clock.boottime_ns)
        let reply = desk.answer(
            body: request.body, now_ns: began_ns,
            judge: { Verdict(tokens.look(request.header("Authorization"), from: request.origin)) },
            coordinator: { [leader] report throws(Refusal) in
                guard let leader else { throw .notLeading }
                return try leader.answer(report, boot_ns)
            }, closed: closed(boot_ns))
        answers.note(Double(Clock.monotonic_ns - began_ns) / 1e9)
        return reply.response
    }

    /// Why nothing is granted at present, whoever asks; nil where it is.
    func closed(_ boot_ns: UInt64) -> GrantReply? {
        let term = election.term
        guard term.isValid(at: boot_ns), leader?.epoch == term.epoch else {
            let who =
                election.holder.map { $0 == election.identity ? "its Lease can't be renewed" : "\($0) leads" } ?? "nobody leads"
            return .refused(
                .following, "This coordinator doesn't lead (\(who)): ask the other one.", retryAfter_s: 1)
        }
        if let obstacle = records.obstacle {
            return .refused(.starting, "This coordinator grants nothing: \(obstacle).", retryAfter_s: 10)
        }
        guard leader?.coordinator != nil else {
            return .refused(
                .starting, "This coordinator has just begun to lead, and reads what there is: ask again.", retryAfter_s: 1)
        }
        return nil
    }

    /// What goes wrong with the API server.
    var troubles: [String] {
        [
            election.why, budgets.why, nodes.why, tokens.why, records.why, statuses.why, events.why,
            parts?.why, parentWatch?.why, leader?.parent?.why, records.obstacle,
        ].compactMap { $0 }
            + budgets.unreadable.map { "the PowerBudget \($0.key) can't be read: \($0.value)" }.sorted()
    }

    // MARK: The end

    /// Nothing is granted from now on; then the Lease is given back, so that the next one need not wait.
    private func end(_ signal: String) -> Int32 {
        supervisor.stopping()
        log.info("ending", ("reason", .text(signal)))
        grants = nil
        listeners.close()
        leader?.end()
        leader = nil
        election.release()
        let end_ns = Clock.monotonic_ns + client.patience.end_ms * 1_000_000
        while !election.isOver {
            client.run()
            election.step()
            client.run()
            let now_ns = Clock.monotonic_ns
            if election.isOver || now_ns >= end_ns { break }
            let next_ns = min(max(min(client.due_ns, election.due_ns), now_ns), end_ns)
            _ = try? epoll.wait(milliseconds: Int32((next_ns - now_ns + 999_999) / 1_000_000))
        }
        return 0
    }

    /// For `systemctl status`.
    private var supervisorStatus: String {
        let boot_ns = Clock.boottime_ns
        if closed(boot_ns) != nil { return "does not lead" }
        let silent = leader?.overview(boot_ns).map(\.silent).reduce(0, +) ?? 0
        return "leads \(nodes.objects.count) nodes" + (silent > 0 ? ", \(silent) silent" : "")
    }
}

extension WatchSubject {
    fileprivate static let budgets = WatchSubject(
        .powerBudgets, list: .whole, watch: .whole, metadata: ["generation": .all], interest: ["spec": .all, "status": .all],
        called: "PowerBudgets")
    fileprivate static let nodes = WatchSubject(
        .nodes, list: .metadata, watch: .metadata, pageSize: 500, metadata: ["labels": .all], called: "Nodes")

    /// - Parameter shard: nil is all of them.
    fileprivate static func parts(_ shard: Int?) -> WatchSubject {
        WatchSubject(
            .powerBudgetShards, labelSelector: shard.map { "\(ShardObject.shardLabel)=\($0)" }, list: .metadata, watch: .metadata,
            metadata: ["generation": .all], called: "PowerBudgetShards")
    }
}
