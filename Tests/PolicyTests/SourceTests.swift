import LinuxSystem
import PowercapProtocol
import TestSupport
import Testing

@testable import Policy

struct SourceTests {
    @Test(
        "the solar curve has its values by the clock on the wall",
        arguments: [
            (.test(0), 0), (.test(3, 59, 59), 0), (.test(4), 0), (.test(8), 10_000_000), (.test(12), 40_000_000),
            (.test(16), 10_000_000), (.test(20), 0), (.test(20, 0, 1), 0), (.test(23, 59, 59), 0),
            // 40 W * sin(pi/8)^4
            (.test(6), 857_864), (.test(18), 857_864),
            // 40 W * sin(pi/4 - pi/16 * 0.5 s)^4: half a second counts.
            (.test(7, 59, 59, nanoseconds: 500_000_000), 9_998_909),
        ] as [(Moment, UInt64)])
    func solar(_ moment: Moment, _ microwatts: UInt64) {
        let source = SolarSource(peak: .watts(40), alpha: 4)
        #expect(source.reading(at: moment).power == Microwatts(microwatts))
    }

    @Test(
        "for every exponent the curve is 0 at night, from 0 to the peak by day, and rises until noon",
        arguments: [0.000001, 0.5, 1, 2, 2.5, 3, 4, 5, 99.9, 100])
    func everyExponent(_ alpha: Double) {
        let source = SolarSource(peak: .watts(1_000_000), alpha: alpha)
        var last = Microwatts.zero
        for minute in Int32(0)..<1440 {
            let power = source.reading(at: .test(minute / 60, minute % 60)).power
            if minute <= 240 || minute >= 1200 { #expect(power == .zero) }
            #expect(power <= .watts(1_000_000))
            if minute <= 720 { #expect(power >= last) } else { #expect(power <= last) }
            last = power
        }
        #expect(source.reading(at: .test(12)).power == .watts(1_000_000))
    }

    @Test("a day of the solar curve is the one that it was before its hours could be chosen, to the microwatt")
    func usualDay() {
        let source = powerSource(for: .test { $0.maxSource = .watts(40) })
        let sum = (Int32(0)..<1440).reduce(UInt64(0)) { $0 + source.reading(at: .test($1 / 60, $1 % 60)).power.rawValue }
        // From the formula with its 4 and 20 written out, computed elsewhere.
        #expect(sum == 14_399_999_992)
    }

    @Test(
        "the solar curve begins and ends when it is told, and has its peak in the middle",
        arguments: [
            ((6, 0), (18, 0), .test(12)), ((5, 30), (14, 30), .test(10)), ((0, 0), (24, 0), .test(12)),
            ((0, 0), (1, 0), .test(0, 30)),
            ((23, 0), (24, 0), .test(23, 30)), ((8, 0), (21, 1), .test(14, 30, 30)),
        ] as [((UInt16, UInt16), (UInt16, UInt16), Moment)])
    func hours(_ from: (UInt16, UInt16), _ to: (UInt16, UInt16), _ noon: Moment) {
        let (start, end) = (from.0 * 60 + from.1, to.0 * 60 + to.1)
        let source = powerSource(
            for: .test {
                ($0.solarFrom, $0.solarTo) = (TimeOfDay(minutes: start), TimeOfDay(minutes: end))
                $0.maxSource = .watts(40)
            })
        #expect(source.reading(at: noon).power == .watts(40))
        for minute in UInt16(0)..<1440 {
            let power = source.reading(at: .test(Int32(minute) / 60, Int32(minute) % 60)).power
            if minute <= start || minute >= end { #expect(power == .zero) }
            // Close to its ends a long day may be less than a microwatt.
            if minute > start + 15, minute + 15 < end { #expect(power > .zero) }
        }
    }

    @Test("whatever its hours and its exponent, the solar curve is from 0 to the peak, also in its first and last nanosecond")
    func everyDay() {
        for start in stride(from: UInt16(0), through: 1_380, by: 7) {
            for end in stride(from: start + 60, through: 1_440, by: 7) {
                let source = SolarSource(
                    peak: .watts(40), alpha: 0.5, from: TimeOfDay(minutes: start), to: TimeOfDay(minutes: end))
                let last = end - 1
                let moments: [Moment] = [
                    .test(Int32(last / 60), Int32(last % 60), 59, nanoseconds: 999_999_999),
                    .test(Int32(start / 60), Int32(start % 60), 0, nanoseconds: 1), .test(Int32(last / 60), Int32(last % 60)),
                ]
                for moment in moments where source.reading(at: moment).power > .watts(40) { Issue.record("\(start) \(end)") }
                #expect(source.power(atHour: Double(end).nextDown / 60) < .watts(1))
            }
        }
    }

    @Test(
        "the demonstration is the solar curve from sunrise to sunset in a minute, again and again, at every hour and in every zone"
    )
    func demo() {
        let source = powerSource(for: .test { ($0.source, $0.maxSource) = (.demo, .watts(40)) })
        let solar = SolarSource(peak: .watts(40), alpha: 4)
        let local = LocalTime(year: 2026, month: 1, day: 1, hour: 2)
        for start: Int64 in [0, 60, 1_780_000_020] {
            for seconds: Int64 in [0, 1, 15, 30, 59] {
                let hours = 4 + 16 * Double(seconds) / 60
                let reading = source.reading(at: Moment(seconds: start + seconds, local: local))
                #expect(reading.power == solar.power(atHour: hours))
            }
        }
        #expect(source.reading(at: Moment(seconds: 30, local: LocalTime(year: 1970, month: 1, day: 1))).power == .watts(40))
    }

    @Test("the static source gives its power day and night")
    func constant() {
        let source = StaticSource(power: .watts(70))
        #expect(source.reading(at: .test(0)).power == .watts(70))
        #expect(source.reading(at: .test(12)).power == .watts(70))
    }

    @Test("the configuration chooses the source, and an override its peak")
    func chosen() {
        let solar = PowerPolicy.test { ($0.maxSource, $0.alpha) = (.watts(80), 1) }
        #expect(powerSource(for: solar).reading(at: .test(12)).power == .watts(80))
        #expect(powerSource(for: solar).reading(at: .test(0)).power == .zero)
        #expect(powerSource(for: solar, Overrides(maxSource: .watts(50))).reading(at: .test(12)).power == .watts(50))
        let constant = PowerPolicy.test { ($0.maxSource, $0.source) = (.watts(80), .constant) }
        #expect(powerSource(for: constant).reading(at: .test(0)).power == .watts(80))
        #expect(powerSource(for: constant, Overrides(maxSource: .watts(50))).reading(at: .test(0)).power == .watts(50))
        #expect(powerSource(for: constant).reading(at: .test(0)).age == Milliseconds(0))
    }
}
