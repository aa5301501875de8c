import Glibc
import LinuxSystem
import PowercapProtocol
import Processes
import Testing

@Suite("raplhelper --check")
struct CheckTests {
    let tree: TemporaryTree

    init() throws { tree = try TemporaryTree() }

    /// Runs it and gives what it said; nil where it ended with status 0.
    private func complaint(through wrapper: [String] = []) throws -> String? {
        let check = try tree.spawn("check", wrapper + [Programs.helper, "--check", "--socket", tree.socket])
        let end = try check.waitForEnd()
        #expect(check.outputText == "")
        guard end != .exited(0) else {
            #expect(check.log == "")
            return nil
        }
        #expect(end == .exited(1))
        #expect(check.log.hasPrefix("raplhelper: ") && check.log.hasSuffix("\n"))
        #expect(check.log.filter { $0 == "\n" }.count == 1)
        return String(check.log.dropFirst("raplhelper: ".count).dropLast())
    }

    private static let stranger = ["setpriv", "--reuid=1001", "--regid=1001", "--clear-groups"]

    @Test("a helper that answers is status 0 and not a word")
    func serving() throws {
        let helper = try tree.startHelper()
        for _ in 0..<3 { #expect(try complaint() == nil) }
        #expect(!helper.log.contains("closed a connection"), "\(helper.log)")
    }

    @Test("it leaves the controller in control and the limits alone")
    func harmless() throws {
        try tree.startHelper()
        let client = try WireClient(tree.socket)
        _ = try client.acquire()
        let before = try tree.settings()
        #expect(try complaint() == nil)
        try client.renew()
        #expect(try tree.settings() == before)
    }

    @Test("it needs no tree, no state directory and no privilege", .enabled(if: Conditions.isRoot, Conditions.root))
    func unprivileged() throws {
        try tree.startHelper(["--socket-mode", "0666", "--allow-gid", "1001"])
        let withoutTree = ["unshare", "--mount", "sh", "-c", "mount -t tmpfs none \(tree.root) && exec \"$@\"", "sh"]
        #expect(try complaint(through: (Conditions.canMount ? withoutTree : []) + Self.stranger) == nil)
    }

    @Test("no socket")
    func absent() throws {
        #expect(try complaint() == "there is no socket \(tree.socket): start raplhelper, or name its --socket")
    }

    @Test("a helper that was killed")
    func killed() throws {
        try tree.startHelper().kill()
        #expect(
            try complaint() == "nobody listens on \(tree.socket): raplhelper has ended, see its log and start it again")
    }

    @Test("a user whom the socket's mode doesn't let in", .enabled(if: Conditions.isRoot, Conditions.root))
    func denied() throws {
        try tree.startHelper()
        #expect(
            try complaint(through: Self.stranger)
                == "permission denied on \(tree.socket): uid 1001 and gid 1001 may not connect; check as another user, "
                + "or see --socket-mode and --socket-group")
    }

    @Test("P2: a user who isn't on the helper's list", .enabled(if: Conditions.isRoot, Conditions.root))
    func notOnTheList() throws {
        try tree.startHelper(["--socket-mode", "0666"])
        // Twenty times, because the helper may close before or after the question was sent.
        for _ in 0..<20 {
            #expect(
                try complaint(through: Self.stranger)
                    == "raplhelper on \(tree.socket) closed the connection without an answer: uid 1001 and gid 1001 aren't on "
                    + "its list, add --allow-uid or --allow-gid to its flags")
        }
    }

    @Test("a helper that is stopped, first with room for a connection, then without")
    func stopped() throws {
        let helper = try tree.startHelper()
        helper.process.signal(SIGSTOP)
        #expect(
            try complaint() == "raplhelper on \(tree.socket) doesn't answer within 2 s: it hangs or is stopped, restart it")
        var waiting: [ConnectionThatWaits] = []
        while let connection = ConnectionThatWaits(to: tree.socket) { waiting.append(connection) }
        #expect(try complaint() == "raplhelper doesn't take connections on \(tree.socket): it hangs or is stopped, restart it")
        waiting.removeAll()
        helper.process.signal(SIGCONT)
        // It has all of those to accept and close before, on a machine that may have much else to do.
        var last: String?
        for _ in 0..<15 {
            last = try complaint()
            if last == nil { break }
        }
        #expect(last == nil)
    }

    /// One more in the queue of a listener that doesn't accept.
    private final class ConnectionThatWaits {
        private let socket: Descriptor
        init?(to path: String) {
            guard let socket = try? Socket.connect(to: path, isBlocking: false) else { return nil }
            self.socket = socket
        }
    }

    /// What somebody else answers, and what the check makes of it.
    static let impostors: [(name: String, reply: [UInt8], complaint: String)] = [
        (
            "something else than frames", Array("HTTP/1.1 400 Bad Request\r\n\r\n".utf8),
            "isn't raplhelper: stop it, or name the right"
        ),
        ("a frame of another kind", [4, 0, 0, 0, 0x88, 0, 1, 0], "isn't raplhelper: stop it, or name the right"),
        ("a refusal", [6, 0, 0, 0, 0xFE, 0, 1, 0, 1, 0], "speaks another version of the protocol"),
        ("half a frame, and then the end", [37, 0, 0, 0], "closed the connection: it ended or is ending"),
    ]

    @Test("an impostor on the socket", arguments: impostors)
    func impostor(_ name: String, _ reply: [UInt8], _ words: String) throws {
        let listener = try Socket.listen(at: tree.socket, mode: 0o600)
        let check = try tree.spawn("check", [Programs.helper, "--check", "--socket", tree.socket])
        #expect(try listener.wait(milliseconds: 20_000))
        do {
            let connection = try listener.accept()
            #expect(try connection.wait(milliseconds: 20_000))
            var question = [UInt8](repeating: 0, count: 128)
            #expect(try connection.read(into: &question, from: 0, atMost: 128) > 0)
            _ = try connection.send(reply.span)
        }
        #expect(try check.waitForEnd() == .exited(1))
        #expect(check.log.contains(words), "\(check.log)")
    }

    @Test("it does with a misspelt flag what the helper does")
    func usage() throws {
        let check = try tree.spawn("check", [Programs.helper, "--check", "--sockett", tree.socket])
        #expect(try check.waitForEnd() == .exited(2))
    }
}
