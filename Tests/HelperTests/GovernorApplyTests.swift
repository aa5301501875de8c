import LinuxSystem
import PowercapProtocol
import Testing

@testable import Simulator
@testable import raplhelper

@Suite("Applying a batch")
struct GovernorApplyTests {
    @Test("P4: what is reported is what was read back")
    func readBack() throws {
        let rig = try Rig()
        try rig.governor.apply([
            rig.item("intel-rapl:0", watts: 60), rig.item("intel-rapl:1", 1, watts: 70.5, window_us: 2_000_000),
        ])
        #expect(rig.governor.applied(0) == AppliedItem(effective: Microwatts(60_000_000), effectiveWindow_us: 0))
        #expect(rig.governor.applied(1) == AppliedItem(effective: Microwatts(70_500_000), effectiveWindow_us: 2_000_000))
        #expect(try rig.limit_uw("intel-rapl:0") == 60_000_000)
        #expect(try rig.limit_uw("intel-rapl:1", 1) == 70_500_000)
        #expect(try rig.window_us("intel-rapl:1", 1) == 2_000_000)
    }

    @Test(
        "P4: a limit rounded down by less than a watt is in force, anything else isn't",
        arguments: [
            (60_000_000, true), (59_875_000, true), (59_000_001, true), (59_000_000, false), (60_000_001, false), (0, false),
            (1_000_000, false),
        ] as [(UInt64, Bool)])
    func rounding(_ found_uw: UInt64, _ isRounding: Bool) {
        #expect(Governor.isRounding(Microwatts(found_uw), of: Microwatts(60_000_000)) == isRounding)
    }

    @Test("P3: no batch puts a value outside of the bounds into any file, whatever it asks for")
    func bounds() throws {
        let machine = Machine(packages: 2, hasPsys: true, hasMMIO: true, hasCore: true)
        let rig = try Rig(machine)
        let originals = try rig.settings()
        var random = SplitMix(seed: 3)
        let interesting: [UInt64] = [
            0, 1, 9_999_999, 10_000_000, 41_250_000, 41_250_001, 150_000_000, 300_000_001, 4_096_000_000, .max,
        ]
        var applied = 0
        for _ in 0..<600 {
            let items = (0..<Int.random(in: 1...3, using: &random)).map { _ in
                ApplyItem(
                    zone: .random(in: 0...UInt16(rig.zones.count), using: &random),
                    constraint: .random(in: 0...2, using: &random),
                    limit: Microwatts(
                        Bool.random(using: &random)
                            ? interesting.randomElement(using: &random)! : .random(in: 10_000_000...40_000_000, using: &random)))
            }
            if failure(of: rig.governor, items) == nil { applied += 1 }
            for zone in rig.zones {
                for constraint in zone.constraints {
                    let limit = try constraint.limit.readOrAbsent()
                    let original = constraint.original!.limit.rawValue
                    let highest = max(original, constraint.maxPower.rawValue)
                    #expect(limit == original || 10_000_000...highest ~= limit, "\(zone.id.string) \(limit)")
                }
            }
        }
        #expect(applied > 30)
        #expect(rig.governor.restore().failed == 0)
        #expect(try rig.settings() == originals)
    }

    @Test("P3: core, which has no ceiling above the floor, is never written")
    func core() throws {
        let rig = try Rig(Machine(hasCore: true))
        let refusal = failure(of: rig.governor, [rig.item("intel-rapl:0:0", watts: 20)])
        #expect(refusal == Failure(.notWritable, item: 0))
    }

    /// What is wrong with the last item of a batch.
    static let refusals: [(ApplyItem, ErrorCode)] = [
        (ApplyItem(zone: 99, constraint: 0, limit: Microwatts(20_000_000)), .unknownZone),
        (ApplyItem(zone: 1, constraint: 2, limit: Microwatts(20_000_000)), .unknownConstraint),
        (ApplyItem(zone: 2, constraint: 0, limit: Microwatts(9_999_999)), .belowFloor),
        (ApplyItem(zone: 2, constraint: 0, limit: Microwatts(150_000_001)), .aboveCeiling),
        (ApplyItem(zone: 2, constraint: 0, limit: Microwatts(20_000_000), window_us: 0), .windowOutOfRange),
        (ApplyItem(zone: 0, constraint: 0, limit: Microwatts(20_000_000)), .duplicateItem),
    ]

    @Test("P5: one bad item, and nothing at all is written", arguments: refusals)
    func validatedFirst(_ bad: ApplyItem, _ code: ErrorCode) throws {
        let bench = try Bench([.ignoresWrites, .ignoresWrites, .ordinary])
        let batch = [bench.item(0, watts: 60), bench.item(1, watts: 60), bad]
        #expect(failure(of: bench.governor, batch) == Failure(code, item: 2))
        #expect(try bench.writes(0) == [] && bench.writes(1) == [])
        #expect(bench.change(0) == nil && bench.change(1) == nil)
        #expect(try bench.savedChange(0) == nil)
    }

    @Test("P5: when the kernel refuses item k, those before it are put back and those after it never written", arguments: 0...4)
    func refusedWrite(_ position: Int) throws {
        var files = [Bench.LimitFile](repeating: .ordinary, count: 5)
        files[position] = .refusesWrites
        let bench = try Bench(files)
        let batch = (0..<5).map { bench.item($0, watts: 60) }
        #expect(failure(of: bench.governor, batch) == Failure(.writeFailed, errno: 9, item: UInt16(position)))
        for zone in 0..<5 {
            #expect(try bench.limit_uw(zone) == Bench.original.rawValue)
            #expect(bench.change(zone) == nil)
            #expect(try bench.savedChange(zone) == nil)
        }
    }

    @Test("P5: a write that succeeds without effect is a failure too, and tells what is in force")
    func ignoredWrite() throws {
        let bench = try Bench([.ordinary, .ignoresWrites, .ignoresWrites])
        let batch = (0..<3).map { bench.item($0, watts: 60) }
        #expect(failure(of: bench.governor, batch) == Failure(.notInForce, item: 1, effective: Bench.original))
        #expect(try bench.limit_uw(0) == Bench.original.rawValue)
        #expect(try bench.writes(1) == ["60000000"])
        #expect(try bench.writes(2) == [])
        #expect(bench.change(0) == nil && bench.change(1) == nil)
    }

    @Test("P5: a time window that can't be written takes its limit back with it")
    func refusedWindow() throws {
        let bench = try Bench([.ordinary, .ordinary], windowsRefuseWrites: true)
        let batch = [bench.item(0, watts: 60), bench.item(1, watts: 60, window_us: 5_000)]
        #expect(failure(of: bench.governor, batch) == Failure(.writeFailed, errno: 9, item: 1))
        #expect(try bench.limit_uw(0) == Bench.original.rawValue)
        #expect(try bench.limit_uw(1) == Bench.original.rawValue)
    }

    @Test("P5: a batch that fails leaves the limits of the one before it in force, and known as ours")
    func secondBatch() throws {
        let bench = try Bench([.ordinary, .refusesWrites])
        try bench.governor.apply([bench.item(0, watts: 80)])
        let before = bench.change(0)
        #expect(failure(of: bench.governor, [bench.item(0, watts: 60), bench.item(1, watts: 60)])?.code == .writeFailed)
        #expect(try bench.limit_uw(0) == 80_000_000)
        #expect(bench.change(0) == before)
        #expect(try bench.savedChange(0) == before)
        #expect(bench.governor.restore() == Released(restored: 1))
        #expect(try bench.limit_uw(0) == Bench.original.rawValue)
    }

    @Test("P5 and P6: a limit that can't be put back stays known as ours, so that its original comes back later")
    func putBackFails() throws {
        let bench = try Bench([.takesOneWrite, .refusesWrites])
        #expect(failure(of: bench.governor, [bench.item(0, watts: 60), bench.item(1, watts: 60)])?.code == .writeFailed)
        #expect(try bench.limit_uw(0) == 60_000_000)
        #expect(bench.change(0)?.isOurs(Microwatts(60_000_000)) == true)
        #expect(try bench.savedChange(0)?.isOurs(Microwatts(60_000_000)) == true)
        // Later the register takes values again.
        try put("60000000\n", in: "\(bench.directory.path)/limit-0")
        try bench.restart([.ordinary, .ordinary])
        #expect(try bench.limit_uw(0) == 0)
    }

    @Test("P5: a batch is checked against what the batch before it left, not against what was there at the start")
    func sequence() throws {
        let rig = try Rig()
        for watts in [60.0, 61, 150, 10, 60] {
            try rig.governor.apply([rig.item("intel-rapl:0", watts: watts)])
            #expect(try rig.limit_uw("intel-rapl:0") == UInt64(watts * 1_000_000))
        }
        #expect(rig.constraint("intel-rapl:0").original?.limit == Microwatts(150_000_000))
    }

    @Test("a limit that can't be read isn't changed")
    func unreadable() throws {
        let bench = try Bench([.ordinary, .unreadable])
        let refusal = failure(of: bench.governor, [bench.item(0, watts: 60), bench.item(1, watts: 60)])
        #expect(refusal == Failure(.readFailed, errno: UInt16(Errno.badMessage.number), item: 1))
        #expect(try bench.limit_uw(0) == Bench.original.rawValue)
    }

    @Test("P6: without a record nothing is written")
    func noRecord() throws {
        let bench = try Bench([.ignoresWrites])
        let governor = Governor(
            zones: bench.zones, bounds: Bounds(minPower: Microwatts(10_000_000), ceilingRule: .maxPower), policy: .accepted,
            stateFile: nil)
        #expect(failure(of: governor, [bench.item(0, watts: 60)])?.code == .stateUnwritable)
        #expect(try bench.writes(0) == [])
        #expect(bench.change(0) == nil)
    }

    @Test("the largest batch is carried out")
    func largest() throws {
        let rig = try Rig(Machine(packages: 32))
        let items = (0..<Limits.itemsPerBatch).map {
            rig.item("intel-rapl:\(String($0 / 2, radix: 16))", UInt8($0 % 2), watts: 50)
        }
        try rig.governor.apply(items)
        for index in 0..<items.count { #expect(rig.governor.applied(index).effective == Microwatts(50_000_000)) }
        #expect(rig.governor.restore() == Released(restored: 64))
    }
}
