import Foundation
import Glibc
import LinuxSystem
import PowercapProtocol
import Processes
import Testing

@testable import Simulator

@Suite("P6: a state that is taken away, belongs to another, or fails while it is written")
struct P6StateFaultTests {
    let tree: TemporaryTree

    init() throws { tree = try TemporaryTree() }

    private func cap() throws -> WireClient {
        let client = try WireClient(tree.socket)
        _ = try client.acquire()
        try client.apply([try client.zones().item("intel-rapl:0", watts: 60)])
        #expect(try tree.limit_uw(package0) == 60_000_000)
        return client
    }

    /// Leaves a node capped, and its helper dead.
    private func leaveCapped() throws {
        let helper = try tree.startHelper()
        _ = try cap()
        helper.kill()
    }

    private func expectRefused(_ policy: WritePolicy, _ code: ErrorCode) throws {
        let before = try tree.settings()
        let client = try WireClient(tree.socket)
        #expect(client.welcome.writes == policy)
        #expect(try client.sample().zones.count == 4)
        #expect(try failure { try client.acquire() } == Failure(code))
        #expect(try tree.settings() == before)
    }

    // MARK: Taken away

    /// What removes the state from under a running helper.
    static let removals: [(String, @Sendable (TemporaryTree) throws -> Void)] = [
        ("the directory", { try FileManager.default.removeItem(atPath: $0.stateDirectory) }),
        ("the file", { try unlink($0.statePath) }),
        (
            "the file, by another in its place",
            {
                try Files.put("\($0.directory)/other", ""); try rename("\($0.directory)/other", to: $0.statePath)
            }
        ),
    ]

    @Test(
        "removed under the helper: it takes no limit any more, restores, and wants to be started again",
        arguments: removals.indices)
    func removed(_ index: Int) throws {
        let helper = try tree.startHelper()
        let client = try cap()
        let item = try client.zones().item("intel-rapl:1", watts: 50)
        try Self.removals[index].1(tree)
        #expect(
            try failure { try client.apply([item]) } == Failure(.stateUnwritable, errno: UInt16(ENOENT)),
            "\(Self.removals[index].0)")
        #expect(try helper.waitForEnd() == .exited(75))
        #expect(try tree.settings() == tree.originals())
        #expect(helper.log.contains("reason=\"the saved state was removed\" holder=test restored=1 foreign=0 failed=0"))
    }

    @Test("removed while nothing is asked for: the next Renew is answered, and then the same")
    func removedQuietly() throws {
        let helper = try tree.startHelper()
        let client = try cap()
        try FileManager.default.removeItem(atPath: tree.stateDirectory)
        try client.renew()
        #expect(try helper.waitForEnd() == .exited(75))
        #expect(try tree.settings() == tree.originals())
        let second = try tree.startHelper()
        _ = try cap()
        #expect(try second.stop() == .exited(0))
        #expect(try tree.settings() == tree.originals())
    }

    // MARK: Of another

    /// As in a pod: uid 0, and only what it owns is its own.
    private static let withoutCapabilities = ["setpriv", "--bounding-set=-all", "--inh-caps=-all", "--clear-groups"]

    @Test(
        "a state directory of another uid can't be written to: what was left is put back, writes are refused, and it says why",
        .enabled(if: Conditions.isRoot, Conditions.root))
    func othersDirectory() throws {
        try leaveCapped()
        try changeOwner(tree.stateDirectory, uid: 1_001, gid: 1_001)
        let helper = try tree.startHelper(through: Self.withoutCapabilities)
        #expect(try tree.settings() == tree.originals())
        try expectRefused(.stateUnwritable, .stateUnwritable)
        #expect(helper.log.contains("errno=EACCES do=\"make --state-dir a directory that the helper can write to\""))
        #expect(try helper.stop() == .exited(0))
    }

    @Test(
        "a state that another uid keeps to itself is unreadable, and stays",
        .enabled(if: Conditions.isRoot, Conditions.root), arguments: ["directory", "file"])
    func othersState(_ what: String) throws {
        try leaveCapped()
        let path = what == "file" ? tree.statePath : tree.stateDirectory
        try changeOwner(path, uid: 1_001, gid: 1_001)
        try changeMode(path, 0o700)
        let before = try Files.contents(tree.statePath)
        let helper = try tree.startHelper(through: Self.withoutCapabilities)
        try expectRefused(.stateUnreadable, .stateUnreadable)
        #expect(helper.log.contains("(EACCES)"))
        #expect(try helper.stop() == .exited(0))
        #expect(try Files.contents(tree.statePath) == before)
        #expect(try tree.limit_uw(package0) == 60_000_000)
        // Root may read both, and trusts no file of another's.
        let second = try tree.startHelper()
        #expect(try tree.limit_uw(package0) == (what == "file" ? 60_000_000 : 150_000_000))
        try second.stop()
        try changeOwner(path, uid: geteuid())
        try tree.startHelper()
        #expect(try tree.settings() == tree.originals())
    }

    // MARK: Failing while it is written

    @Test(
        "a disk that is full or fails at any step of saving: what was left is put back, the file before stays, writes are refused",
        .enabled(if: Conditions.has("strace"), "needs strace, which can let a system call fail"),
        // The first write puts the limit back; from then on all fail, at the rewriting after it and at the saving of today's originals.
        arguments: ["pwrite64:when=2+", "pwrite64:when=3+", "fsync:when=1+", "rename,renameat,renameat2:when=1+"],
        ["ENOSPC", "EIO"])
    func failingSave(_ step: String, _ errno: String) throws {
        try leaveCapped()
        let before = try Files.contents(tree.statePath)
        let parts = step.split(separator: ":")
        let strace = [
            "strace", "-D", "-qq", "-o", "/dev/null", "-e", "trace=\(parts[0])", "-e",
            "inject=\(parts[0]):error=\(errno):\(parts[1])",
        ]
        let helper = try tree.startHelper(through: strace)
        #expect(helper.log.contains("msg=\"the original limits can't be saved: serving reads, refusing writes\""))
        #expect(helper.log.contains("errno=\(errno)"))
        #expect(try tree.settings() == tree.originals())
        try expectRefused(.stateUnwritable, .stateUnwritable)
        #expect(try Files.contents(tree.statePath) == before)
        #expect(!Files.exists("\(tree.statePath).new"))
        #expect(try helper.stop() == .exited(0))
        let second = try tree.startHelper()
        _ = try cap()
        #expect(try second.stop() == .exited(0))
        #expect(try tree.settings() == tree.originals())
    }
}
