import Foundation
import LinuxSystem
import TestSupport
import Testing

@testable import HTTP

/// A server over TLS, with a certificate of its own.
private final class Posted {
    let identity: ServerIdentity
    private let child: Child
    let origin: String

    init() throws {
        identity = try ServerIdentity()
        child = try Child("SampleServer", ["any"] + identity.paths, reading: .output)
        origin = "https://\(try child.next("where it serves") { $0.hasPrefix("serving ") }.dropFirst(8))"
    }

    func url(_ path: String) throws -> WebURL { try WebURL(origin + path) }
    func kill(_ signal: Int32 = SIGKILL) { child.kill(signal) }
}

@Suite(.waiting)
struct CallerTests {
    private let server: Posted
    private let directory: TemporaryDirectory
    private var tokenFile: String { "\(directory.path)/token" }
    private var certificateFile: String { "\(directory.path)/ca.crt" }

    init() throws {
        server = try Posted()
        directory = try TemporaryDirectory()
        try write("first", tokenFile)
        try FileManager.default.copyItem(atPath: server.identity.authorities, toPath: certificateFile)
    }

    private func write(_ text: String, _ path: String) throws { try text.write(toFile: path, atomically: true, encoding: .utf8) }

    private func caller(_ addresses: WebURL...) throws -> Caller {
        let callee = try Callee(addresses, certificateFile: certificateFile, tokenFile: tokenFile)
        return try Caller(to: callee, userAgent: "test/1") { _ in nil }
    }

    private func wait(_ caller: Caller, until isOver: () -> Bool) throws {
        let epoll = try Epoll()
        try epoll.add(caller.descriptorNumber, token: 0)
        let deadline_ns = Clock.monotonic_ns + Child.patience_ms * 1_000_000
        while !isOver() {
            let now_ns = Clock.monotonic_ns
            try #require(now_ns < deadline_ns, "nothing came")
            _ = try epoll.wait(milliseconds: Int32(min(1_000, (max(caller.due_ns, now_ns) - now_ns + 999_999) / 1_000_000)))
            let before_ns = Clock.monotonic_ns
            caller.run()
            #expect(Clock.monotonic_ns - before_ns < 1_000_000_000, "it waited")
        }
    }

    private func post(_ caller: Caller, _ body: String = "{}", timeLimit_ms: UInt64 = 10_000) throws -> Result<
        Answer, HTTPProblem
    > {
        var outcome: Result<Answer, HTTPProblem>?
        caller.post(Array(body.utf8), timeLimit_ms: timeLimit_ms) { outcome = $0 }
        #expect(outcome == nil, "it is told from run alone")
        try wait(caller) { outcome != nil }
        return outcome!
    }

    private func text(_ outcome: Result<Answer, HTTPProblem>) throws -> String {
        let answer = try outcome.get()
        return "\(answer.status) \(String(decoding: answer.body, as: UTF8.self))"
    }

    private func kind(_ outcome: Result<Answer, HTTPProblem>) -> String {
        switch outcome {
        case .success(let answer): "\(answer.status)"
        case .failure(let problem): problem.kind
        }
    }

    @Test("a post has its body and the token as it lies on disk at that moment, and any status is an answer")
    func posts() throws {
        let echo = try caller(server.url("/echo"))
        #expect(try text(post(echo, "{\"a\":1}")) == "200 post header=none body=7 {\"a\":1} peer=none\n")
        let who = try caller(server.url("/who"))
        #expect(try text(post(who)) == "200 Bearer first\n")
        try write("second\n", tokenFile)
        #expect(try text(post(who)) == "200 Bearer second\n")
        #expect(try kind(post(caller(server.url("/refused")))) == "401")
        let later = try post(caller(server.url("/wait"))).get()
        #expect(later.status == 503 && later.retryAfter_s == 1)
    }

    @Test("one connection serves one post after the other: a certificate that isn't trusted is met by who comes anew")
    func kept() throws {
        let caller = try caller(server.url("/posted"))
        #expect(try kind(post(caller)) == "200")
        try server.identity.make("second")
        try server.identity.take("second")
        let deadline_ns = Clock.monotonic_ns + Child.patience_ms * 1_000_000
        while try kind(post(self.caller(server.url("/posted")))) != "untrusted" {
            try #require(Clock.monotonic_ns < deadline_ns)
            #expect(try kind(post(caller)) == "200")
        }
        for _ in 0..<3 { #expect(try kind(post(caller)) == "200") }
        // As long as the files that it goes by are the same.
        try FileManager.default.removeItem(atPath: certificateFile)
        #expect(try kind(post(caller)) == "no-certificates")
        try FileManager.default.copyItem(atPath: server.identity.authorities, toPath: certificateFile)
        #expect(try kind(post(caller)) == "200")
    }

    @Test(
        "where an address gives no answer, or says that another has to be asked, the next post goes to the next one, and stays there",
        arguments: [
            ("https://127.0.0.1:9/", ["unreachable"]), ("https://nowhere.invalid/", ["unreachable"]),
            ("untrusted /posted", ["untrusted"]),
            ("/silent", ["silent"]), ("/elsewhere", ["503"]), ("/wait", ["503", "503", "503", "503"]),
        ])
    func next(_ first: String, _ kinds: [String]) throws {
        let other = try Posted()
        let address =
            if first.hasPrefix("https") {
                try WebURL(first)
            } else if first.hasPrefix("/") {
                try server.url(first)
            } else {
                try other.url("/posted")
            }
        let caller = try caller(address, server.url("/posted"))
        for kind in kinds { #expect(try self.kind(post(caller, timeLimit_ms: 2_000)) == kind) }
        for _ in 0..<3 {
            #expect(caller.origin == server.origin)
            #expect(try kind(post(caller)) == "200")
        }
    }

    @Test("behind the last address comes the first, and a server that is there again is found")
    func around() throws {
        let other = try Posted()
        let both = "\(try String(contentsOfFile: certificateFile, encoding: .utf8))"
        try write(both + String(contentsOfFile: other.identity.authorities, encoding: .utf8), certificateFile)
        let caller = try caller(other.url("/posted"), server.url("/posted"))
        #expect(try kind(post(caller)) == "200" && caller.origin == other.origin)
        other.kill()
        // The connection that was kept ends, or can't be made.
        #expect(["broken", "unreachable"].contains(try kind(post(caller))))
        #expect(try kind(post(caller)) == "200" && caller.origin == server.origin)
        server.kill()
        _ = try post(caller)
        #expect(caller.origin == other.origin)
    }

    @Test("a post that another follows has no outcome, and nothing of it is taken for the other's")
    func overtaken() throws {
        let caller = try caller(server.url("/echo"))
        var outcomes: [String] = []
        // None of them is answered before the last is posted.
        server.kill(SIGSTOP)
        for body in ["one", "two", "three"] {
            caller.post(Array(body.utf8), timeLimit_ms: 10_000) { outcomes.append("\(body): \((try? text($0)) ?? "")") }
            if body == "two" { caller.run() }
        }
        server.kill(SIGCONT)
        try wait(caller) { !outcomes.isEmpty }
        #expect(outcomes == ["three: 200 post header=none body=5 three peer=none\n"])
        caller.post([], timeLimit_ms: 10_000) { _ in outcomes.append("cancelled") }
        caller.cancel()
        #expect(try kind(post(caller)) == "200" && outcomes.count == 1)
    }

    @Test("without a token nothing is sent, and neither where everybody could read it")
    func noToken() throws {
        let caller = try caller(server.url("/posted"))
        try FileManager.default.removeItem(atPath: tokenFile)
        #expect(try post(caller) == .failure(.noToken(path: tokenFile, .file(.noEntry))))
        try write("two words", tokenFile)
        #expect(try post(caller) == .failure(.noToken(path: tokenFile, .malformed)))
        try write("one", tokenFile)
        #expect(try kind(post(caller)) == "200")
        #expect(throws: HTTPProblem.garbled("\"http://x\" has no TLS: everybody on the way could read the token")) {
            try Callee([WebURL("https://x/"), WebURL("http://x/")], certificateFile: nil, tokenFile: "")
        }
        #expect(throws: HTTPProblem.garbled("no address is given")) { try Callee([], certificateFile: nil, tokenFile: "") }
    }
}
