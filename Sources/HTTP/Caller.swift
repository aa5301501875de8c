public import LinuxSystem
internal import Text

/// Whom a caller posts to: where that is, and by what both ends know each other.
public struct Callee: Equatable, Sendable {
    let addresses: [WebURL]
    let certificateFile: String?
    let tokenFile: String

    /// - Parameters:
    ///   - addresses: one or more, all with TLS; the first is asked first. What is asked for is their path.
    ///   - certificateFile: what the service's certificate is checked against; nil is the system's.
    ///   - tokenFile: a bearer token (RFC 6750).
    /// - Throws: `.garbled` where there is none, or one without TLS, which would show the token to everybody.
    public init(_ addresses: [WebURL], certificateFile: String?, tokenFile: String) throws(HTTPProblem) {
        if addresses.isEmpty { throw .garbled("no address is given") }
        if let plain = addresses.first(where: \.isPlain) {
            throw .garbled("\(quoted(plain.origin)) has no TLS: everybody on the way could read the token")
        }
        (self.addresses, self.certificateFile, self.tokenFile) = (addresses, certificateFile, tokenFile)
    }
}

/// Posts to a service, one after the other, on the caller's thread, over a connection that is kept. Nothing here ever waits: `run` is to be
/// called when `descriptorNumber` is readable, and when `due_ns` has come.
///
/// Both files are read for each post, because others replace them. Where there is no answer the next post goes to the next address, over a connection of
/// its own; so it does where the service says that another has to be asked: 503 with an end of the connection, or again and again.
public final class Caller {
    private let callee: Callee
    private let userAgent: String
    private let environment: (String) -> String?
    private let epoll: Epoll
    private var index = 0
    /// Of the address that is being asked; nil where the next post begins anew.
    private var client: HTTPClient?
    private var post: Post?
    /// The outcome of the post, to be told by `run`.
    private var outcome: Result<Answer, HTTPProblem>?
    /// One after the other.
    private var refusals = 0

    private struct Post {
        let exchange: Exchange?
        let onEnd: (Result<Answer, HTTPProblem>) -> Void
    }

    /// Whoever is about to have his identity looked up is told so once or twice.
    private static let mostRefusals = 4
    /// Answers have a few hundred bytes.
    private static let largestAnswer = 64 << 10

    /// libcurl is loaded with the first post.
    /// - Parameters:
    ///   - userAgent: the program and its version.
    ///   - environment: where proxies are named.
    public init(
        to callee: Callee, userAgent: String, environment: @escaping (String) -> String? = Process.environment
    ) throws(Errno) {
        (self.callee, self.userAgent, self.environment) = (callee, userAgent, environment)
        epoll = try Epoll()
    }

    /// For waiting on.
    public var descriptorNumber: Int32 { epoll.number }
    /// When `run` is to be called though nothing is ready, on CLOCK_MONOTONIC.
    public var due_ns: UInt64 { outcome != nil ? 0 : client?.due_ns ?? .max }
    /// Whom the next post goes to, or the one that is on its way: for telling a person.
    public var origin: String { callee.addresses[index].origin }

    /// Posts JSON. One that is still on its way is given up without an outcome, and its connection with it.
    /// - Parameters:
    ///   - timeLimit_ms: for the whole exchange, names and handshake included.
    ///   - onEnd: called from `run`, once, unless another post follows before. Whatever its status, an answer is a success.
    public func post(_ body: [UInt8], timeLimit_ms: UInt64, onEnd: @escaping (Result<Answer, HTTPProblem>) -> Void) {
        cancel()
        do throws(HTTPProblem) {
            let token: String
            do throws(TokenFile.Problem) { token = try TokenFile.read(callee.tokenFile) } catch {
                throw .noToken(path: callee.tokenFile, error)
            }
            let client: HTTPClient
            if let kept = self.client { client = kept } else { client = try connect(timeLimit_ms) }
            let address = callee.addresses[index]
            let request = Request(
                method: .post, path: address.path + address.query, fields: [], login: nil, wantedFields: ["connection"],
                body: Request.Body(type: "application/json", bytes: body), largestAnswer: Caller.largestAnswer)
            let exchange = client.send(request, token: token, timeLimit_ms: timeLimit_ms) { [weak self] in self?.outcome = $0 }
            post = Post(exchange: exchange, onEnd: onEnd)
        } catch {
            post = Post(exchange: nil, onEnd: onEnd)
            outcome = .failure(error)
        }
    }

    /// Ends the post that is on its way, if any, without an outcome.
    func cancel() {
        if let exchange = post?.exchange, outcome == nil { client?.cancel(exchange) }
        (post, outcome) = (nil, nil)
    }

    /// Moves everything on as far as it goes without waiting.
    public func run() {
        client?.run()
        guard let outcome, let post else { return }
        (self.outcome, self.post) = (nil, nil)
        if isElsewhere(outcome) { moveOn() }
        post.onEnd(outcome)
    }

    private func connect(_ timeLimit_ms: UInt64) throws(HTTPProblem) -> HTTPClient {
        let server = Server(callee.addresses[index].origin, certificateFile: callee.certificateFile)
        // Half of the time for an answer about the name; libcurl has to have some left.
        let client = try HTTPClient(server, userAgent: userAgent, names_ms: timeLimit_ms / 2, environment: environment)
        do throws(Errno) { try epoll.add(client.descriptorNumber, token: 0) } catch {
            throw .broken("\(error.explanation) (\(error.name))")
        }
        self.client = client
        return client
    }

    /// Whether another address, or another connection, has to be asked.
    private func isElsewhere(_ outcome: Result<Answer, HTTPProblem>) -> Bool {
        switch outcome {
        case .failure(let problem): return problem.isOfConnection
        case .success(let answer):
            refusals = answer.status == 503 ? refusals + 1 : 0
            return answer.status == 503
                && (answer.fields["connection"]?.lowercased() == "close" || refusals >= Caller.mostRefusals)
        }
    }

    private func moveOn() {
        if let client { epoll.remove(client.descriptorNumber) }
        (client, refusals) = (nil, 0)
        index = (index + 1) % callee.addresses.count
    }
}
