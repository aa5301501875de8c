import TestSupport
import Testing

@Suite(.waiting)
struct AnswerTests {
    struct Case: CustomTestStringConvertible {
        let testDescription: String
        let request: String
        let statuses: [Int]

        init(_ what: String, _ request: String, _ statuses: [Int]) {
            (testDescription, self.request, self.statuses) = (what, request, statuses)
        }
    }

    private static func get(_ path: String, _ headers: String = "") -> String {
        "GET \(path) HTTP/1.1\r\nHost: x\r\n\(headers)\r\n"
    }
    private static let garbage = String(decoding: (0..<400).map { UInt8(truncatingIfNeeded: $0 * 37 % 128) }, as: UTF8.self)

    @Test(
        "each request over TCP has its answer",
        arguments: [
            Case("a page", get("/"), [200]),
            Case("its head", "HEAD / HTTP/1.1\r\nHost: x\r\n\r\n", [200]),
            Case("two at once", get("/") + get("/nowhere"), [200, 404]),
            Case("HTTP/1.0", "GET / HTTP/1.0\r\n\r\n", [200]),
            Case("a proxy's form", get("http://x/"), [200]),
            Case("what the program has no page for", get("/nowhere"), [404]),
            Case("PUT", "PUT / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n\r\nx", [405]),
            Case("POST", "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n", [405]),
            Case("DELETE", "DELETE / HTTP/1.1\r\nHost: x\r\n\r\n", [405]),
            Case("OPTIONS", "OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n", [405]),
            Case("TRACE", "TRACE / HTTP/1.1\r\nHost: x\r\n\r\n", [405]),
            Case("a method of its own", "BREW / HTTP/1.1\r\nHost: x\r\n\r\n", [405]),
            Case("a tunnel", "CONNECT x:1 HTTP/1.1\r\nHost: x\r\n\r\n", [405]),
            Case("an escaped zero byte", get("/%00"), [400]),
            Case("what isn't UTF-8", get("/%ff"), [400]),
            Case("half an escape", get("/%4"), [400]),
            Case("no path", get("x"), [400]),
            Case("a query that can't be decoded", get("/?%ff=1"), [400]),
            Case("a space in the path", get("/a b"), [400]),
            Case("no host", "GET / HTTP/1.1\r\n\r\n", [400]),
            Case("two hosts", get("/", "Host: y\r\n"), [400]),
            Case("two lengths", get("/", "Content-Length: 1\r\nContent-Length: 2\r\n") + "xx", [400]),
            Case("a length, and chunks", get("/", "Content-Length: 1\r\nTransfer-Encoding: chunked\r\n") + "0\r\n\r\n", [400]),
            Case("HTTP/2 without an upgrade", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", [505]),
            Case("a header of 20 kB", get("/", "X: \(String(repeating: "x", count: 20_000))\r\n"), [431]),
            Case("1,000 headers", get("/", String(repeating: "X: y\r\n", count: 1_000)), [431]),
            Case("a path of 20 kB", get("/\(String(repeating: "x", count: 20_000))"), [414]),
            Case("a body of 16 kB", get("/", "Content-Length: 16384\r\n") + String(repeating: "x", count: 16_384), [200]),
            Case(
                "a larger one, that is read to its end, and a request behind it",
                get("/", "Content-Length: 65536\r\n") + String(repeating: "x", count: 65_536) + get("/"), [413, 200]),
            Case("a body that would be larger still", get("/", "Content-Length: 65537\r\n"), [413]),
            Case("bytes that are no request", garbage + "\r\n\r\n", [400]),
            Case("a TLS handshake", "\u{16}\u{3}\u{1}\u{2}\u{0}\u{1}\r\n\r\n", []),
            Case("nothing", "", []),
            Case("a header that would be two", get("/split"), [500]),
        ])
    func answers(_ one: Case) throws {
        let server = try RunningServer()
        let answer = try server.answer(to: one.request, count: one.statuses.count)
        #expect(answer.statuses == one.statuses, "\(answer.prefix(600))")
        #expect(!answer.contains("X-Injected"))
        // Whatever was sent, the next one is answered.
        #expect(try server.answer(to: AnswerTests.get("/")).statuses == [200])
    }

    /// libmicrohttpd 0.9.75 sends the headers of these twice, the second time in the place of the body, and closes the connection.
    @Test(
        "a length that is no number of bytes is refused", arguments: [("-1", 400), ("x", 400), ("99999999999999999999", 413)])
    func length(_ length: String, _ status: Int) throws {
        let answer = try RunningServer().answer(to: AnswerTests.get("/", "Content-Length: \(length)\r\n"))
        #expect(answer.statuses.first == status)
    }

    private static let common = [
        "Content-Length: 6", "Content-Type: text/plain; charset=utf-8", "X-Content-Type-Options: nosniff",
        "Cache-Control: no-store",
    ]

    @Test("an answer says how long it is, what it is and that it isn't kept; a head says the same, and has no body")
    func headers() throws {
        let server = try RunningServer()
        let whole = try server.answer(to: AnswerTests.get("/"))
        let head = try server.answer(to: "HEAD / HTTP/1.1\r\nHost: x\r\n\r\n")
        for line in AnswerTests.common {
            #expect(whole.contains("\r\n\(line)\r\n"))
            #expect(head.contains("\r\n\(line)\r\n"))
        }
        #expect(whole.body == "hello\n")
        #expect(head.body == "")
        let refused = try server.answer(to: "DELETE / HTTP/1.1\r\nHost: x\r\n\r\n")
        #expect(refused.contains("\r\nAllow: GET, HEAD\r\n"))
        for line in AnswerTests.common[2...] { #expect(refused.contains("\r\n\(line)\r\n")) }
        let kept = try server.answer(to: AnswerTests.get("/kept"))
        #expect(kept.contains("\r\ncache-control: max-age=60\r\n"))
        #expect(!kept.contains("no-store"))
    }

    @Test("a connection takes one request after the other")
    func keptAlive() throws {
        let server = try RunningServer()
        let client = try server.connect()
        for _ in 0..<3 {
            try client.send(AnswerTests.get("/"))
            try client.read(until: "hello")
        }
    }

    @Test("a program sees the path without its query, headers and the whole body")
    func request() throws {
        let server = try RunningServer()
        let answer = try server.answer(
            to: AnswerTests.get("/%65cho?a=b+c&d", "X-Test: 1\r\nx-test: 2\r\nTransfer-Encoding: chunked\r\n")
                + "3\r\nabc\r\n5\r\ndefgh\r\n0\r\n\r\n")
        #expect(answer.body == "get header=1, 2 body=8 abcdefgh peer=none\n")
    }

    @Test("who has gone before the answer ends neither the server nor its answers to others")
    func gone() throws {
        // As a program is started that hasn't said what becomes of SIGPIPE.
        let server = try RunningServer(through: ["--default-signal=PIPE"])
        for _ in 0..<20 {
            let client = try server.connect()
            try client.send(String(repeating: AnswerTests.get("/large"), count: 3))
        }
        #expect(try server.answer(to: AnswerTests.get("/")).statuses == [200])
    }
}
