import Foundation
import LinuxSystem
import TestSupport
import Testing

private let isRoot = geteuid() == 0

/// P2: who asks over a Unix socket is known, and strangers can't take what root needs.
@Suite(.waiting)
struct PeerTests {
    private let directory: TemporaryDirectory
    private var path: String { "\(directory.path)/socket" }
    private static let get = "GET /echo HTTP/1.1\r\nHost: x\r\n\r\n"

    init() throws {
        directory = try TemporaryDirectory()
        try changeMode(directory.path, 0o755)
    }

    @Test("GET, HEAD, PUT and DELETE are answered over a Unix socket, others aren't, and the asker is known")
    func methods() throws {
        let server = try RunningServer(path)
        let me = "peer=\(geteuid()) "
        #expect(try server.answer(to: PeerTests.get).body.contains("get header=none body=0  \(me)"))
        #expect(try server.answer(to: "HEAD /echo HTTP/1.1\r\nHost: x\r\n\r\n").statuses == [200])
        #expect(try server.answer(to: "DELETE /echo HTTP/1.1\r\nHost: x\r\n\r\n").body.contains("delete header="))
        let put = "PUT /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\n120 W"
        #expect(try server.answer(to: put).body.contains("put header=none body=5 120 W \(me)"))
        let post = try server.answer(to: "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n")
        #expect(post.statuses == [405])
        #expect(post.contains("\r\nAllow: DELETE, GET, HEAD, PUT\r\n"))
    }

    @Test("a client that waits for a go-ahead before its body gets one, and none for a body that would be refused")
    func goAhead() throws {
        let server = try RunningServer(path)
        let client = try server.connect()
        try client.send("PUT /echo HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n")
        try client.read(until: "HTTP/1.1 100 Continue\r\n\r\n")
        try client.send("120 W")
        try client.read(until: "body=5 120 W")
        let refused = try server.answer(
            to: "PUT /echo HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 50000\r\n\r\n")
        #expect(refused.statuses == [413])
    }

    @Test(
        "uid and groups, the primary one included, are those that the asker had when it connected",
        .enabled(if: isRoot, "needs root: others must ask"),
        arguments: [
            (["--reuid=1001", "--regid=1001", "--clear-groups"], "peer=1001 false false"),
            (["--reuid=1001", "--regid=2001", "--clear-groups"], "peer=1001 true false"),
            (["--reuid=1001", "--regid=1001", "--groups=5,2002"], "peer=1001 false true"),
        ])
    func identity(_ identity: [String], _ peer: String) throws {
        let server = try RunningServer(path)
        let curl = try Child(
            "/usr/bin/env", ["setpriv"] + identity + ["python3", "-c", PeerTests.asks, path], reading: .output)
        #expect(try curl.next("an answer") { $0.contains("peer=") }.hasSuffix(peer))
        withExtendedLifetime(server) {}
    }

    private static let asks = """
        import socket, sys
        s = socket.socket(socket.AF_UNIX)
        s.connect(sys.argv[1])
        s.sendall(b"GET /echo HTTP/1.0\\r\\n\\r\\n")
        print(s.makefile().read())
        """

    /// Holds as many connections as it gets, and says how many those are.
    private static let holds = """
        import socket, sys
        held, refused = [], 0
        for _ in range(60):
            s = socket.socket(socket.AF_UNIX)
            s.connect(sys.argv[1])
            s.settimeout(0.05)
            try:
                answer = s.recv(4096)
            except TimeoutError:
                s.sendall(b"GET / HTTP/1.1\\r\\nHost:")
                held.append(s)
                continue
            assert answer.startswith(b"HTTP/1.1 503 "), answer
            # As a client does that sends before it reads.
            s.sendall(b"GET / HTTP/1.1\\r\\nHost: x\\r\\n\\r\\n")
            refused += 1
        print("held", len(held), "refused", refused, flush=True)
        sys.stdin.read()
        """

    private static func stranger(_ uid: Int) -> [String] { ["setpriv", "--reuid=\(uid)", "--regid=\(uid)", "--clear-groups"] }

    @Test(
        "strangers hold half of the connections and are refused more; root and the server's own user are answered at once",
        .enabled(if: isRoot, "needs root: others must ask"), arguments: [[], stranger(1002)])
    func half(_ owner: [String]) throws {
        try changeMode(directory.path, 0o777)
        let server = try RunningServer(path, through: owner)
        // They are cut off after 5 s: what they hold is counted before.
        let strangers = try Child(
            "/usr/bin/env", PeerTests.stranger(1001) + ["python3", "-c", PeerTests.holds, path], reading: .output)
        #expect(try strangers.next("what they hold") { $0.hasPrefix("held") } == "held 16 refused 44")
        let own = try Child("/usr/bin/env", owner + ["python3", "-c", PeerTests.asks, path], reading: .output)
        #expect(try own.next("an answer") { $0.contains("peer=") }.contains(owner.isEmpty ? "peer=0 " : "peer=1002 "))
        let mine = try (0..<15).map { _ in try server.connect() }
        let start_ns = Clock.monotonic_ns
        for client in mine {
            try client.send(PeerTests.get)
            try client.read(until: "peer=0")
        }
        #expect(Clock.monotonic_ns - start_ns < 1_000_000_000)
        // By then whoever was refused is forgotten.
        _ = try server.report()
        _ = try mine[0].readToEnd()
        #expect(try server.report().runs < 500)
    }

    @Test("anybody may connect, whatever the umask was")
    func mode() throws {
        let server = try RunningServer(path, through: ["sh", "-c", "umask 077; exec \"$0\" \"$@\""])
        var status = stat()
        try #require(unsafe stat(path, &status) == 0)
        #expect(status.st_mode & 0o7777 == 0o666)
        withExtendedLifetime(server) {}
    }
}
