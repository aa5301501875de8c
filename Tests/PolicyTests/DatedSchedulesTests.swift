import PowercapProtocol
import TestSupport
import Testing

@testable import Policy

struct DatedSchedulesTests {
    /// A time of June 2026 in UTC.
    private static func june(_ day: Int32, _ hour: Int32, _ minute: Int32 = 0) -> Moment {
        // 1 June 2026 00:00 UTC.
        let seconds = 1_780_272_000 + Int64(day - 1) * 86_400 + Int64(hour) * 3_600 + Int64(minute) * 60
        return Moment(seconds: seconds, local: LocalTime(year: 2026, month: 6, day: day, hour: hour, minute: minute))
    }

    private static func day(_ day: Int32, _ watts: UInt64, from: UInt16 = 0, to: UInt16 = 24) throws -> DatedSchedules.Day {
        DatedSchedules.Day(
            start: june(day, 0).seconds,
            schedule: try Schedule([Schedule.Period(days: .all, from: .hour(from), to: .hour(to), power: .watts(watts))]),
            outdated: SourceData.Outdated(since: june(day + 1, 0), stale: june(day + 1, 2)))
    }

    private func source(_ days: [DatedSchedules.Day], _ onStale: StaleAction = .floor) -> DataSource {
        DataSource(
            data: SourceData(.dated(DatedSchedules(days))), peak: .watts(300), staleAfter: .seconds(7_200), onStale: onStale)
    }

    @Test(
        "each day has its own schedule; one without is that of the day before until it is stale, and before the first there is none"
    )
    func days() throws {
        let source = source([try Self.day(16, 80), try Self.day(17, 120), try Self.day(20, 60)])
        let table: [(Moment, UInt64, SourceLack.Cause?, UInt64)] = [
            (Self.june(15, 23, 59), 0, .notBegun, 0), (Self.june(16, 0), 80, nil, 0), (Self.june(16, 23, 59), 80, nil, 0),
            (Self.june(17, 0), 120, nil, 0), (Self.june(18, 0), 120, nil, 0), (Self.june(18, 1, 59), 120, nil, 7_140),
            (Self.june(18, 2), 0, .outdated, 7_200), (Self.june(19, 12), 0, .outdated, 129_600), (Self.june(20, 0), 60, nil, 0),
        ]
        for (moment, watts, cause, age) in table {
            let reading = source.reading(at: moment)
            #expect(reading.power == .watts(watts), "\(moment.local)")
            #expect(reading.lack?.cause == cause && reading.age == .seconds(age), "\(moment.local)")
        }
        #expect(source.data.isMissing(at: Self.june(17, 12)) == nil)
        #expect(source.data.isMissing(at: Self.june(18, 12)) == Self.june(18, 0).seconds)
    }

    @Test("P16: a stale day's last good value is what it says when it becomes stale, and never more")
    func stale() throws {
        #expect(source([try Self.day(16, 80)], .hold).reading(at: Self.june(18, 12)).power == .watts(80))
        // At 02:00 there was nothing, whatever it would give at noon: the last good one ended at 01:00.
        let periods = [
            Schedule.Period(days: .all, from: .hour(0), to: .hour(1), power: .watts(60)),
            Schedule.Period(days: .all, from: .hour(6), to: .hour(24), power: .watts(200)),
        ]
        let day = DatedSchedules.Day(
            start: Self.june(16, 0).seconds, schedule: try Schedule(periods),
            outdated: SourceData.Outdated(since: Self.june(17, 0), stale: Self.june(17, 2)))
        #expect(source([day], .hold).reading(at: Self.june(18, 12)).power == .watts(60))
    }

    @Test("P16: a gap with which a day begins knows nothing good of the day before")
    func gap() throws {
        let source = source([try Self.day(16, 200), try Self.day(17, 80, from: 6, to: 8)], .hold)
        #expect(source.reading(at: Self.june(17, 3)).power == .zero)
        #expect(source.reading(at: Self.june(17, 9)).power == .watts(80))
    }

    @Test("its steps are those of the day, the next day's beginning, and when it becomes stale")
    func steps() throws {
        let source = source([try Self.day(16, 80), try Self.day(17, 120)])
        #expect(source.nextStep(after: Self.june(10, 12)).map { $0 <= Self.june(16, 0).seconds } == true)
        #expect(source.nextStep(after: Self.june(16, 23, 45)) == Self.june(17, 0).seconds)
        #expect(source.nextStep(after: Self.june(18, 1, 45)) == Self.june(18, 2).seconds)
        for hour in Int32(0)..<72 {
            let moment = Self.june(15 + hour / 24, hour % 24, 7)
            #expect(source.nextStep(after: moment).map { $0 > moment.seconds } == true)
        }
    }
}
