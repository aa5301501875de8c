import Foundation
import Glibc
import LinuxSystem
import PowercapProtocol
import Processes
import Testing

@testable import Simulator

@Suite("P6: a state that can't be read or kept")
struct P6StateTests {
    let tree: TemporaryTree

    init() throws { tree = try TemporaryTree() }

    /// Leaves a node capped, and its helper dead.
    private func leaveCapped() throws {
        let helper = try tree.startHelper()
        let client = try WireClient(tree.socket)
        _ = try client.acquire()
        try client.apply([try client.zones().item("intel-rapl:0", watts: 60)])
        helper.kill()
    }

    /// Reads are served, writes are refused with `code`, and nothing is written.
    private func expectReadsOnly(_ policy: WritePolicy, _ code: ErrorCode) throws {
        let before = try tree.settings()
        let client = try WireClient(tree.socket)
        #expect(client.welcome.writes == policy)
        #expect(try client.sample().zones.count == 4)
        let item = try client.zones().item("intel-rapl:0", watts: 50)
        #expect(try failure { try client.acquire() } == Failure(code))
        #expect(try failure { try client.apply([item]) } == Failure(code))
        #expect(try tree.settings() == before)
    }

    /// Ways in which a file can be damaged.
    static let damages: [(String, @Sendable ([UInt8]) -> [UInt8])] = [
        ("empty", { _ in [] }), ("a byte", { _ in [10] }), ("blank", { $0.map { _ in 10 } }), ("zeros", { $0.map { _ in 0 } }),
        ("cut off", { Array($0.prefix(300)) }), ("odd", { Array($0.dropLast()) }),
        ("edited", { Array(String(decoding: $0, as: UTF8.self).replacing("150000000", with: "250000000").utf8) }),
        (
            "of another version",
            { Array(String(decoding: $0, as: UTF8.self).replacing("raplhelper-state 3", with: "raplhelper-state 4").utf8) }
        ),
        ("text of somebody's", { _ in Array("to be done\nlater\n\n".utf8) }),
    ]

    @Test(
        "damaged: reads are served, writes refused, the file stays, and --discard-state starts anew", arguments: damages.indices)
    func damaged(_ index: Int) throws {
        try leaveCapped()
        let (what, damage) = Self.damages[index]
        let bytes = damage(try Files.contents(tree.statePath))
        try Files.put(tree.statePath, bytes)
        let second = try tree.startHelper()
        try expectReadsOnly(.stateUnreadable, .stateUnreadable)
        #expect(
            second.log.contains("level=error msg=\"the saved original limits can't be read: serving reads, refusing writes\""),
            "\(what)")
        #expect(second.log.contains("--discard-state"))
        #expect(try second.stop() == .exited(0))
        #expect(try Files.contents(tree.statePath) == bytes)
        #expect(try tree.limit_uw(package0) == 60_000_000)

        let third = try tree.startHelper(["--discard-state"])
        #expect(third.log.contains("flag=--discard-state"))
        let client = try WireClient(tree.socket)
        #expect(client.welcome.writes == .accepted)
        _ = try client.acquire()
        #expect(try client.zones()["intel-rapl:0"].constraints[0].original == Microwatts(60_000_000))
        try client.apply([try client.zones().item("intel-rapl:0", watts: 50)])
        #expect(try third.stop() == .exited(0))
        #expect(try tree.limit_uw(package0) == 60_000_000)
    }

    @Test("a directory or a symbolic link in its place is unreadable and stays", arguments: ["directory", "link"])
    func notAFile(_ kind: String) throws {
        try makeDirectory(tree.stateDirectory, mode: 0o755)
        if kind == "directory" {
            try makeDirectory(tree.statePath, mode: 0o755)
        } else {
            #expect(unsafe symlink("/dev/null", tree.statePath) == 0)
        }
        let helper = try tree.startHelper()
        try expectReadsOnly(.stateUnreadable, .stateUnreadable)
        try helper.stop()
        #expect(try fileKind(of: tree.statePath) == (kind == "directory" ? .directory : .link))
    }

    @Test("a state directory that can't be made: reads are served, writes refused")
    func noDirectory() throws {
        try Files.put(tree.stateDirectory, "in the way")
        let helper = try tree.startHelper()
        try expectReadsOnly(.stateUnreadable, .stateUnreadable)
        #expect(try helper.stop() == .exited(0))
        #expect(try Files.text(tree.stateDirectory) == "in the way")
    }

    @Test("a state directory whose parent is missing: reads are served, writes refused, and it says what to do")
    func noParent() throws {
        let helper = try tree.startHelper(["--state-dir", "\(tree.directory)/a/b"])
        try expectReadsOnly(.stateUnwritable, .stateUnwritable)
        #expect(
            helper.log.contains(
                "level=error msg=\"the original limits can't be saved: serving reads, refusing writes\" state_dir=\(tree.directory)/a/b errno=ENOENT do="
            ))
        #expect(try helper.stop() == .exited(0))
    }

    /// Executes the helper with a small file system of its own at the state directory.
    private func mounted(_ options: String, keeping: Bool = false) -> [String] {
        let copy = keeping ? "cp -a \"$1/.\" \"$1.copy\" &&" : "true &&"
        let back = keeping ? "cp -a \"$1.copy/.\" \"$1\" &&" : "true &&"
        let script =
            "mkdir -p \"$1\" && \(copy) mount -t tmpfs -o size=64k tmpfs \"$1\" && \(back) \(options) shift && exec \"$@\""
        return ["unshare", "--mount", "sh", "-c", script, "sh", tree.stateDirectory]
    }

    @Test("a full disk: reads are served, writes refused", .enabled(if: Conditions.canMount, Conditions.mount))
    func fullDisk() throws {
        let helper = try tree.startHelper(through: mounted("{ head -c 1M /dev/zero > \"$1/ballast\" 2>/dev/null; true; } &&"))
        try expectReadsOnly(.stateUnwritable, .stateUnwritable)
        #expect(helper.log.contains("errno=ENOSPC"))
        #expect(try helper.stop() == .exited(0))
    }

    @Test("a read-only disk: reads are served, writes refused", .enabled(if: Conditions.canMount, Conditions.mount))
    func readOnlyDisk() throws {
        let helper = try tree.startHelper(through: mounted("mount -o remount,ro \"$1\" &&"))
        try expectReadsOnly(.stateUnwritable, .stateUnwritable)
        #expect(helper.log.contains("errno=EROFS"))
        #expect(try helper.stop() == .exited(0))
    }

    @Test(
        "a disk that became full after a crash: what was left is put back all the same",
        .enabled(if: Conditions.canMount, Conditions.mount))
    func fullDiskAfterCrash() throws {
        try leaveCapped()
        let helper = try tree.startHelper(
            through: mounted("{ head -c 1M /dev/zero > \"$1/ballast\" 2>/dev/null; true; } &&", keeping: true))
        #expect(try tree.settings() == tree.originals())
        try expectReadsOnly(.stateUnwritable, .stateUnwritable)
        #expect(try helper.stop() == .exited(0))
    }

    @Test(
        "a disk that becomes full while the helper runs doesn't matter: its file has its full size from the start",
        .enabled(if: Conditions.canMount, Conditions.mount))
    func fullDiskLater() throws {
        let ballast = "\(tree.directory)/fill"
        let helper = try tree.startHelper(
            through: mounted(
                "{ (while ! [ -e '\(ballast)' ]; do sleep 0.01; done; head -c 1M /dev/zero > \"$1/ballast\"; mv '\(ballast)' '\(ballast).done') >/dev/null 2>&1 & true; } &&"
            ))
        let client = try WireClient(tree.socket)
        _ = try client.acquire()
        try Files.put(ballast, "")
        try wait(for: "the disk to be full") { Files.exists("\(ballast).done") }
        let item = try client.zones().item("intel-rapl:0", watts: 60)
        for _ in 0..<10 { try client.apply([item]) }
        #expect(try client.release() == Released(restored: 1))
        #expect(try helper.stop() == .exited(0))
    }

    @Test("the state is a text that tells a person what was there before")
    func readable() throws {
        try leaveCapped()
        let text = try Files.text(tree.statePath)
        #expect(
            text.contains(
                "constraint long_term 0 of intel-rapl:0 intel-rapl 1 package-0 original 150000000 999424 intended 60000000 999424 in-force 60000000 999424 limit\n"
            ))
    }
}
