import Glibc
import LinuxSystem
import PowercapProtocol
import Processes
import Testing

@Suite("P2: who is served", .enabled(if: Conditions.isRoot, Conditions.root))
struct P2PeersTests {
    let tree: TemporaryTree

    init() throws { tree = try TemporaryTree() }

    /// Whether a peer with these ids gets a Welcome; if not, it gets nothing at all.
    private func isServed(uid: UInt32, gid: UInt32, groups: [UInt32] = []) throws -> Bool {
        let client = WireClient(adopting: try OtherUser.connect(to: tree.socket, uid: uid, gid: gid, groups: groups))
        do { try client.greet() } catch is WireClient.Closed { return false } catch let errno as Errno where errno == .brokenPipe
        {
            return false
        }
        return true
    }

    @Test("without a list: the uid that started it, and nobody else")
    func invoker() throws {
        let helper = try tree.startHelper(["--socket-mode", "0666"])
        #expect(try isServed(uid: 0, gid: 0))
        #expect(try isServed(uid: 0, gid: 1234))
        #expect(try !isServed(uid: 1234, gid: 0))
        #expect(try !isServed(uid: 65534, gid: 65534))
        try helper.waitForLog("msg=\"refused a peer that isn't on the list\" uid=65534 gid=65534")
    }

    @Test("uids and gids on the list, either is enough; root isn't on it by itself")
    func list() throws {
        try tree.startHelper(["--socket-mode", "0666", "--allow-uid", "1001", "--allow-uid", "1002", "--allow-gid", "2001"])
        for (uid, gid, isOnIt) in [
            (1001, 0, true), (1002, 5, true), (1003, 2001, true), (1003, 2002, false), (0, 0, false), (2001, 1001, false),
            (65534, 65534, false),
        ] as [(UInt32, UInt32, Bool)] {
            #expect(try isServed(uid: uid, gid: gid) == isOnIt, "uid \(uid) gid \(gid)")
        }
    }

    @Test("a member of a group on the list is served, whichever of its groups it is, and nobody by the number of a group alone")
    func supplementaryGroups() throws {
        try tree.startHelper(["--socket-mode", "0666", "--allow-gid", "2001", "--allow-gid", "2002", "--allow-uid", "7"])
        for (groups, isMember) in [
            ([2001], true), ([5, 6, 2002], true), ([], false), ([2000, 2003], false), ([7], false), (Array(3000..<3600), false),
            (Array(3000..<3600) + [2001], true),
        ] as [([UInt32], Bool)] {
            #expect(try isServed(uid: 1003, gid: 1003, groups: groups) == isMember, "\(groups.suffix(3))")
        }
        #expect(try isServed(uid: 1003, gid: 2001, groups: [4]))
    }

    @Test("without a group on the list no membership counts, not even of root's group")
    func noGroups() throws {
        try tree.startHelper(["--socket-mode", "0666", "--allow-uid", "1001"])
        #expect(try !isServed(uid: 1003, gid: 1003, groups: [0, 1001]))
    }

    @Test("of a peer with more groups than the helper looks at, the primary one counts")
    func manyGroups() throws {
        try tree.startHelper(["--socket-mode", "0666", "--allow-gid", "2001"])
        let most: [UInt32] = Array(10_000..<(10_000 + 4_095))
        #expect(try isServed(uid: 1003, gid: 1003, groups: most + [2001]))
        #expect(try !isServed(uid: 1003, gid: 1003, groups: most + [20_000, 2001]))
        #expect(try isServed(uid: 1003, gid: 2001, groups: most + [20_000]))
    }

    @Test("a stranger is closed without an answer, whatever it sends and however often it comes")
    func strangers() throws {
        let helper = try tree.startHelper(["--socket-mode", "0666", "--allow-gid", "2001"])
        for _ in 0..<100 {
            let stranger = WireClient(adopting: try OtherUser.connect(to: tree.socket, uid: 1, gid: 1))
            #expect(try stranger.isClosedSilently())
        }
        #expect(try isServed(uid: 7, gid: 2001))
        // It can't fill the log either.
        #expect(helper.log.split(separator: "\n").filter { $0.contains("refused a peer") }.count == 10)
    }

    @Test("a stranger that is refused leaves the controller's connection alone")
    func controllerStays() throws {
        try tree.startHelper(["--socket-mode", "0666"])
        let client = try WireClient(tree.socket)
        _ = try client.acquire()
        for _ in 0..<70 { _ = try OtherUser.connect(to: tree.socket, uid: 1, gid: 1) }
        try client.renew()
    }

    @Test(
        "the socket's mode keeps others from connecting at all",
        arguments: [("0660", 0, true), ("0600", 0, false), ("0666", 7, true)] as [(String, UInt32, Bool)])
    func mode(_ mode: String, _ gid: UInt32, _ canConnect: Bool) throws {
        try tree.startHelper(["--socket-mode", mode, "--allow-uid", "1001"])
        var refusal: Errno?
        do { _ = try OtherUser.connect(to: tree.socket, uid: 1001, gid: gid) } catch let errno as Errno { refusal = errno }
        #expect(refusal == (canConnect ? nil : .denied))
    }

    @Test("--socket-group gives the socket to that group")
    func group() throws {
        try tree.startHelper(["--socket-group", "2001", "--allow-gid", "2001"])
        var status = stat()
        #expect(unsafe stat(tree.socket, &status) == 0)
        #expect(status.st_gid == 2001 && status.st_mode & 0o777 == 0o660)
        #expect(try isServed(uid: 1001, gid: 2001))
    }

    @Test("--socket-group that can't be given says what to do instead, and leaves no socket")
    func groupRefused() throws {
        let helper = try tree.spawnHelper(
            ["--socket-group", "2001"], through: ["setpriv", "--bounding-set=-all", "--clear-groups"])
        #expect(try helper.waitForEnd() == .exited(1))
        #expect(helper.log.contains("can't give \(tree.socket) to group 2001: "))
        #expect(helper.log.contains("runAsGroup in Kubernetes, Group= in systemd"))
        #expect(!Files.exists(tree.socket))
    }
}
