import LinuxSystem
import PowercapProtocol
import Testing

@testable import Simulator
@testable import raplhelper

@Suite("P6: the original limits")
struct GovernorRestoreTests {
    @Test("come back, limits and time windows, and only those that were changed are touched")
    func restored() throws {
        let rig = try Rig(Machine(hasPsys: true, hasMMIO: true))
        let originals = try rig.settings()
        try rig.governor.apply([
            rig.item("intel-rapl:0", watts: 60), rig.item("intel-rapl:2", 1, watts: 90, window_us: 50_000),
            rig.item("intel-rapl-mmio:1", watts: 70),
        ])
        // Somebody sets a limit that isn't ours.
        try rig.setLimit_uw("intel-rapl:1", 0, 333_000_000)
        #expect(rig.governor.restore() == Released(restored: 3))
        var expected = originals
        expected["intel-rapl/intel-rapl:1/constraint_0_power_limit_uw"] = "333000000"
        #expect(try rig.settings() == expected)
        #expect(rig.governor.restore() == Released())
    }

    @Test("are those in force at the first change, not those at the start of the helper")
    func changedBeforeFirstApply() throws {
        let rig = try Rig()
        try rig.setLimit_uw("intel-rapl:0", 0, 120_000_000)
        try rig.governor.apply([rig.item("intel-rapl:0", watts: 60)])
        #expect(try rig.savedState().records[0].original.limit == Microwatts(120_000_000))
        #expect(rig.governor.restore() == Released(restored: 1))
        #expect(try rig.limit_uw("intel-rapl:0") == 120_000_000)
    }

    @Test("are taken anew after a restore: another party may set another limit in between")
    func changedBetweenControls() throws {
        let rig = try Rig()
        try rig.governor.apply([rig.item("intel-rapl:0", watts: 60)])
        _ = rig.governor.restore()
        try rig.setLimit_uw("intel-rapl:0", 0, 140_000_000)
        try rig.governor.apply([rig.item("intel-rapl:0", watts: 60)])
        _ = rig.governor.restore()
        #expect(try rig.limit_uw("intel-rapl:0") == 140_000_000)
    }

    @Test("aren't taken from a limit of ours, however often it is changed")
    func oursIsNeverOriginal() throws {
        let rig = try Rig()
        for watts in [60.0, 50, 40] { try rig.governor.apply([rig.item("intel-rapl:0", watts: watts)]) }
        #expect(rig.constraint("intel-rapl:0").original?.limit == Microwatts(150_000_000))
        #expect(try rig.savedState().records[0].original.limit == Microwatts(150_000_000))
    }

    @Test("are recorded with what is about to be written")
    func recorded() throws {
        let rig = try Rig()
        #expect(try rig.savedChange("intel-rapl:0") == nil)
        try rig.governor.apply([rig.item("intel-rapl:0", watts: 60, window_us: 500_000)])
        let setting = Constraint.Setting(limit: Microwatts(60_000_000), window_us: 500_000)
        #expect(
            try rig.savedChange("intel-rapl:0") == Constraint.Change(intended: setting, inForce: setting, touchesWindow: true))
        #expect(
            try rig.savedState().records[0].original == Constraint.Setting(limit: Microwatts(150_000_000), window_us: 999_424))
        _ = rig.governor.restore()
        #expect(try rig.savedChange("intel-rapl:0") == nil)
    }

    @Test(
        "don't replace the limit that another party has set since",
        arguments: [151_000_000, 30_000_000, 58_999_999, 60_000_001] as [UInt64])
    func foreign(_ limit_uw: UInt64) throws {
        let rig = try Rig()
        try rig.governor.apply([rig.item("intel-rapl:0", watts: 60), rig.item("intel-rapl:1", watts: 60)])
        try rig.setLimit_uw("intel-rapl:0", 0, limit_uw)
        #expect(rig.governor.restore() == Released(restored: 1, foreign: 1))
        #expect(try rig.limit_uw("intel-rapl:0") == limit_uw)
        #expect(try rig.limit_uw("intel-rapl:1") == 150_000_000)
        // What is there now is the original of the next change.
        #expect(rig.constraint("intel-rapl:0").original?.limit == Microwatts(limit_uw))
        #expect(try rig.savedChange("intel-rapl:0") == nil)
    }

    @Test("replace a limit of another party that we have overwritten again")
    func foreignOverwritten() throws {
        let rig = try Rig()
        try rig.governor.apply([rig.item("intel-rapl:0", watts: 60)])
        try rig.setLimit_uw("intel-rapl:0", 0, 30_000_000)
        try rig.governor.apply([rig.item("intel-rapl:0", watts: 60)])
        #expect(rig.governor.restore() == Released(restored: 1))
        #expect(try rig.limit_uw("intel-rapl:0") == 150_000_000)
    }

    @Test("leave a time window alone that another party has set since")
    func foreignWindow() throws {
        let rig = try Rig()
        try rig.governor.apply([rig.item("intel-rapl:0", watts: 60, window_us: 500_000)])
        try put("2000000\n", in: rig.path("intel-rapl:0", "constraint_0_time_window_us"))
        _ = rig.governor.restore()
        #expect(try rig.limit_uw("intel-rapl:0") == 150_000_000)
        #expect(try rig.window_us("intel-rapl:0") == 2_000_000)
    }

    @Test("leave such a time window alone also when only the limit has been set again since")
    func foreignWindowThenLimit() throws {
        let rig = try Rig()
        try rig.governor.apply([rig.item("intel-rapl:0", watts: 60, window_us: 500_000)])
        try put("2000000\n", in: rig.path("intel-rapl:0", "constraint_0_time_window_us"))
        try rig.governor.apply([rig.item("intel-rapl:0", watts: 50)])
        _ = rig.governor.restore()
        #expect(try rig.limit_uw("intel-rapl:0") == 150_000_000)
        #expect(try rig.window_us("intel-rapl:0") == 2_000_000)
    }

    @Test(
        "are told as what they are: nothing is called restored that another party has changed, or that failed",
        arguments: [
            (Released(), .info, "control ended, no limit had to be restored"),
            (Released(restored: 2), .info, "control ended, original limits restored"),
            (Released(foreign: 1), .warning, "control ended, limits that another party set are left as they are"),
            (Released(restored: 1, foreign: 1), .warning, "control ended, limits that another party set are left as they are"),
            (Released(failed: 1), .error, "control ended, but not every original limit could be restored"),
            (
                Released(restored: 1, foreign: 1, failed: 1), .error,
                "control ended, but not every original limit could be restored"
            ),
        ] as [(Released, Log.Level, String)])
    func words(_ released: Released, _ level: Log.Level, _ words: String) {
        #expect(released.ending.level == level && "\(released.ending.words)" == words)
    }

    @Test("are tried again when they can't be restored")
    func failed() throws {
        let bench = try Bench([.takesOneWrite, .ordinary])
        try bench.governor.apply([bench.item(0, watts: 60), bench.item(1, watts: 60)])
        #expect(bench.governor.restore() == Released(restored: 1, failed: 1))
        #expect(bench.change(0) != nil)
        #expect(try bench.savedChange(0) != nil)
        #expect(bench.governor.restore() == Released(failed: 1))
        try put("60000000\n", in: "\(bench.directory.path)/limit-0")
        try bench.restart([.ordinary, .ordinary])
        #expect(try bench.limit_uw(0) == 0)
    }

    // MARK: After a crash

    @Test("that can't be put back at a start are kept with the numbers that zone and constraint have now")
    func failedAfterRenumbering() throws {
        let rig = try Rig()
        let original = Constraint.Setting(limit: Microwatts(150_000_000), window_us: 999_424)
        let ours = Constraint.Setting(limit: Microwatts(60_000_000), window_us: 999_424)
        let record = SavedState.Record(
            zone: .sample("intel-rapl:7", ["package-1"]), index: 3, constraintName: Name(constant: "long_term"),
            original: original,
            change: Constraint.Change(intended: ours, inForce: ours, touchesWindow: false))
        // What is no file can't be opened for writing.
        let limit = rig.path("intel-rapl:1", "constraint_0_power_limit_uw")
        try unlink(limit)
        try makeDirectory(limit, mode: 0o755)
        var restoration = Restoration(of: [record], in: ZonePlaces(powercap: rig.root))
        restoration.carryOut()
        #expect(restoration.outcome == Released(failed: 1) && restoration.unclaimed == 0)
        #expect(restoration.remaining.map { $0.zone.id.string } == ["intel-rapl:1"])
        #expect(restoration.remaining.map(\.index) == [0])
        #expect(restoration.remaining.map(\.change) == [record.change])
    }

    @Test("come back at the next start")
    func restart() throws {
        let rig = try Rig(Machine(hasMMIO: true))
        let originals = try rig.settings()
        try rig.governor.apply([
            rig.item("intel-rapl:0", watts: 60, window_us: 500_000), rig.item("intel-rapl-mmio:1", 1, watts: 60),
        ])
        #expect(try rig.settings() != originals)
        try rig.restart()
        #expect(try rig.settings() == originals)
        #expect(rig.governor.policy == .accepted)
        #expect(try rig.savedState().records.allSatisfy { $0.change == nil })
    }

    /// The moments at which a helper can die while it carries a batch out, and what the limit file then holds.
    @Test(
        "come back whether the helper died before the write, after it, or after the write before that",
        arguments: [
            (80_000_000, 150_000_000), (60_000_000, 150_000_000), (59_875_000, 150_000_000), (150_000_000, 150_000_000),
            (79_000_000, 79_000_000),
        ]
            as [(UInt64, UInt64)])
    func diedWhileWriting(_ found_uw: UInt64, _ restored_uw: UInt64) throws {
        let rig = try Rig()
        try rig.governor.apply([rig.item("intel-rapl:0", watts: 80)])
        // The record of a batch that was announced and not finished: 60 W over 80 W.
        let constraint = rig.constraint("intel-rapl:0")
        constraint.change?.intended.limit = Microwatts(60_000_000)
        var state = try rig.savedState()
        state.records[0].change = constraint.change
        _ = try StateFile(creatingIn: rig.stateDirectory, state)
        try rig.setLimit_uw("intel-rapl:0", 0, found_uw)
        try rig.restart()
        #expect(try rig.limit_uw("intel-rapl:0") == restored_uw)
    }

    @Test("don't come back over a limit that was set while the helper was dead")
    func foreignWhileDead() throws {
        let rig = try Rig()
        try rig.governor.apply([rig.item("intel-rapl:0", watts: 60), rig.item("intel-rapl:1", watts: 60)])
        try rig.setLimit_uw("intel-rapl:0", 0, 100_000_000)
        try rig.restart()
        #expect(try rig.limit_uw("intel-rapl:0") == 100_000_000)
        #expect(try rig.limit_uw("intel-rapl:1") == 150_000_000)
    }

    @Test("of another boot are forgotten: firmware has set the limits anew")
    func otherBoot() throws {
        let rig = try Rig()
        try rig.governor.apply([rig.item("intel-rapl:0", watts: 60)])
        try rig.restart(boot: Rig.bootID("00000000-0000-0000-0000-000000000002"))
        #expect(try rig.limit_uw("intel-rapl:0") == 60_000_000)
        #expect(rig.constraint("intel-rapl:0").original?.limit == Microwatts(60_000_000))
        #expect(rig.governor.policy == .accepted)
    }

    @Test("of a zone that isn't there now are carried over until it is back")
    func absentZone() throws {
        let rig = try Rig()
        try rig.governor.apply([rig.item("intel-rapl:0", watts: 60), rig.item("intel-rapl:1", watts: 60)])
        let zone = rig.zone("intel-rapl:1").path
        try rename(zone, to: "\(rig.directory.path)/offline")
        for _ in 0..<3 {
            try rig.restart()
            #expect(rig.zones.allSatisfy { $0.id.string != "intel-rapl:1" })
            #expect(try rig.savedChange("intel-rapl:1")?.intended.limit == Microwatts(60_000_000))
            // The record survives what happens to other zones.
            try rig.governor.apply([rig.item("intel-rapl:0", watts: 50)])
        }
        try rename("\(rig.directory.path)/offline", to: zone)
        try rig.restart()
        #expect(try rig.limit_uw("intel-rapl:0") == 150_000_000)
        #expect(try rig.limit_uw("intel-rapl:1") == 150_000_000)
    }

    @Test("aren't given to a zone of another name that has the same id now")
    func renamedZone() throws {
        let rig = try Rig()
        try rig.governor.apply([rig.item("intel-rapl:1", watts: 60)])
        let name = "\(rig.zone("intel-rapl:1").path)/name"
        try put("psys\n", in: name)
        try rig.restart()
        #expect(try rig.limit_uw("intel-rapl:1") == 60_000_000)
        try put("package-1\n", in: name)
        try rig.restart()
        #expect(try rig.limit_uw("intel-rapl:1") == 150_000_000)
    }

    @Test("that can't be read make the helper refuse writes, and the file stays for an operator to look at")
    func unreadable() throws {
        let rig = try Rig()
        try rig.governor.apply([rig.item("intel-rapl:0", watts: 60)])
        var damaged = try contents(rig.statePath)
        for index in stride(from: 25, to: damaged.count, by: 50) { damaged[index] = UInt8(ascii: "?") }
        try put(damaged, in: rig.statePath)
        try rig.restart()
        #expect(rig.governor.policy == .stateUnreadable)
        #expect(try rig.limit_uw("intel-rapl:0") == 60_000_000)
        #expect(try contents(rig.statePath) == damaged)
        // It refuses by itself too, not only by its policy.
        #expect(failure(of: rig.governor, [rig.item("intel-rapl:0", watts: 50)])?.code == .stateUnwritable)
        #expect(rig.governor.restore() == Released())

        try rig.restart(["--discard-state"])
        #expect(rig.governor.policy == .accepted)
        #expect(rig.constraint("intel-rapl:0").original?.limit == Microwatts(60_000_000))
        #expect(try rig.limit_uw("intel-rapl:0") == 60_000_000)
    }

    @Test("that can't be saved make the helper refuse writes, but what an earlier run left is put back")
    func unwritable() throws {
        let rig = try Rig()
        try rig.governor.apply([rig.item("intel-rapl:0", watts: 60)])
        // No new file can take the old one's place.
        try makeDirectory("\(rig.statePath).new", mode: 0o755)
        try rig.restart()
        #expect(rig.governor.policy == .stateUnwritable)
        #expect(try rig.limit_uw("intel-rapl:0") == 150_000_000)
    }

    @Test("stay where they are with --read-only: nothing is written, not even at the end")
    func readOnly() throws {
        let rig = try Rig()
        try rig.governor.apply([rig.item("intel-rapl:0", watts: 60)])
        let before = try contents(rig.statePath)
        try rig.restart(["--read-only"])
        #expect(rig.governor.policy == .readOnly)
        #expect(rig.governor.restore() == Released())
        #expect(try rig.limit_uw("intel-rapl:0") == 60_000_000)
        #expect(try contents(rig.statePath) == before)
    }
}
