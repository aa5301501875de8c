import PowercapProtocol
import TestSupport
import Testing

@testable import Policy

extension Moment {
    /// A time on a wall in UTC: the day of June 2026, of which the 1st, 8th, 15th and 22nd are Mondays.
    fileprivate static func june(_ day: Int32, _ hour: Int32, _ minute: Int32 = 0, _ second: Int32 = 0) -> Moment {
        // 1 June 2026, 00:00 UTC.
        let seconds = 1_780_272_000 + Int64(day - 1) * 86_400 + Int64(hour) * 3_600 + Int64(minute) * 60 + Int64(second)
        return Moment(
            seconds: seconds, local: LocalTime(year: 2026, month: 6, day: day, hour: hour, minute: minute, second: second))
    }
}

extension Schedule.Period {
    /// In watts.
    fileprivate init(_ days: WeekDays, _ from: UInt16, _ to: UInt16, _ watts: UInt64) {
        self.init(days: days, from: .hour(from), to: .hour(to), power: .watts(watts))
    }

    /// Every day.
    fileprivate init(_ from: UInt16, _ to: UInt16, _ watts: UInt64) { self.init(.all, from, to, watts) }
}

struct ScheduleTests {
    /// By day 280 W, by night 80 W, on weekends from 9 to 17 h 120 W, and nothing else.
    private static let office = try? Schedule([
        Schedule.Period(WeekDays(from: 0, through: 4), 7, 19, 280), Schedule.Period(WeekDays(from: 0, through: 4), 19, 7, 80),
        Schedule.Period(WeekDays(from: 5, through: 6), 9, 17, 120),
    ])

    private func source(
        _ schedule: Schedule?, _ onStale: StaleAction = .floor, peak: UInt64 = 400, staleAfter: Milliseconds = .hour
    ) throws -> DataSource {
        DataSource(
            data: SourceData(.schedule(try #require(schedule))), peak: .watts(peak), staleAfter: staleAfter, onStale: onStale)
    }

    @Test(
        "a period holds from its first second to its last, on its days, and through midnight into the next day",
        arguments: [
            // Monday, before anything of this week has begun: Friday's night doesn't reach until here.
            (.june(15, 6, 59, 59), nil), (.june(15, 7), 280), (.june(15, 18, 59, 59), 280), (.june(15, 19), 80),
            (.june(15, 23, 59, 59), 80), (.june(16, 0), 80), (.june(16, 6, 59, 59), 80), (.june(16, 7), 280),
            // Friday's night ends on Saturday.
            (.june(19, 23), 80), (.june(20, 6, 59, 59), 80), (.june(20, 7), nil), (.june(20, 9), 120),
            (.june(20, 16, 59, 59), 120),
            (.june(20, 17), nil), (.june(21, 16, 59, 59), 120), (.june(21, 17), nil),
        ] as [(Moment, UInt64?)])
    func value(_ moment: Moment, _ watts: UInt64?) throws {
        let reading = try source(Self.office).reading(at: moment)
        #expect(reading.power == .watts(watts ?? 0))
        #expect((reading.lack == nil) == (watts != nil))
        #expect(reading.lack == nil || reading.lack?.cause == .gap)
    }

    @Test("a period of Sunday's night is there on Monday, at the beginning of the week")
    func acrossTheWeek() throws {
        let schedule = try Schedule([Schedule.Period(WeekDays(from: 6, through: 6), 22, 6, 100)])
        #expect(schedule.datum(at: Moment.june(21, 23).local) == .power(.watts(100), signal: nil))
        #expect(schedule.datum(at: Moment.june(22, 5, 59).local) == .power(.watts(100), signal: nil))
        let ended = Datum.Last(power: .watts(100), ended_s: 61)
        #expect(schedule.datum(at: Moment.june(22, 6, 1, 1).local) == .none(.gap, last: ended))
    }

    @Test(
        "days go through Sunday to Monday",
        arguments: [(4, 0, [4, 5, 6, 0]), (6, 6, [6]), (0, 6, [0, 1, 2, 3, 4, 5, 6]), (2, 3, [2, 3])])
    func days(_ first: Int, _ last: Int, _ expected: [Int]) {
        let days = WeekDays(from: first, through: last)
        #expect((0..<7).filter(days.contains) == expected.sorted())
    }

    @Test(
        "the day of the week is the calendar's",
        arguments: [
            ((1970, 1, 1), 3), ((2000, 2, 29), 1), ((2026, 2, 28), 5), ((2026, 3, 1), 6), ((2026, 6, 21), 6), ((2026, 12, 31), 3),
            ((2100, 3, 1), 0), ((2400, 2, 29), 1),
        ] as [((Int32, Int32, Int32), Int)])
    func weekday(_ date: (Int32, Int32, Int32), _ expected: Int) {
        #expect(LocalTime(year: date.0, month: date.1, day: date.2).weekday == expected)
    }

    @Test(
        "two periods at the same time are refused, and which they are",
        arguments: [
            ([Schedule.Period(8, 18, 10), Schedule.Period(17, 19, 20)], 0, 1),
            ([Schedule.Period(17, 19, 20), Schedule.Period(8, 18, 10)], 0, 1),
            ([Schedule.Period(22, 6, 10), Schedule.Period(8, 18, 10), Schedule.Period(5, 7, 10)], 0, 2),
            (
                [
                    Schedule.Period(WeekDays(from: 6, through: 6), 22, 6, 1),
                    Schedule.Period(WeekDays(from: 0, through: 0), 5, 7, 2),
                ], 0, 1
            ),
            ([Schedule.Period(0, 24, 10), Schedule.Period(WeekDays(from: 3, through: 3), 5, 6, 10)], 0, 1),
        ])
    func overlap(_ periods: [Schedule.Period], _ first: Int, _ second: Int) {
        #expect(throws: Schedule.Overlap(first: first, second: second)) { try Schedule(periods) }
    }

    @Test("periods that touch don't overlap, and a week may be full")
    func touching() throws {
        let schedule = try Schedule((0..<24).map { Schedule.Period($0, $0 + 1, UInt64($0) + 1) })
        for hour in Int32(0)..<24 {
            #expect(schedule.datum(at: Moment.june(17, hour, 59, 59).local) == .power(.watts(UInt64(hour) + 1), signal: nil))
        }
    }

    @Test(
        "a gap gives what ON_STALE says at once, and never more than the value before it",
        arguments: [
            (.floor, 0), (.hold, 120), (.power(.watts(50)), 50), (.power(.watts(300)), 120),
        ] as [(StaleAction, UInt64)])
    func gap(_ onStale: StaleAction, _ watts: UInt64) throws {
        // Sunday 17:30, half an hour into the gap; and Monday before it ends.
        for (moment, age) in [(Moment.june(21, 17, 30), UInt64(1_800)), (.june(22, 6, 59, 59), 50_399)] {
            let reading = try source(Self.office, onStale).reading(at: moment)
            #expect(reading.power == .watts(watts))
            #expect(reading.lack == SourceLack(cause: .gap, isHeld: false, lastGood: .watts(120)))
            #expect(reading.age == .seconds(age))
        }
    }

    @Test("the source's peak cuts off what is above it, also of the last good value")
    func peak() throws {
        let source = try source(Self.office, .hold, peak: 100)
        #expect(source.reading(at: .june(15, 12)).power == .watts(100))
        #expect(source.reading(at: .june(21, 18)).power == .watts(100))
        #expect(source.reading(at: .june(16, 3)).power == .watts(80))
    }

    @Test("between a moment and the next step nothing changes, and steps are never more than half an hour apart")
    func steps() throws {
        let source = try source(Self.office)
        var moment = Moment.june(19, 5, 0, 17)
        while moment.local.day < 23 {
            let next = try #require(source.nextStep(after: moment))
            #expect(next > moment.seconds && next <= moment.seconds + 1_800)
            let power = source.reading(at: moment).power
            for seconds in [next - 1, next] {
                let since = Int32(seconds - 1_780_272_000)
                let then = Moment.june(since / 86_400 + 1, since / 3_600 % 24, since / 60 % 60, since % 60)
                if seconds < next { #expect(source.reading(at: then).power == power) } else { moment = then }
            }
        }
    }
}

/// P16, for random weeks.
struct StaleScheduleTests {
    @Test("P16: for random schedules nothing gives more than the last good value while there is no data")
    func neverMore() throws {
        var generator = SeededGenerator(seed: 16)
        for _ in 0..<200 {
            // Every hour of the week has a value or none.
            let hours = (0..<168).map { _ in Bool.random(using: &generator) ? UInt64.random(in: 0...300, using: &generator) : nil
            }
            guard hours.contains(where: { $0 != nil }) else { continue }
            let schedule = try Schedule(
                hours.enumerated().compactMap { hour, watts in
                    watts.map {
                        Schedule.Period(
                            days: WeekDays(from: hour / 24, through: hour / 24), from: .hour(UInt16(hour % 24)),
                            to: .hour(UInt16(hour % 24 + 1)), power: .watts($0))
                    }
                })
            let power = StaleAction.power(.watts(UInt64.random(in: 1...300, using: &generator)))
            let onStale = [StaleAction.floor, .hold, power][Int.random(in: 0...2, using: &generator)]
            var source = DataSource(
                data: SourceData(.schedule(schedule)), peak: .watts(250), staleAfter: .seconds(7_200), onStale: onStale)
            let outdated = Int.random(in: 168..<400, using: &generator)
            for isOutdated in [false, true] {
                if isOutdated {
                    source.data.outdated = SourceData.Outdated(since: moment(outdated), stale: moment(outdated + 2))
                }
                var good = Microwatts.zero
                for hour in 0..<504 {
                    let reading = source.reading(at: moment(hour))
                    if hour >= 168 {
                        if let lack = reading.lack {
                            #expect(reading.power <= good)
                            #expect(lack.lastGood == good)
                        }
                        if isOutdated && hour >= outdated + 2 { #expect(reading.lack?.cause == .outdated) }
                    }
                    // At the time of its becoming stale it is read for the last time.
                    let last = isOutdated && hour == outdated + 1 ? hours[(outdated + 2) % 168] : nil
                    if reading.lack == nil { good = reading.power }
                    if let last { good = min(.watts(last), .watts(250)) }
                }
            }
        }
    }

    /// So many hours after a Monday began.
    private func moment(_ hour: Int) -> Moment {
        Moment(
            seconds: 1_780_272_000 + Int64(hour) * 3_600,
            local: LocalTime(year: 2026, month: 6, day: Int32(1 + hour / 24), hour: Int32(hour % 24)))
    }
}
