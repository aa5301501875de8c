internal import LinuxSystem

/// Everybody who is connected, and what they are answered. libmicrohttpd calls it, within calls that are made to that.
final class Clients {
    /// Those that are answered. HEAD is answered as GET is, and libmicrohttpd leaves the body out.
    private let methods: [String: ServerRequest.Method]
    private let limits: Limits
    private let answer: (ServerRequest) -> ServerResponse

    private var all: [ObjectIdentifier: Client] = [:]
    /// Whom libmicrohttpd is just given.
    var arriving: Client?
    private var turnStarted_ns: UInt64 = 0
    private var answersInTurn = 0

    init(_ methods: [String: ServerRequest.Method], _ limits: Limits, answer: @escaping (ServerRequest) -> ServerResponse) {
        (self.methods, self.limits, self.answer) = (methods, limits, answer)
    }

    var isFull: Bool { all.count >= limits.connections }
    /// Whether there is room for one more of them.
    func hasRoom(for client: Client) -> Bool {
        !client.isStranger || all.values.count { $0.isStranger } < limits.connections / 2
    }

    /// When the next one has had its time, on CLOCK_MONOTONIC.
    var due_ns: UInt64 { all.values.lazy.map { $0.since_ns + self.limits.patience_ns }.min() ?? .max }

    /// To be called before libmicrohttpd is run.
    func startTurn(_ now_ns: UInt64) {
        (turnStarted_ns, answersInTurn) = (now_ns, 0)
        // libmicrohttpd reads the end of a connection that has had its time, and closes it.
        for client in all.values where client.since_ns + limits.patience_ns <= now_ns { client.descriptor.endConnection() }
    }

    // MARK: What libmicrohttpd tells

    /// The one who was arriving has a connection.
    func arrived() -> Client? {
        if let arriving { all[ObjectIdentifier(arriving)] = arriving }
        return arriving
    }

    func left(_ client: Client) { all[ObjectIdentifier(client)] = nil }

    func begin(_ client: Client, _ target: String?) {
        client.since_ns = Clock.monotonic_ns
        client.request = IncomingRequest(target: target.flatMap(Target.init))
    }

    func completed(_ client: Client) {
        client.since_ns = Clock.monotonic_ns
        client.request = nil
    }

    /// The headers have come, or bytes of the body, or its end. False ends the connection.
    func proceed(_ connection: Connection, _ client: Client, _ line: RequestLine, _ bytes: [UInt8]) -> Bool {
        guard let request = client.request else { return false }
        guard let headers = request.headers else {
            client.request?.headers = connection.headers
            return refusal(of: request, line, connection.headers).map(connection.send) ?? true
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
        if answersInTurn > 0, Clock.monotonic_ns - turnStarted_ns > limits.turn_ns { return true }
        answersInTurn += 1
        // Both were there when the headers came.
        guard let target = request.target, let method = methods[line.method] else { return false }
        let whole = ServerRequest(
            method: method, path: target.path, headers: headers, body: request.body, peer: client.peer)
        return connection.send(answer(whole))
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
        // libmicrohttpd has seen that it is a number.
        if let length = lengths.first, length.name == "content-length", Int(length.value) ?? .max > limits.body {
            return tooLarge
        }
        return nil
    }

    private var tooLarge: ServerResponse {
        ServerResponse(status: 413, text: "the body of a request has at most \(limits.body) bytes")
    }
}
