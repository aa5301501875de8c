import PowercapProtocol
import TestSupport
import Testing

@testable import Policy

struct SignalMapTests {
    private static let carbon = SignalMap.line(.init(signal: 100, power: .watts(300)), .init(signal: 400, power: .watts(80)))
    private static let price = SignalMap.line(.init(signal: -20, power: .watts(300)), .init(signal: 180, power: .watts(0)))
    private static let percentile = SignalMap.threshold(
        below: .init(signal: 200, power: .watts(300)), above: .init(signal: 250, power: .watts(80)))

    private func power(
        _ map: SignalMap, _ signal: Double, whole: Double = 0, after last: Microwatts? = nil, peak: UInt64 = 300
    ) -> Microwatts? {
        map.power(of: signal, whole: whole, after: last, peak: .watts(peak))
    }

    @Test(
        "between two points the power is in proportion, and beyond them it is theirs",
        arguments: [
            (carbon, 100, 300_000_000), (carbon, 400, 80_000_000), (carbon, 250, 190_000_000), (carbon, 99, 300_000_000),
            (carbon, -5, 300_000_000), (carbon, 4_000, 80_000_000), (carbon, 101, 299_266_667), (price, -500, 300_000_000),
            (price, -20, 300_000_000), (price, 0, 270_000_000), (price, 180, 0), (price, 3_000, 0),
        ] as [(SignalMap, Double, UInt64)])
    func line(_ map: SignalMap, _ signal: Double, _ microwatts: UInt64) {
        #expect(power(map, signal) == Microwatts(microwatts))
    }

    @Test("it makes no difference which of the two points is named first")
    func order() {
        let turned = SignalMap.line(.init(signal: 400, power: .watts(80)), .init(signal: 100, power: .watts(300)))
        for signal in stride(from: 0.0, through: 500, by: 7) { #expect(power(turned, signal) == power(Self.carbon, signal)) }
    }

    @Test(
        "P16: a signal that is no number, or a thousand times as large as those that are meant, is no data",
        arguments: [
            (carbon, .nan), (carbon, .infinity), (carbon, -.infinity), (carbon, -999_999), (carbon, 1e300), (price, 200_000),
            (percentile, .nan), (percentile, -1e9), (.watts, .nan), (.watts, 300_001), (.watts, -1e9), (.share(of: .max), .nan),
            (.share(of: .average), -1), (.share(of: .max), .infinity),
        ] as [(SignalMap, Double)])
    func absurd(_ map: SignalMap, _ signal: Double) { #expect(power(map, signal, whole: 100) == nil) }

    @Test(
        "a signal in watts is the power, none where it is below 0, and never more than the peak",
        arguments: [(0, 0), (-3.5, 0), (160.25, 160_250_000), (300, 300_000_000), (4_000, 300_000_000)] as [(Double, UInt64)])
    func watts(_ signal: Double, _ microwatts: UInt64) { #expect(power(.watts, signal) == Microwatts(microwatts)) }

    @Test("between a threshold's two points the power stays what it was, and is the lower one where nobody knows what it was")
    func hysteresis() {
        let signals: [Double?] = [225, 199, 225, 250, 251, 225, 200, nil, 225, 199.9, nil, 240, .nan, 249]
        let watts: [UInt64?] = [80, 300, 300, 300, 80, 80, 80, nil, 80, 300, nil, 300, nil, 300]
        #expect(Self.percentile.powers(of: signals, peak: .watts(300)) == watts.map { $0.map { .watts($0) } })
        #expect(Self.percentile.powers(of: [225], after: .watts(300), peak: .watts(300)) == [.watts(300)])
        #expect(Self.percentile.powers(of: [225], after: .watts(120), peak: .watts(300)) == [.watts(80)])
    }

    @Test("a threshold goes the other way, too: the more there is, the more may be taken")
    func surplus() {
        let map = SignalMap.threshold(
            below: .init(signal: 300, power: .watts(80)), above: .init(signal: 500, power: .watts(280)))
        #expect(
            map.powers(of: [400, 501, 400, 299, 400], peak: .watts(300))
                == [80, 280, 280, 80, 80].map { Microwatts.watts($0) })
    }

    @Test(
        "a volume's share is of the day's largest, or of its mean and then at most everything",
        arguments: [
            (.max, [10, 20, 40, nil, 0], [75, 150, 300, nil, 0]), (.average, [10, 20, 30, nil], [150, 300, 300, nil]),
            (.max, [0, 0], [0, 0]), (.average, [nil, nil], [nil, nil]), (.max, [-1, 5], [nil, 300]),
        ] as [(SignalMap.Whole, [Double?], [UInt64?])])
    func share(_ whole: SignalMap.Whole, _ volumes: [Double?], _ watts: [UInt64?]) {
        #expect(
            SignalMap.share(of: whole).powers(of: volumes, peak: .watts(300)) == watts.map { $0.map { .watts($0) } })
    }

    @Test("whatever the signals, no power is above what the map says, and a line never turns")
    func bounds() throws {
        var generator = SeededGenerator(seed: 3)
        for _ in 0..<2_000 {
            let (one, other) = (
                Double.random(in: -500...500, using: &generator), Double.random(in: -500...500, using: &generator)
            )
            let powers = (0..<2).map { _ in Microwatts.watts(UInt64.random(in: 0...300, using: &generator)) }
            let map = SignalMap.line(.init(signal: one, power: powers[0]), .init(signal: other, power: powers[1]))
            let signals = (0..<20).map { _ in Double.random(in: -1_000...1_000, using: &generator) }.sorted()
            let found = map.powers(of: signals, peak: .watts(300)).compactMap { $0 }
            #expect(found.allSatisfy { $0 <= map.most(of: .watts(300)) && $0 >= min(powers[0], powers[1]) })
            let isRising = (powers[0] < powers[1]) == (one < other)
            #expect(found == found.sorted { isRising ? $0 < $1 : $0 > $1 })
        }
    }
}

struct SignalSeriesTests {
    private static let threshold = SignalMap.threshold(
        below: .init(signal: 200, power: .watts(300)), above: .init(signal: 250, power: .watts(80)))

    private func made(
        _ values: [Double?], end: Int64? = nil, from start: Int64 = 0, _ map: SignalMap = threshold, after previous: Series? = nil
    ) -> Series? {
        Series(
            signals: values.enumerated().map { SignalPoint(seconds: start + Int64($0) * 100, value: $1) }, end: end,
            through: map, peak: .watts(300), after: previous, dayOf: { Int($0 / 400) })
    }

    @Test("a series of signals says power and signal of a moment, and where a signal is missing that there are no data")
    func datum() throws {
        let series = try #require(made([180, nil, 260], end: 250))
        #expect(series.datum(at: 99) == .power(.watts(300), signal: 180))
        #expect(series.datum(at: 249) == .power(.watts(80), signal: 260))
        #expect(series.datum(at: 150) == .none(.gap, last: Datum.Last(power: .watts(300), ended_s: 50)))
        #expect(series.datum(at: 250) == .none(.ended, last: Datum.Last(power: .watts(80), ended_s: 0)))
    }

    @Test("without signals there is no series") func empty() { #expect(made([]) == nil) }

    @Test("a threshold goes on from what the series before said, and not from what that says of later")
    func previous() throws {
        let before = try #require(made([180, 210, nil, 260]))
        #expect(try #require(made([220], end: 1_000, from: 150)).datum(at: 150) == .power(.watts(80), signal: 220))
        for start in [150, 250] as [Int64] {
            let next = try #require(made([220], end: 1_000, from: start, after: before))
            #expect(next.datum(at: start) == .power(.watts(300), signal: 220))
        }
        let later = try #require(made([220], end: 1_000, from: 350, after: before))
        #expect(later.datum(at: 350) == .power(.watts(80), signal: 220))
    }

    @Test("volumes are compared with those of their own day")
    func days() throws {
        let series = try #require(made([10, 20, 40, 20, 1, 2, nil, 1], .share(of: .max)))
        let watts = stride(from: Int64(0), to: 800, by: 100).map { second -> UInt64? in
            guard case .power(let power, _) = series.datum(at: second) else { return nil }
            return power.rawValue / 1_000_000
        }
        #expect(watts == [75, 150, 300, 150, 150, 300, nil, 150])
    }

    @Test("watts are said as powers alone")
    func watts() throws {
        #expect(try #require(made([160.5, 80], .watts)).datum(at: 0) == .power(Microwatts(160_500_000), signal: nil))
    }

    @Test("a week's volumes are compared with those that begin on their day, and a threshold goes on over Sunday's end")
    func week() throws {
        let (monday, sunday) = (WeekDays(from: 0, through: 0), WeekDays(from: 6, through: 6))
        let periods = [
            Schedule.Period(days: monday, from: .hour(0), to: .hour(6), signal: 225),
            Schedule.Period(days: monday, from: .hour(6), to: .hour(12), signal: 260),
            Schedule.Period(days: sunday, from: .hour(0), to: .hour(12), signal: 100),
            Schedule.Period(days: sunday, from: .hour(12), to: .hour(24), signal: .nan),
        ]
        func datum(_ map: SignalMap, _ day: Int32, _ hour: Int32) throws -> Datum {
            // 15 June 2026 is a Monday.
            try Schedule(periods, through: map, peak: .watts(300)).datum(
                at: LocalTime(year: 2026, month: 6, day: day, hour: hour))
        }
        #expect(try datum(Self.threshold, 15, 3) == .power(.watts(300), signal: 225))
        #expect(try datum(Self.threshold, 15, 7) == .power(.watts(80), signal: 260))
        #expect(try datum(Self.threshold, 21, 13) == .none(.gap, last: Datum.Last(power: .watts(300), ended_s: 3_600)))
        #expect(try datum(.share(of: .max), 15, 7) == .power(.watts(300), signal: 260))
        #expect(try datum(.share(of: .max), 21, 7) == .power(.watts(300), signal: 100))
    }

    @Test("a week without any data in its signals is a gap without anything good before it")
    func nothing() throws {
        let schedule = try Schedule(
            [Schedule.Period(days: .all, from: .hour(0), to: .hour(6), signal: .infinity)], through: Self.threshold,
            peak: .watts(300))
        let source = DataSource(
            data: SourceData(.schedule(schedule)), peak: .watts(300), staleAfter: .hour, onStale: .hold)
        let moment = Moment(seconds: 1_781_560_800, local: LocalTime(year: 2026, month: 6, day: 16))
        #expect(source.reading(at: moment).power == .zero)
        #expect(source.reading(at: moment).lack?.cause == .gap)
        #expect(source.nextStep(after: moment).map { $0 > moment.seconds } == true)
    }
}
