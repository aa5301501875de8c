public import LinuxSystem

/// Fetches documents of strangers' servers, on the caller's thread. Nothing here ever waits: `run` is to be called when `descriptorNumber`
/// is readable, and when `due_ns` has come. No connection outlives a fetch: there are hours between two.
public final class Fetcher {
    private let userAgent: String
    private let certificateFile: String?
    private let environment: (String) -> String?
    private let epoll: Epoll
    private var errands: [Errand] = []
    /// Those that ended without an exchange, to be told so by `run`.
    private var ended: [(Errand, FetchProblem)] = []

    private static let mostRedirections = 3
    /// For an answer about a name, of the time for all of it.
    private static let names_ms: UInt64 = 5_000

    /// A fetch on its way.
    private final class Errand {
        var fetch: Fetch
        let until_ns: UInt64
        let onEnd: (Result<Fetched, FetchProblem>) -> Void
        var redirections = 0
        /// Another server than the one that was asked answers.
        var isElsewhere = false
        /// Of the server that is being asked.
        var client: HTTPClient?

        init(_ fetch: Fetch, _ onEnd: @escaping (Result<Fetched, FetchProblem>) -> Void) {
            (self.fetch, self.onEnd) = (fetch, onEnd)
            until_ns = Clock.monotonic_ns + fetch.timeLimit_ms * 1_000_000
        }
    }

    /// libcurl is loaded with the first fetch.
    /// - Parameters:
    ///   - userAgent: the program and its version.
    ///   - certificateFile: what servers' certificates are checked against; nil is the system's.
    ///   - environment: where proxies are named.
    public init(
        userAgent: String, certificateFile: String? = nil, environment: @escaping (String) -> String? = Process.environment
    ) throws(Errno) {
        (self.userAgent, self.certificateFile, self.environment) = (userAgent, certificateFile, environment)
        epoll = try Epoll()
    }

    /// For waiting on.
    public var descriptorNumber: Int32 { epoll.number }

    /// When `run` is to be called though nothing is ready, on CLOCK_MONOTONIC.
    public var due_ns: UInt64 {
        ended.isEmpty ? errands.map { min($0.until_ns, $0.client?.due_ns ?? .max) }.min() ?? .max : 0
    }

    /// Begins a fetch.
    /// - Parameter onEnd: called from `run`, once. Whatever its status, an answer is a success.
    public func fetch(_ fetch: Fetch, onEnd: @escaping (Result<Fetched, FetchProblem>) -> Void) {
        let errand = Errand(fetch, onEnd)
        errands.append(errand)
        ask(errand)
    }

    /// Moves everything on as far as it goes without waiting.
    public func run() {
        for errand in errands { errand.client?.run() }
        let now_ns = Clock.monotonic_ns
        for errand in errands where now_ns >= errand.until_ns { finish(errand, .failure(.failed(.silent))) }
        let told = ended
        ended = []
        for (errand, problem) in told { finish(errand, .failure(problem)) }
    }

    private func ask(_ errand: Errand) {
        let (url, now_ns) = (errand.fetch.url, Clock.monotonic_ns)
        let left_ms = (max(errand.until_ns, now_ns) - now_ns) / 1_000_000 + 1
        do throws(HTTPProblem) {
            let client = try HTTPClient(
                Server(url.origin, certificateFile: certificateFile), userAgent: userAgent,
                names_ms: min(left_ms, Fetcher.names_ms), environment: environment)
            do throws(Errno) { try epoll.add(client.descriptorNumber, token: 0) } catch {
                throw .broken("\(error.explanation) (\(error.name))")
            }
            leave(errand)
            errand.client = client
            client.send(errand.fetch.request, token: errand.fetch.token, timeLimit_ms: left_ms) {
                [weak self, weak errand] result in
                guard let self, let errand else { return }
                note(result, of: errand)
            }
        } catch { ended.append((errand, .failed(error))) }
    }

    private func note(_ result: Result<Answer, HTTPProblem>, of errand: Errand) {
        switch result {
        case .failure(let problem): ended.append((errand, .failed(problem)))
        case .success(let answer):
            if [301, 302, 303, 307, 308].contains(answer.status), let location = answer.fields["location"] {
                return follow(location, answer.status, errand)
            }
            finish(
                errand,
                .success(
                    Fetched(
                        status: answer.status, body: answer.body, retryAfter_s: answer.retryAfter_s,
                        validators: errand.isElsewhere ? nil : Validators(answer))))
        }
    }

    private func follow(_ location: String, _ status: Int, _ errand: Errand) {
        let fetch = errand.fetch
        guard let url = fetch.url.resolving(location) else { return fail(errand, .nowhere) }
        let (host, isOther) = (url.endpoint.host, url.origin != fetch.url.origin)
        if fetch.url.isPlain { return fail(errand, .fromPlain) }
        if url.isPlain { return fail(errand, .toPlain(host: host)) }
        // What leads from one name to an address leads into the network that this machine is in.
        if isOther, url.endpoint.isAddress { return fail(errand, .toAddress(host)) }
        // With the other statuses a GET would follow (RFC 9110, section 15.4).
        if fetch.body != nil, isOther || ![307, 308].contains(status) { return fail(errand, .posted(host: host)) }
        errand.redirections += 1
        if errand.redirections > Fetcher.mostRedirections { return fail(errand, .tooMany) }
        errand.isElsewhere = errand.isElsewhere || isOther
        errand.fetch = fetch.redirected(to: url)
        ask(errand)
    }

    private func fail(_ errand: Errand, _ problem: FetchProblem.Redirection) { ended.append((errand, .redirected(problem))) }

    private func finish(_ errand: Errand, _ result: Result<Fetched, FetchProblem>) {
        guard let index = errands.firstIndex(where: { $0 === errand }) else { return }
        errands.remove(at: index)
        leave(errand)
        errand.onEnd(result)
    }

    private func leave(_ errand: Errand) {
        if let client = errand.client { epoll.remove(client.descriptorNumber) }
        errand.client = nil
    }
}
