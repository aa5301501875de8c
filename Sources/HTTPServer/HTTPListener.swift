internal import LinuxSystem

/// Serves HTTP/1.1 at one place, on the caller's thread. Nothing here ever waits: `run` is to be called when `descriptorNumber` is
/// readable, and when `due_ns` has come. It ends with the object, and so does what it was asked meanwhile.
///
/// Each has its own connections, so that who takes those of one can't take another's. Of a Unix socket's, others than root and this process's
/// own user have half at most.
public final class HTTPListener {
    private let socket: ListeningSocket
    private let clients: Clients
    /// The last one serves who comes; those before it, whose certificate was another, who came to them, to the end.
    private var daemons: [Daemon] = []
    private var certificate: CertificateWatch?
    private let epoll: Epoll
    private let limits: Limits
    private let hasPeers: Bool
    private let onProblem: (ServerProblem) -> Void
    /// Told that there is no room for them. The connection is left to them for a while: whoever finds it closed before he has sent anything
    /// doesn't look for an answer.
    private var refused: [Client] = []
    /// The listening socket is in the epoll.
    private var isListening = false
    /// When what libmicrohttpd says it has to do is to be done, on CLOCK_MONOTONIC.
    private var nextPass_ns: UInt64 = 0
    /// No connection is taken before, on CLOCK_MONOTONIC.
    private var rest_ns: UInt64 = 0

    /// For waiting on.
    public var descriptorNumber: Int32 { epoll.number }
    /// When `run` is to be called though nothing is readable, on CLOCK_MONOTONIC.
    public var due_ns: UInt64 {
        let work_ns = daemons.contains(where: \.isPending) ? nextPass_ns : .max
        let farewell_ns = refused.first.map { $0.arrived_ns + limits.farewell_ns } ?? .max
        let open_ns = isListening ? .max : max(rest_ns, clients.room_ns)
        return min(work_ns, clients.due_ns, farewell_ns, open_ns, certificate?.due_ns ?? .max)
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
        let limits = Limits()
        let socket = try ListeningSocket(at: address, backlog: limits.backlog)
        try self.init(socket, ["GET": .get, "HEAD": .get], hasPeers: false, limits, nil, onProblem, answer)
    }

    /// Over TCP with TLS 1.3 or 1.2: GET, HEAD and POST, for thousands who each keep a connection and post every few seconds. Who was answered a post
    /// with success (2xx) can be silent for a minute, and nobody takes his place. All others have 5 s, and of 2,500 places half at most, those
    /// who have sent nothing yet 128; who comes beyond that takes the place of the one of them who has been here longest.
    ///
    /// Files that became others are used for connections that come 5 s later at the latest; those that are there stay. Where something is
    /// wrong with them what was in use stays in use. The process's limit of descriptors is raised to what it may be.
    /// - Parameters:
    ///   - certificate: the server's, with its chain, and its key.
    ///   - onProblem: called from `run`: every second as long as the kernel has no connection to give, and for each issue of a certificate that can't
    ///     be used, or that clients don't take any more or not yet.
    ///   - answer: called from `run`, once for each request.
    /// - Throws: `.certificate` beside what the initializer without TLS does, and `.fewDescriptors` where there is no room for so many.
    public convenience init(
        at address: ListenAddress, certificate: CertificateFiles, onProblem: @escaping (ServerProblem) -> Void,
        answer: @escaping (ServerRequest) -> ServerResponse
    ) throws(ServerProblem) {
        let limits = Limits.ofThousands
        let allowed = Process.raiseDescriptorLimit()
        if allowed < limits.descriptors { throw .fewDescriptors(needed: limits.descriptors, allowed: allowed) }
        let certificate = try CertificateWatch(certificate, Clock.monotonic_ns)
        let methods: [String: ServerRequest.Method] = ["GET": .get, "HEAD": .get, "POST": .post]
        let socket = try ListeningSocket(at: address, backlog: limits.backlog)
        try self.init(socket, methods, hasPeers: false, limits, certificate, onProblem, answer)
    }

    /// At a Unix socket, whose file it makes, replaces where nobody listens, and takes away: GET, HEAD, PUT and DELETE, for everybody;
    /// `answer` knows who asks.
    /// - Throws: `.noLibrary`, `.taken`, `.notASocket`, or `.failed` where the kernel refuses something.
    public convenience init(
        at path: String, onProblem: @escaping (ServerProblem) -> Void, answer: @escaping (ServerRequest) -> ServerResponse
    ) throws(ServerProblem) {
        let methods: [String: ServerRequest.Method] = ["GET": .get, "HEAD": .get, "PUT": .put, "DELETE": .delete]
        try self.init(ListeningSocket(at: path), methods, hasPeers: true, Limits(), nil, onProblem, answer)
    }

    private init(
        _ socket: ListeningSocket, _ methods: [String: ServerRequest.Method], hasPeers: Bool, _ limits: Limits,
        _ certificate: CertificateWatch?, _ onProblem: @escaping (ServerProblem) -> Void,
        _ answer: @escaping (ServerRequest) -> ServerResponse
    ) throws(ServerProblem) {
        (self.socket, self.hasPeers, self.limits, self.onProblem) = (socket, hasPeers, limits, onProblem)
        clients = Clients(methods, limits, answer: answer)
        self.certificate = certificate
        do throws(Errno) { epoll = try Epoll() } catch { throw .failed("make an epoll", error) }
        try startDaemon(0)
        listen(Clock.monotonic_ns)
    }

    private static let callToken: UInt64 = 1

    private func startDaemon(_ number: Int) throws(ServerProblem) {
        let daemon = try Daemon(number, for: clients, limits, certificate?.current)
        do throws(Errno) { try epoll.add(daemon.descriptorNumber, token: 0) } catch { throw .failed("make an epoll", error) }
        daemons.append(daemon)
    }

    /// Moves everything on as far as it goes without waiting.
    public func run() {
        let now_ns = Clock.monotonic_ns
        lookAtCertificate(now_ns)
        clients.startTurn(now_ns)
        refused.removeAll { $0.arrived_ns + limits.farewell_ns <= now_ns }
        if isListening, rest_ns <= now_ns, isCalled { take(now_ns) }
        for daemon in daemons { run(daemon) }
        nextPass_ns = pause_ns.map { now_ns + $0 } ?? 0
        listen(now_ns)
    }

    private func lookAtCertificate(_ now_ns: UInt64) {
        guard let news = certificate?.look(now_ns), let newest = daemons.last?.number else { return }
        for one in news {
            switch one {
            case .problem(let problem): onProblem(problem)
            case .replaced: do throws(ServerProblem) { try startDaemon(newest + 1) } catch { onProblem(error) }
            }
        }
        // Who keeps a connection for longer than so many certificates comes again.
        if daemons.count > limits.daemons { clients.end(of: daemons[0].number) }
        for daemon in daemons.dropLast() where clients.counts[daemon.number] == nil {
            epoll.remove(daemon.descriptorNumber)
            daemons.removeAll { $0 === daemon }
        }
    }

    /// How long what libmicrohttpd says it has to do can wait; nil where it can't. libmicrohttpd 0.9.75 says so of a connection whose handshake
    /// waits for the other end. What comes from there makes its descriptor readable all the same, but what it still has to send of a large answer
    /// doesn't.
    private var pause_ns: UInt64? {
        guard certificate != nil, clients.fresh > 0, clients.hasAnsweredAll else { return nil }
        return clients.sending > 0 ? limits.pass_ns : limits.handshake_ns
    }

    /// As long as something comes of it: libmicrohttpd has yet to see that there is nothing more behind a request, which costs less here than in a turn
    /// of its own.
    private func run(_ daemon: Daemon) {
        repeat {
            clients.hasMoved = false
            daemon.run()
        } while clients.hasMoved && clients.hasAnsweredAll && daemon.isPending
    }

    /// Whether a connection may wait. For accept(2) the kernel makes a socket before it finds out that there is none, which costs more than this.
    private var isCalled: Bool {
        guard let count = try? epoll.wait(milliseconds: 0) else { return true }
        return (0..<count).contains { epoll[$0].token == HTTPListener.callToken }
    }

    /// Takes connections that wait.
    private func take(_ now_ns: UInt64) {
        guard let daemon = daemons.last else { return }
        for _ in 0..<limits.arrivals where clients.room_ns <= now_ns {
            do throws(Errno) {
                let descriptor = try socket.descriptor.accept()
                let identity = hasPeers ? try descriptor.peer() : nil
                let client = Client(descriptor, identity, now_ns, of: daemon.number)
                clients.makeRoom()
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
        let shouldListen = clients.room_ns <= now_ns && rest_ns <= now_ns
        guard shouldListen != isListening else { return }
        if isListening { epoll.remove(socket.descriptor.number) }
        isListening = false
        guard shouldListen else { return }
        do throws(Errno) {
            try epoll.add(socket.descriptor.number, token: HTTPListener.callToken)
            isListening = true
        } catch { rest(now_ns, error) }
    }

    private func rest(_ now_ns: UInt64, _ error: Errno) { rest_ns = now_ns + limits.rest_ns }
}
