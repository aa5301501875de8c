internal import LinuxSystem

/// Everybody who is connected, and what they are answered. libmicrohttpd calls it, within calls that are made to that.
final class Clients {
    /// Those that are answered. HEAD is answered as GET is, and libmicrohttpd leaves the body out.
    private let methods: [String: ServerRequest.Method]
    private let limits: Limits
    private let answer: (ServerRequest) -> ServerResponse

    private var all: [ObjectIdentifier: Client] = [:]
    private var newcomers = 0
    /// How many have sent no request yet.
    private(set) var fresh = 0
    /// How many answers are on their way.
    private(set) var sending = 0
    /// How many each daemon serves.
    private(set) var counts: [Int: Int] = [:]
    /// Whom libmicrohttpd is just given.
    var arriving: Client?
    private var turnStarted_ns: UInt64 = 0
    private var answersInTurn = 0
    /// Something was told since this was last taken back.
    var hasMoved = false
    /// Nobody is to be asked for again in the next turn.
    private(set) var hasAnsweredAll = true
    /// When the next one may have had its time, on CLOCK_MONOTONIC. Who is active has more by then: it is looked at anew at that time, and not
    /// at each request of each of thousands.
    private(set) var due_ns: UInt64 = .max

    init(_ methods: [String: ServerRequest.Method], _ limits: Limits, answer: @escaping (ServerRequest) -> ServerResponse) {
        (self.methods, self.limits, self.answer) = (methods, limits, answer)
    }

    var isFull: Bool { all.count >= limits.connections }
    /// Whether there is room for one more of them.
    func hasRoom(for client: Client) -> Bool {
        !client.isStranger || all.values.count { $0.isStranger } < limits.connections / 2
    }

    /// There is room for another only where one goes.
    private var lacksRoom: Bool {
        guard let most = limits.strangers else { return isFull }
        return isFull || fresh >= most.fresh || newcomers >= most.newcomers
    }

    /// Whose place another would take.
    private var oldestStranger: Client? {
        guard let most = limits.strangers else { return nil }
        let isCrowded = fresh >= most.fresh
        let strangers = all.values.lazy.filter { isCrowded ? $0.isFresh : $0.isNewcomer }
        return strangers.min { $0.arrived_ns < $1.arrived_ns }
    }

    /// When there is room for another though nobody goes by himself, on CLOCK_MONOTONIC: 0 where there is room now.
    var room_ns: UInt64 {
        if !lacksRoom { return 0 }
        return oldestStranger.map { $0.arrived_ns + limits.grace_ns } ?? .max
    }

    /// Makes room for another.
    func makeRoom() {
        guard lacksRoom, let oldest = oldestStranger else { return }
        open(oldest)
        settle(oldest)
        oldest.descriptor.endConnection()
    }

    private func settle(_ client: Client) {
        if client.isNewcomer { newcomers -= 1 }
        client.isNewcomer = false
    }

    private func wait(for client: Client, _ patience_ns: UInt64) {
        client.until_ns = Clock.monotonic_ns + patience_ns
        due_ns = min(due_ns, client.until_ns)
    }

    /// To be called before libmicrohttpd is run.
    func startTurn(_ now_ns: UInt64) {
        (turnStarted_ns, answersInTurn, hasAnsweredAll) = (now_ns, 0, true)
        if now_ns < due_ns { return }
        // libmicrohttpd reads the end of a connection that has had its time, and closes it.
        for client in all.values where client.until_ns <= now_ns {
            client.descriptor.endConnection()
            client.until_ns = .max
        }
        due_ns = all.values.lazy.map(\.until_ns).min() ?? .max
    }

    /// Ends the connections of one daemon.
    func end(of daemon: Int) { for client in all.values where client.daemon == daemon { client.descriptor.endConnection() } }

    // MARK: What libmicrohttpd tells

    /// The one who was arriving has a connection.
    func arrived() -> Client? {
        guard let arriving else { return nil }
        all[ObjectIdentifier(arriving)] = arriving
        counts[arriving.daemon, default: 0] += 1
        newcomers += 1
        fresh += 1
        wait(for: arriving, limits.patience_ns)
        return arriving
    }

    func left(_ client: Client) {
        all[ObjectIdentifier(client)] = nil
        counts[client.daemon] = counts[client.daemon].flatMap { $0 > 1 ? $0 - 1 : nil }
        settle(client)
        open(client)
    }

    private func open(_ client: Client) {
        if client.isFresh { fresh -= 1 }
        client.isFresh = false
    }

    func begin(_ client: Client, _ target: String?) {
        hasMoved = true
        open(client)
        wait(for: client, limits.patience_ns)
        client.request = IncomingRequest(target: target.flatMap(Target.init))
    }

    func completed(_ client: Client) {
        hasMoved = true
        wait(for: client, client.request?.isWelcome == true ? limits.idle_ns : limits.patience_ns)
        if client.request?.isAnswered == true { sending -= 1 }
        client.request = nil
    }

    /// The headers have come, or bytes of the body, or its end. False ends the connection.
    func proceed(_ connection: Connection, _ client: Client, _ line: RequestLine, _ bytes: [UInt8]) -> Bool {
        hasMoved = true
        guard let request = client.request else { return false }
        guard let headers = request.headers else {
            let headers = connection.headers
            client.request?.headers = headers
            return refusal(of: request, line, headers).map(connection.send) ?? true
        }
        let length = request.length + bytes.count
        if !bytes.isEmpty {
            client.request?.length = length
            if length <= limits.body { client.request?.body += bytes }
            // An answer can only be given at the end. Up to here somebody who sends too much is told so.
            return length <= 4 * limits.body
        }
        if length > limits.body { return connection.send(tooLarge) }
        // Without an answer libmicrohttpd asks for it again when it is next run, and wants to be at once.
        if answersInTurn > 0, Clock.monotonic_ns - turnStarted_ns > limits.turn_ns {
            hasAnsweredAll = false
            return true
        }
        answersInTurn += 1
        // Both were there when the headers came.
        guard let target = request.target, let method = methods[line.method] else { return false }
        let whole = ServerRequest(
            method: method, path: target.path, headers: headers, body: request.body, peer: client.peer, origin: client.origin)
        let answer = answer(whole)
        if method == .post, 200..<300 ~= answer.status {
            client.request?.isWelcome = true
            settle(client)
        }
        client.request?.isAnswered = true
        sending += 1
        return connection.send(answer)
    }

    /// What libmicrohttpd lets pass, and RFC 9112 or these limits don't.
    private func refusal(of request: IncomingRequest, _ line: RequestLine, _ headers: [ServerRequest.Header]) -> ServerResponse? {
        if methods[line.method] == nil {
            let allowed = methods.keys.sorted().joined(separator: ", ")
            return ServerResponse(status: 405, text: "only \(allowed) are answered", headers: [.init("Allow", allowed)])
        }
        if request.target == nil { return ServerResponse(status: 400, text: "what is asked for is no path") }
        let hosts = headers.count { $0.name == "host" }
        if hosts > 1 || hosts == 0 && line.version != "HTTP/1.0" {
            return ServerResponse(status: 400, text: "a request names one host")
        }
        let lengths = headers.filter { $0.name == "content-length" || $0.name == "transfer-encoding" }
        if lengths.count > 1 { return ServerResponse(status: 400, text: "a request says once how long it is") }
        // libmicrohttpd has seen that it is a number. Whoever sends on without a go-ahead is told when all has come, up to a bound: an end of the
        // connection before that takes the answer with it (RFC 9112, section 9.6).
        if let length = lengths.first, length.name == "content-length" {
            let most = headers.contains { $0.name == "expect" } ? limits.body : 4 * limits.body
            if Int(length.value) ?? .max > most { return tooLarge }
        }
        return nil
    }

    private var tooLarge: ServerResponse {
        ServerResponse(status: 413, text: "the body of a request has at most \(limits.body) bytes")
    }
}
