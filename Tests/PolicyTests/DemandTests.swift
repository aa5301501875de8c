import PowercapProtocol
import TestSupport
import Testing

@testable import Policy

private let second: UInt64 = 1_000_000_000
private let range = Microjoules(262_143_328_850)

/// A counter and the meter that reads it, in watts and steps of 2 s.
private struct Metered {
    var meter = DemandMeter()
    private var energy_uj: UInt64 = 1_000_000
    private var now_ns = second

    init() { meter.note(Reading(energy_uj), at: now_ns, range: range, limit: .watts(100)) }

    mutating func pass(_ watts: Double, limit: UInt64?, nanoseconds: UInt64 = 2 * second) {
        energy_uj += UInt64(watts * Double(nanoseconds) / 1_000)
        now_ns += nanoseconds
        note(Reading(energy_uj), limit)
    }

    mutating func note(_ reading: Reading, _ limit: UInt64?) {
        meter.note(reading, at: now_ns, range: range, limit: limit.map { .watts($0) })
    }

    /// A whole step of a power under a limit.
    @discardableResult
    mutating func step(_ watts: Double, limit: UInt64? = 100, isSlowed: Bool = false, ceiling: UInt64 = 150) -> Demand? {
        pass(watts, limit: limit)
        return end(isSlowed: isSlowed, ceiling: ceiling)
    }

    @discardableResult
    mutating func end(isSlowed: Bool = false, ceiling: UInt64 = 150) -> Demand? {
        meter.endStep(ceiling: .watts(ceiling), isSlowed: isSlowed)
        return meter.demand
    }

    mutating func skip() { now_ns += 2 * second }
}

struct DemandTests {
    @Test(
        "a package at its limit wants its ceiling; another what it draws, 8 % and 2 W, and no more than its ceiling",
        arguments: [
            // drawn, limit, slowed, wanted, why: in watts, the ceiling is 150 W
            (98.0, 100, false, 150, .atLimit), (97.9, 100, false, 107.732, .drawn), (104, 100, false, 150, .atLimit),
            (45, 100, false, 50.6, .drawn), (1, 100, false, 3.08, .drawn), (147, 160, false, 150, .drawn),
            (85, 100, true, 150, .slowed), (84.9, 100, true, 93.692, .drawn), (98, 100, true, 150, .atLimit),
        ] as [(Double, UInt64, Bool, Double, Demand.Basis)])
    func rule(_ drawn: Double, _ limit: UInt64, _ isSlowed: Bool, _ wanted: Double, _ basis: Demand.Basis) {
        let demand = Demand(
            power: Microwatts(UInt64((drawn * 1e6).rounded())), limit: .watts(limit), isSlowed: isSlowed, ceiling: .watts(150))
        #expect(demand == Demand(power: Microwatts(UInt64((wanted * 1e6).rounded())), basis: basis))
    }

    @Test("nothing is known before a whole step was measured")
    func beginning() {
        var metered = Metered()
        #expect(metered.meter.demand == nil)
        #expect(metered.step(50)?.power == .watts(56))
        var fresh = DemandMeter()
        fresh.endStep(ceiling: .watts(150), isSlowed: false)
        #expect(fresh.demand == nil)
    }

    @Test("demand rises at once, and falls when it was lower in three steps on end")
    func slowFall() {
        var metered = Metered()
        metered.step(50)
        #expect(metered.step(100)?.lately == .watts(150))
        #expect(metered.step(50) == Demand(power: .watts(56), basis: .drawn, lately: .watts(150)))
        #expect(metered.step(60)?.lately == .watts(150))
        #expect(metered.step(50)?.lately == Microwatts(66_800_000), "the most of the three")
        metered.step(50)
        #expect(metered.step(50) == Demand(power: .watts(56), basis: .drawn))
    }

    @Test("power and limit are means over the step, wherever samples and changes of the limit fall")
    func means() {
        var metered = Metered()
        // 1 s at its limit of 60 W, then 1 s at its limit of 100 W: at its limit all the time.
        metered.pass(60, limit: 60, nanoseconds: second)
        metered.pass(100, limit: 100, nanoseconds: second)
        #expect(metered.end()?.basis == .atLimit)
        // Three quarters of the time at its limit, and then half of that.
        metered.pass(100, limit: 100, nanoseconds: 3 * second / 2)
        metered.pass(50, limit: 100, nanoseconds: second / 2)
        #expect(metered.end() == Demand(power: Microwatts(96_500_000), basis: .drawn, lately: .watts(150)))
    }

    @Test("a package fits under a limit that it wouldn't be at")
    func fits() {
        var metered = Metered()
        #expect(metered.meter.fits(under: .watts(100)) == nil)
        metered.step(49)
        #expect(metered.meter.fits(under: .watts(50)) == false)
        #expect(metered.meter.fits(under: Microwatts(50_000_001)) == true)
        metered.pass(0, limit: 100)
        metered.end()
        #expect(metered.meter.fits(under: .watts(100)) == nil)
    }

    @Test("a lower ceiling holds against what was wanted before")
    func lowerCeiling() {
        var metered = Metered()
        metered.step(100)
        #expect(metered.step(50, ceiling: 80)?.lately == .watts(80))
    }

    @Test("without energy or a reading the last demand stands for one step, and then nothing is known")
    func silence() {
        for kind in 0..<4 {
            var metered = Metered()
            metered.step(50)
            for step in 1...3 {
                switch kind {
                case 0: metered.pass(0, limit: 100)
                case 1:
                    metered.skip()
                    metered.note(Reading(errno: 61), 100)
                case 2: metered.pass(50, limit: nil)
                default: break
                }
                #expect((metered.end() != nil) == (step < 2), "kind \(kind), step \(step)")
            }
            // One step to find the counter again where it was out of sight, and one to measure.
            metered.step(50)
            #expect(metered.step(50)?.power == .watts(56), "kind \(kind)")
        }
    }

    @Test("a counter that was reset is forgotten at once, with all that was remembered")
    func reset() {
        var metered = Metered()
        metered.step(100)
        metered.skip()
        metered.note(Reading(5), 100)
        #expect(metered.meter.demand == nil)
        #expect(metered.end() == nil)
    }

    @Test("a counter that wraps around goes on")
    func wrap() {
        var meter = DemandMeter()
        meter.note(Reading(range.rawValue - 50_000_000), at: second, range: range, limit: .watts(100))
        meter.note(Reading(50_000_000), at: 3 * second, range: range, limit: .watts(100))
        meter.endStep(ceiling: .watts(150), isSlowed: false)
        #expect(meter.demand?.power == .watts(56))
    }

    @Test("after a gap between two samples nothing is known of either side of it")
    func gap() {
        var metered = Metered()
        metered.step(100)
        metered.pass(50, limit: 100, nanoseconds: DemandMeter.longestGap_ns + 1)
        #expect(metered.meter.demand == nil)
        #expect(metered.end() == nil)
        #expect(metered.step(50) == Demand(power: .watts(56), basis: .drawn))
    }

    @Test("a node is idle when it had no work for long enough, and not from the first sign of it, nor where that can't be told")
    func idleness() {
        var idleness = Idleness()
        #expect(!idleness.lasts(0, at: 0))
        idleness.note(hasWork: false, at: 10)
        idleness.note(hasWork: false, at: 69)
        #expect(!idleness.lasts(60, at: 69))
        #expect(idleness.lasts(60, at: 70))
        for (sign, from) in [(true, 100), (nil, 200)] as [(Bool?, UInt64)] {
            idleness.note(hasWork: sign, at: from)
            #expect(!idleness.lasts(0, at: from))
            idleness.note(hasWork: false, at: from + 10)
            #expect(!idleness.lasts(60, at: from + 69))
            #expect(idleness.lasts(60, at: from + 70))
        }
    }
}

struct SensedDemandTests {
    /// Of samples 1 s apart, the first of which only begins.
    private func demand(_ samples: [Reading], limit: UInt64 = 100) -> Demand? {
        var meter = DemandMeter()
        for (index, sample) in samples.enumerated() {
            meter.note(power: sample, at: UInt64(index + 1) * second, limit: .watts(limit))
        }
        meter.endStep(ceiling: .watts(150), isSlowed: false)
        return meter.demand
    }

    @Test("a sensor's power is averaged over the step; 0 W is a power, and no reading isn't 0")
    func sensor() {
        let (forty, sixty) = (Reading(40_000_000), Reading(60_000_000))
        #expect(demand([forty, forty, sixty])?.power == .watts(56), "50 W, 8 % and 2 W")
        #expect(demand([Reading(0), Reading(0), Reading(0)])?.power == .watts(2))
        #expect(demand([forty, Reading(errno: 61), sixty]) == nil)
        #expect(demand([Reading(errno: 61), Reading(99_000_000)])?.basis == .atLimit)
        #expect(demand([forty]) == nil)
    }
}
