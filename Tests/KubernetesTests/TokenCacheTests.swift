import Foundation
import HTTP
import LinuxSystem
import TestSupport
import Testing

@testable import Kubernetes
@testable import Logging

/// A cache before a server, with clocks that the test sets.
@Suite(.waiting)
final class TokenCacheTests {
    private static let audience = "powercap-coordinator"
    private static let account = "system:serviceaccount:powercap-system:powercap-controller"
    private let server: ApiServer
    private let client: APIClient
    /// The clocks stand still unless the test turns them.
    private let (start_ns, start_s) = (Clock.monotonic_ns, Clock.wall.seconds)
    private var ahead_ns: UInt64 = 0

    init() throws {
        server = try ApiServer(["--empty"])
        try server.allow(verbs: ["create"], resources: ["tokenreviews"], groups: ["authentication.k8s.io"])
        client = try APIClient(server.access, userAgent: "tests", patience: Patience(answer_ms: 2_000))
    }

    private func cache(_ change: (inout TokenCache.Limits) -> Void = { _ in }) -> TokenCache {
        var limits = TokenCache.Limits()
        change(&limits)
        return TokenCache(
            client, audience: Self.audience, account: Self.account, Log(format: .logfmt, level: .error, output: { _ in }),
            SharedCauses(), limits, clock: { [unowned self] in start_ns + ahead_ns },
            wall: { [unowned self] in start_s + Int64(ahead_ns / 1_000_000_000) })
    }

    private func token(of node: String? = "node-a", audience: String? = audience, seconds: Int = 3600, account: String? = nil)
        throws
        -> String
    {
        "Bearer \(try server.token(of: node, audience: audience, seconds: seconds, account: account))"
    }

    /// Turns the clocks to a time before or after a token's end.
    private func turn(to seconds: Int64, behindEndOf token: String) throws {
        let end_s = try #require(TokenClaims.expiry(of: String(token.dropFirst(7))))
        ahead_ns = UInt64(end_s + seconds - start_s) * 1_000_000_000
    }

    /// Turns until something is so.
    private func until(_ what: String, _ cache: TokenCache, _ isSo: () throws -> Bool) throws {
        let epoll = try Epoll()
        try epoll.add(client.descriptorNumber, token: 0)
        let deadline_ns = Clock.monotonic_ns + Child.patience_ms * 1_000_000
        while try !isSo() {
            try #require(Clock.monotonic_ns < deadline_ns, "never: \(what)")
            _ = try epoll.wait(milliseconds: 10)
            client.run()
            cache.step()
        }
    }

    /// What is found when the server has been asked.
    private func find(_ token: String, _ cache: TokenCache, from origin: UInt64 = 1) throws -> TokenCache.Finding {
        var finding = cache.look(token, from: origin)
        try until("an answer", cache) {
            finding = cache.look(token, from: origin)
            return finding != .asking
        }
        return finding
    }

    /// Of the claims of a good token, and of nobody's hand.
    private func forged(_ good: String, _ number: Int = 0) -> String { good.prefix(good.count - 6) + "\(100_000 + number)" }

    private func node(_ finding: TokenCache.Finding) -> String? {
        if case .known(let identity) = finding { identity.node } else { nil }
    }
    private func reviews() throws -> Int { try server.requests.filter { $0.path.contains("tokenreviews") }.count }

    @Test("a pod's token is asked about once, however often it is shown, and says on which node the pod runs")
    func known() throws {
        let (cache, token) = (cache(), try token(of: "node-b"))
        for _ in 0..<5 { #expect(cache.look(token) == .asking) }
        #expect(try node(find(token, cache)) == "node-b")
        ahead_ns += 190_000_000_000
        for _ in 0..<100 { #expect(node(cache.look(token)) == "node-b") }
        #expect(try reviews() == 1)
        #expect(try server.rulesUsed() == ["authentication.k8s.io tokenreviews create "])
    }

    @Test("what a token says against itself is refused without asking anybody")
    func claims() throws {
        let cache = cache()
        let gone = try token(seconds: 60)
        let cases: [(String?, TokenRefusal)] = [
            (nil, .absent), ("", .absent), ("Basic abc", .absent), ("Bearer", .absent), ("Bearer a b", .absent),
            ("Bearer opaque", .malformed),
            ("Bearer a.b.c", .malformed), ("Bearer \(String(repeating: "a", count: 9_000))", .malformed),
            (try token(audience: nil), .otherAudience(Self.audience)),
            (try token(audience: "other"), .otherAudience(Self.audience)),
            (try token(of: nil), .noNode), (try token(seconds: -3_600), .expired),
        ]
        for (token, refusal) in cases { #expect(cache.look(token) == .refused(refusal), "\(token ?? "")") }
        try turn(to: 0, behindEndOf: gone)
        #expect(cache.look(gone) == .refused(.expired))
        #expect(try reviews() == 0)
    }

    @Test(
        "a token that the server refuses is refused, in its words, and asked about again after 10 s; so is one of another account"
    )
    func refused() throws {
        let cache = cache()
        let good = try token()
        let forged = self.forged(good)
        guard case .refused(.refused(let words)) = try find(forged, cache) else {
            throw Child.Missing(description: "it is taken")
        }
        #expect(words.contains("invalid bearer token"))
        #expect(cache.look(forged) != .asking)
        #expect(try reviews() == 1)
        ahead_ns += 11_000_000_000
        #expect(cache.look(forged) == .asking)
        let other = try token(account: "default/other")
        #expect(try find(other, cache) == .refused(.otherAccount(Self.account)))
        #expect(try node(find(good, cache)) == "node-a")
    }

    @Test("a token is known until it ends, and that of a pod that is gone for five minutes at most")
    func ends() throws {
        let cache = cache()
        let (short, long) = (try token(seconds: 150), try token(of: "node-b"))
        #expect(try node(find(short, cache)) == "node-a")
        #expect(try node(find(long, cache)) == "node-b")
        try server.tell("unbind node-b")
        try turn(to: -1, behindEndOf: short)
        #expect(node(cache.look(short)) == "node-a")
        try turn(to: 0, behindEndOf: short)
        #expect(cache.look(short) == .refused(.expired))
        #expect(node(cache.look(long)) == "node-b")
        ahead_ns = 301_000_000_000
        guard case .refused = try find(long, cache) else { throw Child.Missing(description: "it is taken") }
    }

    @Test("the server is asked again before what it said is over, and nobody waits for it")
    func refresh() throws {
        let (cache, token) = (cache(), try token())
        _ = try find(token, cache)
        for _ in 0..<3 {
            ahead_ns += 271_000_000_000
            let before = try reviews()
            #expect(node(cache.look(token)) == "node-a")
            try until("it is asked", cache) { try reviews() > before }
            #expect(node(cache.look(token)) == "node-a")
            try until("it has answered", cache) { cache.due_ns == .max && cache.reviews == 0 }
        }
        #expect(try reviews() == 4)
    }

    @Test("while the server can't be asked who is known stays so for his time, and of others it is said why")
    func away() throws {
        let (cache, known, new) = (cache(), try token(), try token(of: "node-b"))
        _ = try find(known, cache)
        try server.tell("fault every create *tokenreviews* status 503")
        #expect(cache.look(new) == .asking)
        var finding = TokenCache.Finding.asking
        try until("it is told", cache) {
            finding = cache.look(new)
            return finding != .asking
        }
        guard case .unanswered(let why) = finding else { throw Child.Missing(description: "\(finding)") }
        #expect(why.contains("503") && cache.why == why)
        #expect(node(cache.look(known)) == "node-a")
        ahead_ns += 290_000_000_000
        #expect(node(cache.look(known)) == "node-a")
        ahead_ns += 11_000_000_000
        if case .known = cache.look(known) { Issue.record("it is still known") }
        try server.tell("forget")
        ahead_ns += 3_000_000_000
        try until("both are known", cache) { node(cache.look(known)) == "node-a" && node(cache.look(new)) == "node-b" }
        #expect(cache.why == nil)
    }

    @Test("of many tokens so many are asked about at a time, all have their turn, and what is kept is bounded")
    func many() throws {
        let cache = cache { ($0.reviews, $0.entries) = (3, 8) }
        let good = try token()
        let forged = (0..<8).map { self.forged(good, $0) }
        for token in forged { #expect(cache.look(token) == .asking) }
        #expect(cache.reviews == 3)
        #expect(cache.look(good) == .unanswered("too many tokens are being looked up"))
        try until("all are refused", cache) {
            forged.allSatisfy { if case .refused = cache.look($0) { true } else { false } }
        }
        #expect(try node(find(good, cache)) == "node-a")
        #expect(cache.count == 8)
        ahead_ns += 400_000_000_000
        _ = try find(token(of: "node-b"), cache)
        #expect(cache.count == 1)
    }

    @Test("P14: of one origin's tokens a bounded number is asked about that are nobody's; those of nodes count for nothing")
    func strangers() throws {
        let cache = cache { ($0.strangers, $0.stranger_ns) = (3, 10_000_000_000) }
        let (good, refusal) = (
            try token(),
            TokenCache.Finding.unanswered("too many tokens from this address were nobody's: one a second is looked up")
        )
        // More than a stranger has.
        let known = try (0..<5).map { try token(of: "node-\($0)") }
        for token in known { #expect(try node(find(token, cache)) != nil) }
        for number in 0..<3 { #expect(try find(forged(good, number), cache) != refusal) }
        for number in 3..<20 { #expect(cache.look(forged(good, number)) == refusal) }
        #expect(try reviews() == 5 + 3 && cache.count == 5 + 3)
        // Those of another origin are asked about meanwhile, and who is known stays so.
        #expect(try node(find(good, cache, from: 2)) == "node-a")
        #expect(node(cache.look(known[0])) == "node-0")
        ahead_ns += 10_000_000_000
        #expect(try find(forged(good, 20), cache) != refusal)
        // What was said of the first three is over: they are asked about anew, as new ones are.
        for number in 0..<3 { #expect(cache.look(forged(good, number)) == refusal) }
    }
}

extension TokenCache {
    fileprivate func look(_ authorization: String?) -> Finding { look(authorization, from: 1) }
}
