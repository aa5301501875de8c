import LinuxSystem
import PowercapProtocol
import Testing

@testable import raplhelper

@Suite("P6: an original that could not be restored at start")
struct RetryTests {
    private func requests(over governor: Governor) throws -> Requests {
        Requests(
            governor: governor,
            welcome: Welcome(
                version: 3, bootID: (0, 1), helperVersion: Name(constant: "test"), sandbox: [], writes: .accepted,
                leaseMinimum_ms: 1_000, leaseMaximum_ms: 30_000, onLeaseExpiry: .restore, minPower: Microwatts(10_000_000)),
            tokens: try TokenSource())
    }

    @Test("is tried again while nobody is in control, without waiting for a controller to come and go")
    func leftOver() throws {
        let rig = try Rig()
        let constraint = rig.zones[0].constraints[0]
        let original = try #require(constraint.original)
        let ours = Constraint.Setting(limit: Microwatts(60_000_000), window_us: original.window_us)
        // As it is after a restore that the register refused.
        try constraint.limit.writeOrAbsent(ours.limit.rawValue)
        constraint.change = Constraint.Change(intended: ours, inForce: ours, touchesWindow: false)

        let requests = try requests(over: rig.governor)
        let due = try #require(requests.retryRestoreAt_ns)
        requests.retryRestore(due)
        #expect(try constraint.readSetting() == original)
        #expect(constraint.change == nil && requests.retryRestoreAt_ns == nil)
    }

    @Test("is nothing to try where nothing was left")
    func clean() throws {
        #expect(try requests(over: Rig().governor).retryRestoreAt_ns == nil)
    }
}
