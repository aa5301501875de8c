import Glibc
import LinuxSystem
import PowercapProtocol
import Testing

@testable import Simulator

@Suite("P3 to P5: what is written")
struct P3ToP5LimitsTests {
    let tree: TemporaryTree

    init() throws { tree = try TemporaryTree() }

    /// Starts a helper and takes control.
    private func takeControl(_ flags: [String] = [], through wrapper: [String] = []) throws -> WireClient {
        try tree.startHelper(flags, through: wrapper)
        let client = try WireClient(tree.socket)
        _ = try client.acquire()
        return client
    }

    private func item(_ zone: UInt16, _ constraint: UInt8, _ limit_uw: UInt64, window_us: UInt64? = nil) -> ApplyItem {
        ApplyItem(zone: zone, constraint: constraint, limit: Microwatts(limit_uw), window_us: window_us)
    }

    /// A request that must not be carried out. Zones of the default machine: package-0, dram, package-1, dram.
    static let refused: [(UInt16, UInt8, UInt64, UInt64?, ErrorCode)] = [
        (0, 0, 0, nil, .belowFloor), (0, 0, 1, nil, .belowFloor), (0, 0, 9_999_999, nil, .belowFloor),
        (0, 0, 150_000_001, nil, .aboveCeiling), (0, 1, 300_000_001, nil, .aboveCeiling), (1, 0, 41_250_001, nil, .aboveCeiling),
        (0, 0, 4_096_000_000, nil, .aboveCeiling), (0, 0, 4_156_000_000, nil, .aboveCeiling), (0, 0, .max, nil, .aboveCeiling),
        (0, 2, 60_000_000, nil, .unknownConstraint), (4, 0, 60_000_000, nil, .unknownZone),
        (0xFFFF, 0, 60_000_000, nil, .unknownZone),
        (0, 0, 60_000_000, 0, .windowOutOfRange), (0, 0, 60_000_000, 999, .windowOutOfRange),
        (0, 0, 60_000_000, 3_600_000_001, .windowOutOfRange), (0, 0, 60_000_000, .max, .windowOutOfRange),
    ]

    @Test("P3: a limit outside of the bounds is refused and nothing is written, not even the valid item before it")
    func refusals() throws {
        let client = try takeControl()
        for (zone, constraint, limit, window, code) in Self.refused {
            let valid = item(2, 0, 60_000_000)
            let refusal = try failure { try client.apply([valid, item(zone, constraint, limit, window_us: window)]) }
            #expect(refusal == Failure(code, item: 1), "zone \(zone) constraint \(constraint) limit \(limit)")
            #expect(try tree.settings() == tree.originals())
        }
        // The connection and control have survived it all.
        try client.apply([item(0, 0, 60_000_000)])
    }

    @Test(
        "P3: the bounds themselves are valid",
        arguments: [(0, 0, 10_000_000), (0, 0, 150_000_000), (0, 1, 300_000_000), (1, 0, 41_250_000)] as [(UInt16, UInt8, UInt64)]
    )
    func atTheBounds(_ zone: UInt16, _ constraint: UInt8, _ limit_uw: UInt64) throws {
        let client = try takeControl()
        #expect(try client.apply([item(zone, constraint, limit_uw)])[0].effective == Microwatts(limit_uw))
    }

    @Test("P3: --min-power moves the floor")
    func minPower() throws {
        let client = try takeControl(["--min-power", "75W"])
        #expect(try failure { try client.apply([item(0, 0, 74_999_999)]) }?.code == .belowFloor)
        try client.apply([item(0, 0, 75_000_000)])
        // dram can't have 75 W.
        #expect(try failure { try client.apply([item(1, 0, 75_000_000)]) }?.code == .notWritable)
        #expect(try client.zones()["intel-rapl:0"].constraints[0].floor == Microwatts(75_000_000))
    }

    @Test(
        "P3: a node left capped by another tool recovers by max-power, and stays under its cap by original",
        arguments: [("max-power", 150_000_000), ("original", 40_000_000)] as [(String, UInt64)])
    func ceiling(_ rule: String, _ ceiling_uw: UInt64) throws {
        try tree.setLimit_uw(package0, 0, 40_000_000)
        let client = try takeControl(["--ceiling", rule])
        #expect(try client.zones()["intel-rapl:0"].constraints[0].ceiling == Microwatts(ceiling_uw))
        #expect(try failure { try client.apply([item(0, 0, ceiling_uw + 1)]) }?.code == .aboveCeiling)
        try client.apply([item(0, 0, ceiling_uw)])
        try client.release()
        #expect(try tree.limit_uw(package0) == 40_000_000)
    }

    @Test("P3: without max_power_uw the original limit is the ceiling")
    func maxPowerZero() throws {
        try tree.replace(by: Machine(maxPowerIsZero: true))
        let client = try takeControl()
        #expect(try failure { try client.apply([item(0, 0, 150_000_001)]) }?.code == .aboveCeiling)
        try client.apply([item(0, 0, 150_000_000)])
    }

    @Test("P3: monitor-only zones are sampled and can't be set")
    func monitorOnly() throws {
        try tree.replace(by: Machine(hasDRAM: false, isMonitorOnly: true))
        let client = try takeControl()
        #expect(try client.zones().zones.allSatisfy { $0.constraints.isEmpty })
        #expect(try client.sample().zones.allSatisfy { $0.reading == Reading(1_000_000_000) })
        #expect(try failure { try client.apply([item(0, 0, 60_000_000)]) }?.code == .unknownConstraint)
    }

    @Test("P3: what firmware holds below --min-power isn't raised: its floor is what it was")
    func heldByFirmware() throws {
        try tree.setLimit_uw("intel-rapl/intel-rapl:0", 0, 9_000_000)
        let client = try takeControl()
        let longTerm = try client.zones()["intel-rapl:0"].constraints[0]
        #expect(longTerm.floor == Microwatts(9_000_000) && longTerm.obstacle == .none)
        #expect(try failure { try client.apply([client.zones().item("intel-rapl:0", watts: 8)]) }?.code == .belowFloor)
        #expect(try client.apply([client.zones().item("intel-rapl:0", watts: 9)])[0].effective == Microwatts(9_000_000))
    }

    @Test("P3: core has no ceiling above the floor, psys has its original")
    func coreAndPsys() throws {
        try tree.replace(by: Machine(hasPsys: true, hasCore: true))
        let client = try takeControl()
        let zones = try client.zones()
        #expect(zones["intel-rapl:0:0"].constraints[0].obstacle == .ceilingBelowFloor)
        #expect(try failure { try client.apply([zones.item("intel-rapl:0:0", watts: 20)]) }?.code == .notWritable)
        #expect(zones["intel-rapl:1"].constraints[0].ceiling == Microwatts(400_000_000))
        try client.apply([zones.item("intel-rapl:1", watts: 400)])
    }

    @Test("P4: what is in force is reported, in the reply, in the list and in the sample")
    func reported() throws {
        let client = try takeControl()
        let applied = try client.apply([item(0, 0, 60_500_000, window_us: 500_000), item(2, 1, 70_000_000)])
        #expect(
            applied == [
                AppliedItem(effective: Microwatts(60_500_000), effectiveWindow_us: 500_000),
                AppliedItem(effective: Microwatts(70_000_000), effectiveWindow_us: 0),
            ])
        let constraint = try client.zones()["intel-rapl:0"].constraints[0]
        #expect(constraint.flags.contains(.changed) && constraint.requested == Microwatts(60_500_000))
        #expect(constraint.original == Microwatts(150_000_000) && constraint.originalWindow_us == 999_424)
        let sample = try client.sample()
        #expect(sample.zones[0].limits[0] == Reading(60_500_000) && sample.zones[2].limits[1] == Reading(70_000_000))
        // Somebody else's limit is reported as what it is.
        try tree.setLimit_uw(package0, 0, 99_000_000)
        #expect(try client.sample().zones[0].limits[0] == Reading(99_000_000))
    }

    @Test(
        "P4: a limit that the hardware rounds down is reported as it was read back",
        .enabled(if: Conditions.has("strace"), "needs strace, which can change what a read gives"))
    func rounded() throws {
        // Whatever the file holds, reading it gives 60000000, as a register of a coarse power unit would.
        let file = tree.path(package0, "constraint_0_power_limit_uw")
        let digits = "60000000".utf8.map { String($0, radix: 16) }.joined()
        let strace = ["strace", "-D", "-qq", "-o", "/dev/null", "-P", file, "-e", "inject=pread64:poke_exit=@arg2=\(digits)"]
        try tree.setLimit_uw(package0, 0, 70_000_000)
        let client = try takeControl(through: strace)
        #expect(
            try client.apply([item(0, 0, 60_900_000)]) == [AppliedItem(effective: Microwatts(60_000_000), effectiveWindow_us: 0)])
        #expect(try tree.limit_uw(package0) == 60_900_000)
        #expect(try client.zones()["intel-rapl:0"].constraints[0].requested == Microwatts(60_900_000))
        // A whole watt less isn't rounding: it isn't in force.
        #expect(
            try failure { try client.apply([item(0, 0, 61_000_000)]) }
                == Failure(.notInForce, item: 0, effective: Microwatts(60_000_000)))
    }

    @Test("P5: the same constraint twice in a batch is refused")
    func duplicate() throws {
        let client = try takeControl()
        #expect(
            try failure { try client.apply([item(0, 0, 60_000_000), item(0, 1, 60_000_000), item(0, 0, 70_000_000)]) }
                == Failure(.duplicateItem, item: 2))
        #expect(try tree.settings() == tree.originals())
    }

    @Test("P5: every request needs the token of the control in force")
    func token() throws {
        try tree.startHelper()
        let client = try WireClient(tree.socket)
        #expect(try failure { try client.apply([item(0, 0, 60_000_000)]) } == Failure(.notInControl))
        #expect(try failure { try client.renew() } == Failure(.notInControl))
        #expect(try failure { try client.release() } == Failure(.notInControl))
        #expect(try tree.settings() == tree.originals())
    }

    /// A limit file that opens for writing and then refuses every write, as a register does that firmware has locked: a
    /// sysctl bound over it checks the writer's uid at the write, and the helper has given its uid up.
    private func refusingWrites(_ file: String) -> [String] {
        let script = """
            echo 150000000 > /proc/sys/net/core/somaxconn && mount --bind /proc/sys/net/core/somaxconn "$1" && shift && exec "$@"
            """
        return ["unshare", "--mount", "--net", "sh", "-c", script, "sh", file]
    }

    @Test(
        "P5: when the kernel refuses one write, those before it are put back",
        .enabled(if: Conditions.canMount, Conditions.mount), arguments: 0...3)
    func refusedWrite(_ position: Int) throws {
        let client = try takeControl(through: refusingWrites(tree.path(package1, "constraint_0_power_limit_uw")))
        var batch = [item(0, 0, 60_000_000), item(0, 1, 70_000_000), item(2, 1, 80_000_000)]
        batch.insert(item(2, 0, 60_000_000), at: position)
        let refusal = try failure { try client.apply(batch) }
        #expect(refusal == Failure(.writeFailed, errno: UInt16(EPERM), item: UInt16(position)))
        #expect(try tree.settings() == tree.originals())
        // Nothing of it is counted as a change.
        #expect(try client.release() == Released())
        _ = try client.acquire()
        batch.remove(at: position)
        try client.apply(batch)
        #expect(try client.release() == Released(restored: 3))
        #expect(try tree.settings() == tree.originals())
    }
}
