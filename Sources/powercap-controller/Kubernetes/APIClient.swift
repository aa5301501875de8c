internal import LinuxSystem

/// Requests to one API server.
final class APIClient {
    let access: ClusterAccess
    let patience: Patience
    private let transport: Transport

    var descriptorNumber: Int32 { transport.descriptorNumber }
    /// When `run` is to be called though nothing is ready, on CLOCK_MONOTONIC.
    var due_ns: UInt64 { transport.due_ns }

    init(_ access: ClusterAccess, patience: Patience = Patience()) throws(APIProblem) {
        (self.access, self.patience) = (access, patience)
        transport = try Transport()
    }

    /// Sends a request. `onEnd` is called from `run`, once, unless the exchange is cancelled.
    /// - Throws: `.noToken`; then nothing is sent, because an anonymous request is not what was asked for.
    @discardableResult
    func send(
        _ request: Request, onBytes: ((inout [UInt8]) -> Void)? = nil,
        onEnd: @escaping (Result<Answer, APIProblem>) -> Void
    ) throws(APIProblem) -> Exchange {
        let exchange = Exchange(
            request, at: access, token: try token(), timeLimit_ms: patience.answer_ms + request.stream_ms, onBytes: onBytes,
            onEnd: onEnd)
        transport.start(exchange)
        return exchange
    }

    /// nil where none is to be sent.
    func token() throws(APIProblem) -> String? {
        guard let file = access.tokenFile else { return nil }
        return try TokenFile.read(file)
    }

    func cancel(_ exchange: Exchange) { transport.cancel(exchange) }

    func run() { transport.run() }
}
