internal import LinuxSystem

/// Writes on the Node what is so, when it differs from what stands there, one request at a time.
final class NodePublisher {
    /// When `step` has something to do, on CLOCK_MONOTONIC.
    private(set) var due_ns: UInt64 = .max
    private let client: APIClient
    private let log: Log
    /// The Node as an answer shows it.
    private let onAnswer: (NodeMetadata) -> Void
    private var wanted: NodeRecord?
    private var node: NodeMetadata?
    private var inFlight: Exchange?
    /// nil where nothing is to be changed.
    private var changes: NodeChanges?
    private var shownCondition: NodeRecord.Condition?
    private var metadataWrite: Write
    private var conditionWrite: Write
    private var eventWrite: Write
    private var series: [EventSeries] = []

    /// Writes that came to nothing, so far.
    private(set) var failures = 0

    /// One kind of write, and when it may be made.
    private struct Write {
        var trouble: Trouble
        var notBefore_ns: UInt64 = 0
    }

    /// Between two patches, so that a limit that changes all the time is published now and then.
    private static let pause_ns: UInt64 = 10_000_000_000
    /// Series of Events that are remembered.
    private static let mostSeries = 64

    init(_ client: APIClient, _ log: Log, onAnswer: @escaping (NodeMetadata) -> Void) {
        (self.client, self.log, self.onAnswer) = (client, log, onAnswer)
        metadataWrite = Write(trouble: Trouble("the Node can't be updated", log))
        conditionWrite = Write(trouble: Trouble("the Node's condition can't be set", log))
        eventWrite = Write(trouble: Trouble("an Event can't be recorded", log))
    }

    /// Everything stands on the Node, and every Event is told.
    var isDone: Bool {
        inFlight == nil && changes == nil && !isConditionDue && series.allSatisfy { $0.isTold || $0.telling > 1 }
    }

    private var isConditionDue: Bool { node != nil && wanted != nil && wanted?.condition != shownCondition }

    // MARK: What is to be written

    func want(_ record: NodeRecord) {
        guard record != wanted else { return }
        wanted = record
        compare()
    }

    /// - Parameter node: nil where there is none, or it isn't known.
    func note(_ node: NodeMetadata?) {
        if node?.uid != self.node?.uid {
            // Another Node, though of the same name: nothing of what was written is there.
            shownCondition = nil
            hurry()
        }
        self.node = node
        compare()
    }

    private func compare() {
        guard let wanted, let node else { return changes = nil }
        let found = NodeChanges(to: wanted, on: node, at: .now)
        changes = found.isEmpty ? nil : found
        plan()
    }

    /// The next patch need not wait: it is the answer to somebody's wish.
    func hurry() { (metadataWrite.notBefore_ns, conditionWrite.notBefore_ns) = (0, 0) }

    func record(_ event: NodeEvent, _ now_ns: UInt64) {
        let now = Moment.now
        series.removeAll { $0.isTold && now.seconds - $0.last.seconds > EventSeries.lifetime_s }
        let same = series.firstIndex { $0.event.reason == event.reason && $0.event.subject == event.subject }
        if let same {
            series[same].note(now)
        } else if series.count < NodePublisher.mostSeries {
            series.append(EventSeries(event, node: client.access.nodeName, at: now, now_ns))
        }
        plan()
    }

    // MARK: Writing

    /// Does what is due.
    func step(_ now_ns: UInt64) {
        if now_ns >= due_ns, inFlight == nil {
            do throws(APIProblem) { try write(now_ns) } catch {
                // No token: nothing can be written.
                failures += 1
                metadataWrite.notBefore_ns = metadataWrite.trouble.met(error, now_ns)
                (conditionWrite.notBefore_ns, eventWrite.notBefore_ns) = (metadataWrite.notBefore_ns, metadataWrite.notBefore_ns)
            }
        }
        plan()
    }

    private func plan() {
        due_ns = .max
        if inFlight != nil { return }
        if changes != nil { due_ns = metadataWrite.notBefore_ns }
        if isConditionDue { due_ns = min(due_ns, conditionWrite.notBefore_ns) }
        if let event = nextEvent { due_ns = min(due_ns, max(eventWrite.notBefore_ns, series[event].due_ns)) }
    }

    /// The series that is due first.
    private var nextEvent: Int? {
        series.indices.filter { !series[$0].isTold }.min { series[$0].due_ns < series[$1].due_ns }
    }

    private func write(_ now_ns: UInt64) throws(APIProblem) {
        if let changes, now_ns >= metadataWrite.notBefore_ns {
            try send(Resource.nodes.patch(client.access.nodeName, .merge, changes.patch), \.metadataWrite) { publisher, answer in
                publisher.log.info(
                    "Node updated", ("node", .text(publisher.client.access.nodeName)), ("changes", .text(changes.words)))
                publisher.took(answer)
            }
        } else if isConditionDue, let condition = wanted?.condition, now_ns >= conditionWrite.notBefore_ns {
            let request = Resource.nodes.patch(
                client.access.nodeName, .strategic, condition.patch(at: .now), subresource: "status")
            try send(request, \.conditionWrite) { publisher, answer in
                publisher.shownCondition = condition
                publisher.log.info(
                    "Node condition set", ("node", .text(publisher.client.access.nodeName)),
                    ("condition", .text(NodeRecord.Condition.type)), ("status", .text(condition.status.rawValue)),
                    ("reason", .text(condition.reason)))
                publisher.took(answer)
            }
        } else if let next = nextEvent, now_ns >= max(eventWrite.notBefore_ns, series[next].due_ns) {
            let (name, telling) = (series[next].name, series[next].telling)
            try send(series[next].request(node: client.access.nodeName), \.eventWrite, pause_ns: 0, about: name) { publisher, _ in
                guard let index = publisher.series.firstIndex(where: { $0.name == name }) else { return }
                publisher.series[index].told(telling, Clock.monotonic_ns)
                publisher.log.debug("Event recorded", [("reason", .text(publisher.series[index].event.reason.rawValue))])
            }
        }
    }

    private func send(
        _ request: Request, _ write: any ReferenceWritableKeyPath<NodePublisher, Write> & Sendable,
        pause_ns: UInt64 = NodePublisher.pause_ns,
        about event: String? = nil,
        _ succeeded: @escaping (NodePublisher, Answer) -> Void
    ) throws(APIProblem) {
        self[keyPath: write].notBefore_ns = Clock.monotonic_ns + pause_ns
        inFlight = try client.send(request) { [weak self] result in
            guard let self else { return }
            inFlight = nil
            switch result {
            case .success(let answer):
                let name = client.access.nodeName
                if self[keyPath: write].trouble.recovered() {
                    log.info("the API server takes writes again", ("node", .text(name)))
                }
                self[keyPath: write].trouble.end()
                succeeded(self, answer)
            case .failure(let problem):
                let now_ns = Clock.monotonic_ns
                failures += 1
                if let event, let index = series.firstIndex(where: { $0.name == event }) {
                    if problem.status == 404, series[index].telling > 1 { series[index].isGone(now_ns) }
                    // It is there already: the answer to an earlier attempt was lost.
                    if problem.status == 409 { series[index].told(1, now_ns) }
                }
                self[keyPath: write].notBefore_ns = self[keyPath: write].trouble.met(
                    problem, now_ns, ("node", .text(client.access.nodeName)))
            }
            plan()
        }
    }

    private func took(_ answer: Answer) {
        guard let object = try? JSON(answer.body, without: NodeMetadata.uninteresting), let metadata = NodeMetadata(object) else {
            return
        }
        onAnswer(metadata)
    }
}
