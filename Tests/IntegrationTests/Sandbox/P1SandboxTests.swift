import Foundation
import Glibc
import LinuxSystem
import PowercapProtocol
import Processes
import Testing

extension SandboxBits {
    /// What this kernel can give, apart from the uid.
    static var possible: SandboxBits {
        var bits: SandboxBits = [.notDumpable, .noNewPrivileges, .boundingSetEmpty, .capabilitiesEmpty, .seccomp]
        if Kernel.landlockVersion > 0 { bits.insert(.landlock) }
        return bits
    }
}

@Suite("P1: what the helper has given up")
struct P1SandboxTests {
    let tree: TemporaryTree

    init() throws { tree = try TemporaryTree() }

    private static let none = "0000000000000000"

    /// Checks everything that /proc tells of a helper that has given all up.
    private func expectNothing(of helper: HelperProcess, uid: UInt32) throws {
        let status = try helper.status()
        for set in ["CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"] { #expect(status[set] == Self.none, "\(set)") }
        #expect(status["NoNewPrivs"] == "1")
        #expect(status["Seccomp"] == "2")
        #expect(status["Uid"] == "\(uid) \(uid) \(uid) \(uid)")
        #expect(status["Gid"] == "\(uid) \(uid) \(uid) \(uid)")
        #expect(status["Groups"] == "")
        #expect(status["Threads"] == "1")
    }

    private func isOwnedByRoot(_ path: String) -> Bool {
        var status = stat()
        return unsafe stat(path, &status) == 0 && status.st_uid == 0
    }

    @Test(
        "as root: every capability in every set, the uid, the groups, new privileges",
        .enabled(if: Conditions.isRoot, Conditions.root))
    func everything() throws {
        let helper = try tree.startHelper()
        try expectNothing(of: helper, uid: 65523)
    }

    @Test("as root with --user: it becomes that one", .enabled(if: Conditions.isRoot, Conditions.root))
    func otherUser() throws {
        let helper = try tree.startHelper(["--user", "12345"])
        try expectNothing(of: helper, uid: 12345)
    }

    @Test("as root in groups: it leaves them", .enabled(if: Conditions.isRoot, Conditions.root))
    func groups() throws {
        let helper = try tree.startHelper(through: ["setpriv", "--groups", "4,27"])
        try expectNothing(of: helper, uid: 65523)
    }

    @Test("Welcome says what /proc and the kernel say", .enabled(if: Conditions.isRoot, Conditions.root))
    func welcome() throws {
        try tree.startHelper()
        let bits = try WireClient(tree.socket).welcome.sandbox
        #expect(bits == .possible.union(.unprivilegedUser))
    }

    @Test("the log says it too, when it starts to serve", .enabled(if: Conditions.isRoot, Conditions.root))
    func log() throws {
        let helper = try tree.startHelper()
        let names = SandboxBits.names.filter { SandboxBits.possible.union(.unprivilegedUser).contains($0.0) }.map { "\($0.1)" }
        #expect(helper.log.contains(" sandbox=\(names.joined(separator: ","))\n"))
    }

    @Test("its memory and descriptors are out of reach of its own uid", .enabled(if: Conditions.isRoot, Conditions.root))
    func notDumpable() throws {
        let pid = try tree.startHelper().pid
        #expect(isOwnedByRoot("/proc/\(pid)/fd"))
        let refused = try OtherUser.run(uid: 65523, gid: 65523) {
            ["mem", "environ", "maps", "fd/3"].map { name -> Int32 in
                let number = unsafe open("/proc/\(pid)/\(name)", O_RDONLY)
                return number < 0 ? errno : 0
            }
        }
        #expect(refused == [EACCES, EACCES, EACCES, EACCES])
    }

    @Test("it still writes limits, reads counters and tokens, and restores", .enabled(if: Conditions.isRoot, Conditions.root))
    func stillWorks() throws {
        let helper = try tree.startHelper()
        let client = try WireClient(tree.socket)
        _ = try client.acquire()
        let zones = try client.zones()
        try client.apply([zones.item("intel-rapl:0", watts: 60, window_us: 500_000)])
        #expect(try tree.limit_uw(package0) == 60_000_000)
        #expect(try client.sample().zones.allSatisfy { $0.reading.errno == 0 })
        #expect(try helper.stop() == .exited(0))
        #expect(try tree.settings() == tree.originals())
    }

    @Test("what a careless parent left open is closed", .enabled(if: Conditions.isRoot, Conditions.root))
    func inherited() throws {
        try Files.put("\(tree.directory)/secret", "")
        let secret = try Descriptor(opening: "\(tree.directory)/secret", .readWrite)
        let helper = try tree.startHelper(inheriting: [secret.number, secret.number, secret.number])
        let open = try helper.descriptors()
        #expect(open.count > 20 && !open.values.contains { $0.hasSuffix("/secret") })
    }

    // MARK: As a pod starts it: uid 0, every capability dropped

    @Test(
        "without a capability it stays uid 0 with nothing else, says so, and works",
        .enabled(if: Conditions.isRoot, Conditions.root))
    func pod() throws {
        let helper = try tree.startHelper(through: Conditions.dropAll)
        try expectNothing(of: helper, uid: 0)
        #expect(helper.log.contains("level=info msg=\"stays uid 0 without any capability\""))
        let client = try WireClient(tree.socket)
        #expect(client.welcome.sandbox == .possible)
        _ = try client.acquire()
        try client.apply([try client.zones().item("intel-rapl:0", watts: 60)])
        #expect(try tree.limit_uw(package0) == 60_000_000)
        #expect(try helper.stop() == .exited(0))
        #expect(try tree.limit_uw(package0) == 150_000_000)
    }

    @Test(
        "that is enough for --require-sandbox",
        .enabled(if: Conditions.isRoot && Kernel.landlockVersion > 0, "needs root and Landlock"))
    func podRequiresSandbox() throws { try tree.startHelper(["--require-sandbox"], through: Conditions.dropAll) }

    @Test(
        "as root --require-sandbox is content",
        .enabled(if: Conditions.isRoot && Kernel.landlockVersion > 0, "needs root and Landlock"))
    func requireSandbox() throws { try tree.startHelper(["--require-sandbox"]) }

    /// CAP_SETPCAP is what emptying the bounding set takes.
    private static let keepsBoundingSet = ["setpriv", "--bounding-set=-setpcap"]

    @Test("what it can't give up it names in its log and in Welcome", .enabled(if: Conditions.isRoot, Conditions.root))
    func incomplete() throws {
        let helper = try tree.startHelper(through: Self.keepsBoundingSet)
        #expect(
            helper.log.contains("level=warning msg=\"the sandbox is incomplete\" missing=bounding-set-empty errno=EPERM why="))
        #expect(try WireClient(tree.socket).welcome.sandbox == .possible.union(.unprivilegedUser).subtracting(.boundingSetEmpty))
        let status = try helper.status()
        #expect(status["CapBnd"] != Self.none && status["CapEff"] == Self.none && status["CapPrm"] == Self.none)
    }

    @Test(
        "--require-sandbox makes that fatal: exit 1, and it says what is missing",
        .enabled(if: Conditions.isRoot, Conditions.root))
    func incompleteIsFatal() throws {
        let helper = try tree.spawnHelper(["--require-sandbox"], through: Self.keepsBoundingSet)
        #expect(try helper.waitForEnd() == .exited(1))
        #expect(helper.log.contains("raplhelper: --require-sandbox: "))
        #expect(helper.log.contains("bounding-set-empty"))
        #expect(!Files.exists(tree.socket))
    }

    @Test("--user 0 is a choice: uid 0 without a capability", .enabled(if: Conditions.isRoot, Conditions.root))
    func userZero() throws {
        let helper = try tree.startHelper(["--user", "0"])
        let status = try helper.status()
        #expect(status["Uid"] == "0 0 0 0" && status["CapEff"] == Self.none && status["CapBnd"] == Self.none)
        #expect(!(try WireClient(tree.socket)).welcome.sandbox.contains(.unprivilegedUser))
    }

    @Test("a uid that isn't root keeps its uid and gives up the rest")
    func ordinaryUser() throws {
        let uid = Conditions.isRoot ? 4242 : Int(geteuid())
        var wrapper: [String] = []
        if Conditions.isRoot {
            wrapper = ["setpriv", "--reuid=\(uid)", "--regid=\(uid)", "--clear-groups"]
            let chown = try tree.spawn("chown", ["chown", "--recursive", "\(uid):\(uid)", tree.directory])
            #expect(try chown.waitForEnd() == .exited(0))
        }
        let helper = try tree.startHelper(["--allow-uid", "\(geteuid())"], through: wrapper)
        let status = try helper.status()
        #expect(status["Uid"] == Array(repeating: "\(uid)", count: 4).joined(separator: " "))
        #expect(status["CapEff"] == Self.none && status["NoNewPrivs"] == "1" && status["Seccomp"] == "2")
        let client = try WireClient(tree.socket)
        #expect(client.welcome.sandbox.isSuperset(of: [.unprivilegedUser, .capabilitiesEmpty, .seccomp]))
        _ = try client.acquire()
        try client.apply([try client.zones().item("intel-rapl:0", watts: 60)])
        #expect(try tree.limit_uw(package0) == 60_000_000)
    }
}
