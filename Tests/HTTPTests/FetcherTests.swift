import Foundation
import LinuxSystem
import TestSupport
import Testing

@testable import HTTP

/// A fetch as a test waits for it.
private struct Fetching {
    let certificates: String?
    var environment: [String: String] = [:]

    func callAsFunction(_ fetch: Fetch) throws -> Result<Fetched, FetchProblem> {
        let variables = environment
        let fetcher = try Fetcher(userAgent: "powercap/test", certificateFile: certificates) { variables[$0] }
        var outcome: Result<Fetched, FetchProblem>?
        fetcher.fetch(fetch) { outcome = $0 }
        let epoll = try Epoll()
        try epoll.add(fetcher.descriptorNumber, token: 0)
        let end_ns = Clock.monotonic_ns + Child.patience_ms * 1_000_000
        while outcome == nil, Clock.monotonic_ns < end_ns {
            let now_ns = Clock.monotonic_ns
            _ = try epoll.wait(milliseconds: Int32(min((max(fetcher.due_ns, now_ns) - now_ns + 999_999) / 1_000_000, 1_000)))
            let before_ns = Clock.monotonic_ns
            fetcher.run()
            // P14: it never waits.
            #expect(Clock.monotonic_ns - before_ns < 1_000_000_000)
        }
        return try #require(outcome)
    }
}

@Suite(.waiting)
struct FetcherTests {
    private let server: SignalServer
    private let fetching: Fetching

    init() throws {
        server = try SignalServer()
        fetching = Fetching(certificates: server.certificates)
        try server.tell("body /x {\"value\":1}")
    }

    private func fetch(
        _ path: String = "/x", from origin: String? = nil, fields: [HTTPField] = [], body: String? = nil, login: Login? = nil,
        token: String? = nil, validators: Validators? = nil, timeLimit_ms: UInt64 = 10_000
    ) throws -> Fetch {
        Fetch(
            try WebURL((origin ?? server.url) + path), fields: fields,
            body: body.map { Request.Body(type: "application/json", bytes: Array($0.utf8)) }, login: login, token: token,
            validators: validators, timeLimit_ms: timeLimit_ms)
    }

    private func body(_ result: Result<Fetched, FetchProblem>) -> String? {
        (try? result.get()).map { String(decoding: $0.body, as: UTF8.self) }
    }

    @Test("a document comes whole, by TLS and without, and the server is shown no more than it has to be")
    func plainAndSecure() throws {
        for origin in [server.url, server.plain] {
            #expect(body(try fetching(try fetch("/x?zone=DE&a=1", from: origin))) == "{\"value\":1}")
            let asked = try server.next()
            #expect(asked.target == "/x?zone=DE&a=1" && asked.method == "GET")
            #expect(Set(asked.fields.keys) == ["host", "user-agent", "accept"])
            #expect(asked.fields["user-agent"] == "powercap/test")
        }
    }

    @Test("fields of one's own are sent, in place of the usual ones where they have their names")
    func fields() throws {
        let own = [HTTPField("auth-token", "secret")!, HTTPField("accept", "text/csv")!]
        _ = try fetching(try fetch(fields: own))
        let asked = try server.next()
        #expect(asked.fields["auth-token"] == "secret" && asked.fields["accept"] == "text/csv")
    }

    @Test("a body is posted, with its own type where it has one")
    func post() throws {
        _ = try fetching(try fetch(fields: [HTTPField("Content-Type", "text/plain")!], body: "{viewer{home}}"))
        let asked = try server.next()
        #expect(asked.method == "POST" && asked.body == "{viewer{home}}" && asked.fields["content-type"] == "text/plain")
    }

    @Test(
        "who is asked for a login gives it, as a digest where one is asked for, also with what is posted",
        arguments: ["basic", "digest"])
    func login(_ manner: String) throws {
        try server.tell("\(manner) /x solar:word")
        let login = Login(user: "solar", password: "word", .asAsked)
        #expect(try fetching(try fetch(login: login)).get().status == 200)
        // The password is in no digest.
        #expect(try server.requests().allSatisfy { manner == "basic" || $0.fields["authorization"]?.contains("Basic") != true })
        #expect(try fetching(try fetch(body: "{}", login: login)).get().status == 200)
        #expect(try fetching(try fetch(login: Login(user: "solar", password: "other", .asAsked))).get().status == 401)
    }

    @Test("a login in plain text is shown with the first request, and a token in its place")
    func basic() throws {
        try server.tell("basic /x solar:word")
        #expect(try fetching(try fetch(login: Login(user: "solar", password: "word", .basic))).get().status == 200)
        #expect(try server.requests().count == 1)
        let own = [HTTPField("Authorization", "none")!]
        _ = try fetching(try fetch(fields: own, token: "abc"))
        #expect(try server.requests().last?.fields["authorization"] == "Bearer abc")
    }

    @Test(
        "what is known by its tag, or by its time, isn't sent again",
        arguments: ["tag /x \"v1\"", "modified /x Wed, 26 Nov 2025 08:00:00 GMT"])
    func validators(_ line: String) throws {
        try server.tell(line)
        let first = try fetching(try fetch()).get()
        let known = try #require(first.validators)
        let second = try fetching(try fetch(validators: known)).get()
        #expect(second.status == 304 && second.body.isEmpty)
    }

    @Test("a redirection on the same server is followed with everything that was to be shown, three times and no more")
    func redirected() throws {
        for number in 1...3 { try server.tell("fault /\(number) every redirect \(number == 3 ? "/x" : "\(number + 1)") 302") }
        let own = [HTTPField("auth-token", "secret")!]
        #expect(body(try fetching(try fetch("/1", fields: own))) == "{\"value\":1}")
        #expect(try server.requests().allSatisfy { $0.fields["auth-token"] == "secret" })
        try server.tell("fault /0 every redirect /1")
        #expect(try fetching(try fetch("/0")) == .failure(.redirected(.tooMany)))
        try server.tell("fault /loop every redirect /loop")
        #expect(try fetching(try fetch("/loop")) == .failure(.redirected(.tooMany)))
        #expect(try server.requests(for: "/loop").count == 4)
    }

    @Test("another server, which another port is, is shown nothing of what was for the first")
    func elsewhere() throws {
        let other = try SignalServer()
        // The authority of the first didn't sign the other's.
        let url = other.url.replacing("127.0.0.1", with: "localhost")
        try other.tell("body /y {}")
        try other.tell("tag /y \"t\"")
        try server.tell("fault /x every redirect \(url)/y")
        let both = try TemporaryDirectory()
        let authorities = "\(both.path)/ca.crt"
        try
            (String(contentsOfFile: server.certificates, encoding: .utf8)
            + String(contentsOfFile: other.certificates, encoding: .utf8))
            .write(toFile: authorities, atomically: true, encoding: .utf8)
        let fetched = try Fetching(certificates: authorities)(
            try fetch(
                fields: [HTTPField("auth-token", "secret")!, HTTPField("cookie", "c=1")!],
                login: Login(user: "solar", password: "word", .basic),
                validators: Validators(Answer(status: 200, body: [], fields: ["etag": "\"t\""])))
        ).get()
        #expect(fetched.status == 200 && fetched.validators == nil)
        #expect(Set(try other.next().fields.keys) == ["host", "user-agent", "accept"])
        #expect(try fetching(try fetch()).failure?.kind == "untrusted")
    }

    @Test("no redirection leads from TLS to none, from none anywhere, to an address, or away with what is posted")
    func nowhere() throws {
        let cases: [(String, String, FetchProblem.Redirection)] = [
            ("secure", "\(server.plain)/x", .toPlain(host: "127.0.0.1")), ("plain", "\(server.url)/x", .fromPlain),
            ("plain", "/x", .fromPlain), ("secure", "https://10.0.0.1/x?key=secret", .toAddress("10.0.0.1")),
            ("secure", "ftp://h/", .nowhere), ("secure", "https://u:p@h/", .nowhere),
        ]
        for (from, to, problem) in cases {
            try server.tell("fault /r every redirect \(to)")
            #expect(
                try fetching(try fetch("/r", from: from == "plain" ? server.plain : server.url))
                    == .failure(.redirected(problem)), "\(to)")
        }
        #expect(try server.requests(for: "/x").isEmpty)
        for status in [301, 302, 303] {
            try server.tell("fault /p every redirect /x \(status)")
            #expect(try fetching(try fetch("/p", body: "{}")) == .failure(.redirected(.posted(host: "127.0.0.1"))))
        }
        try server.tell("fault /p every redirect https://localhost/x 307")
        #expect(try fetching(try fetch("/p", body: "{}")) == .failure(.redirected(.posted(host: "localhost"))))
        try server.tell("fault /p every redirect /x 308")
        #expect(try fetching(try fetch("/p", body: "{}")).get().status == 200)
        #expect(try server.requests(for: "/x").last?.body == "{}")
    }

    @Test(
        "what a server does in place of an answer ends in its time, with a word for it",
        arguments: [
            ("hang", "silent"), ("silent", "silent"), ("drip", "silent"), ("endless", "too-large"), ("large 5", "too-large"),
            ("short", "broken"), ("gzip", "garbled"), ("headers", "too-large"), ("nohttp", "garbled"), ("reset", "broken"),
        ])
    func misbehaviour(_ fault: String, _ kind: String) throws {
        try server.tell("fault /x every \(fault)")
        let start_ns = Clock.monotonic_ns
        let problem = try fetching(try fetch(from: server.plain, timeLimit_ms: 2_000)).failure
        #expect(problem?.kind == kind, "\(problem.map { "\($0)" } ?? "none")")
        #expect(Clock.monotonic_ns - start_ns < 4_000_000_000)
    }

    @Test("what is sent behind an answer is none, and as much as is allowed is one")
    func sizes() throws {
        try server.tell("fault /x every long")
        #expect(body(try fetching(try fetch())) == "{\"value\":1}")
        try server.tell("fault /x every large 3")
        #expect(try fetching(try fetch()).get().body.count > 3 << 20)
    }

    @Test("a server whose certificate another authority signed, or none, isn't asked")
    func untrusted() throws {
        #expect(try Fetching(certificates: server.wrongCertificates)(try fetch()).failure?.kind == "untrusted")
        #expect(try Fetching(certificates: "/none.crt")(try fetch()).failure?.kind == "no-certificates")
        #expect(try server.requests().isEmpty)
    }

    @Test("a name that stands for nothing, and a server that isn't there, are told")
    func unreachable() throws {
        #expect(try fetching(try fetch(from: "https://signals.invalid")).failure?.kind == "unreachable")
        #expect(try fetching(try fetch(from: "http://127.0.0.1:1")).failure?.kind == "unreachable")
    }

    @Test("a server is found by IPv6")
    func version6() throws {
        let server = try SignalServer(host: "::1")
        try server.tell("body /x {}")
        #expect(try Fetching(certificates: server.certificates)(try fetch(from: server.url)).get().status == 200)
    }

    @Test("a proxy of the environment is asked for what goes by TLS, and shown nothing of it")
    func proxy() throws {
        // It is no proxy: CONNECT is a request like others.
        var proxied = fetching
        proxied.environment = ["https_proxy": server.plain, "http_proxy": server.plain, "all_proxy": server.plain]
        let own = [HTTPField("auth-token", "secret")!]
        #expect(try proxied(try fetch(fields: own)).failure != nil)
        #expect(try server.requests(for: "/x").isEmpty)
        #expect(try proxied(try fetch(from: server.plain, fields: own)).get().status == 200)
    }
}

extension Result {
    fileprivate var failure: Failure? { if case .failure(let problem) = self { problem } else { nil } }
}
