import Glibc
import LinuxSystem
import PowercapProtocol
import Processes
import Testing

@testable import Simulator

@Suite("P6: the original limits")
struct P6RestoreTests {
    let tree: TemporaryTree

    init() throws { tree = try TemporaryTree(Machine(hasMMIO: true)) }

    /// Changes four limits and a window.
    private func capNode() throws -> WireClient {
        let client = try WireClient(tree.socket)
        _ = try client.acquire()
        let zones = try client.zones()
        try client.apply([
            zones.item("intel-rapl:0", watts: 60, window_us: 500_000), zones.item("intel-rapl:0", 1, watts: 70),
            zones.item("intel-rapl:1", watts: 60), zones.item("intel-rapl-mmio:0", watts: 60),
        ])
        #expect(try tree.limit_uw(package0) == 60_000_000)
        return client
    }

    @Test("come back on SIGTERM, SIGINT and SIGHUP, and the exit status is 0", arguments: [SIGTERM, SIGINT, SIGHUP])
    func signal(_ number: Int32) throws {
        let helper = try tree.startHelper()
        _ = try capNode()
        helper.process.signal(number)
        #expect(try helper.waitForEnd() == .exited(0))
        #expect(try tree.settings() == tree.originals())
        #expect(helper.log.contains("restored=4 foreign=0 failed=0"))
    }

    @Test("come back on release, or stay as they are if the controller says so")
    func release() throws {
        let helper = try tree.startHelper()
        let client = try capNode()
        let held = try tree.settings()
        #expect(try client.release(.hold) == Released())
        #expect(try tree.settings() == held)
        _ = try client.acquire()
        #expect(try client.release() == Released(restored: 4))
        #expect(try tree.settings() == tree.originals())
        try helper.stop()
    }

    @Test("what became of them is said as it is: restored, another party's, none")
    func words() throws {
        let helper = try tree.startHelper()
        #expect(try capNode().release() == Released(restored: 4))
        let client = try capNode()
        try tree.setLimit_uw(package0, 0, 90_000_000)
        #expect(try client.release() == Released(restored: 3, foreign: 1))
        #expect(try helper.stop() == .exited(0))
        let ends = helper.log.split(separator: "\n").filter { $0.contains("control ended") }
        #expect(ends.count == 3)
        for (line, words) in zip(
            ends,
            [
                "level=info msg=\"control ended, original limits restored\"",
                "level=warning msg=\"control ended, limits that another party set are left as they are\"",
                "level=info msg=\"control ended, no limit had to be restored\"",
            ])
        { #expect(line.hasPrefix(words)) }
        #expect(try tree.limit_uw(package0) == 90_000_000)
    }

    @Test("that were held come back on SIGTERM all the same")
    func heldThenStopped() throws {
        let helper = try tree.startHelper()
        try capNode().release(.hold)
        #expect(try helper.stop() == .exited(0))
        #expect(try tree.settings() == tree.originals())
    }

    @Test("stay changed while the helper is dead, and come back before the next one is ready")
    func killed() throws {
        let first = try tree.startHelper()
        _ = try capNode()
        first.kill()
        #expect(try tree.limit_uw(package0) == 60_000_000)
        let second = try tree.startHelper()
        #expect(try tree.settings() == tree.originals())
        #expect(second.log.contains("msg=\"an earlier helper died with limits in force\" restored=4 foreign=0 failed=0"))
        // It takes writes, and the next start has nothing to restore.
        _ = try capNode().release()
        second.kill()
        #expect(try !tree.startHelper().log.contains("an earlier helper"))
    }

    @Test("outlive any number of crashes")
    func killedAgain() throws {
        for _ in 0..<3 {
            let helper = try tree.startHelper()
            _ = try capNode()
            helper.kill()
        }
        try tree.startHelper()
        #expect(try tree.settings() == tree.originals())
    }

    @Test("outlive the controller: its crash alone changes nothing before its lease is over")
    func controllerGone() throws {
        let helper = try tree.startHelper()
        do { _ = try capNode() }
        #expect(try WireClient(tree.socket).zones().header.leaseRemaining_ms > 0)
        #expect(try tree.limit_uw(package0) == 60_000_000)
        try helper.stop()
        #expect(try tree.settings() == tree.originals())
    }

    @Test("don't come back over a limit that somebody set while the helper was dead, which is reported")
    func foreignWhileDead() throws {
        let first = try tree.startHelper()
        _ = try capNode()
        first.kill()
        try tree.setLimit_uw(package1, 0, 111_000_000)
        let second = try tree.startHelper()
        var expected = tree.originals()
        expected["\(package1)/constraint_0_power_limit_uw"] = "111000000"
        #expect(try tree.settings() == expected)
        #expect(
            second.log.contains(
                "msg=\"another party changed the limit: left as it is\" zone=package-1 id=intel-rapl:1 constraint=long_term limit_uw=111000000 ours_uw=60000000 original_uw=150000000"
            ))
        #expect(second.log.contains("restored=3 foreign=1 failed=0"))
        // From now on it is the original.
        let zones = try capNode().zones()
        #expect(zones["intel-rapl:1"].constraints[0].original == Microwatts(111_000_000))
        try second.stop()
        #expect(try tree.settings() == expected)
    }

    @Test("are those before the first change, also when somebody set them after the start of the helper")
    func changedBeforeFirstApply() throws {
        let helper = try tree.startHelper()
        try tree.setLimit_uw(package0, 0, 120_000_000)
        _ = try capNode()
        helper.kill()
        try tree.startHelper()
        #expect(try tree.limit_uw(package0) == 120_000_000)
    }

    @Test("of a package that is away come back when it does")
    func absentPackage() throws {
        let first = try tree.startHelper()
        _ = try capNode()
        first.kill()
        try rename("\(tree.root)/\(package1)", to: "\(tree.directory)/offline")
        try tree.startHelper().kill()
        try rename("\(tree.directory)/offline", to: "\(tree.root)/\(package1)")
        try tree.startHelper()
        #expect(try tree.settings() == tree.originals())
    }

    @Test("of another boot are forgotten: firmware has set its own since")
    func otherBoot() throws {
        let first = try tree.startHelper()
        _ = try capNode()
        first.kill()
        // A file of another boot, whole in itself: as this boot's would be found after the next.
        let text = try Files.text(tree.statePath)
        let half = text.utf8.count / 2
        let slots = [text.utf8.prefix(half), text.utf8.dropFirst(half)].map { StateText.withBoot("0", String($0)!) }
        try Files.put(tree.statePath, slots.joined())
        let second = try tree.startHelper()
        #expect(try tree.limit_uw(package0) == 60_000_000)
        #expect(second.log.contains("saved limits are of another boot"))
        #expect(try WireClient(tree.socket).welcome.writes == .accepted)
    }

    @Test("aren't touched by --read-only, which writes nothing at all, not even when it ends")
    func readOnly() throws {
        let first = try tree.startHelper()
        _ = try capNode()
        first.kill()
        let settings = try tree.settings()
        let state = try Files.contents(tree.statePath)
        let second = try tree.startHelper(["--read-only"])
        let client = try WireClient(tree.socket)
        #expect(client.welcome.writes == .readOnly)
        #expect(try failure { try client.acquire() } == Failure(.readOnly))
        #expect(try client.sample().zones[0].limits[0] == Reading(60_000_000))
        #expect(try second.stop() == .exited(0))
        #expect(try tree.settings() == settings)
        #expect(try Files.contents(tree.statePath) == state)
        #expect(!second.log.contains("level=error"))
        // The next one that may write restores.
        try tree.startHelper()
        #expect(try tree.settings() == tree.originals())
    }

    @Test(
        "that the kernel refuses are an error and an exit status, and come back when it takes them",
        .enabled(if: Conditions.canMount, Conditions.mount))
    func refusedOriginal() throws {
        try tree.setLimit_uw(package1, 0, 3_000_000_000)
        let first = try tree.startHelper()
        _ = try capNode()
        first.kill()
        // In the limit's place, a sysctl that holds our 60 W and takes nothing above 2^31-1.
        let script = """
            echo 60000000 > /proc/sys/net/core/somaxconn && mount --bind /proc/sys/net/core/somaxconn "$1" && shift && exec "$@"
            """
        let file = tree.path(package1, "constraint_0_power_limit_uw")
        let second = try tree.startHelper(through: ["unshare", "--mount", "--net", "sh", "-c", script, "sh", file])
        #expect(
            second.log.contains(
                "msg=\"the original limit could not be restored\" zone=package-1 id=intel-rapl:1 constraint=long_term errno=EINVAL original_uw=3000000000"
            ))
        #expect(second.log.contains("restored=3 foreign=0 failed=1"))
        #expect(try second.stop() == .exited(1))
        #expect(try tree.limit_uw(package0) == 150_000_000)
        try tree.startHelper()
        #expect(try tree.limit_uw(package1) == 3_000_000_000)
    }
}
