import Foundation
import JSON
import TestSupport
import Testing

@testable import Signals

struct SignalTimeTests {
    @Test(
        "a time is ISO 8601 with a zone, or a number of seconds or milliseconds, or a text of one",
        arguments: [
            "2026-06-15T22:00Z", "2026-06-15T22:00:00Z", "2026-06-15 22:00:00Z", "2026-06-15t22:00:00z",
            "2026-06-15T22:00:00.000Z",
            "2026-06-15T22:00:00.9999999Z", "2026-06-15T22:00:00,5Z", "2026-06-16T00:00:00+02:00", "2026-06-16T00:00+0200",
            "2026-06-16 00:00+02", "2026-06-15T16:30:00-05:30", "2026-06-15T24:00:00+02:00", "1781560800", "1781560800.781",
            "1781560800000", "1781560800999",
        ])
    func instants(_ text: String) { #expect(SignalTime(text) == .instant(1_781_560_800)) }

    @Test("a number is a time as its text is")
    func numbers() {
        #expect(SignalTime(JSON.number("1781560800.781")) == .instant(1_781_560_800))
        #expect(SignalTime(JSON.number("1.7815608e12")) == .instant(1_781_560_800))
        // 3 March 1973, in either unit.
        #expect(SignalTime(JSON.number("99999999999")) == .instant(99_999_999_999))
        #expect(SignalTime(JSON.number("100000000000")) == .instant(100_000_000))
        for other in [JSON.null, .flag(true), [], [:]] { #expect(SignalTime(other) == nil) }
    }

    @Test(
        "a time without a zone is one on the wall, with seconds or without",
        arguments: ["2026-06-15T22:00", "2026-06-15 22:00:00.5"])
    func walls(_ text: String) {
        #expect(SignalTime(text) == .wall(WallTime(year: 2026, month: 6, day: 15, hour: 22, minute: 0)))
    }

    @Test("OpenADR's first day of all times is now", arguments: ["0001-01-01", "0001-01-01T00:00:00Z", "0001-01-01T00:00:00"])
    func now(_ text: String) { #expect(SignalTime(text) == .now) }

    @Test(
        "everything else is no time",
        arguments: [
            "", "now", "2026-06-15", "2026-06-15T22", "2026-6-15T22:00", "2026-02-29T00:00Z", "2026-13-01T00:00Z",
            "2026-00-01T00:00Z",
            "2026-06-00T00:00Z", "2026-06-15T24:01Z", "2026-06-15T25:00Z", "2026-06-15T22:60Z", "2026-06-15T22:00:60Z",
            "2026-06-15T22:00:00.Z", "2026-06-15T22:00:00Zx", "2026-06-15T22:00+2", "2026-06-15T22:00+24:00",
            "2026-06-15T22:00+02:60",
            "2026-06-15  22:00", "20260615T2200Z", "-1", "54", "99999999", "1e400", "0x7fffffff", "nan", "2.6e14",
            "1969-12-31T23:59:59Z", "0001-01-01x",
        ])
    func others(_ text: String) { #expect(SignalTime(text) == nil) }

    @Test("a time that is written reads back, and is what Foundation writes")
    func roundTrip() {
        var generator = SeededGenerator(seed: 8601)
        for _ in 0..<5_000 {
            let seconds = Int64.random(in: SignalTime.range, using: &generator)
            let text = SignalTime.text(seconds)
            #expect(SignalTime(text) == .instant(seconds))
            #expect(text == Date(timeIntervalSince1970: TimeInterval(seconds)).ISO8601Format())
        }
    }

    @Test(
        "a duration has weeks, days, hours, minutes and seconds, and thousands of years are without an end",
        arguments: [
            ("PT15M", 900), ("P1D", 86_400), ("PT1H30M", 5_400), ("PT30S", 30), ("P1W", 604_800), ("P1DT12H", 129_600),
            ("PT90M", 5_400),
            ("P9999Y", 253_402_300_800), ("P999999999D", 253_402_300_800),
        ] as [(String, Int64)])
    func durations(_ text: String, _ seconds: Int64) throws {
        let duration = try #require(SignalDuration(text))
        #expect(duration.seconds == seconds)
        #expect(SignalDuration(duration.text) == duration)
    }

    @Test(
        "what has no length in seconds, or none, is no duration",
        arguments: [
            "", "P", "PT", "P1", "P1M", "P1Y", "PT0S", "P0D", "PT1.5S", "-PT1H", "PT1H ", "15M", "PT1M1H", "PT1D", "P1DT", "P1H",
            "pt1h",
            "PT1HX",
        ])
    func noDurations(_ text: String) { #expect(SignalDuration(text) == nil) }
}
