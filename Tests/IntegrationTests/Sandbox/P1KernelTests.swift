import Glibc
import LinuxSystem
import PowercapProtocol
import Processes
import Testing

@Suite(
    "P1: where the kernel lacks a part of the sandbox, that is reported and the rest is given up",
    .enabled(if: Intruder.works, Intruder.comment))
struct P1KernelTests {
    let tree: TemporaryTree

    init() throws { tree = try TemporaryTree() }

    private static let none = "0000000000000000"

    // MARK: Without it

    @Test(
        "a kernel without Landlock or seccomp: the log and Welcome say so, and --require-sandbox makes it fatal",
        arguments: [
            ("landlock_create_ruleset", SandboxBits.landlock, "landlock"), ("landlock_restrict_self", .landlock, "landlock"),
            ("seccomp", .seccomp, "seccomp"),
        ])
    func lacking(_ call: String, _ bit: SandboxBits, _ name: String) throws {
        let helper = try tree.startHelper(through: Intruder.hiding([call]))
        #expect(helper.log.contains("level=warning msg=\"the sandbox is incomplete\" missing=\(name) errno=ENOSYS why="))
        let client = try WireClient(tree.socket)
        #expect(client.welcome.sandbox == .possible.union(.unprivilegedUser).subtracting(bit))
        #expect(try helper.status()["CapEff"] == Self.none && helper.status()["Uid"] == "65523 65523 65523 65523")
        _ = try client.acquire()
        try client.apply([try client.zones().item("intel-rapl:0", watts: 60)])
        #expect(try helper.stop() == .exited(0))
        #expect(try tree.settings() == tree.originals())

        let second = try tree.spawnHelper(["--require-sandbox"], through: Intruder.hiding([call]))
        #expect(try second.waitForEnd() == .exited(1))
        #expect(second.log.contains("raplhelper: --require-sandbox: ") && second.log.hasSuffix(" \(name)\n"))
    }

    @Test("a kernel without Landlock on which everybody may read the counters (before 5.10) is no reason not to start")
    func oldKernel() throws {
        for zone in [package0, package1] { try changeMode(tree.path(zone, "energy_uj"), 0o444) }
        try tree.startHelper(through: Intruder.hiding(["landlock_create_ruleset"]))
        try WireClient(tree.socket).ping()
    }

    // MARK: With an older or another Landlock

    static let versions = Array(1...max(1, min(7, Kernel.landlockVersion)))

    @Test("an older Landlock forbids all that it can, and the log says which it is", arguments: versions)
    func older(_ version: Int) throws {
        let helper = try tree.startHelper(["--require-sandbox"], through: Intruder.landlock(version))
        #expect(helper.log.contains(" landlock_version=\(version) "))
        #expect(try WireClient(tree.socket).welcome.sandbox == .possible.union(.unprivilegedUser))
        #expect(!helper.log.contains("level=warning"))
    }

    /// As uid 0, to which the files' modes forbid nothing.
    @Test("an older Landlock lets through only what came with a later one", arguments: versions)
    func attempts(_ version: Int) throws {
        let scenery = try Scenery(tree, Conditions.dropAll, uid: 0)
        for attempt in Attempt.all where attempt.landlock != nil {
            let outcome = try scenery.outcome(of: attempt, without: ["seccomp"], landlock: version)
            let expected = attempt.answer(landlock: version, isRoot: true)
            #expect(Attempt.agrees(expected, outcome), "\(attempt.name): \(expected) expected, not \(outcome)")
        }
    }

    @Test("a kernel that claims a Landlock of which it has a part (Red Hat's 5.14) forbids what it can all the same")
    func claimed() throws {
        let helper = try tree.startHelper(["--require-sandbox"], through: Intruder.landlock(6, known: 5))
        #expect(helper.log.contains(" landlock_version=5 "))
    }

    @Test("a kernel whose Landlock is newer than the helper knows forbids what the helper knows")
    func newer() throws {
        let helper = try tree.startHelper(["--require-sandbox"], through: Intruder.landlock(99, known: Kernel.landlockVersion))
        #expect(helper.log.contains(" landlock_version="))
        #expect(try WireClient(tree.socket).welcome.sandbox == .possible.union(.unprivilegedUser))
    }

    @Test("a supervisor at an abstract address still hears from a helper that can't reach another one")
    func abstractNotifySocket() throws {
        let path = "\(tree.directory)/abstract"
        let socket = try UnixAddress("\0\(path)").bind(SOCK_DGRAM)
        let helper = try tree.spawnHelper(environment: ["NOTIFY_SOCKET": "@" + path])
        #expect(try socket.wait(milliseconds: Deadline().remaining_ms))
        #expect(try helper.stop() == .exited(0))
    }
}
