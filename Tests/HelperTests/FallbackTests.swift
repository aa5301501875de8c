import LinuxSystem
import PowercapProtocol
import Testing

@testable import Simulator
@testable import raplhelper

@Suite("P18: a fallback limit")
struct FallbackTests {
    @Test("comes into force instead of the original, and the original comes back later")
    func instead() throws {
        let rig = try Rig(Machine(hasMMIO: true))
        let originals = try rig.settings()
        try rig.governor.apply([
            rig.item("intel-rapl:0", watts: 60, window_us: 500_000, fallback: 45), rig.item("intel-rapl:1", watts: 60),
        ])
        #expect(rig.governor.fallBack() == Released(restored: 1, fallback: 1))
        #expect(try rig.limit_uw("intel-rapl:0") == 45_000_000)
        #expect(try rig.window_us("intel-rapl:0") == 500_000)
        #expect(try rig.limit_uw("intel-rapl:1") == 150_000_000)
        #expect(try rig.savedChange("intel-rapl:0")?.inForce.limit == Microwatts(45_000_000))
        #expect(rig.governor.fallBack() == Released(fallback: 1))
        #expect(rig.governor.restore() == Released(restored: 1))
        #expect(try rig.settings() == originals)
        #expect(try rig.savedChange("intel-rapl:0") == nil)
    }

    @Test(
        "is refused above the limit of its own item, and below the floor; 0 is none",
        arguments: [
            (61.0, .fallbackAboveLimit), (60.000_001, .fallbackAboveLimit), (60, nil), (10, nil),
            (9.999_999, .fallbackBelowFloor),
            (0, nil),
        ] as [(Double, ErrorCode?)])
    func bounds(_ fallback: Double, _ code: ErrorCode?) throws {
        let rig = try Rig()
        let item = rig.item("intel-rapl:0", watts: 60, fallback: fallback)
        #expect(failure(of: rig.governor, [item]) == code.map { Failure($0, item: 0) })
        #expect(try rig.limit_uw("intel-rapl:0") == (code == nil ? 60_000_000 : 150_000_000))
        let kept = rig.constraint("intel-rapl:0").change?.fallback
        #expect(kept == (code == nil && fallback > 0 ? Microwatts(UInt64(fallback * 1_000_000)) : nil))
    }

    @Test("is lowered with the limit, stays when the limit is raised, and goes when 0 is asked for")
    func follows() throws {
        let rig = try Rig()
        let constraint = rig.constraint("intel-rapl:0")
        for (watts, fallback, expected) in [
            (60, 50, 50), (80, nil, 50), (40, nil, 40), (90, nil, 40), (90, 70, 70), (90, 0, nil), (30, nil, nil),
        ] as [(Double, Double?, UInt64?)] {
            try rig.governor.apply([rig.item("intel-rapl:0", watts: watts, fallback: fallback)])
            #expect(constraint.change?.fallback == expected.map { Microwatts($0 * 1_000_000) }, "\(watts) W")
            #expect(try rig.savedChange("intel-rapl:0")?.fallback == constraint.change?.fallback, "\(watts) W")
        }
    }

    @Test("isn't above what the register made of the limit")
    func rounded() throws {
        let bench = try Bench([.takesOneWrite])
        // The limit before is 0, and the file keeps what it has then.
        try bench.governor.apply([bench.item(0, watts: 60, fallback: 60)])
        #expect(bench.change(0)?.fallback == bench.change(0)?.inForce.limit)
    }

    @Test(
        "doesn't raise: what is lower and ours stays, and so does another party's limit, which is told",
        arguments: [
            (nil, Released(fallback: 1), 45_000_000),
            // Hardware that was reset has its original again; nobody else set it.
            (150_000_000, Released(fallback: 1), 45_000_000),
            (30_000_000, Released(foreign: 1), 30_000_000),
            (99_000_000, Released(foreign: 1), 99_000_000),
            (44_500_000, Released(fallback: 1), 44_500_000),
        ] as [(UInt64?, Released, UInt64)])
    func onlyLower(_ set_uw: UInt64?, _ expected: Released, _ after_uw: UInt64) throws {
        let rig = try Rig()
        try rig.governor.apply([rig.item("intel-rapl:0", watts: 60, fallback: 45)])
        if let set_uw { try rig.setLimit_uw("intel-rapl:0", 0, set_uw) }
        #expect(rig.governor.fallBack() == expected)
        #expect(try rig.limit_uw("intel-rapl:0") == after_uw)
    }

    @Test("that can't be set is a failure, stays known, and is set when the register takes it")
    func refused() throws {
        let bench = try Bench([.ordinary, .ordinary])
        try bench.governor.apply([bench.item(0, watts: 60, fallback: 45), bench.item(1, watts: 60, fallback: 45)])
        try bench.restartWithoutEnding([.ignoresWrites, .ordinary])
        #expect(bench.governor.fallBack() == Released(failed: 1, fallback: 1))
        #expect(try bench.limit_uw(1) == 45_000_000)
        #expect(try bench.savedChange(0)?.fallback == Microwatts(45_000_000))
        try bench.restartWithoutEnding([.ordinary, .ordinary])
        #expect(bench.governor.fallBack() == Released(fallback: 2))
        #expect(try bench.limit_uw(0) == 45_000_000)
    }

    @Test("of a batch that fails is the one of before")
    func failedBatch() throws {
        let bench = try Bench([.ordinary, .ignoresWrites])
        try bench.governor.apply([bench.item(0, watts: 60, fallback: 45)])
        let batch = [bench.item(0, watts: 90, fallback: 80), bench.item(1, watts: 60)]
        #expect(failure(of: bench.governor, batch) == Failure(.notInForce, item: 1, effective: Bench.original))
        #expect(bench.change(0)?.fallback == Microwatts(45_000_000))
        #expect(try bench.savedChange(0)?.fallback == Microwatts(45_000_000))
    }

    // MARK: After a crash

    @Test("comes into force at the next start of this boot, before anything else, and stays ours")
    func restart() throws {
        let rig = try Rig()
        let originals = try rig.settings()
        try rig.governor.apply([
            rig.item("intel-rapl:0", watts: 60, fallback: 45), rig.item("intel-rapl:1", watts: 60),
        ])
        try rig.restart()
        #expect(try rig.limit_uw("intel-rapl:0") == 45_000_000)
        #expect(try rig.limit_uw("intel-rapl:1") == 150_000_000)
        #expect(rig.constraint("intel-rapl:0").original?.limit == Microwatts(150_000_000))
        #expect(rig.constraint("intel-rapl:0").change?.fallback == Microwatts(45_000_000))
        try rig.restart()
        #expect(rig.governor.restore() == Released(restored: 1))
        #expect(try rig.settings() == originals)
    }

    @Test("that was recorded and not written yet is never above the old one, whichever way it went")
    func announced() throws {
        for (old, new) in [(45.0, 70.0), (70, 45)] {
            let rig = try Rig()
            try rig.governor.apply([rig.item("intel-rapl:0", watts: 80, fallback: old)])
            // As it is when the process dies behind the announcement: the limit file can't be written.
            let path = rig.path("intel-rapl:0", "constraint_0_power_limit_uw")
            let before = try rig.savedState()
            var record = before.records[0]
            record.change?.intended.limit = Microwatts(90_000_000)
            record.change?.fallback = Microwatts(UInt64(min(old, new) * 1_000_000))
            _ = try StateFile(
                creatingIn: rig.stateDirectory, SavedState(bootID: Rig.boot, generation: 9, records: [record]))
            #expect(try firstLine(path) == "80000000")
            try rig.restart()
            #expect(try rig.limit_uw("intel-rapl:0") == 45_000_000)
        }
    }

    @Test("of another boot is forgotten without --boot-state-dir")
    func otherBoot() throws {
        let rig = try Rig()
        try rig.governor.apply([rig.item("intel-rapl:0", watts: 60, fallback: 45)])
        try rig.restart(boot: Rig.bootID("00000000-0000-0000-0000-000000000002"))
        #expect(try rig.limit_uw("intel-rapl:0") == 60_000_000)
        #expect(rig.constraint("intel-rapl:0").change == nil)
    }

    @Test(
        "is told with words that follow the counts",
        arguments: [
            (Released(fallback: 1), .warning, "control ended, fallback limits are in force until control is taken or given up"),
            (Released(failed: 1, fallback: 1), .error, "control ended, but not every fallback or original limit could be set"),
            (Released(foreign: 1, fallback: 1), .warning, "control ended, limits that another party set are left as they are"),
        ] as [(Released, Log.Level, String)])
    func words(_ released: Released, _ level: Log.Level, _ words: String) {
        #expect(released.ending.level == level && "\(released.ending.words)" == words)
        #expect(released.counts.string.hasSuffix(" fallback=1"))
    }
}
