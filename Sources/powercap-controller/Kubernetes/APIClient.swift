internal import LinuxSystem

/// Requests to one API server.
final class APIClient {
    let access: ClusterAccess
    let patience: Patience
    private let transport: Transport
    private let names: Names
    private let proxy: Proxy?
    private let epoll: Epoll
    /// Those that can't be sent before the server's address is known.
    private var waiting: [(exchange: Exchange, until_ns: UInt64)] = []

    var descriptorNumber: Int32 { epoll.number }
    /// When `run` is to be called though nothing is ready, on CLOCK_MONOTONIC.
    var due_ns: UInt64 { min(transport.due_ns, waiting.map(\.until_ns).min() ?? .max) }

    /// - Parameter environment: where proxies are named.
    init(
        _ access: ClusterAccess, patience: Patience = Patience(), environment: (String) -> String? = Process.environment
    ) throws(APIProblem) {
        (self.access, self.patience) = (access, patience)
        transport = try Transport()
        guard let server = Endpoint(access.server, defaultPort: access.isPlain ? 80 : 443) else {
            throw .garbled("\(quoted(access.server)) is no server's address")
        }
        // A proxy of the environment must not see a token in plain text.
        proxy = access.isPlain ? nil : Proxy(for: server, environment: environment)
        do throws(Errno) {
            epoll = try Epoll()
            try epoll.add(transport.descriptorNumber, token: 0)
        } catch { throw .broken("\(error.explanation) (\(error.name))") }
        let endpoints = [proxy?.endpoint, proxy?.takesNames == true ? nil : server]
        names = Names(endpoints.compactMap { $0 }, epoll)
    }

    /// Sends a request. `onEnd` is called from `run`, once, unless the exchange is cancelled.
    /// - Throws: `.noToken`; then nothing is sent, because an anonymous request is not what was asked for.
    @discardableResult
    func send(
        _ request: Request, onBytes: ((inout [UInt8]) -> Void)? = nil,
        onEnd: @escaping (Result<Answer, APIProblem>) -> Void
    ) throws(APIProblem) -> Exchange {
        let exchange = Exchange(
            request, at: access, by: proxy, token: try token(), timeLimit_ms: patience.answer_ms + request.stream_ms,
            onBytes: onBytes
        ) { [weak self] result in
            if case .failure(let problem) = result, problem.isOfConnection { self?.names.doubt() }
            onEnd(result)
        }
        let now_ns = Clock.monotonic_ns
        names.want(now_ns)
        waiting.append((exchange, now_ns + patience.names_ms * 1_000_000))
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

    /// nil where none is to be sent.
    func token() throws(APIProblem) -> String? {
        guard let file = access.tokenFile else { return nil }
        return try TokenFile.read(file)
    }

    /// Ends an exchange without an outcome.
    func cancel(_ exchange: Exchange) {
        waiting.removeAll { $0.exchange === exchange }
        transport.cancel(exchange)
    }

    /// Ends an exchange that nothing has come of in its time, without an outcome: what is sent next goes over a connection of its own.
    func giveUp(_ exchange: Exchange) {
        cancel(exchange)
        names.doubt()
        transport.giveUpConnections()
    }

    func run() {
        let now_ns = Clock.monotonic_ns
        names.run(now_ns)
        sendWaiting(now_ns)
        transport.run()
    }
}
