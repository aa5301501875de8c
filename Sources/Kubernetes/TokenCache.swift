internal import HTTP
internal import LinuxSystem
public import Logging

/// Whose tokens are, as the API server has said: each is asked about once, and again after a while. Nothing here ever waits.
///
/// A pod that was deleted, or an account that was taken away, is known by its token for five minutes at most after the server was last asked;
/// a token never longer than it says of itself. What a token says is looked at before the server is bothered: it can only speak against itself.
public final class TokenCache {
    /// What is known of whoever shows a token.
    public enum Finding: Equatable, Sendable {
        case known(TokenIdentity)
        case refused(TokenRefusal)
        /// The server is being asked.
        case asking
        /// The server can't be asked, or doesn't answer: why.
        case unanswered(String)
    }

    private let client: APIClient
    private let audience: String
    private let account: String
    private let log: Log
    private let limits: Limits
    private let clock: () -> UInt64
    private let wall: () -> Int64
    private var trouble: Trouble
    private var strangers: Strangers
    /// By the token itself: what is as good as a digest of it isn't at hand.
    private var entries: [String: Entry] = [:]
    /// Tokens to be asked about, in their order, from `first` on.
    private var queue: [String] = []
    private var first = 0
    /// That are on their way.
    private(set) var reviews = 0
    /// How often the server was asked, by what it said: known, refused, or failed where it said nothing.
    public private(set) var outcomes: [String: UInt64] = [:]
    /// Before, nothing is asked, on `clock`.
    private var pause_ns: UInt64 = 0
    private var sweep_ns: UInt64 = 0

    private struct Entry {
        let expiry_s: Int64?
        /// nil as long as the server hasn't said anything.
        var outcome: Result<TokenIdentity, TokenRefusal>?
        var until_ns: UInt64 = 0
        /// When the server is asked again.
        var refresh_ns: UInt64 = 0
        /// It is being asked, or about to be.
        var isPending = false
        /// On whose account that is; nil where the token was known before.
        var origin: UInt64?
    }

    /// How much is kept, and for how long.
    struct Limits {
        /// Of what is known; and when the server is asked again before, at random, so that nobody waits for it, and a fleet's tokens don't come
        /// together.
        var known_ns: UInt64 = 300_000_000_000
        var refresh_ns: ClosedRange<UInt64> = 200_000_000_000...270_000_000_000
        /// Of refusals.
        var refused_ns: UInt64 = 10_000_000_000
        /// Tokens that are known, refused or asked about.
        var entries = 4_096
        /// Reviews that are on their way.
        var reviews = 16
        /// Tokens of one origin that turn out to be nobody's: so many at once, and then one in each such time.
        var strangers = 64
        var stranger_ns: UInt64 = 1_000_000_000
        /// In bytes. Those of service accounts have 1 to 1.5 kB.
        var token = 8 << 10
        /// Between two attempts where the server can't be asked, at most.
        var pause_ns: UInt64 = 2_000_000_000
        /// Between two looks at what has ended.
        var sweep_ns: UInt64 = 60_000_000_000
    }

    /// - Parameters:
    ///   - client: for the server; its `run` is the caller's to call.
    ///   - audience: that tokens have to be made for.
    ///   - account: `system:serviceaccount:NAMESPACE:NAME`, whose tokens alone are taken: every pod can have a token for any audience.
    public convenience init(
        _ client: APIClient, audience: String, account: String, _ log: Log, _ causes: SharedCauses = SharedCauses()
    ) {
        self.init(client, audience: audience, account: account, log, causes, Limits())
    }

    init(
        _ client: APIClient, audience: String, account: String, _ log: Log, _ causes: SharedCauses = SharedCauses(),
        _ limits: Limits,
        clock: @escaping () -> UInt64 = { Clock.monotonic_ns }, wall: @escaping () -> Int64 = { Clock.wall.seconds }
    ) {
        (self.client, self.audience, self.account, self.log, self.limits) = (client, audience, account, log, limits)
        (self.clock, self.wall) = (clock, wall)
        strangers = Strangers(burst: limits.strangers, refill_ns: limits.stranger_ns)
        trouble = Trouble("tokens can't be looked up", log, causes)
    }

    /// When `step` has something to do, on CLOCK_MONOTONIC.
    public var due_ns: UInt64 { first < queue.count && reviews < limits.reviews ? pause_ns : .max }
    /// Of tokens that are known, refused or asked about.
    var count: Int { entries.count }
    /// Why the server can't be asked, in a sentence; nil where nothing is wrong.
    public var why: String? { trouble.sentence }

    /// What is known of whoever sends this.
    /// - Parameters:
    ///   - authorization: the header's value (RFC 6750, section 2.1); nil where there is none.
    ///   - origin: where it comes from. Origins are held apart, so that none can keep others from being asked about.
    public func look(_ authorization: String?, from origin: UInt64) -> Finding {
        guard let token = authorization.flatMap(TokenCache.bearer) else { return .refused(.absent) }
        let (now_ns, now_s) = (clock(), wall())
        var entry: Entry
        if let kept = entries[token] {
            entry = kept
        } else {
            switch claims(token) {
            case .failure(let refusal): return .refused(refusal)
            case .success(let claims): entry = Entry(expiry_s: claims.expiry_s)
            }
        }
        if let expiry_s = entry.expiry_s, expiry_s <= now_s {
            entries[token] = nil
            return .refused(.expired)
        }
        if entry.until_ns <= now_ns { entry.outcome = nil }
        if entries[token] == nil, !makeRoom(now_ns) { return .unanswered("too many tokens are being looked up") }
        if !entry.isPending, entry.outcome == nil || entry.refresh_ns <= now_ns {
            entry.origin = entry.outcome == nil ? origin : nil
            if let origin = entry.origin, !strangers.take(origin, now_ns) {
                return .unanswered("too many tokens from this address were nobody's: one a second is looked up")
            }
            entry.isPending = true
            queue.append(token)
        }
        entries[token] = entry
        step()
        switch entries[token]?.outcome {
        case .success(let identity): return .known(identity)
        case .failure(let refusal): return .refused(refusal)
        case nil: return now_ns < pause_ns ? .unanswered(trouble.sentence ?? "the API server isn't asked at present") : .asking
        }
    }

    /// Asks about those that wait for it.
    public func step() {
        while first < queue.count, reviews < limits.reviews, clock() >= pause_ns {
            let token = queue[first]
            first += 1
            // What was said no more of by then isn't asked about.
            if entries[token]?.isPending == true { ask(token) }
        }
        if first == queue.count { (queue, first) = ([], 0) }
    }

    /// Speaks against itself, or has to be asked about.
    private func claims(_ token: String) -> Result<TokenClaims, TokenRefusal> {
        guard token.utf8.count <= limits.token, let claims = TokenClaims(of: token) else { return .failure(.malformed) }
        if let expiry_s = claims.expiry_s, expiry_s <= wall() { return .failure(.expired) }
        if !claims.audiences.contains(audience) { return .failure(.otherAudience(audience)) }
        return claims.node == nil ? .failure(.noNode) : .success(claims)
    }

    private static func bearer(_ text: String) -> String? {
        let words = text.split(separator: " ")
        return words.count == 2 && words[0].lowercased() == "bearer" ? String(words[1]) : nil
    }

    /// False where nothing can go: all are known, or asked about.
    private func makeRoom(_ now_ns: UInt64) -> Bool {
        let isFull = entries.count >= limits.entries
        if isFull || now_ns >= sweep_ns {
            sweep_ns = now_ns + limits.sweep_ns
            entries = entries.filter { $0.value.isPending || $0.value.until_ns > now_ns }
        }
        guard entries.count >= limits.entries else { return true }
        let refused = entries.lazy.filter { if case .failure = $0.value.outcome { !$0.value.isPending } else { false } }
        guard let soonest = refused.min(by: { $0.value.until_ns < $1.value.until_ns })?.key else { return false }
        entries[soonest] = nil
        return true
    }

    private func ask(_ token: String) {
        do throws(APIProblem) {
            try client.send(TokenReview.request(token, for: audience)) { [weak self] in self?.ended(token, $0) }
            reviews += 1
        } catch { met(error, token) }
    }

    private func ended(_ token: String, _ result: Result<Answer, APIProblem>) {
        reviews -= 1
        switch result {
        case .success(let answer):
            guard let verdict = TokenReview.verdict(answer.body, for: audience) else {
                return met(.failed(.garbled("the answer is no TokenReview")), token)
            }
            keep(verdict.flatMap { $0.user == account ? .success($0) : .failure(.otherAccount(account)) }, token)
        // Of this token alone; others fare better.
        case .failure(let problem) where [400, 413, 422].contains(problem.status):
            keep(.failure(.refused(problem.sentence)), token)
        case .failure(let problem): return met(problem, token)
        }
        pause_ns = 0
        if trouble.end() { log.info("tokens can be looked up again") }
        step()
    }

    private func keep(_ outcome: Result<TokenIdentity, TokenRefusal>, _ token: String) {
        if case .success = outcome { count("known") } else { count("refused") }
        guard var entry = entries[token] else { return }
        (entry.outcome, entry.isPending) = (outcome, false)
        let now_ns = clock()
        switch outcome {
        case .success:
            if let origin = entry.origin { strangers.giveBack(origin, now_ns) }
            entry.until_ns = now_ns + limits.known_ns
            entry.refresh_ns = now_ns + UInt64.random(in: limits.refresh_ns)
        case .failure: (entry.until_ns, entry.refresh_ns) = (now_ns + limits.refused_ns, .max)
        }
        entries[token] = entry
    }

    private func count(_ result: String) { outcomes[result, default: 0] += 1 }

    /// The server couldn't be asked: that is tried again, and whoever is known stays so until his time is over.
    private func met(_ problem: APIProblem, _ token: String) {
        count("failed")
        let now_ns = Clock.monotonic_ns
        let retry_ns = trouble.met(problem, now_ns)
        pause_ns = clock() + min(retry_ns - min(now_ns, retry_ns), limits.pause_ns)
        if entries[token] != nil { queue.append(token) }
    }
}
