internal import LinuxSystem

/// One Node's metadata, listed once and then kept up to date by a watch.
final class NodeWatch {
    /// What is known of the Node.
    enum Knowledge: Equatable {
        case unknown
        /// There is no such Node.
        case absent
        case present(NodeMetadata)
    }

    private enum Phase {
        case idle
        case listing(Exchange)
        case watching(Exchange)
    }

    private(set) var knowledge = Knowledge.unknown
    /// When `step` has something to do, on CLOCK_MONOTONIC.
    private(set) var due_ns: UInt64 = 0
    private let client: APIClient
    private let log: Log
    /// How long the server is asked to keep a watch, in seconds: at random, so that a fleet's don't end together.
    private let seconds: ClosedRange<UInt64>
    private let onChange: (Knowledge) -> Void
    private var phase = Phase.idle
    /// Where the next watch begins; nil when the Node has to be listed first.
    private var resourceVersion: String?
    private var trouble: Trouble
    private var started_ns: UInt64 = 0
    private var isEstablished = false

    /// A server says at once that it watches, even where nothing happens for minutes.
    private static let answerTime_ns: UInt64 = 10_000_000_000
    /// A watch that lived shorter ended too early.
    private static let shortest_ns: UInt64 = 1_000_000_000

    init(_ client: APIClient, _ log: Log, seconds: ClosedRange<UInt64> = 300...600, onChange: @escaping (Knowledge) -> Void) {
        (self.client, self.log, self.seconds, self.onChange) = (client, log, seconds, onChange)
        trouble = Trouble("the Node can't be watched", log)
    }

    private var selector: String { "metadata.name=\(client.access.nodeName)" }

    /// Does what is due.
    func step(_ now_ns: UInt64) {
        guard now_ns >= due_ns else { return }
        switch phase {
        case .idle:
            due_ns = .max
            do throws(APIProblem) {
                if let resourceVersion { try watch(from: resourceVersion, now_ns) } else { try list() }
            } catch { fail(error) }
        case .watching(let exchange) where !exchange.isAnswered:
            client.cancel(exchange)
            fail(.silent)
        case .watching, .listing: due_ns = .max
        }
    }

    /// The Node as the answer to a write shows it: newer than what the watch has told.
    func note(_ metadata: NodeMetadata) {
        if case .present(let known) = knowledge, metadata.uid == known.uid, !metadata.isOlder(than: known) {
            knowledge = .present(metadata)
        }
    }

    private func fail(_ problem: APIProblem) {
        let isGone = problem.status == 410
        phase = .idle
        // 504 is also the answer to a version from the future: the server's data was restored from a backup.
        if isGone || problem.isLasting || problem.status == 504 { resourceVersion = nil }
        if isGone, Clock.monotonic_ns - started_ns > NodeWatch.shortest_ns {
            // The server's history doesn't reach back so far: that is how it is made, and no trouble.
            log.debug("listing the Node anew", [("why", .text(problem.sentence))])
            due_ns = 0
            return
        }
        due_ns = trouble.met(problem, Clock.monotonic_ns, ("node", .text(client.access.nodeName)))
    }

    // MARK: List

    private func list() throws(APIProblem) {
        let request = Resource.nodes.list(fieldSelector: selector, .metadata)
        phase = .listing(
            try client.send(request) { [weak self] result in
                guard let self else { return }
                switch result {
                case .failure(let problem): fail(problem)
                case .success(let answer): listed(answer)
                }
            })
    }

    private func listed(_ answer: Answer) {
        let list = try? JSON(answer.body, without: NodeMetadata.uninteresting)
        guard let list, let version = list["metadata"]?["resourceVersion"]?.text, let items = list["items"]?.elements else {
            return fail(.garbled("the list of Nodes has no resourceVersion or no items"))
        }
        // The server selects by name; one that doesn't understand the selector must not pass another Node off as this one.
        let own = items.first { $0["metadata"]?["name"]?.text == client.access.nodeName }
        (phase, resourceVersion, due_ns) = (.idle, version, 0)
        if let own, let metadata = NodeMetadata(own) { learn(.present(metadata)) } else { learn(.absent) }
    }

    private func learn(_ found: Knowledge) {
        if case .present(let known) = knowledge, case .present(let metadata) = found, metadata.isOlder(than: known) { return }
        if found == .absent, knowledge != .absent {
            log.warning("the API server has no Node of this name", ("node", .text(client.access.nodeName)))
        }
        knowledge = found
        onChange(found)
    }

    // MARK: Watch

    private func watch(from version: String, _ now_ns: UInt64) throws(APIProblem) {
        let seconds = UInt64.random(in: self.seconds)
        let request = Resource.nodes.watch(fieldSelector: selector, from: version, seconds: seconds, .metadata)
        started_ns = now_ns
        let exchange = try client.send(request, onBytes: { [weak self] in self?.take(&$0) }) { [weak self] in self?.ended($0) }
        due_ns = now_ns + NodeWatch.answerTime_ns
        phase = .watching(exchange)
    }

    /// The server has begun to answer.
    private func established() {
        guard case .watching = phase, due_ns != .max else { return }
        due_ns = .max
        let fields: [Log.Field] = [
            ("node", .text(client.access.nodeName)), ("resource_version", .text(resourceVersion ?? "")),
        ]
        if trouble.recovered() || !isEstablished {
            log.info(isEstablished ? "watching the Node again" : "watching the Node", fields)
        } else {
            log.debug("watch of the Node resumed", fields)
        }
        isEstablished = true
    }

    /// Takes whole lines, each an event.
    private func take(_ bytes: inout [UInt8]) {
        established()
        var start = 0
        while case .watching = phase, let end = bytes[start...].firstIndex(of: UInt8(ascii: "\n")) {
            if end > start { take(event: Array(bytes[start..<end])) }
            start = end + 1
        }
        bytes.removeFirst(start)
    }

    private func take(event bytes: [UInt8]) {
        guard let event = try? JSON(bytes, without: NodeMetadata.uninteresting), let type = event["type"]?.text,
            let object = event["object"]
        else {
            return stop(.garbled("a watch's line is no event"))
        }
        if type == "ERROR" { return stop(APIProblem(event: object)) }
        guard let metadata = NodeMetadata(object) else { return stop(.garbled("a watch's object has no resourceVersion")) }
        resourceVersion = metadata.resourceVersion
        trouble.end()
        guard type != "BOOKMARK", object["metadata"]?["name"]?.text == client.access.nodeName else { return }
        learn(type == "DELETED" ? .absent : .present(metadata))
    }

    private func stop(_ problem: APIProblem) {
        if case .watching(let exchange) = phase { client.cancel(exchange) }
        fail(problem)
    }

    private func ended(_ result: Result<Answer, APIProblem>) {
        guard case .watching = phase else { return }
        if case .failure(let problem) = result { return fail(problem) }
        // The server's own end of a watch. One that ends every watch at once must not be asked in a loop.
        guard Clock.monotonic_ns - started_ns > NodeWatch.shortest_ns else { return fail(.broken("the watch ended at once")) }
        trouble.end()
        (phase, due_ns) = (.idle, 0)
    }
}
