import PowercapProtocol
import TestSupport
import Testing

@testable import Policy

struct LiveSourceTests {
    private static func moment(_ seconds: Int64) -> Moment {
        Moment(seconds: seconds, local: LocalTime(year: 1970, month: 1, day: 1))
    }

    private static let policy = PowerPolicy.test {
        ($0.source, $0.maxSource, $0.liveFor) = (.series, .watts(200), .seconds(60))
    }

    private func source(_ live: LiveValue?, _ overrides: Overrides = Overrides()) -> any PowerSource {
        let forecast = Series([
            Series.Point(seconds: 0, power: .watts(80)), Series.Point(seconds: 1_000, power: nil),
            Series.Point(seconds: 2_000, power: .watts(120)),
        ])
        return powerSource(for: Self.policy, overrides, data: SourceData(.series(forecast)), live: live)
    }

    @Test("a live value stands for the source while it is fresh, also where that has nothing to say; then the source does")
    func fresh() {
        let live = LiveValue(power: .watts(150), since: 990)
        for (second, watts, isLive, age) in [
            (989, 150, true, 0), (990, 150, true, 0), (1_049, 150, true, 59), (1_050, 0, false, 50), (2_000, 120, false, 0),
        ] as [(Int64, UInt64, Bool, UInt64)] {
            let reading = source(live).reading(at: Self.moment(second))
            #expect(reading.power == .watts(watts) && reading.isLive == isLive && reading.age == .seconds(age), "\(second)")
        }
        #expect(source(nil).reading(at: Self.moment(990)).power == .watts(80))
    }

    @Test("P16: a live value that is no data is none, and none is above the peak, or an override of it")
    func absurd() {
        let carbon = SignalMap.line(.init(signal: 100, power: .watts(200)), .init(signal: 400, power: .watts(20)))
        for signal in [Double.nan, .infinity, -1e9] {
            let live = LiveValue(signal: signal, through: carbon, peak: .watts(200), after: nil, since: 500)
            let reading = source(live).reading(at: Self.moment(510))
            #expect(reading.power == .watts(80) && !reading.isLive)
            #expect(source(live).nextStep(after: Self.moment(510)) == 1_000)
        }
        let high = LiveValue(signal: 300, through: .watts, peak: .watts(200), after: nil, since: 500)
        #expect(source(high).reading(at: Self.moment(510)).power == .watts(200))
        #expect(source(high, Overrides(maxSource: .watts(90))).reading(at: Self.moment(510)).power == .watts(90))
    }

    @Test("a live signal goes on from the one before it where a threshold leaves open what it means")
    func threshold() {
        let map = SignalMap.threshold(
            below: .init(signal: 200, power: .watts(150)), above: .init(signal: 250, power: .watts(20)))
        let low = LiveValue(signal: 190, through: map, peak: .watts(200), after: nil, since: 500)
        let between = LiveValue(signal: 225, through: map, peak: .watts(200), after: low, since: 510)
        #expect(source(between).reading(at: Self.moment(510)).power == .watts(150))
        #expect(source(between).reading(at: Self.moment(510)).signal == 225)
        #expect(LiveValue(signal: 225, through: map, peak: .watts(200), after: nil, since: 510).power == .watts(20))
    }

    @Test("the end of its freshness is a step")
    func step() {
        let live = LiveValue(power: .watts(150), since: 500)
        #expect(source(live).nextStep(after: Self.moment(510)) == 560)
        #expect(source(live).nextStep(after: Self.moment(560)) == 1_000)
        let solar = powerSource(for: .test { $0.liveFor = .seconds(60) }, live: live)
        #expect(solar.nextStep(after: Self.moment(510)) == 560 && solar.nextStep(after: Self.moment(560)) == nil)
        let far = LiveValue(power: .watts(1), since: .max)
        #expect(source(far).nextStep(after: Self.moment(510)) == 1_000)
    }
}
