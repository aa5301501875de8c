import Foundation
import LinuxSystem
import TestSupport
import Testing

@Suite(.waiting)
struct PlaceTests {
    private let directory: TemporaryDirectory
    private var path: String { "\(directory.path)/socket" }
    private static let get = "GET / HTTP/1.1\r\nHost: x\r\n\r\n"

    init() throws { directory = try TemporaryDirectory() }

    @Test("a server takes its socket's file away when it ends, and leaves one that isn't its own")
    func removed() throws {
        var server = try RunningServer(path)
        #expect(try server.end() == 0)
        #expect(try fileKind(of: path) == .absent)
        server = try RunningServer(path)
        try unlink(path)
        try "mine".write(toFile: path, atomically: false, encoding: .utf8)
        #expect(try server.end() == 0)
        #expect(try fileKind(of: path) == .regular)
    }

    @Test("whence a request comes is its address, also where a socket is for both kinds; over a Unix socket there is none")
    func origins() throws {
        let get = "GET /origin HTTP/1.1\r\nHost: x\r\n\r\n"
        let both = try RunningServer("[::]:\(try RunningServer().port + 1)")
        for (server, origin) in [(try RunningServer(), "7f000001"), (both, "7f000001"), (try RunningServer(path), "0")] {
            #expect(try server.answer(to: get).hasSuffix("\r\n\r\n\(origin)\n"))
        }
    }

    @Test("the socket of a server that was killed is replaced")
    func stale() throws {
        let killed = try RunningServer(path)
        killed.kill()
        _ = try? killed.end()
        #expect(try fileKind(of: path) == .socket)
        #expect(try RunningServer(path).answer(to: PlaceTests.get).statuses == [200])
    }

    @Test("a socket that somebody listens on is left to him, also where he takes nobody")
    func live() throws {
        let server = try RunningServer(path)
        #expect(
            try RunningServer.refusal(path) == "\(path) is taken, another program listens there: stop it, or choose another")
        #expect(try server.answer(to: PlaceTests.get).statuses == [200])
        let other = "\(directory.path)/other"
        let listener = try Socket.bind(at: other, mode: 0o600)
        try listener.listen(backlog: 0)
        let waiting = try Socket.connect(to: other)
        #expect(try RunningServer.refusal(other).contains("is taken"))
        #expect(try fileKind(of: other) == .socket)
        withExtendedLifetime(waiting.number) {}
    }

    @Test("what is no socket is kept")
    func noSocket() throws {
        try "mine".write(toFile: path, atomically: false, encoding: .utf8)
        #expect(try RunningServer.refusal(path) == "\(path) exists and isn't a socket: remove it, or choose another path")
        #expect(try String(contentsOfFile: path, encoding: .utf8) == "mine")
        try FileManager.default.removeItem(atPath: path)
        try FileManager.default.createSymbolicLink(atPath: path, withDestinationPath: "elsewhere")
        #expect(try RunningServer.refusal(path).contains("isn't a socket"))
    }

    @Test("a directory that isn't there, and a path that is too long, are told")
    func noDirectory() throws {
        let absent = "\(directory.path)/absent/socket"
        #expect(try RunningServer.refusal(absent) == "can't make \(absent): No such file or directory (ENOENT)")
        let long = "\(directory.path)/\(String(repeating: "x", count: 100))"
        #expect(try RunningServer.refusal(long) == "can't make \(long): File name too long (ENAMETOOLONG)")
    }

    @Test("a port that is taken, one that is reserved, and an address of another machine are three things")
    func address() throws {
        let server = try RunningServer()
        #expect(
            try RunningServer.refusal(server.place)
                == "\(server.place) is taken, another program listens there: stop it, or choose another")
        #expect(
            try RunningServer.refusal("192.0.2.1:28320")
                == "192.0.2.1:28320 is no address of this machine (`ip address` shows which are): choose one of them")
        #expect(try server.answer(to: PlaceTests.get).statuses == [200])
    }

    @Test(
        "a port below 1024 takes a capability",
        .enabled(
            if: geteuid() == 0 && !PlaceTests.hasAllPorts, "needs root, and that net.ipv4.ip_unprivileged_port_start is 1024"))
    func reserved() throws {
        let stranger = ["setpriv", "--bounding-set=-all", "--inh-caps=-all", "--clear-groups"]
        #expect(
            try RunningServer.refusal("127.0.0.1:81", through: stranger)
                == "127.0.0.1:81 is refused, ports below 1024 take CAP_NET_BIND_SERVICE: choose one from 1024 on")
    }

    private static var hasAllPorts: Bool {
        (try? String(contentsOfFile: "/proc/sys/net/ipv4/ip_unprivileged_port_start", encoding: .utf8)) != "1024\n"
    }

    @Test("after a restart the same port is free at once, though connections of old are left")
    func again() throws {
        let server = try RunningServer()
        let (place, client) = (server.place, try server.connect())
        try client.send(PlaceTests.get)
        try client.read(until: "hello")
        #expect(try server.end() == 0)
        #expect(try RunningServer(place).answer(to: PlaceTests.get).statuses == [200])
        withExtendedLifetime(client) {}
    }

    @Test(
        "all addresses of IPv6 are those of IPv4, too",
        .enabled(if: FileManager.default.fileExists(atPath: "/proc/net/if_inet6"), "needs IPv6"))
    func bothKinds() throws {
        let first = try RunningServer()
        #expect(try first.end() == 0)
        let server = try RunningServer("[::]:\(first.port)")
        #expect(try server.answer(to: PlaceTests.get).statuses == [200])
    }

    @Test(
        "without libmicrohttpd the refusal names the package",
        .enabled(if: geteuid() == 0, "needs root: a file of the system is covered in a mount namespace"))
    func noLibrary() throws {
        let covering =
            "for f in $(ldconfig -p | sed -n 's/.*libmicrohttpd.so.12 .*=> //p'); do mount --bind /dev/null $f; done; exec \"$0\" \"$@\""
        let refusal = try RunningServer.refusal(
            "127.0.0.1:\(Int.random(in: 20_000..<28_000))",
            through: ["PATH=/usr/sbin:/usr/bin:/sbin:/bin", "unshare", "--mount", "sh", "-c", covering])
        #expect(refusal.hasPrefix("libmicrohttpd can't be loaded ("))
        #expect(refusal.hasSuffix("install Debian's libmicrohttpd12, or what has libmicrohttpd.so.12"))
    }
}
