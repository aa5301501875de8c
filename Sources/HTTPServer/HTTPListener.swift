internal import LinuxSystem

/// Serves HTTP/1.1 at one place, on the caller's thread. Nothing here ever waits: `run` is to be called when `descriptorNumber` is
/// readable, and when `due_ns` has come. It ends with the object, and so does what it was asked meanwhile.
///
/// Each has its own connections, so that who takes those of one can't take another's. Of a Unix socket's, others than root and this process's
/// own user have half at most.
public final class HTTPListener {
    private let socket: ListeningSocket
    private let clients: Clients
    private let daemon: Daemon
    private let epoll: Epoll
    private let limits: Limits
    private let hasPeers: Bool
    private let onProblem: (ServerProblem) -> Void
    /// Told that there is no room for them. The connection is left to them for a while: whoever finds it closed before he has sent anything
    /// doesn't look for an answer.
    private var refused: [Client] = []
    /// The listening socket is in the epoll.
    private var isListening = false
    /// No connection is taken before, on CLOCK_MONOTONIC.
    private var rest_ns: UInt64 = 0

    /// For waiting on.
    public var descriptorNumber: Int32 { epoll.number }
    /// When `run` is to be called though nothing is readable, on CLOCK_MONOTONIC.
    public var due_ns: UInt64 {
        if daemon.isPending { return 0 }
        let farewell_ns = refused.first.map { $0.since_ns + limits.farewell_ns } ?? .max
        return min(clients.due_ns, farewell_ns, isListening || clients.isFull ? .max : rest_ns)
    }

    /// Over TCP: GET and HEAD, for everybody who can connect.
    /// - Parameters:
    ///   - onProblem: called from `run`, every second as long as the kernel has no connection to give.
    ///   - answer: called from `run`, once for each request.
    /// - Throws: `.noLibrary`, `.taken`, `.notLocal`, `.reservedPort`, or `.failed` where the kernel refuses something else.
    public convenience init(
        at address: ListenAddress, onProblem: @escaping (ServerProblem) -> Void,
        answer: @escaping (ServerRequest) -> ServerResponse
    ) throws(ServerProblem) {
        try self.init(ListeningSocket(at: address), ["GET": .get, "HEAD": .get], hasPeers: false, Limits(), onProblem, answer)
    }

    /// At a Unix socket, whose file it makes, replaces where nobody listens, and takes away: GET, HEAD, PUT and DELETE, for everybody;
    /// `answer` knows who asks.
    /// - Throws: `.noLibrary`, `.taken`, `.notASocket`, or `.failed` where the kernel refuses something.
    public convenience init(
        at path: String, onProblem: @escaping (ServerProblem) -> Void, answer: @escaping (ServerRequest) -> ServerResponse
    ) throws(ServerProblem) {
        let methods: [String: ServerRequest.Method] = ["GET": .get, "HEAD": .get, "PUT": .put, "DELETE": .delete]
        try self.init(ListeningSocket(at: path), methods, hasPeers: true, Limits(), onProblem, answer)
    }

    private init(
        _ socket: ListeningSocket, _ methods: [String: ServerRequest.Method], hasPeers: Bool, _ limits: Limits,
        _ onProblem: @escaping (ServerProblem) -> Void, _ answer: @escaping (ServerRequest) -> ServerResponse
    ) throws(ServerProblem) {
        (self.socket, self.hasPeers, self.limits, self.onProblem) = (socket, hasPeers, limits, onProblem)
        clients = Clients(methods, limits, answer: answer)
        daemon = try Daemon(for: clients, limits)
        do throws(Errno) {
            epoll = try Epoll()
            try epoll.add(daemon.descriptorNumber, token: 0)
        } catch { throw .failed("make an epoll", error) }
        listen(Clock.monotonic_ns)
    }

    /// Moves everything on as far as it goes without waiting.
    public func run() {
        let now_ns = Clock.monotonic_ns
        clients.startTurn(now_ns)
        refused.removeAll { $0.since_ns + limits.farewell_ns <= now_ns }
        if !clients.isFull, rest_ns <= now_ns { take(now_ns) }
        daemon.run()
        listen(now_ns)
    }

    /// Takes connections that wait.
    private func take(_ now_ns: UInt64) {
        for _ in 0..<limits.arrivals where !clients.isFull {
            do throws(Errno) {
                let descriptor = try socket.descriptor.accept()
                let identity = hasPeers ? try descriptor.peer() : nil
                let client = Client(descriptor, identity, now_ns)
                if clients.hasRoom(for: client) { try daemon.add(client) } else { refuse(client) }
            } catch {
                if error == .again { return }
                if error == .connectionAborted { continue }
                // Without descriptors or memory. The socket stays readable.
                rest(now_ns, error)
                return onProblem(.deaf(error))
            }
        }
    }

    /// In one piece, which an empty socket takes: nobody waits for a stranger.
    private func refuse(_ client: Client) {
        let text = "all connections for others than root are taken\n"
        let answer =
            "HTTP/1.1 503 Service Unavailable\r\nConnection: close\r\nContent-Type: text/plain; charset=utf-8\r\nRetry-After: 1\r\n"
            + "X-Content-Type-Options: nosniff\r\nCache-Control: no-store\r\nContent-Length: \(text.utf8.count)\r\n\r\n\(text)"
        _ = try? client.descriptor.send([UInt8](answer.utf8).span)
        if refused.count == limits.refused { refused.removeFirst() }
        refused.append(client)
    }

    /// Watches the listening socket where a connection could be taken, and only there: it stays readable as long as one waits.
    private func listen(_ now_ns: UInt64) {
        let shouldListen = !clients.isFull && rest_ns <= now_ns
        guard shouldListen != isListening else { return }
        if isListening { epoll.remove(socket.descriptor.number) }
        isListening = false
        guard shouldListen else { return }
        do throws(Errno) {
            try epoll.add(socket.descriptor.number, token: 1)
            isListening = true
        } catch { rest(now_ns, error) }
    }

    private func rest(_ now_ns: UInt64, _ error: Errno) { rest_ns = now_ns + limits.rest_ns }
}
