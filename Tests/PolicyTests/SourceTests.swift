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

    @Test("the demonstration is the solar curve from sunrise to sunset in 90 s, again and again, at every hour and in every zone")
    func demo() {
        let source = powerSource(for: .test { ($0.source, $0.maxSource) = (.demo, .watts(40)) })
        let solar = SolarSource(peak: .watts(40), alpha: 4)
        let local = LocalTime(year: 2026, month: 1, day: 1, hour: 2)
        for start: Int64 in [0, 90, 1_780_000_020] {
            for seconds: Int64 in [0, 1, 22, 45, 89] {
                let hours = 4 + 16 * Double(seconds) / 90
                let reading = source.reading(at: Moment(seconds: start + seconds, local: local))
                #expect(reading.power == solar.power(atHour: hours))
            }
        }
        #expect(source.reading(at: Moment(seconds: 45, local: LocalTime(year: 1970, month: 1, day: 1))).power == .watts(40))
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
