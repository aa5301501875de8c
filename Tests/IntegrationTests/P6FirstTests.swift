import Foundation
import Glibc
import LinuxSystem
import PowercapProtocol
import Processes
import Testing

@testable import Simulator

@Suite("P6: restored before everything else")
struct P6FirstTests {
    let tree: TemporaryTree

    init() throws { tree = try TemporaryTree(Machine(packages: 3)) }

    /// Leaves two packages capped, and their helper dead.
    private func leaveCapped() throws {
        let helper = try tree.startHelper()
        let client = try WireClient(tree.socket)
        _ = try client.acquire()
        let zones = try client.zones()
        try client.apply([zones.item("intel-rapl:0", watts: 60), zones.item("intel-rapl:1", watts: 70)])
        helper.kill()
        #expect(try tree.limit_uw(package0) == 60_000_000)
    }

    /// Everything about a node that may be wrong without concerning what was saved.
    private static let troubles: [(name: String, serves: Bool, make: @Sendable (TemporaryTree) throws -> Void)] = [
        ("a neighbour's name isn't ASCII", true, { try replace("\($0.root)/intel-rapl/intel-rapl:2/name", "päckage\n") }),
        (
            "a neighbour's maximum is no number", true,
            { try replace("\($0.root)/intel-rapl/intel-rapl:2/constraint_0_max_power_uw", "-\n") }
        ),
        (
            "a neighbour's limit is no number", true,
            { try replace("\($0.root)/intel-rapl/intel-rapl:2/constraint_0_power_limit_uw", "lots\n") }
        ),
        ("its own maximum is no number", true, { try replace($0.path(package0, "constraint_0_max_power_uw"), "-\n") }),
        ("its own energy range is no number", true, { try replace($0.path(package0, "max_energy_range_uj"), "\n") }),
        (
            "its other constraint's name isn't ASCII", true,
            { try replace($0.path(package0, "constraint_1_name"), "kürz\n") }
        ),
        (
            "its counter is a FIFO", true,
            {
                try unlink($0.path(package0, "energy_uj")); #expect(unsafe mkfifo($0.path(package0, "energy_uj"), 0o400) == 0)
            }
        ),
        ("another control type's name has a blank", true, { try makeDirectory("\($0.root)/two words", mode: 0o755) }),
        (
            "there are more zones than the protocol has room for", true,
            { for number in 0..<140 { try addZone("\($0.root)/alien-type/alien:\(number)", "zone-\(number)") } }
        ),
        (
            "something else is in the socket's place", false,
            {
                try unlink($0.socket); try Files.put($0.socket, "precious")
            }
        ),
        (
            "a directory is in the socket's place", false,
            {
                try unlink($0.socket); try makeDirectory($0.socket, mode: 0o755)
            }
        ),
    ]

    private static func replace(_ path: String, _ text: String) throws {
        try changeMode(path, 0o644)
        try Files.put(path, text)
    }

    private static func addZone(_ path: String, _ name: String) throws {
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
        try Files.put("\(path)/name", "\(name)\n")
    }

    @Test("whatever else is wrong, what was saved comes back", arguments: troubles.indices)
    func comesBack(_ index: Int) throws {
        let trouble = Self.troubles[index]
        try leaveCapped()
        try trouble.make(tree)
        let helper = try tree.spawnHelper()
        if trouble.serves { try helper.waitUntilReady() } else { #expect(try helper.waitForEnd() == .exited(1)) }
        #expect(try tree.limit_uw(package0) == 150_000_000, "\(trouble.name): \(helper.log)")
        #expect(try tree.limit_uw(package1) == 150_000_000, "\(trouble.name): \(helper.log)")
        #expect(helper.log.contains("restored=2 foreign=0 failed=0 unclaimed=0"), "\(helper.log)")
    }

    @Test("what can't be described is left out and named, in a bounded number of lines; the rest is served")
    func leftOut() throws {
        try Self.replace(tree.path(package1, "constraint_0_name"), "\(String(repeating: "n", count: 64))\n")
        for number in 0..<200 { try Self.addZone("\(tree.root)/some-other-type/alien:\(number)", "zone-\(number)") }
        let helper = try tree.startHelper()
        let zones = try WireClient(tree.socket).zones()
        #expect(zones.zones.count == 128)
        #expect(zones["intel-rapl:1"].constraints.map(\.name.string) == ["short_term"])
        #expect(
            helper.log.contains(
                "level=warning msg=\"left out\" what=\(tree.root)/\(package1)/constraint_0 why=\"its name isn't 1 to 63 letters"))
        let named = helper.log.split(separator: "\n").filter { $0.contains("msg=\"left out\"") }.count
        let more = try #require(helper.log.firstMatch(of: /msg="more is left out" count=(\d+)/)).1
        #expect(named == 32 && named + (Int(more) ?? 0) == 1 + 6 + 200 - 128)
    }

    // MARK: The state's file

    /// What may be in the place of the state, and what is said of it.
    private static let impostors: [(name: String, why: String, make: @Sendable (String) throws -> Void)] = [
        ("FIFO", "isn't a file that only root can have written", { #expect(unsafe mkfifo($0, 0o600) == 0) }),
        ("link", "(ELOOP)", { #expect(unsafe symlink("\($0)-elsewhere", $0) == 0) }),
        ("directory", "isn't a file that only root can have written", { try makeDirectory($0, mode: 0o755) }),
        (
            "file of another user", "isn't a file that only root can have written",
            {
                try Files.put($0, ""); try changeOwner($0, uid: 1_001)
            }
        ),
        (
            "file that others may write to", "isn't a file that only root can have written",
            {
                try Files.put($0, ""); try changeMode($0, 0o646)
            }
        ),
    ]

    @Test(
        "a state that isn't a plain file of root's is unreadable, not absent, and nothing waits for it",
        .enabled(if: Conditions.isRoot, Conditions.root), arguments: impostors.indices)
    func impostor(_ index: Int) throws {
        try leaveCapped()
        let saved = try Files.contents(tree.statePath)
        try Files.put("\(tree.statePath)-elsewhere", saved)
        try unlink(tree.statePath)
        try Self.impostors[index].make(tree.statePath)
        let helper = try tree.startHelper()
        #expect(try WireClient(tree.socket).welcome.writes == .stateUnreadable)
        #expect(helper.log.contains(Self.impostors[index].why), "\(Self.impostors[index].name): \(helper.log)")
        #expect(try tree.limit_uw(package0) == 60_000_000)
    }

    @Test("a state of helper 0.1 is restored")
    func firstVersion() throws {
        try leaveCapped()
        let boot = try Files.firstLine("/proc/sys/kernel/random/boot_id")
        let lines = """
            raplhelper-state 1
            boot \(boot)
            generation 7
            constraint intel-rapl:0 package-0 0 long_term original 150000000 999424 intended 60000000 999424 in-force 60000000 999424 limit
            constraint intel-rapl:1 package-1 0 long_term original 149000000 999424 intended 70000000 999424 in-force 70000000 999424 limit

            """
        try Files.put(
            tree.statePath,
            String(repeating: "\n", count: 4096) + StateText.withChecksum(lines, slotBytes: 4096))
        try changeMode(tree.statePath, 0o644)
        let helper = try tree.startHelper()
        #expect(try tree.limit_uw(package0) == 150_000_000)
        #expect(try tree.limit_uw(package1) == 149_000_000, "\(helper.log)")
    }

    // MARK: Names and numbers

    @Test("packages that have come back in another order get their own originals")
    func renumbered() throws {
        try tree.setLimit_uw(package0, 0, 140_000_000)
        try leaveCapped()
        // What package-0 was has number 1 now, and the other way round.
        try rename("\(tree.root)/\(package0)", to: "\(tree.directory)/away")
        try rename("\(tree.root)/\(package1)", to: "\(tree.root)/\(package0)")
        try rename("\(tree.directory)/away", to: "\(tree.root)/\(package1)")
        let helper = try tree.startHelper()
        #expect(helper.log.contains("restored=2 foreign=0 failed=0 unclaimed=0"))
        #expect(try tree.limit_uw(package1) == 140_000_000)
        #expect(try tree.limit_uw(package0) == 150_000_000)
        helper.kill()
        #expect(try !tree.startHelper().log.contains("an earlier helper"))
    }

    @Test("a saved limit that no zone claims is named at every start and kept, until its zone is back")
    func unclaimed() throws {
        try leaveCapped()
        try rename("\(tree.root)/\(package1)", to: "\(tree.directory)/away")
        for _ in 0..<3 {
            let helper = try tree.startHelper()
            #expect(try tree.limit_uw(package0) == 150_000_000)
            #expect(
                helper.log.contains(
                    "level=warning msg=\"no zone has these names: its original limit is kept until one has\" control_type=intel-rapl zone=package-1 id=intel-rapl:1 constraint=long_term original_uw=150000000"
                ))
            #expect(helper.log.contains("failed=0 unclaimed=1"))
            #expect(try helper.stop() == .exited(0))
            #expect(
                helper.log.contains("msg=\"saved limits of zones that weren't there are kept for the next start\" unclaimed=1"))
        }
        // Back with a number that it never had.
        try rename("\(tree.directory)/away", to: "\(tree.root)/intel-rapl/intel-rapl:7")
        let helper = try tree.startHelper()
        #expect(try tree.limit_uw("intel-rapl/intel-rapl:7") == 150_000_000, "\(helper.log)")
    }

    @Test("a zone that got a namesake since is known by its number; one whose number is another's is left alone")
    func namesake() throws {
        try leaveCapped()
        try Self.replace("\(tree.root)/intel-rapl/intel-rapl:2/name", "package-1\n")
        try tree.setLimit_uw("intel-rapl/intel-rapl:2", 0, 70_000_000)
        let helper = try tree.startHelper()
        #expect(try tree.limit_uw(package1) == 150_000_000, "\(helper.log)")
        #expect(try tree.limit_uw("intel-rapl/intel-rapl:2") == 70_000_000)
        let zones = try WireClient(tree.socket).zones()
        #expect(zones["intel-rapl:1"].constraints[0].obstacle == .sameNames)
        #expect(zones["intel-rapl:0"].constraints[0].obstacle == .none)
        let client = try WireClient(tree.socket)
        _ = try client.acquire()
        #expect(try failure { try client.apply([zones.item("intel-rapl:1", watts: 50)]) }?.code == .notWritable)
    }

    // MARK: Locks

    @Test("nobody keeps it out by locking what everybody may open")
    func locks() throws {
        try leaveCapped()
        let paths = [
            tree.stateDirectory, tree.root, tree.directory, tree.statePath, tree.path(package0, "constraint_0_power_limit_uw"),
        ]
        var held: [Int32] = []
        defer { for number in held { close(number) } }
        for path in paths {
            held.append(unsafe open(path, O_RDONLY | O_CLOEXEC))
            #expect(flock(held.last!, LOCK_EX | LOCK_NB) == 0)
        }
        let helper = try tree.startHelper()
        #expect(try tree.limit_uw(package0) == 150_000_000)
        #expect(try WireClient(tree.socket).welcome.writes == .accepted, "\(helper.log)")
    }

    @Test("what it locks only its own user and root can open")
    func lockedFiles() throws {
        let helper = try tree.startHelper()
        var locked: [String] = []
        for (number, path) in try helper.descriptors()
        where try Files.text("/proc/\(helper.pid)/fdinfo/\(number)").contains("FLOCK") {
            var status = stat()
            #expect(unsafe stat(path, &status) == 0 && status.st_mode & 0o077 == 0 && status.st_uid == geteuid(), "\(path)")
            locked.append(path)
        }
        #expect(
            Set(locked)
                == Set((0..<3).map { tree.path("intel-rapl/intel-rapl:\($0)", "energy_uj") } + ["\(tree.stateDirectory)/lock"]))
    }

    @Test("where no counter is root's alone it says that it can't notice every other helper, and serves")
    func nothingToLock() throws {
        for number in 0..<3 { try changeMode(tree.path("intel-rapl/intel-rapl:\(number)", "energy_uj"), 0o444) }
        let helper = try tree.startHelper()
        #expect(
            helper.log.contains(
                "msg=\"no counter of the tree is root's alone: a second helper with another --state-dir would go unnoticed\""))
        let second = try tree.spawnHelper(["--socket", "\(tree.directory)/other"])
        #expect(try second.waitForEnd() == .exited(1))
        #expect(second.log.contains("another raplhelper saves its state in \(tree.stateDirectory)"))
    }
}
