internal import HTTP
internal import JSON
internal import Kubernetes
internal import LinuxSystem
internal import Logging

/// Writes on the Node what is so, when it differs from what stands there, one request at a time.
final class NodePublisher {
    /// When `step` has something to do, on CLOCK_MONOTONIC.
    private(set) var due_ns: UInt64 = .max
    private let client: APIClient
    private let nodeName: String
    private let log: Log
    /// The Node as an answer shows it.
    private let onAnswer: (NodeMetadata) -> Void
    private var wanted: NodeRecord?
    private var node: NodeMetadata?
    private var inFlight: Exchange?
    /// nil where nothing is to be changed.
    private var changes: NodeChanges?
    private var condition = StandingCondition()
    private var metadataWrite: Write
    private var conditionWrite: Write
    private var eventWrite: Write
    private var events: EventLedger

    /// One kind of write, and when it may be made.
    private struct Write {
        var trouble: Trouble
        var sent_ns: UInt64 = 0
        /// The next one would come too soon after the last.
        var pausedUntil_ns: UInt64 = 0
        /// The last one failed.
        var retry_ns: UInt64 = 0
    }

    private var haste: Allowance
    /// Nothing at all is written before.
    private var first_ns: UInt64

    init(
        _ client: APIClient, node: String, _ log: Log, _ causes: SharedCauses, onAnswer: @escaping (NodeMetadata) -> Void
    ) {
        (self.client, nodeName, self.log, self.onAnswer) = (client, node, log, onAnswer)
        events = EventLedger(about: .node(node, reporter: NodeEvent.reporter))
        first_ns = client.patience.first_ms == 0 ? 0 : Clock.monotonic_ns + client.patience.first_ms * 1_000_000
        haste = Allowance(burst: 10, refill_ns: client.patience.patch_ms * 1_000_000)
        metadataWrite = Write(trouble: Trouble("the Node can't be updated", log, causes))
        conditionWrite = Write(trouble: Trouble("the Node's condition can't be set", log, causes))
        eventWrite = Write(trouble: Trouble("an Event can't be recorded", log, causes))
    }

    /// Everything stands on the Node, and every Event is told.
    var isDone: Bool { !isBusy && isPublished && events.isTold }

    /// Everything stands on the Node.
    var isPublished: Bool { changes == nil && !isConditionDue }
    /// What is wrong, each a sentence.
    var troubles: [String] { [metadataWrite, conditionWrite, eventWrite].compactMap(\.trouble.sentence) }

    /// A request is on its way.
    var isBusy: Bool { inFlight != nil }

    /// How many requests have failed.
    private(set) var failures = 0

    private var isConditionDue: Bool { node != nil && wanted != nil && wanted?.condition != condition.known }

    // MARK: What is to be written

    func want(_ record: NodeRecord) {
        guard record != wanted else { return }
        // That limits are in force any more, or again, is nothing to be told of later.
        if let wanted, wanted.state != record.state || wanted.condition.status != record.condition.status { hurry() }
        wanted = record
        compare()
    }

    /// - Parameter node: nil where there is none, or it isn't known.
    func note(_ node: NodeMetadata?) {
        if node?.uid != self.node?.uid {
            // Another Node, though of the same name: nothing of what was written is there, and nothing that was refused either.
            condition = StandingCondition()
            if hurry() { (metadataWrite.retry_ns, conditionWrite.retry_ns) = (0, 0) }
        }
        self.node = node
        if let node { condition.note(node) }
        compare()
    }

    private func compare() {
        guard let wanted, let node else { return changes = nil }
        let found = NodeChanges(to: wanted, on: node, at: Clock.wall)
        changes = found.isEmpty ? nil : found
        plan()
    }

    /// The next patch need not wait for the last one's whole pause: it is the answer to somebody's wish, or what was published last isn't
    /// so any more. A server that finds reasons for haste in every answer has a few, and then what the pause gives.
    @discardableResult
    func hurry() -> Bool {
        guard haste.take(Clock.monotonic_ns) else { return false }
        for write in [\NodePublisher.metadataWrite, \.conditionWrite] {
            let soonest_ns = self[keyPath: write].sent_ns + client.patience.hurry_ms * 1_000_000
            self[keyPath: write].pausedUntil_ns = min(self[keyPath: write].pausedUntil_ns, soonest_ns)
        }
        plan()
        return true
    }

    /// There is nothing to wait for any more.
    func hurryAtEnd() {
        first_ns = 0
        (metadataWrite.pausedUntil_ns, conditionWrite.pausedUntil_ns) = (0, 0)
        plan()
    }

    func record(_ event: NodeEvent, _ now_ns: UInt64) {
        events.record(event.event, at: Clock.wall, now_ns)
        plan()
    }

    // MARK: Writing

    /// Does what is due.
    func step(_ now_ns: UInt64) {
        if now_ns >= due_ns, !isBusy {
            do throws(APIProblem) { try write(now_ns) } catch {
                // No token: nothing can be written.
                failures += 1
                let retry_ns = metadataWrite.trouble.met(error, now_ns)
                (metadataWrite.retry_ns, conditionWrite.retry_ns, eventWrite.retry_ns) = (retry_ns, retry_ns, retry_ns)
            }
        }
        plan()
    }

    private func notBefore_ns(_ write: Write) -> UInt64 { max(write.pausedUntil_ns, write.retry_ns, first_ns) }

    private func plan() {
        due_ns = .max
        if isBusy { return }
        if changes != nil { due_ns = notBefore_ns(metadataWrite) }
        if isConditionDue { due_ns = min(due_ns, notBefore_ns(conditionWrite)) }
        if let event = events.next { due_ns = min(due_ns, max(notBefore_ns(eventWrite), event.due_ns)) }
    }

    private func write(_ now_ns: UInt64) throws(APIProblem) {
        if let changes, now_ns >= notBefore_ns(metadataWrite) {
            try send(Resource.nodes.patch(nodeName, .merge, changes.patch), \.metadataWrite) { publisher, metadata in
                publisher.log.info("Node updated", ("node", .text(publisher.nodeName)), ("changes", .text(changes.words)))
                publisher.onAnswer(metadata)
            }
        } else if isConditionDue, let condition = wanted?.condition, now_ns >= notBefore_ns(conditionWrite) {
            let since = self.condition.since(condition, at: Clock.wall)
            let patch = condition.patch(at: Clock.wall, since: since)
            try send(Resource.nodes.patch(nodeName, .strategic, patch, subresource: "status"), \.conditionWrite) {
                publisher, metadata in
                publisher.condition.written(condition, since: since, on: metadata)
                // The watch may have told already what somebody else did with it.
                if let node = publisher.node, metadata.isOlder(than: node) { publisher.condition.note(node) }
                publisher.log.info(
                    "Node condition set", ("node", .text(publisher.nodeName)), ("condition", .text(Condition.type)),
                    ("status", .text(condition.status.rawValue)), ("reason", .text(condition.reason)))
                publisher.onAnswer(metadata)
            }
        } else if let next = events.next, now_ns >= max(notBefore_ns(eventWrite), next.due_ns) {
            try send(next.request, \.eventWrite, about: next) { publisher, _ in publisher.told(next) }
        }
    }

    private func send(
        _ request: Request, _ write: any ReferenceWritableKeyPath<NodePublisher, Write> & Sendable,
        about event: EventSeries? = nil,
        _ succeeded: @escaping (NodePublisher, NodeMetadata) -> Void
    ) throws(APIProblem) {
        inFlight = try client.send(request) { [weak self] result in
            guard let self else { return }
            inFlight = nil
            let now_ns = Clock.monotonic_ns
            do throws(APIProblem) {
                // Whatever is written, the answer is the object.
                let answer = try result.get()
                guard
                    let metadata = (try? JSON(answer.body, NodeMetadata.interest, within: .answer)).flatMap({ NodeMetadata($0) })
                else {
                    throw .failed(.garbled("the answer to a write is no object"))
                }
                if self[keyPath: write].trouble.end() {
                    log.info("the API server takes writes again", ("node", .text(nodeName)))
                }
                self[keyPath: write].retry_ns = 0
                succeeded(self, metadata)
            } catch { failed(error, write, about: event, now_ns) }
            plan()
        }
        // An Event has pauses of its own.
        if event == nil {
            let now_ns = Clock.monotonic_ns
            self[keyPath: write].sent_ns = now_ns
            self[keyPath: write].pausedUntil_ns = now_ns + client.patience.patch_ms * 1_000_000
        }
    }

    private func failed(
        _ problem: APIProblem, _ write: any ReferenceWritableKeyPath<NodePublisher, Write> & Sendable, about event: EventSeries?,
        _ now_ns: UInt64
    ) {
        if let event, isSettled(event, by: problem, now_ns) { return }
        failures += 1
        self[keyPath: write].pausedUntil_ns = 0
        self[keyPath: write].retry_ns = self[keyPath: write].trouble.met(
            problem, now_ns, ("node", .text(nodeName)))
        // The watch tells when there is one again.
        if event == nil, problem.status == 404 { (node, changes) = (nil, nil) }
    }

    // MARK: Events

    private func told(_ event: EventSeries) {
        events.told(event, next_ns: Clock.monotonic_ns + client.patience.series_ms * 1_000_000)
        log.debug("Event recorded", [("reason", .text(event.event.reason))])
    }

    /// Whether a refusal is of this Event alone, and no trouble with the server.
    private func isSettled(_ event: EventSeries, by problem: APIProblem, _ now_ns: UInt64) -> Bool {
        let next_ns = now_ns + client.patience.series_ms * 1_000_000
        switch events.refused(event, problem, next_ns: next_ns, now_ns) {
        case .told?: log.debug("Event recorded", [("reason", .text(event.event.reason))])
        case .gone?: break
        case .givenUp?:
            log.error(
                "an Event was refused", ("node", .text(nodeName)), ("reason", .text(event.event.reason)),
                ("why", .text(problem.sentence)))
        case nil: return false
        }
        return true
    }
}
