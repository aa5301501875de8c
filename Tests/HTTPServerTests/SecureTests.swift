import LinuxSystem
import TestSupport
import Testing

/// A server over TLS, as real clients meet it.
@Suite(.waiting)
struct SecureTests {
    private let identity: ServerIdentity

    init() throws { identity = try ServerIdentity() }

    private func start(through wrapper: [String] = []) throws -> (RunningServer, SecureClients) {
        let server = try RunningServer(through: wrapper, identity)
        return (server, try SecureClients(of: server, identity))
    }

    @Test("TLS 1.3 and 1.2 are spoken, and nothing older", arguments: ["TLSv1_3", "TLSv1_2", "TLSv1_1", "TLSv1"])
    func versions(_ version: String) throws {
        let (server, clients) = try start()
        let outcome = try clients("open a \(version)")
        let isNew = ["TLSv1_3", "TLSv1_2"].contains(version)
        #expect(outcome.hasPrefix(isNew ? "opened \(version.replacing("_", with: "."))" : "failed"), "\(outcome)")
        if isNew { #expect(try clients.ask("a", SecureClients.post("/echo", "1")).contains("post header=none body=1 1")) }
        withExtendedLifetime(server) {}
    }

    private static func token(_ count: Int) -> String { "Authorization: Bearer \(String(repeating: "t", count: count))\r\n" }
    private static let long = String(repeating: "x", count: 16 << 10)

    @Test(
        "each request has its answer, and the connection is kept where one can follow",
        arguments: [
            (SecureClients.post("/echo", "abc"), "answer 200 38 \"post header=none body=3 abc peer=none\\n\""),
            (SecureClients.post("/echo"), "answer 200 35 \"post header=none body=0  peer=none\\n\""),
            (SecureClients.post("/echo", long), "answer 200 47 \"post header=none body=16384 xxxxxxxx peer=none\\n\""),
            (SecureClients.post("/echo", long + "x"), "answer 413"),
            (
                "POST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n",
                "answer 200 40 \"post header=none body=5 abcde peer=none\\n\""
            ),
            (SecureClients.post("/echo", "abc", token(2_000)), "answer 200"),
            (SecureClients.post("/echo", "", token(9_000)), "answer 431"),
            ("GET / HTTP/1.1\r\nHost: x\r\n\r\n", "answer 200 6 \"hello\\n\""),
            ("GET /large HTTP/1.1\r\nHost: x\r\n\r\n", "answer 200 16777216"),
            ("PUT / HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n", "answer 405 34 \"only GET, HEAD, POST are answered\\n\""),
            ("POST / HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 0\r\n\r\n", "answer 200 6"),
        ])
    func answers(_ request: String, _ answer: String) throws {
        let (server, clients) = try start()
        try clients("open a")
        let first = try clients.ask("a", request)
        #expect(first.hasPrefix(answer), "\(first)")
        if request.contains("close") {
            #expect(try clients.wait("a") < 3)
        } else if first.hasPrefix("answer 200") {
            #expect(try clients.ask("a", request).hasPrefix(answer))
        }
        withExtendedLifetime(server) {}
    }

    @Test("who sends less than he said has no answer, and is cut off after 5 s")
    func short() throws {
        let (server, clients) = try start()
        try clients("open a")
        try clients.send("a", "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nabc")
        #expect(4...8 ~= (try clients.wait("a")))
        withExtendedLifetime(server) {}
    }

    @Test(
        "what is no handshake is ended at once, without an answer over HTTP, and others are served",
        arguments: [
            "GET / HTTP/1.1\r\nHost: x\r\n\r\n", String(repeating: "\u{0}", count: 600),

            "\u{16}\u{3}\u{1}\u{2}\u{0}\u{1}\u{7f}\u{7f}\u{7f}garbage",
            String(repeating: "7", count: 40_000),
        ])
    func noHandshake(_ text: String) throws {
        let (server, clients) = try start()
        try clients.send("a", text, by: "raw")
        let words = try clients("wait a").split(separator: " ")
        // What came was an alert of TLS at most.
        #expect(words[0] == "end" && Double(words[1])! < 8 && Int(words[2])! < 20, "\(words)")
        try clients("open b")
        #expect(try clients.ask("b", SecureClients.post("/echo", "1")).hasPrefix("answer 200"))
        withExtendedLifetime(server) {}
    }

    /// libmicrohttpd 0.9.75 asks to be run at once as long as a handshake waits for the other end: a core's whole time.
    @Test("a handshake that doesn't go on is cut off after 5 s, and costs next to nothing meanwhile", arguments: [0, 1, 100])
    func halfHandshake(_ bytes: Int) throws {
        let (server, clients) = try start()
        _ = try server.report()
        try clients("half a \(bytes)")
        #expect(4...8 ~= (try clients.wait("a")))
        #expect(try server.report().runs < 2_000)
    }

    @Test("what is sent of a large answer doesn't wait for handshakes that don't go on")
    func largeBesideHalfHandshakes() throws {
        let (server, clients) = try start()
        try clients("open a")
        for number in 0..<5 { try clients("half \(number) 0") }
        let start_ns = Clock.monotonic_ns
        #expect(try clients.ask("a", "GET /large HTTP/1.1\r\nHost: x\r\n\r\n").hasPrefix("answer 200 16777216"))
        #expect(Clock.monotonic_ns - start_ns < 4_000_000_000)
        withExtendedLifetime(server) {}
    }

    @Test("however many handshakes don't go on, who comes is answered within seconds, and who has posted stays")
    func crowdOfHalfHandshakes() throws {
        let (server, clients) = try start()
        try clients("open settled")
        #expect(try clients.ask("settled", SecureClients.post("/posted")).hasPrefix("answer 200"))
        let start_ns = Clock.monotonic_ns
        for number in 0..<300 { try clients("half \(number) \(number % 2 == 0 ? 0 : 100)") }
        try clients("open new")
        #expect(try clients.ask("new", SecureClients.post("/posted")).hasPrefix("answer 200"))
        // Their places were taken before they had had their time.
        _ = try clients.wait("0")
        #expect(Clock.monotonic_ns - start_ns < 4_000_000_000)
        #expect(try clients.ask("settled", SecureClients.post("/posted")).hasPrefix("answer 200"))
        withExtendedLifetime(server) {}
    }

    @Test(
        "who was answered with success to a post keeps his connection for a while, and nobody else does",
        arguments: [
            (SecureClients.post("/posted"), true), (SecureClients.post("/refused"), false),
            ("GET / HTTP/1.1\r\nHost: x\r\n\r\n", false),
        ])
    func idle(_ request: String, _ isKept: Bool) throws {
        let (server, clients) = try start()
        try clients("open a")
        _ = try clients.ask("a", request)
        try clients("open b")
        // As long as one who has asked for nothing is there.
        #expect(try clients.wait("b") > 4)
        // And as long again, where the first one isn't cut off by now.
        try clients("open c")
        #expect(try clients.wait("c") > 4)
        #expect(try clients.ask("a", SecureClients.post("/posted")).hasPrefix(isKept ? "answer 200" : "end"))
        withExtendedLifetime(server) {}
    }

    @Test("connections that break in the middle of anything end nothing else")
    func broken() throws {
        let (server, clients) = try start()
        for number in 0..<20 {
            if number % 2 == 0 { try clients("half a 0") } else { try clients("open a") }
            if number % 4 == 1 { try clients.send("a", "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nabc") }
            if number % 4 == 3 { try clients.send("a", "GET /large HTTP/1.1\r\nHost: x\r\n\r\n") }
            try clients("drop a")
        }
        try clients("open b")
        #expect(try clients.ask("b", SecureClients.post("/echo", "1")).hasPrefix("answer 200"))
        withExtendedLifetime(server) {}
    }

    @Test("500 who keep a connection and post every second are all answered, each time")
    func many() throws {
        let server = try RunningServer(identity)
        let script = Fixture.path("../crowd/agents.py")
        let agents = try Child(
            "/usr/bin/env", ["python3", script, "\(server.port)", identity.authorities, "500", "4", "1", "\(server.pid)"],
            reading: .output)
        let outcome = try agents.next("what became of them") { $0.hasPrefix("connections=") }
        #expect(try agents.exitStatus() == 0, "\(outcome)")
        print("500 over TLS: \(outcome)")
    }
}

extension RunningServer {
    convenience init(_ identity: ServerIdentity) throws { try self.init("any", through: [], identity) }
}
