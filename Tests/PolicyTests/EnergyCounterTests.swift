import PowercapProtocol
import TestSupport
import Testing

@testable import Policy

struct EnergyCounterTests {
    /// Of a package on most machines: 2^32 units of 61 µJ.
    private static let range = Microjoules(262_143_328_850)
    private static let joule: UInt64 = 1_000_000

    /// What it has counted after readings at so many seconds, in joules; nil is one that failed.
    private func counted(_ readings: [(second: Double, joules: UInt64?)], range: Microjoules = range) -> EnergyCounter {
        var counter = EnergyCounter()
        for (second, joules) in readings {
            let reading = joules.map { Reading($0 * Self.joule) } ?? Reading(errno: 61)
            counter.note(reading, at: UInt64(second * 1e9), range: range)
        }
        return counter
    }

    @Test(
        "energy is counted from the first reading on, whatever becomes of the hardware's counter",
        arguments: [
            ("nothing is read", [], 0, 0),
            ("the first reading is where counting begins", [(1, 5_000)], 0, 0),
            ("it counts", [(0, 100), (10, 1_100), (20, 2_500)], 2_400, 0),
            ("a node that uses nothing", [(0, 100), (10, 100)], 0, 0),
            ("the counter wraps around", [(0, 262_000), (10, 857)], 1_000, 0),
            ("it wraps around exactly to 0", [(0, 262_143), (10, 0)], 0, 0),
            ("a reading fails, and the counter goes on by itself", [(0, 100), (10, nil), (20, 2_100)], 2_000, 0),
            ("nothing can be read ever", [(0, nil), (10, nil)], 0, 0),
            ("it is reset: what was used before is lost", [(0, 100_000), (10, 50), (20, 1_050)], 1_000, 1),
            ("it jumps by more than a register can draw", [(0, 0), (1, 5_000), (2, 5_100)], 100, 1),
            ("a step of the counter within a moment is no jump", [(0, 0), (0.000_5, 9), (10, 109)], 109, 0),
            ("the same sample twice counts once", [(0, 0), (10, 500), (10, 500), (20, 1_000)], 1_000, 0),
            ("one that is older than the last counts nothing", [(10, 500), (5, 100), (20, 600)], 500, 0),
            ("it may have wrapped around unseen in an hour", [(0, 0), (3_600, 100_000), (3_610, 101_000)], 101_000, 1),
        ] as [(String, [(Double, UInt64?)], UInt64, UInt64)])
    func counts(_ what: String, _ readings: [(Double, UInt64?)], _ joules: UInt64, _ gaps: UInt64) {
        let counter = counted(readings.map { (second: $0.0, joules: $0.1) })
        // Within a joule: the range isn't a whole number of joules.
        #expect(counter.total.rawValue / Self.joule == joules, "\(what)")
        #expect(counter.gaps == gaps, "\(what)")
    }

    @Test("a counter whose range isn't known is reset where it goes back, and is trusted where it doesn't")
    func noRange() {
        let counter = counted([(0, 100), (10, 50), (20, 150), (3_620, 200)], range: Microjoules(0))
        #expect(counter.total == Microjoules(150 * Self.joule))
        #expect(counter.gaps == 1)
    }

    @Test("the total never goes back, whatever is read")
    func monotonic() {
        var random = SeededGenerator(seed: 10)
        for _ in 0..<200 {
            var (counter, last, time): (EnergyCounter, UInt64, UInt64) = (EnergyCounter(), 0, 0)
            let range = Microjoules(UInt64.random(in: 0...300_000_000_000, using: &random))
            for _ in 0..<50 {
                time += UInt64.random(in: 0...20_000_000_000, using: &random)
                let reading =
                    Int.random(in: 0..<5, using: &random) == 0
                    ? Reading(errno: 19) : Reading(UInt64.random(in: 0...300_000_000_000, using: &random))
                counter.note(reading, at: time, range: range)
                #expect(counter.total.rawValue >= last)
                last = counter.total.rawValue
            }
        }
    }

    @Test("what is counted over wraps is what a counter that never wraps would show")
    func wraps() {
        var random = SeededGenerator(seed: 11)
        var (counter, used, time): (EnergyCounter, UInt64, UInt64) = (EnergyCounter(), 0, 0)
        counter.note(Reading(0), at: 0, range: Self.range)
        for _ in 0..<10_000 {
            let seconds = UInt64.random(in: 1...60, using: &random)
            time += seconds * 1_000_000_000
            used += UInt64.random(in: 0...400, using: &random) * seconds * Self.joule
            // It shows each value up to its range, and then 0 again.
            counter.note(Reading(used % Self.range.rawValue), at: time, range: Self.range)
        }
        #expect(used > 100 * Self.range.rawValue)
        #expect(counter.total == Microjoules(used))
        #expect(counter.gaps == 0)
    }
}
