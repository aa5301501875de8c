import Glibc
import LinuxSystem
import PowercapProtocol
import Processes
import Testing

@testable import Simulator

@Suite("P18: a node that loses its controller goes to its fallback limits")
struct P18FallbackTests {
    let tree: TemporaryTree

    init() throws { tree = try TemporaryTree(Machine(hasMMIO: true)) }

    /// Changes three limits, two of them with a fallback limit, and a window.
    @discardableResult
    private func cap(lease_ms: UInt32 = 30_000) throws -> WireClient {
        let client = try WireClient(tree.socket)
        _ = try client.acquire(lease_ms: lease_ms)
        let zones = try client.zones()
        try client.apply([
            zones.item("intel-rapl:0", watts: 60, window_us: 500_000, fallback: 45),
            zones.item("intel-rapl:0", 1, watts: 60, fallback: 50), zones.item("intel-rapl:1", watts: 60),
        ])
        return client
    }

    /// What is in force then: another limit where there is a fallback, the original elsewhere.
    private func expectFallback(_ log: String = "") throws {
        var expected = tree.originals()
        expected["\(package0)/constraint_0_power_limit_uw"] = "45000000"
        expected["\(package0)/constraint_0_time_window_us"] = "500000"
        expected["\(package0)/constraint_1_power_limit_uw"] = "50000000"
        #expect(try tree.settings() == expected, "\(log)")
    }

    /// Gives control up on purpose.
    private func release(_ options: [String] = []) throws -> ChildProcess.End {
        try tree.spawn("release", [Programs.helper, "--release", "--socket", tree.socket] + options).waitForEnd()
    }

    @Test("when the lease of a silent one ends, and when that of a dead one does", arguments: [true, false])
    func lease(_ dies: Bool) throws {
        let helper = try tree.startHelper()
        var client: WireClient? = try cap(lease_ms: 1_000)
        #expect(client?.welcome.onLeaseExpiry == .fallback)
        if dies { client = nil }
        try helper.waitForLog("reason=\"lease expired\" holder=test restored=1 foreign=0 failed=0 fallback=2")
        try expectFallback(helper.log)
        withExtendedLifetime(client) {}
        // Whoever comes next finds it, and the originals are still known.
        let next = try WireClient(tree.socket)
        _ = try next.acquire()
        let constraint = try next.zones()["intel-rapl:0"].constraints[0]
        #expect(constraint.fallback == Microwatts(45_000_000) && constraint.requested == Microwatts(45_000_000))
        #expect(constraint.original == Microwatts(150_000_000) && constraint.flags.contains(.changed))
        #expect(try next.release() == Released(restored: 2))
        #expect(try tree.settings() == tree.originals())
    }

    @Test("not with --on-lease-expiry restore or hold, which say otherwise")
    func otherwise() throws {
        let first = try tree.startHelper(["--on-lease-expiry", "restore"])
        try cap(lease_ms: 1_000)
        try first.waitForLog("reason=\"lease expired\" holder=test restored=3")
        #expect(try tree.settings() == tree.originals())
        try first.stop()
        let second = try tree.startHelper(["--on-lease-expiry", "hold"])
        try cap(lease_ms: 1_000)
        try second.waitForLog("reason=\"lease expired\" holder=test held=3")
        #expect(try tree.limit_uw(package0) == 60_000_000)
    }

    @Test("when the helper is stopped, and again at its next start; --release brings the originals")
    func stopped() throws {
        let helper = try tree.startHelper()
        try cap()
        #expect(try helper.stop() == .exited(0))
        try expectFallback(helper.log)
        let second = try tree.startHelper()
        try expectFallback(second.log)
        #expect(!second.log.contains("level=error") && !second.log.contains("level=warning msg=\"an earlier"))
        #expect(try release() == .exited(0))
        #expect(try tree.settings() == tree.originals())
        #expect(try second.stop() == .exited(0))
        try tree.startHelper()
        #expect(try tree.settings() == tree.originals())
    }

    @Test("when the helper is killed: before the next one is ready, and however often")
    func killed() throws {
        for _ in 0..<3 {
            let helper = try tree.startHelper()
            try cap()
            helper.kill()
            #expect(try tree.limit_uw(package0) == 60_000_000)
        }
        let last = try tree.startHelper()
        try expectFallback(last.log)
        let client = try WireClient(tree.socket)
        _ = try client.takeOver()
        #expect(try client.release() == Released(restored: 2))
        #expect(try tree.settings() == tree.originals())
    }

    @Test("on release, where the controller says so")
    func released() throws {
        try tree.startHelper()
        #expect(try cap().release(.fallback) == Released(restored: 1, fallback: 2))
        try expectFallback()
        #expect(try cap().release(.hold) == Released())
        #expect(try cap().release(.fallback) == Released(restored: 1, fallback: 2))
        try expectFallback()
    }

    @Test("--discard-state takes what is in force for the original, and has no fallback limit any more")
    func discarded() throws {
        try tree.startHelper().kill()
        let helper = try tree.startHelper()
        try cap()
        helper.kill()
        try tree.startHelper(["--discard-state"])
        let constraint = try WireClient(tree.socket).zones()["intel-rapl:0"].constraints[0]
        #expect(constraint.original == Microwatts(60_000_000) && constraint.fallback == .zero)
    }

    @Test("--read-only touches nothing")
    func readOnly() throws {
        let helper = try tree.startHelper()
        try cap()
        helper.kill()
        let settings = try tree.settings()
        let reader = try tree.startHelper(["--read-only"])
        #expect(try release() == .exited(1))
        #expect(try reader.stop() == .exited(0))
        #expect(try tree.settings() == settings)
    }

    @Test("a client of version 2 is served as before, and leaves fallback limits as they are")
    func version2() throws {
        try tree.startHelper()
        try cap().release(.fallback)
        let client = try WireClient(silentlyTo: tree.socket)
        client.version = 2
        let welcome = try client.greet()
        #expect(welcome.version == 2 && welcome.onLeaseExpiry == .restore && welcome.boot == [])
        _ = try client.acquire()
        try client.apply([try client.zones().item("intel-rapl:0", watts: 40)])
        #expect(try WireClient(tree.socket).zones()["intel-rapl:0"].constraints[0].fallback == Microwatts(40_000_000))
        try client.apply([try client.zones().item("intel-rapl:0", watts: 70)])
        #expect(try WireClient(tree.socket).zones()["intel-rapl:0"].constraints[0].fallback == Microwatts(40_000_000))
        #expect(try client.release() == Released(restored: 2))
        #expect(try tree.settings() == tree.originals())
    }

    @Test("--list shows it, of the helper that serves")
    func listed() throws {
        try tree.startHelper()
        let client = try cap()
        for (format, words) in [("table", "fallback: 45.000 W"), ("json", "\"fallback_uw\":45000000")] {
            let list = try tree.spawn(
                "list-\(format)",
                [
                    Programs.helper, "--list", "--format", format, "--powercap-root", tree.root, "--state-dir",
                    tree.stateDirectory,
                ])
            #expect(try list.waitForEnd() == .exited(0))
            #expect(list.outputText.contains(words), "\(list.outputText)")
        }
        withExtendedLifetime(client) {}
    }

    @Test("--release tells why it can't: nobody there, or somebody else in control")
    func refused() throws {
        #expect(try release() == .exited(1))
        try tree.startHelper()
        let client = try cap()
        let process = try tree.spawn("held", [Programs.helper, "--release", "--socket", tree.socket])
        #expect(try process.waitForEnd() == .exited(1))
        #expect(process.log.contains("refuses: another controller holds control"))
        #expect(try tree.limit_uw(package0) == 60_000_000)
        withExtendedLifetime(client) {}
    }
}
