internal import HTTP
internal import JSON
internal import LinuxSystem
internal import Signals

/// A service that is asked now and then for a signal, on the loop's thread. Nothing here ever waits. One address is asked at a time: a look-up of a
/// name has a thread of its own, of which there are few, and an answer may be large.
final class Service {
    let access: ServiceAccess
    private let reader: SignalReader
    private let fetcher: Fetcher
    private var pace: FetchPace
    /// What each address answered last, in the order of the addresses.
    private(set) var answers: [ServiceAnswer?] = []
    /// Why the last time came to nothing, in whole or in part; nil where it didn't.
    private(set) var problem: Problem?
    /// How often an address was asked, by what came of it.
    private(set) var counts: [String: UInt64] = [:]
    /// When everything that was asked for came last, in seconds since 1970; nil before it did.
    private(set) var completed: Int64?
    private var round: Round?
    /// What came of it hasn't been looked at.
    private var isNews = false
    /// For a bearer token, in memory alone.
    private var token: String?

    /// What went wrong, as it may be told.
    struct Problem: Equatable, Sendable {
        let kind: String
        let sentence: String
        /// In seconds since 1970.
        let since: Int64
    }

    /// What is being asked.
    private struct Round {
        let order: ServiceAccess.Order
        /// Addresses by their numbers; the first is being asked.
        var left: [Int]
        var failures: [(index: Int?, problem: ServiceProblem)] = []
        /// A token that was refused is renewed once.
        var hasRenewed = false
    }

    init(_ access: ServiceAccess, _ reader: SignalReader) throws(Errno) {
        (self.access, self.reader) = (access, reader)
        fetcher = try Fetcher(userAgent: ServiceAccess.userAgent, certificateFile: access.settings.certificateFile)
        pace = FetchPace(refresh: access.settings.refresh)
    }

    /// For waiting on.
    var descriptorNumber: Int32 { fetcher.descriptorNumber }

    /// When `step` has something to do, on CLOCK_MONOTONIC. It is worked out anew at each turn: that clock stands still while the machine is
    /// asleep, and what is waited for doesn't.
    var due_ns: UInt64 {
        let own_ns = left_ns.map { $0 == 0 ? 0 : Clock.monotonic_ns + $0 } ?? .max
        return min(own_ns, fetcher.due_ns)
    }

    /// Until it is asked next; nil while it is being asked, and before `start`.
    private var left_ns: UInt64? {
        guard pace.due_ns != .max else { return nil }
        let now_ns = Clock.boottime_ns
        return pace.due_ns - min(pace.due_ns, now_ns)
    }

    /// The same in seconds since 1970.
    var next: Int64? { left_ns.map { Clock.wall.seconds + Int64($0 / 1_000_000_000) } }

    /// It is being asked.
    var isBusy: Bool { round != nil }

    /// Whether it was asked at least once, and isn't being asked.
    var hasEnded: Bool { round == nil && (problem != nil || completed != nil) }

    /// Takes an answer that somebody else has had as that of the only address.
    func take(_ body: [UInt8]) throws(ServiceProblem) {
        guard let url = try access.order(at: Clock.wall.seconds).urls.first else { return }
        answers = [nil]
        let fetched = Fetched(status: 200, body: body)
        try keep(fetched, 0, url, access.place(of: url))
        completed = Clock.wall.seconds
    }

    /// From now on it is asked. It is to be called after the first limit, which waits for nobody, and neither for libcurl to be loaded.
    func start() { pace.start(Clock.boottime_ns) }

    /// Moves everything on as far as it goes without waiting.
    /// - Returns: whether it was asked to the end, or couldn't be.
    func step() -> Bool {
        if round == nil, pace.due_ns <= Clock.boottime_ns { begin() }
        fetcher.run()
        defer { isNews = false }
        return isNews
    }

    private func begin() {
        let (boot_ns, wall) = (Clock.boottime_ns, Clock.wall.seconds)
        let order: ServiceAccess.Order
        do throws(ServiceProblem) { order = try access.order(at: wall) } catch {
            // No server was asked for it, so that it costs nobody anything to look again.
            note(error, [])
            isNews = true
            pace.fail(boot_ns, isLasting: false)
            return
        }
        pace.begin(boot_ns)
        // What was tomorrow's is today's, until today's comes.
        let known = answers
        answers = order.urls.enumerated().map { index, url in
            known.first { $0?.url == url } ?? (index < known.count ? known[index] : nil)
        }
        // What was answered a moment ago isn't asked for again because another address failed.
        let recent_ns = access.settings.refresh.nanoseconds / 10 * 9
        let left = order.urls.indices.filter { index in
            answers[index].map { $0.url != order.urls[index] || $0.boot_ns + recent_ns <= boot_ns } ?? true
        }
        round = Round(order: order, left: left)
        order.tokenFetch != nil && token == nil ? logIn() : askNext()
    }

    private func askNext() {
        guard let round else { return }
        guard let index = round.left.first else { return finish() }
        let order = round.order
        let url = order.urls[index]
        let known = answers[index].flatMap { $0.url == url ? $0.validators : nil }
        let fetch = Fetch(
            url, fields: order.fields, body: order.body, login: order.login, token: token, validators: known,
            timeLimit_ms: access.timeLimit_ms)
        fetcher.fetch(fetch) { [weak self] result in self?.take(result, index, url) }
    }

    private func take(_ result: Result<Fetched, FetchProblem>, _ index: Int, _ url: WebURL) {
        let place = access.place(of: url)
        do throws(ServiceProblem) {
            let fetched: Fetched
            switch result {
            case .failure(let problem): throw .failed(place: place, problem)
            case .success(let answer): fetched = answer
            }
            if fetched.status == 401, round?.order.tokenFetch != nil, round?.hasRenewed == false {
                round?.hasRenewed = true
                token = nil
                return logIn()
            }
            try keep(fetched, index, url, place)
        } catch {
            count(error.kind)
            round?.failures.append((index, error))
        }
        round?.left.removeFirst()
        askNext()
    }

    private func keep(_ fetched: Fetched, _ index: Int, _ url: WebURL, _ place: String) throws(ServiceProblem) {
        let (boot_ns, wall) = (Clock.boottime_ns, Clock.wall.seconds)
        switch fetched.status {
        case 304 where answers[index] != nil:
            count("unchanged")
            answers[index]?.boot_ns = boot_ns
            answers[index]?.seconds = wall
            answers[index]?.expected_ns = expected_ns(boot_ns)
        case 204:
            // Tomorrow's prices before they are known: that is no mistake.
            count("nothing")
            answers[index] = ServiceAnswer(
                url: url, signal: .points([], end: 0), validators: nil, boot_ns: boot_ns, seconds: wall,
                expected_ns: expected_ns(boot_ns))
        case 200..<300:
            let signal: Signal
            do throws(SignalProblem) { signal = try reader.read(fetched.body) } catch {
                throw .unreadable(place: place, error.words)
            }
            count(signal.isEmpty ? "nothing" : "ok")
            answers[index] = ServiceAnswer(
                url: url, signal: signal, validators: fetched.validators, boot_ns: boot_ns, seconds: wall,
                expected_ns: expected_ns(boot_ns))
        default: throw .refused(place: place, status: fetched.status, retryAfter_s: fetched.retryAfter_s)
        }
    }

    /// When there should be a newer answer than one of this time, on CLOCK_BOOTTIME: the next time that it is asked, and the time that it has.
    private func expected_ns(_ boot_ns: UInt64) -> UInt64 {
        let refresh_ns = access.settings.refresh.nanoseconds
        return boot_ns + refresh_ns + refresh_ns / 16 + access.timeLimit_ms * 1_000_000
    }

    private func logIn() {
        guard let fetch = round?.order.tokenFetch else { return }
        fetcher.fetch(fetch) { [weak self] result in self?.takeToken(result, of: fetch.url.origin) }
    }

    private func takeToken(_ result: Result<Fetched, FetchProblem>, of place: String) {
        do throws(ServiceProblem) {
            let path = access.settings.tokenPath
            switch result {
            case .failure(let problem): throw .failed(place: place, problem)
            case .success(let fetched) where fetched.status != 200:
                throw .refused(place: place, status: fetched.status, retryAfter_s: fetched.retryAfter_s)
            case .success(let fetched):
                guard let document = try? JSON(fetched.body, .all, within: .answer), let text = path.first(in: document)?.text,
                    text.utf8.count <= 8_000, text.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F }), !text.isEmpty
                else { throw .noToken(place: place, path: path.text) }
                token = text
            }
        } catch {
            let problem = ServiceProblem.login(error)
            count(problem.kind)
            round?.failures.append((nil, problem))
            round?.left = []
        }
        askNext()
    }

    private func finish() {
        guard let round else { return }
        (self.round, isNews) = (nil, true)
        let now_ns = Clock.boottime_ns
        if let first = round.failures.first {
            note(first.problem, round.order.secrets)
            pace.fail(
                now_ns, isLasting: round.failures.allSatisfy(\.problem.isLasting),
                retryAfter_s: round.failures.map(\.problem.retryAfter_s).max() ?? 0)
        } else {
            (problem, completed) = (nil, Clock.wall.seconds)
            pace.succeed(now_ns)
        }
    }

    private func note(_ problem: ServiceProblem, _ secrets: [String]) {
        let sentence = withoutSecrets(problem.sentence(access.prefix), secrets + [token].compactMap { $0 })
        let since = self.problem?.since ?? Clock.wall.seconds
        self.problem = Problem(kind: problem.kind, sentence: sentence, since: since)
    }

    private func count(_ outcome: String) { counts[outcome, default: 0] += 1 }
}

/// What an address answered.
struct ServiceAnswer: Sendable {
    let url: WebURL
    let signal: Signal
    let validators: Validators?
    /// When it was said, or confirmed, on CLOCK_BOOTTIME.
    var boot_ns: UInt64
    /// The same in seconds since 1970.
    var seconds: Int64
    /// When there should be a newer one, on CLOCK_BOOTTIME.
    var expected_ns: UInt64
}

extension Signal {
    /// It says that it has nothing.
    var isEmpty: Bool {
        switch self {
        case .now(let value): value == nil
        case .points(let points, _): points.isEmpty
        }
    }
}
