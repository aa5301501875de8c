internal import HTTP
public import JSON
internal import LinuxSystem
public import Logging

/// Objects of a resource, listed and then watched for as long as it is stepped: what the server says of them, without keeping it. What goes wrong
/// is told once, and tried again.
public final class ListAndWatch {
    /// What the server says.
    public enum News {
        /// All there are: what isn't among them is gone. The server's versions may have gone back, because its data was restored.
        case all([JSON])
        /// One is new or has changed.
        case one(JSON)
        /// One is gone, or isn't chosen any more; as it was last.
        case gone(JSON)
    }

    private enum Phase {
        case idle
        case listing(Exchange)
        case watching(Exchange)
    }

    /// When `step` has something to do, on CLOCK_MONOTONIC.
    public private(set) var due_ns: UInt64 = 0
    private let client: APIClient
    private let subject: WatchSubject
    private let log: Log
    private let onNews: (News) -> Void
    private var phase = Phase.idle
    /// Where the next watch begins; nil when everything has to be listed first.
    private var resourceVersion: String?
    /// Of a list that isn't complete yet.
    private var pages: (items: [JSON], token: String)?
    private var pageSize: Int
    private var trouble: Trouble
    private var listed_ns: UInt64 = 0
    private var started_ns: UInt64 = 0
    /// The watch's answer has begun.
    private var isAnswered = false
    /// The watch has lived for a while: its end isn't one more failed attempt.
    private var isProven = false
    private var wasEverAnswered = false
    /// How often the watch was begun after the first time.
    public private(set) var restarts: UInt64 = 0
    /// What is wrong, in a sentence.
    public var why: String? { trouble.sentence }
    /// The server has sent a bookmark: one that sends none for long is gone, whoever keeps the connection up.
    public private(set) var sendsBookmarks = false
    private var heard_ns: UInt64 = 0
    /// At the beginning of what hasn't been taken yet, and without an end of line.
    private var scanned = 0

    /// A server that ends every watch sooner, or lets none begin, must not be asked in a loop.
    private static let shortest_ns: UInt64 = 1_000_000_000
    /// Kubernetes is made for 5,000 nodes and 150,000 objects of a type; what one list may make this program keep has an end.
    private static let mostObjects = 20_000

    /// - Parameter onNews: is called from `APIClient.run`.
    public init(
        _ client: APIClient, _ subject: WatchSubject, _ log: Log, _ causes: SharedCauses, onNews: @escaping (News) -> Void
    ) {
        (self.client, self.subject, self.log, self.onNews) = (client, subject, log, onNews)
        pageSize = subject.pageSize
        trouble = Trouble("\(subject.name) can't be watched", log, causes)
    }

    private var quiet_ns: UInt64 { client.patience.quiet_ms * 1_000_000 }

    /// Does what is due.
    public func step(_ now_ns: UInt64) {
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

    /// Lists everything anew, whatever is known: for whoever has to know what was so from a certain moment on.
    func startOver() {
        switch phase {
        case .listing(let exchange), .watching(let exchange): client.cancel(exchange)
        case .idle: break
        }
        (phase, resourceVersion, pages, isAnswered, isProven, due_ns) = (.idle, nil, nil, false, false, 0)
    }

    private func fail(_ problem: APIProblem) {
        let (now_ns, wasProven) = (Clock.monotonic_ns, isProven)
        // The server's history doesn't reach back to where a watch, or the next page of a list, would begin.
        var isHistoryLost = false
        switch phase {
        case .watching: isHistoryLost = problem.status == 410
        case .listing: isHistoryLost = problem.status == 410 && pages != nil
        case .idle: break
        }
        if problem.isTooLarge, pageSize > 1 { pageSize /= 2 }
        (phase, pages, isAnswered, isProven) = (.idle, nil, false, false)
        // Where a watch comes to nothing its beginning may be why, and any answer may have been a bad one: a list needs nothing that a
        // server has said before. What can't be read comes again where the watch is resumed.
        if isHistoryLost || problem.isUnreadable || !wasProven && problem.isOfServer { resourceVersion = nil }
        if isHistoryLost, now_ns - listed_ns > ListAndWatch.shortest_ns {
            // That is how it is made, and no trouble.
            log.debug("listing \(subject.name) anew", [("why", .text(problem.sentence))])
            due_ns = now_ns
        } else if wasProven {
            // Connections end. Whether there is trouble the next attempt shows.
            log.debug("the watch of \(subject.name) was interrupted", [("why", .text(problem.sentence))])
            due_ns = now_ns + UInt64.random(in: 0...ListAndWatch.shortest_ns)
        } else {
            due_ns = trouble.met(problem, now_ns, subject.fields)
        }
    }

    // MARK: List

    private func list(_ now_ns: UInt64) throws(APIProblem) {
        if pages == nil { listed_ns = now_ns }
        let request = subject.resource.list(
            fieldSelector: subject.fieldSelector, labelSelector: subject.labelSelector, limit: pageSize,
            continuing: pages?.token, subject.listForm)
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
        let list = try? JSON(answer.body, subject.listInterest, within: subject.bounds)
        guard let list, let version = list["metadata"]?["resourceVersion"]?.text, version.isToken,
            let items = list["items"]?.elements
        else {
            return fail(.failed(.garbled("a list has no resourceVersion or no items")))
        }
        let all = (pages?.items ?? []) + items
        guard all.count <= ListAndWatch.mostObjects else { return fail(.failed(.tooLarge)) }
        if let token = list["metadata"]?["continue"]?.text, !token.isEmpty {
            // One that makes no progress would be asked for ever.
            guard !items.isEmpty, token.utf8.count <= 4_096 else { return fail(.failed(.garbled("a list doesn't go on"))) }
            (phase, pages, due_ns) = (.idle, (all, token), 0)
            return
        }
        (phase, pages, resourceVersion, due_ns) = (.idle, nil, version, 0)
        onNews(.all(all))
    }

    // MARK: Watch

    private func watch(from version: String, _ now_ns: UInt64) throws(APIProblem) {
        let request = subject.resource.watch(
            fieldSelector: subject.fieldSelector, labelSelector: subject.labelSelector, from: version,
            seconds: .random(in: client.patience.watch_s), subject.watchForm)
        (started_ns, scanned) = (now_ns, 0)
        phase = .watching(
            try client.send(request, onBytes: { [weak self] in self?.take(&$0) }) { [weak self] in self?.ended($0) })
        due_ns = now_ns + client.patience.answer_ms * 1_000_000
    }

    /// The server has begun to answer.
    private func begin() {
        let fields = subject.fields + [("resource_version", .text(resourceVersion ?? ""))]
        if wasEverAnswered {
            restarts += 1
            log.debug("watch of \(subject.name) resumed", fields)
        } else {
            log.info("watching \(subject.name)", fields)
        }
        (isAnswered, wasEverAnswered) = (true, true)
        heard_ns = Clock.monotonic_ns
        due_ns = Clock.monotonic_ns + ListAndWatch.shortest_ns
    }

    private func prove() {
        isProven = true
        if trouble.end() { log.info("watching \(subject.name) again", subject.fields) }
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
        guard let event = try? JSON(bytes, in: range, subject.eventInterest, within: subject.bounds),
            let type = event["type"]?.text, let object = event["object"]
        else {
            return stop(.failed(.garbled("a watch's line is no event")))
        }
        heard_ns = Clock.monotonic_ns
        if type == "ERROR" { return stop(APIProblem(event: object)) }
        guard let version = object["metadata"]?["resourceVersion"]?.text, version.isToken else {
            return stop(.failed(.garbled("a watch's object has no resourceVersion")))
        }
        resourceVersion = version
        if type == "BOOKMARK", !sendsBookmarks {
            sendsBookmarks = true
            if isProven { due_ns = heard_ns + quiet_ns }
        }
        guard type != "BOOKMARK", object["metadata"]?["name"]?.text != nil else { return }
        onNews(type == "DELETED" ? .gone(object) : .one(object))
    }

    /// Nothing has come for too long.
    private func giveUp() {
        if case .watching(let exchange) = phase { client.giveUp(exchange) }
        fail(.failed(.silent))
    }

    /// What it says makes no sense: everything is listed anew.
    public func stop(_ problem: APIProblem) {
        switch phase {
        case .watching(let exchange), .listing(let exchange): client.cancel(exchange)
        case .idle: break
        }
        fail(problem)
    }

    private func ended(_ result: Result<Answer, APIProblem>) {
        guard case .watching = phase else { return }
        if case .failure(let problem) = result { return fail(problem) }
        guard scanned == 0 else { return fail(.failed(.garbled("a watch's last line has no end"))) }
        guard Clock.monotonic_ns - started_ns > ListAndWatch.shortest_ns else {
            return fail(.failed(.broken("the watch ended at once")))
        }
        // The server's own end of a watch.
        prove()
        (phase, isAnswered, isProven, due_ns) = (.idle, false, false, 0)
    }
}
