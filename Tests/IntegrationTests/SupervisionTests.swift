import Glibc
import LinuxSystem
import PowercapProtocol
import Processes
import Testing

@Suite("Under a supervisor")
struct SupervisionTests {
    let tree: TemporaryTree

    init() throws { tree = try TemporaryTree() }

    // MARK: sd_notify(3)

    @Test("it says when it is ready and when it stops, each with a status")
    func notifications() throws {
        let helper = try tree.startHelper()
        try helper.stop()
        #expect(
            try helper.notificationsSoFar() == ["READY=1\nSTATUS=serving 4 zones\n", "STOPPING=1\nSTATUS=restoring limits\n"])
    }

    @Test("READY comes when limits are restored and the sandbox is closed")
    func readyIsLast() throws {
        let first = try tree.startHelper()
        let client = try WireClient(tree.socket)
        _ = try client.acquire()
        try client.apply([try client.zones().item("intel-rapl:0", watts: 60)])
        first.kill()
        let second = try tree.startHelper()
        #expect(try tree.limit_uw(package0) == 150_000_000)
        #expect(try second.status()["Seccomp"] == "2")
    }

    @Test("it feeds the watchdog at half the interval, idle or not")
    func watchdog() throws {
        let helper = try tree.startHelper(environment: ["WATCHDOG_USEC": "400000"])
        let start = Clock.monotonic_ns
        for _ in 0..<6 { #expect(try helper.nextNotification() == "WATCHDOG=1\n") }
        // The first one comes at once; five intervals of 200 ms follow.
        let elapsed_ms = (Clock.monotonic_ns - start) / 1_000_000
        #expect(900...3_000 ~= elapsed_ms)
    }

    @Test(
        "it feeds no watchdog that is another process's, nor one without an interval",
        arguments: [["WATCHDOG_USEC": "20000", "WATCHDOG_PID": "1"], ["WATCHDOG_USEC": "0"], ["WATCHDOG_USEC": "soon"], [:]])
    func otherWatchdog(_ environment: [String: String]) throws {
        let helper = try tree.startHelper(environment: environment)
        let client = try WireClient(tree.socket)
        let start = Clock.monotonic_ns
        while Clock.monotonic_ns - start < 100_000_000 { try client.ping() }
        #expect(try helper.notificationsSoFar().count == 1)
    }

    @Test("a supervisor that can't be reached is no reason not to serve", arguments: ["/nonexistent/notify", "relative", ""])
    func unreachable(_ path: String) throws {
        let helper = try tree.spawnHelper(environment: ["NOTIFY_SOCKET": path])
        try wait(for: "the socket") { (try? WireClient(tree.socket)) != nil }
        #expect(helper.log.contains("NOTIFY_SOCKET can't be reached") == !path.isEmpty)
        #expect(try helper.stop() == .exited(0))
    }

    // MARK: sd_listen_fds(3)

    /// Executes the helper with the variables that systemd sets for it.
    private func activated(count: String = "1", pid: String = "$$") -> [String] {
        ["sh", "-c", "export LISTEN_PID=\(pid) LISTEN_FDS=\(count); exec \"$@\"", "sh"]
    }

    @Test("it serves the socket that systemd passed, makes none of its own, and leaves systemd's where it is")
    func passedSocket() throws {
        let path = "\(tree.directory)/systemd"
        let listening = try Socket.listen(at: path, mode: 0o600)
        let helper = try tree.startHelper(through: activated(), inheriting: [listening.number])
        #expect(!Files.exists(tree.socket))
        let client = try WireClient(path)
        _ = try client.acquire()
        try client.apply([try client.zones().item("intel-rapl:0", watts: 60)])
        // Started again with the same socket, it is there at once: no connection is refused in between.
        helper.kill()
        let waiting = try WireClient(silentlyTo: path)
        let second = try tree.startHelper(through: activated(), inheriting: [listening.number])
        try waiting.greet()
        #expect(try tree.limit_uw(package0) == 150_000_000)
        #expect(try second.stop() == .exited(0))
        #expect(try fileKind(of: path) == .socket)
    }

    @Test(
        "it serves under systemd-socket-activate",
        .enabled(if: Conditions.has("systemd-socket-activate"), "needs systemd-socket-activate"))
    func socketActivate() throws {
        let path = "\(tree.directory)/systemd"
        let helper = try tree.spawnHelper(through: ["systemd-socket-activate", "-l", path, "-E", "NOTIFY_SOCKET"])
        // It is the first connection that makes systemd start the helper.
        var first: WireClient?
        try wait(for: "the socket") {
            first = try? WireClient(silentlyTo: path)
            return first != nil
        }
        let client = try #require(first)
        try client.greet()
        #expect(try client.sample().zones.count == 4)
        try helper.waitUntilReady()
        #expect(try helper.stop() == .exited(0))
    }

    @Test("LISTEN_PID of another process means nothing: it makes its own socket")
    func otherPid() throws {
        try tree.startHelper(through: activated(pid: "1"))
        try WireClient(tree.socket).ping()
    }

    @Test("more or fewer than one socket is refused", arguments: ["0", "2"])
    func wrongCount(_ count: String) throws {
        let listening = try Socket.listen(at: "\(tree.directory)/systemd", mode: 0o600)
        let helper = try tree.spawnHelper(through: activated(count: count), inheriting: [listening.number, listening.number])
        #expect(try helper.waitForEnd() == .exited(1))
        #expect(helper.log == "raplhelper: LISTEN_FDS=\(count): exactly one socket is expected\n")
    }

    @Test("a descriptor that isn't a listening stream socket is refused", arguments: ["file", "datagram", "connected"])
    func wrongKind(_ kind: String) throws {
        let path = "\(tree.directory)/systemd"
        let listening = try Socket.listen(at: path, mode: 0o600)
        let descriptor: Descriptor =
            switch kind {
            case "file": try Descriptor(opening: "/dev/null", .read)
            case "connected": try Socket.connect(to: path)
            default: Descriptor(owning: socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue | SOCK_CLOEXEC.rawValue), 0))
            }
        let helper = try tree.spawnHelper(through: activated(), inheriting: [descriptor.number])
        #expect(try helper.waitForEnd() == .exited(1))
        #expect(helper.log == "raplhelper: LISTEN_FDS: descriptor 3 isn't a listening Unix stream socket\n")
        #expect(listening.number >= 0)
    }

    // MARK: The journal

    /// What systemd sets where standard error is the journal: here it is the test's file.
    private static let journal = [
        "sh", "-c", "JOURNAL_STREAM=$(stat --dereference --format=%d:%i /proc/self/fd/2) && export JOURNAL_STREAM && exec \"$@\"",
        "sh",
    ]

    @Test(
        "where standard error is the journal, each line has its priority; nowhere has one a time", arguments: ["logfmt", "json"])
    func priorities(_ format: String) throws {
        let flags = ["--log-format", format, "--socket-mode", "0666"]
        let helper = try tree.startHelper(flags, through: Self.journal)
        let client = try WireClient(tree.socket)
        _ = try client.acquire()
        try client.send([0xFF, 0xFF, 0xFF, 0xFF, 0, 0, 0, 0])
        try helper.waitForLog("closed a connection")
        try helper.stop()
        let warning =
            format == "json"
            ? #"<4>{"level":"warning","msg":"closed a connection","why":"# : #"<4>level=warning msg="closed a connection" why="#
        let info = format == "json" ? #"<6>{"level":"info","msg":"serving","version":"# : #"<6>level=info msg="serving" version="#
        let lines = helper.log.split(separator: "\n")
        #expect(lines.contains { $0.hasPrefix(warning) }, "\(helper.log)")
        #expect(lines.contains { $0.hasPrefix(info) })
        #expect(
            lines.allSatisfy {
                ["<3>", "<4>", "<6>"].contains($0.prefix(3)) && !$0.contains("time=") && !$0.contains("\"time\"")
            })
    }

    @Test("JOURNAL_STREAM that is inherited, and another's, puts nothing before a line")
    func otherStream() throws {
        let helper = try tree.startHelper(environment: ["JOURNAL_STREAM": "8:15"])
        #expect(helper.log.hasPrefix("level=") && !helper.log.contains("<"))
    }

    @Test("the sentence about a start that fails is an error, in JSON too")
    func sentence() throws {
        let missing = ["--powercap-root", "\(tree.directory)/nowhere"]
        let plain = try tree.spawnHelper(missing, through: Self.journal)
        #expect(try plain.waitForEnd() == .exited(1))
        #expect(plain.log.hasPrefix("<3>raplhelper: no RAPL zones: "))
        let json = try tree.spawnHelper(missing + ["--log-format=json"])
        #expect(try json.waitForEnd() == .exited(1))
        #expect(json.log.hasPrefix(#"{"level":"error","msg":"no RAPL zones: "#))
    }
}
