internal import HTTP
internal import JSON
internal import Kubernetes
internal import LinuxSystem
internal import Logging

/// One Node's metadata, kept up to date by a watch. The list that it begins with shows the whole Node: its conditions, too.
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
    private let nodeName: String
    private let log: Log
    private let onChange: (Knowledge) -> Void
    private var phase = Phase.idle
    /// Where the next watch begins; nil when the Node has to be listed first.
    private var resourceVersion: String?
    private var trouble: Trouble
    private var listed_ns: UInt64 = 0
    private var started_ns: UInt64 = 0
    /// The watch's answer has begun.
    private var isAnswered = false
    /// The watch has lived for a while: its end isn't one more failed attempt.
    private var isProven = false
    private var wasEverAnswered = false
    /// How often it was begun after the first time.
    private(set) var restarts: UInt64 = 0
    /// What is wrong, in a sentence.
    var why: String? { trouble.sentence }
    /// The server tells of changes, or did until a moment ago.
    var isWatching: Bool { if case .present = knowledge { trouble.sentence == nil } else { false } }
    /// The server has sent a bookmark: one that sends none for long is gone, whoever keeps the connection up.
    private(set) var sendsBookmarks = false
    private var heard_ns: UInt64 = 0
    /// For telling that there is no Node: a server could let it come and go as fast as it likes.
    private var absences = Allowance(burst: 10, refill_ns: 60_000_000_000)
    /// At the beginning of what hasn't been taken yet, and without an end of line.
    private var scanned = 0

    /// A server that ends every watch sooner, or lets none begin, must not be asked in a loop.
    private static let shortest_ns: UInt64 = 1_000_000_000

    init(
        _ client: APIClient, node: String, _ log: Log, _ causes: SharedCauses, onChange: @escaping (Knowledge) -> Void
    ) {
        (self.client, nodeName, self.log, self.onChange) = (client, node, log, onChange)
        trouble = Trouble("the Node can't be watched", log, causes)
    }

    private var quiet_ns: UInt64 { client.patience.quiet_ms * 1_000_000 }

    private var selector: String { "metadata.name=\(nodeName)" }

    /// Does what is due.
    func step(_ now_ns: UInt64) {
        guard now_ns >= due_ns else { return }
        due_ns = .max
        switch phase {
        case .idle:
            do throws(APIProblem) {
                if let resourceVersion { try watch(from: resourceVersion, now_ns) } else { try list(now_ns) }
            } catch { fail(error) }
        // A server says at once that it watches, even where nothing happens for minutes.
        case .watching where !isAnswered: giveUp()
        case .watching where sendsBookmarks && now_ns >= heard_ns + quiet_ns: giveUp()
        case .watching:
            if !isProven { prove() }
            if sendsBookmarks { due_ns = heard_ns + quiet_ns }
        case .listing: break
        }
    }

    /// The Node as the answer to a write shows it, which may be newer than what the watch has told.
    func note(_ metadata: NodeMetadata) {
        if case .present(let known) = knowledge, metadata.uid == known.uid { learn(.present(metadata)) }
    }

    private func fail(_ problem: APIProblem) {
        let (now_ns, wasProven) = (Clock.monotonic_ns, isProven)
        var isHistoryLost = false
        if case .watching = phase { isHistoryLost = problem.status == 410 }
        (phase, isAnswered, isProven) = (.idle, false, false)
        // Where a watch comes to nothing its beginning may be why, and any answer may have been a bad one: a list needs nothing that a
        // server has said before. What can't be read comes again where the watch is resumed.
        if isHistoryLost || problem.isUnreadable || !wasProven && problem.isOfServer { resourceVersion = nil }
        if isHistoryLost, now_ns - listed_ns > NodeWatch.shortest_ns {
            // The server's history doesn't reach back so far: that is how it is made, and no trouble.
            log.debug("listing the Node anew", [("why", .text(problem.sentence))])
            due_ns = now_ns
        } else if wasProven {
            // Connections end. Whether there is trouble the next attempt shows.
            log.debug("the watch of the Node was interrupted", [("why", .text(problem.sentence))])
            due_ns = now_ns + UInt64.random(in: 0...NodeWatch.shortest_ns)
        } else {
            due_ns = trouble.met(problem, now_ns, ("node", .text(nodeName)))
        }
    }

    // MARK: List

    private func list(_ now_ns: UInt64) throws(APIProblem) {
        listed_ns = now_ns
        let request = Resource.nodes.list(fieldSelector: selector, .whole)
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
        let list = try? JSON(answer.body, NodeMetadata.listInterest, within: .answer)
        guard let list, let version = list["metadata"]?["resourceVersion"]?.text, version.isToken,
            let items = list["items"]?.elements
        else {
            return fail(.failed(.garbled("the list of Nodes has no resourceVersion or no items")))
        }
        // The server selects by name; one that doesn't understand the selector must not pass another Node off as this one.
        let own = items.first { $0["metadata"]?["name"]?.text == nodeName }
        let metadata = own.flatMap { NodeMetadata($0) }
        if own != nil, metadata == nil { return fail(.failed(.garbled("the Node has no resourceVersion"))) }
        (phase, resourceVersion, due_ns) = (.idle, version, 0)
        learn(metadata.map { .present($0) } ?? .absent, isListed: true)
    }

    /// - Parameter isListed: it is the server's whole truth, also where its versions went back because its data was restored.
    private func learn(_ found: Knowledge, isListed: Bool = false) {
        if !isListed, case .present(let known) = knowledge, case .present(let metadata) = found, metadata.isOlder(than: known) {
            return
        }
        if found == .absent, knowledge != .absent, absences.take(Clock.monotonic_ns) {
            log.warning("the API server has no Node of this name", ("node", .text(nodeName)))
        }
        knowledge = found
        onChange(found)
    }

    // MARK: Watch

    private func watch(from version: String, _ now_ns: UInt64) throws(APIProblem) {
        let request = Resource.nodes.watch(
            fieldSelector: selector, from: version, seconds: .random(in: client.patience.watch_s), .metadata)
        (started_ns, scanned) = (now_ns, 0)
        phase = .watching(
            try client.send(request, onBytes: { [weak self] in self?.take(&$0) }) { [weak self] in self?.ended($0) })
        due_ns = now_ns + client.patience.answer_ms * 1_000_000
    }

    /// The server has begun to answer.
    private func begin() {
        let fields: [Log.Field] = [
            ("node", .text(nodeName)), ("resource_version", .text(resourceVersion ?? "")),
        ]
        if wasEverAnswered {
            restarts += 1
            log.debug("watch of the Node resumed", fields)
        } else {
            log.info("watching the Node", fields)
        }
        (isAnswered, wasEverAnswered) = (true, true)
        heard_ns = Clock.monotonic_ns
        due_ns = Clock.monotonic_ns + NodeWatch.shortest_ns
    }

    private func prove() {
        isProven = true
        if trouble.end() { log.info("watching the Node again", ("node", .text(nodeName))) }
    }

    /// Takes whole lines, each an event.
    private func take(_ bytes: inout [UInt8]) {
        guard case .watching = phase else { return }
        if !isAnswered { begin() }
        var start = 0
        while case .watching = phase, let end = bytes[max(start, scanned)...].firstIndex(of: UInt8(ascii: "\n")) {
            if end > start { take(event: start..<end, of: bytes) }
            start = end + 1
        }
        bytes.removeFirst(start)
        scanned = bytes.count
    }

    private func take(event range: Range<Int>, of bytes: [UInt8]) {
        guard let event = try? JSON(bytes, in: range, NodeMetadata.eventInterest, within: .answer),
            let type = event["type"]?.text, let object = event["object"]
        else {
            return stop(.failed(.garbled("a watch's line is no event")))
        }
        heard_ns = Clock.monotonic_ns
        if type == "ERROR" { return stop(APIProblem(event: object)) }
        guard let metadata = NodeMetadata(object) else {
            return stop(.failed(.garbled("a watch's object has no resourceVersion")))
        }
        resourceVersion = metadata.resourceVersion
        if type == "BOOKMARK", !sendsBookmarks {
            sendsBookmarks = true
            if isProven { due_ns = heard_ns + quiet_ns }
        }
        guard type != "BOOKMARK", object["metadata"]?["name"]?.text == nodeName else { return }
        learn(type == "DELETED" ? .absent : .present(metadata))
    }

    /// Nothing has come for too long.
    private func giveUp() {
        if case .watching(let exchange) = phase { client.giveUp(exchange) }
        fail(.failed(.silent))
    }

    private func stop(_ problem: APIProblem) {
        if case .watching(let exchange) = phase { client.cancel(exchange) }
        fail(problem)
    }

    private func ended(_ result: Result<Answer, APIProblem>) {
        guard case .watching = phase else { return }
        if case .failure(let problem) = result { return fail(problem) }
        guard scanned == 0 else { return fail(.failed(.garbled("a watch's last line has no end"))) }
        guard Clock.monotonic_ns - started_ns > NodeWatch.shortest_ns else {
            return fail(.failed(.broken("the watch ended at once")))
        }
        // The server's own end of a watch.
        prove()
        (phase, isAnswered, isProven, due_ns) = (.idle, false, false, 0)
    }
}
