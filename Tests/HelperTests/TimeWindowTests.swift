import LinuxSystem
import PowercapProtocol
import Testing

@testable import raplhelper

@Suite("P6: time windows that can be put back")
struct TimeWindowTests {
    /// What the driver reads of a register's window, in µs (rapl_compute_time_window_core in intel_rapl_common.c).
    private func read(exponent: UInt64, quarters: UInt64, unit_us: UInt64) -> UInt64 {
        (1 << exponent) * (4 + quarters) * unit_us / 4
    }

    /// What it reads after a window was written.
    private func readBack(_ window_us: UInt64, unit_us: UInt64) -> UInt64? {
        var units = window_us / unit_us
        var exponent: UInt64 = 0
        guard units > 0 else { return nil }
        while units > 1 { (units, exponent) = (units / 2, exponent + 1) }
        let quarters = 4 * (window_us / unit_us - 1 << exponent) / (1 << exponent)
        return read(exponent: exponent, quarters: quarters, unit_us: unit_us)
    }

    @Test("of every unit that a register can have, what is said to come back does", arguments: 0...15 as ClosedRange<UInt64>)
    func everyUnit(_ bits: UInt64) {
        let unit_us: UInt64 = 1_000_000 / (1 << bits)
        for exponent in 0..<31 as Range<UInt64> {
            for quarters in 0..<4 as Range<UInt64> {
                let window_us = read(exponent: exponent, quarters: quarters, unit_us: unit_us)
                guard TimeWindow.comesBack(window_us) else { continue }
                #expect(readBack(window_us, unit_us: unit_us) == window_us, "2^\(exponent) (1 + \(quarters)/4) of \(unit_us) µs")
            }
        }
    }

    @Test("of the usual unit it is said of every window that does, so none is refused without need")
    func usualUnit() {
        for exponent in 0..<31 as Range<UInt64> {
            for quarters in 0..<4 as Range<UInt64> {
                let window_us = read(exponent: exponent, quarters: quarters, unit_us: 976)
                #expect(TimeWindow.comesBack(window_us) == (readBack(window_us, unit_us: 976) == window_us), "\(window_us) µs")
            }
        }
    }

    @Test(
        "of real machines",
        arguments: [
            (999_424, true), (27_983_872, true), (9_760, true), (976, true), (1_952, true), (2_928, true), (0, true),
            (2_440, false), (1_220, false), (1_000, false), (1_000_000, false), (975, false), (1, false), (.max, false),
        ] as [(UInt64, Bool)])
    func known(_ window_us: UInt64, _ comesBack: Bool) { #expect(TimeWindow.comesBack(window_us) == comesBack) }

    @Test("one that could not be put back isn't changed, and neither is the limit beside it", arguments: [true, false])
    func refused(_ isSetByAnother: Bool) throws {
        let rig = try Rig()
        let window = rig.path("intel-rapl:0", "constraint_1_time_window_us")
        if !isSetByAnother { try put("2440\n", in: window) }
        try rig.restart()
        if isSetByAnother {
            // Ours is the limit, the window became another party's meanwhile: a batch that fails would have to put that back.
            try rig.governor.apply([rig.item("intel-rapl:0", 1, watts: 70)])
            try put("2440\n", in: window)
        }
        let before = try rig.settings()
        let batch = [rig.item("intel-rapl:1", watts: 60), rig.item("intel-rapl:0", 1, watts: 60, window_us: 27_328)]
        #expect(failure(of: rig.governor, batch) == Failure(.windowNotRestorable, item: 1))
        #expect(try rig.settings() == before)
        // The limit alone, or with the window that is there, is taken.
        try rig.governor.apply([rig.item("intel-rapl:0", 1, watts: 60, window_us: 2_440)])
        #expect(rig.governor.restore() == Released(restored: 1))
        // Whoever asks for a window by name has it put back with the limit.
        #expect(try rig.window_us("intel-rapl:0", 1) == (isSetByAnother ? 9_760 : 2_440))
        #expect(try rig.limit_uw("intel-rapl:0", 1) == 180_000_000)
    }

    @Test("one of ours is replaced by another, whatever the driver made of it")
    func replaced() throws {
        let rig = try Rig()
        for window_us in [5_000, 7_001, 3_333] as [UInt64] {
            try rig.governor.apply([rig.item("intel-rapl:0", watts: 60, window_us: window_us)])
            #expect(try rig.window_us("intel-rapl:0") == window_us)
        }
        #expect(rig.governor.restore() == Released(restored: 1))
        #expect(try rig.window_us("intel-rapl:0") == 999_424)
    }

    @Test("one that was written and isn't there is a failure, also where the limit is back; its change stays known")
    func notInForce() throws {
        let directory = try TemporaryDirectory()
        try put("60000000\n", in: "\(directory.path)/limit")
        // What is appended doesn't change the first line: a driver that takes a window and changes nothing.
        try put("500000\n", in: "\(directory.path)/window")
        let constraint = Constraint(
            index: 0, name: Name(constant: "long_term"), maxPower: .zero,
            limit: Attribute(try Descriptor(opening: "\(directory.path)/limit", .readWrite)),
            window: Attribute(try openForAppending("\(directory.path)/window")), isOpenForWriting: true)
        let ours = Constraint.Setting(limit: Microwatts(60_000_000), window_us: 500_000)
        constraint.original = Constraint.Setting(limit: Microwatts(150_000_000), window_us: 999_424)
        constraint.change = Constraint.Change(intended: ours, inForce: ours, touchesWindow: true)
        let zone = Zone(
            index: 0, parent: nil, identity: .sample("intel-rapl:0", ["package-0"]), path: directory.path,
            maxEnergyRange: Microjoules(0), constraints: [constraint])
        var log = LogBudget()
        #expect(constraint.restore(in: zone, &log) == .failed)
        #expect(try firstLine("\(directory.path)/limit") == "150000000")
        #expect(constraint.change != nil)
    }
}
