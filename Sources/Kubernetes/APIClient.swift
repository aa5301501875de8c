public import HTTP
public import LinuxSystem

/// Requests to one API server, with the token as it lies on disk at that moment.
public final class APIClient {
    /// Whom it asks.
    public let access: ClusterAccess
    /// How long it waits.
    public let patience: Patience
    private let http: HTTPClient
    /// How many requests have ended, and how: what was cancelled isn't counted.
    public private(set) var outcomes: [Outcome: UInt64] = [:]

    /// How a request ended.
    public struct Outcome: Hashable, Sendable {
        /// HTTP's method, or `WATCH` for an answer that goes on.
        public let verb: String
        /// HTTP's status, or in a word why there is none.
        public let code: String
    }

    /// For waiting on.
    public var descriptorNumber: Int32 { http.descriptorNumber }
    /// When `run` is to be called though nothing is ready, on CLOCK_MONOTONIC.
    public var due_ns: UInt64 { http.due_ns }

    /// - Parameters:
    ///   - userAgent: the program and its version.
    ///   - environment: where proxies are named.
    /// - Throws: `.noLibrary` and others of `HTTPClient`.
    public init(
        _ access: ClusterAccess, userAgent: String, patience: Patience = Patience(),
        environment: (String) -> String? = Process.environment
    ) throws(APIProblem) {
        (self.access, self.patience) = (access, patience)
        do throws(HTTPProblem) {
            http = try HTTPClient(
                access.server, userAgent: userAgent, names_ms: patience.names_ms, environment: environment)
        } catch { throw .failed(error) }
    }

    /// Sends a request. `onEnd` is called from `run`, once, unless the exchange is cancelled.
    /// - Throws: `.noToken`; then nothing is sent, because an anonymous request is not what was asked for.
    @discardableResult
    public func send(
        _ request: Request, onBytes: ((inout [UInt8]) -> Void)? = nil,
        onEnd: @escaping (Result<Answer, APIProblem>) -> Void
    ) throws(APIProblem) -> Exchange {
        let verb = request.stream_ms > 0 ? "WATCH" : request.method.rawValue
        return http.send(
            request, token: try token(), timeLimit_ms: patience.answer_ms + request.stream_ms, onBytes: onBytes
        ) { [weak self] result in
            self?.note(verb, result)
            switch result {
            case .success(let answer) where answer.status < 300: onEnd(.success(answer))
            case .success(let answer): onEnd(.failure(APIProblem(answer)))
            case .failure(let problem): onEnd(.failure(.failed(problem)))
            }
        }
    }

    private func note(_ verb: String, _ result: Result<Answer, HTTPProblem>) {
        let code =
            switch result {
            case .success(let answer): "\(answer.status)"
            case .failure(let problem): problem.kind
            }
        outcomes[Outcome(verb: verb, code: code), default: 0] += 1
    }

    /// nil where none is to be sent.
    /// - Throws: `.noToken`.
    public func token() throws(APIProblem) -> String? {
        guard let file = access.tokenFile else { return nil }
        do throws(TokenFile.Problem) { return try TokenFile.read(file) } catch {
            throw .failed(.noToken(path: file, error))
        }
    }

    /// Ends an exchange without an outcome.
    public func cancel(_ exchange: Exchange) { http.cancel(exchange) }

    /// Ends an exchange that nothing has come of in its time, without an outcome: what is sent next goes over a connection of its own.
    func giveUp(_ exchange: Exchange) { http.giveUp(exchange) }

    /// Moves everything on as far as it goes without waiting.
    public func run() { http.run() }
}
