public import LinuxSystem
internal import Text

/// One server: where it is, and what is trusted to be it.
public struct Server: Equatable, Sendable {
    /// `https://10.96.0.1:443`, without a slash at the end: a request's path follows.
    public let address: String
    /// What the server's certificate is checked against; nil is the system's.
    let certificateFile: String?
    /// A Unix socket of this machine where it listens; nil where its address says where it is.
    let socket: String?

    public init(_ address: String, certificateFile: String? = nil) {
        (self.address, self.certificateFile, socket) = (address, certificateFile, nil)
    }

    /// One that listens on a Unix socket (unix(7)), without TLS.
    /// - Parameter socket: the socket's path, of at most 107 bytes.
    public init(socket: String) { (address, certificateFile, self.socket) = ("http://localhost", nil, socket) }

    /// HTTP without TLS.
    var isPlain: Bool { address.hasPrefix("http://") }
}

/// Requests to one server, on the caller's thread. Nothing here ever waits: `run` is to be called when `descriptorNumber` is readable,
/// and when `due_ns` has come.
public final class HTTPClient {
    private let server: Server
    private let userAgent: String
    /// How long an answer about a name is waited for, of which there may be some more to come after it.
    private let names_ms: UInt64
    private let transport: Transport
    private let names: Names
    private let proxy: Proxy?
    private let epoll: Epoll
    /// Those that can't be sent before the server's address is known.
    private var waiting: [(exchange: Exchange, until_ns: UInt64)] = []

    /// For waiting on.
    public var descriptorNumber: Int32 { epoll.number }
    /// When `run` is to be called though nothing is ready, on CLOCK_MONOTONIC.
    public var due_ns: UInt64 { min(transport.due_ns, waiting.map(\.until_ns).min() ?? .max) }

    /// - Parameter environment: where proxies are named.
    /// - Throws: `.noLibrary`, `.garbled` where the address is none, `.broken` where the kernel refuses an epoll.
    public init(
        _ server: Server, userAgent: String, names_ms: UInt64,
        environment: (String) -> String? = Process.environment
    ) throws(HTTPProblem) {
        (self.server, self.userAgent, self.names_ms) = (server, userAgent, names_ms)
        transport = try Transport()
        guard let endpoint = Endpoint(server.address, defaultPort: server.isPlain ? 80 : 443) else {
            throw .garbled("\(quoted(server.address)) is no server's address")
        }
        // A proxy of the environment must not see a token in plain text.
        proxy = server.isPlain ? nil : Proxy(for: endpoint, environment: environment)
        do throws(Errno) {
            epoll = try Epoll()
            try epoll.add(transport.descriptorNumber, token: 0)
        } catch { throw .broken("\(error.explanation) (\(error.name))") }
        let endpoints = server.socket != nil ? [] : [proxy?.endpoint, proxy?.takesNames == true ? nil : endpoint]
        names = Names(endpoints.compactMap { $0 }, epoll)
    }

    /// Sends a request.
    /// - Parameters:
    ///   - token: a bearer token (RFC 6750); nil where none is sent.
    ///   - timeLimit_ms: for the whole exchange.
    ///   - onBytes: takes a body piece by piece, and leaves what it has no use for yet; nil for a body that is taken whole.
    ///   - onEnd: called from `run`, once, unless the exchange is cancelled. Whatever its status, an answer is a success.
    @discardableResult
    public func send(
        _ request: Request, token: String?, timeLimit_ms: UInt64, onBytes: ((inout [UInt8]) -> Void)? = nil,
        onEnd: @escaping (Result<Answer, HTTPProblem>) -> Void
    ) -> Exchange {
        let exchange = Exchange(
            request, to: server, by: proxy, as: userAgent, token: token, timeLimit_ms: timeLimit_ms, onBytes: onBytes
        ) { [weak self] result in
            if case .failure(let problem) = result, problem.isOfConnection { self?.names.doubt() }
            onEnd(result)
        }
        let now_ns = Clock.monotonic_ns
        names.want(now_ns)
        waiting.append((exchange, now_ns + names_ms * 1_000_000))
        sendWaiting(now_ns)
        return exchange
    }

    /// Sends what the server's address is known for, and gives up what has waited for it long enough.
    private func sendWaiting(_ now_ns: UInt64) {
        let all = waiting
        waiting = []
        for (exchange, until_ns) in all {
            switch names.state {
            case .known: transport.start(exchange, names.resolved)
            case .unknown(let why): transport.fail(exchange, .unreachable(why))
            case .asking(let hasOld) where now_ns >= until_ns:
                if hasOld {
                    transport.start(exchange, names.resolved)
                } else {
                    transport.fail(exchange, .unreachable(names.silence))
                }
            case .asking: waiting.append((exchange, until_ns))
            }
        }
    }

    /// Ends an exchange without an outcome.
    public func cancel(_ exchange: Exchange) {
        waiting.removeAll { $0.exchange === exchange }
        transport.cancel(exchange)
    }

    /// Ends an exchange that nothing has come of in its time, without an outcome: what is sent next goes over a connection of its own.
    public func giveUp(_ exchange: Exchange) {
        cancel(exchange)
        names.doubt()
        transport.giveUpConnections()
    }

    /// Moves everything on as far as it goes without waiting.
    public func run() {
        let now_ns = Clock.monotonic_ns
        names.run(now_ns)
        sendWaiting(now_ns)
        transport.run()
    }
}
