internal import HTTP
internal import JSON
internal import Kubernetes
internal import LinuxSystem
internal import Logging
internal import Policy

/// This machine's Node at the API server: overrides come from it, and what is so is published on it. Nothing here ever waits, and
/// nothing here decides over limits.
final class NodeAgent {
    /// What the Node's annotations ask for, as far as they can be read.
    var wishes: Overrides { reading.wishes }
    /// Counts up with every change of `wishes`.
    private(set) var generation = 0
    private let client: APIClient
    private let nodeName: String
    private let reason: String
    private let log: Log
    private(set) var watch: NodeWatch!
    private var publisher: NodePublisher!
    private var overrides = OverrideReader()
    /// What the annotations said when they were last looked at, and was told of.
    private var reading = OverrideReading()
    /// Overrides that don't fit this node, which were told of.
    private var unfit: [NodeOverride.Rejected] = []
    /// Of which wishes the record that is to be published is the outcome.
    private var publishedGeneration = 0
    /// Overrides were read, or have ended, since something was published: even where they ask for the same, what is said of them is another.
    private var isRead = false
    private var isConnectionTold = false
    /// The overrides as they are written.
    private var annotations: Calm<[String: String]>
    /// When changes came too fast last; 0 where they don't.
    private var hurried_ns: UInt64 = 0

    /// For waiting on.
    var descriptorNumber: Int32 { client.descriptorNumber }
    /// When `step` has something to do, on CLOCK_MONOTONIC.
    var due_ns: UInt64 {
        let calm_ns = hurried_ns == 0 ? UInt64.max : hurried_ns + NodeAgent.calm_ns
        if isRead { return 0 }
        return min(client.due_ns, watch.due_ns, publisher.due_ns, annotations.due_ns, calm_ns, end_ns)
    }
    /// When an override ends, as far as the wall clock isn't set before; 0 where it has, and wasn't followed yet.
    private var end_ns: UInt64 {
        guard let end = reading.nextEnd else { return .max }
        let left_ns = end.nanoseconds(after: Clock.wall)
        return left_ns == 0 ? 0 : Clock.monotonic_ns + left_ns
    }
    /// For so long changes don't come too fast, before it is said that they did.
    private static let calm_ns: UInt64 = 30_000_000_000

    /// Overrides that are there, and can't be read or followed.
    var rejected: [NodeOverride.Rejected] { reading.rejected + unfit }

    /// What people have to know of the others.
    var notes: [String] { reading.notes }

    /// What `wishes` are from each of the ends on that are known, in their order.
    var later: [(end: Clock.Wall, wishes: Overrides)] {
        reading.timed.filter { !$0.isOver }.map(\.end).sorted().map { ($0, overrides.reading(at: $0).wishes) }
    }

    /// The Node is known, and everything stands on it.
    var isSettled: Bool { watch.knowledge != .unknown && publisher.isDone }

    /// As it is to be shown.
    var state: APIState {
        APIState(
            server: client.access.server.address, node: nodeName, reason: reason, isWatching: watch.isWatching,
            isPublished: publisher.isPublished, troubles: [watch.why].compactMap { $0 } + publisher.troubles,
            requests: client.outcomes, watchRestarts: watch.restarts)
    }

    init(_ node: OwnNode, _ log: Log, patience: Patience = Patience()) throws(APIProblem) {
        (self.log, nodeName, reason) = (log, node.name, node.reason)
        annotations = Calm(pause_ns: patience.overrides_ms * 1_000_000)
        client = try APIClient(node.access, userAgent: OwnNode.userAgent, patience: patience)
        let causes = SharedCauses()
        publisher = NodePublisher(client, node: node.name, log, causes) { [weak self] in self?.watch.note($0) }
        watch = NodeWatch(client, node: node.name, log, causes) { [weak self] in self?.learn($0) }
        log.info(
            "Kubernetes is on", ("because", .text(node.reason)), ("server", .text(node.access.server.address)),
            ("node", .text(node.name)))
    }

    /// Does what is due, and takes what has come. Where that changes `wishes` nothing is written before the next `publish`: what was to be
    /// written isn't so any more in a moment.
    func step(_ now_ns: UInt64) {
        client.run()
        watch.step(now_ns)
        follow(now_ns)
        if generation == publishedGeneration { publisher.step(now_ns) }
        // What was just begun is sent now, and not when the loop comes round.
        client.run()
    }

    /// What stands on the Node from now on: what came of `wishes`.
    func publish(_ record: NodeRecord) {
        (publishedGeneration, isRead) = (generation, false)
        publisher.want(record)
    }

    func hurry() { publisher.hurry() }

    func tell(_ event: NodeEvent) { publisher.record(event, Clock.monotonic_ns) }

    /// Overrides that can be read, but not followed on this node.
    func reject(_ overrides: [NodeOverride.Rejected]) {
        tell(of: overrides, besides: unfit)
        unfit = overrides
    }

    private func tell(of rejected: [NodeOverride.Rejected], besides told: [NodeOverride.Rejected]) {
        for override in rejected where !told.contains(override) {
            log.warning(
                "override not followed", ("annotation", .text(override.annotation)), ("value", .text(override.value)),
                ("why", .text(override.why)), ("instead", .text(override.instead)))
            tell(NodeEvent(reason: .overrideRejected, subject: override.annotation, note: override.sentence))
        }
    }

    /// Publishes a last record, and gives up at the first thing that goes wrong: the node's limits are not in question any more.
    func finish(_ record: NodeRecord) {
        guard case .present = watch.knowledge else { return }
        publish(record)
        publisher.hurryAtEnd()
        let failures = publisher.failures
        let deadline_ns = Clock.monotonic_ns + client.patience.end_ms * 1_000_000
        guard let epoll = try? Epoll(), (try? epoll.add(descriptorNumber, token: 0)) != nil else { return }
        while true {
            let now_ns = Clock.monotonic_ns
            step(now_ns)
            if publisher.isDone { return }
            let next_ns = min(client.due_ns, publisher.due_ns)
            let isInVain = publisher.failures > failures || !publisher.isBusy && publisher.due_ns > deadline_ns
            if isInVain || now_ns >= deadline_ns { break }
            let wait_ns = min(next_ns, deadline_ns) - min(now_ns, next_ns)
            _ = try? epoll.wait(milliseconds: Int32((wait_ns + 999_999) / 1_000_000))
        }
        if !publisher.isPublished {
            log.warning("the Node could not be told of the end", ("node", .text(nodeName)))
        }
    }

    // MARK: What the server says

    private func learn(_ knowledge: NodeWatch.Knowledge) {
        tellConnection()
        switch knowledge {
        case .unknown: return
        case .absent:
            publisher.note(nil)
            offer([:])
        case .present(let metadata):
            publisher.note(metadata)
            offer(metadata.annotations)
        }
    }

    /// A server, or somebody who may edit the Node, can change overrides as fast as the network carries them. Each that is followed moves
    /// limits, and is told of.
    private func offer(_ found: [String: String]) {
        let before = annotations.passedOver
        annotations.offer(found.filter { key, _ in NodeOverride.keys.contains(key) })
        let now_ns = Clock.monotonic_ns
        if annotations.passedOver > before {
            if hurried_ns == 0 {
                log.warning(
                    "overrides change faster than they are followed: the last one of each second counts",
                    ("node", .text(nodeName)))
            }
            hurried_ns = now_ns
        }
        follow(now_ns)
    }

    private func follow(_ now_ns: UInt64) {
        if let next = annotations.next(now_ns) {
            take(overrides.read(next, at: Clock.wall))
        } else if !reading.timed.isEmpty {
            take(overrides.reading(at: Clock.wall))
        }
        if hurried_ns > 0, now_ns >= hurried_ns + NodeAgent.calm_ns {
            log.info("overrides change slowly again", ("passed_over", .number(annotations.passedOver)))
            annotations.forget()
            hurried_ns = 0
        }
    }

    private func take(_ found: OverrideReading) {
        let before = reading
        guard found != before else { return }
        (reading, isRead) = (found, true)
        tell(of: found.rejected, besides: before.rejected)
        tell(of: found.timed.filter(\.isOver), besides: before.timed)
        guard found.wishes != before.wishes else { return }
        var fields: [Log.Field] = [("paused", .flag(found.wishes.paused))]
        for (name, power) in [
            ("limit_uw", found.wishes.limit), ("max_source_uw", found.wishes.maxSource), ("min_power_uw", found.wishes.minPower),
        ] { if let power { fields.append((name, .power(power))) } }
        for override in found.timed where !override.isOver {
            fields.append(("\(override.name)_until", .text(Timestamp.seconds(override.end))))
        }
        if let reason = found.reason { fields.append(("reason", .text(reason))) }
        log.info("overrides changed", fields)
        generation += 1
        publisher.hurry()
    }

    private func tell(of ended: [NodeOverride.Timed], besides told: [NodeOverride.Timed]) {
        for override in ended where !told.contains(override) {
            log.info(
                "override ended", ("annotation", .text(override.annotation)), ("value", .text(override.value)),
                ("until", .text(Timestamp.seconds(override.end))))
            tell(NodeEvent(reason: .overrideEnded, subject: override.annotation, note: override.sentence))
        }
    }

    /// Once: with whom, and as whom.
    private func tellConnection() {
        if isConnectionTold { return }
        isConnectionTold = true
        let token = try? client.token()
        var fields: [Log.Field] = [
            ("server", .text(client.access.server.address)), ("auth", .text(token == nil ? "none" : "token")),
        ]
        if let expiry = token.flatMap({ $0 }).flatMap(TokenClaims.expiry) {
            fields.append(("token_expires", .text(Timestamp.seconds(expiry))))
        }
        let told = fields
        // The version is good to know and nothing depends on it.
        _ = try? client.send(.version) { [log] result in
            let version = (try? result.get()).flatMap {
                try? JSON($0.body, .members(["gitVersion": .all]), within: .answer)
            }?["gitVersion"]?.text
            log.info("connected to the API server", told + [("version", .text(version ?? "unknown"))])
        }
    }
}
