import Foundation
import LinuxSystem
import PowercapProtocol
import TestSupport
import Testing

@testable import Policy
@testable import powercap_controller

extension ProcessTimeZone {
    /// A directory of files which are each of one day.
    struct DatedFilesTests {
        private let directory: TemporaryDirectory

        init() throws {
            Clock.setTimeZone("Europe/Berlin")
            directory = try TemporaryDirectory()
        }

        private func put(_ name: String, _ text: String) throws {
            try text.write(toFile: "\(directory.path)/\(name)", atomically: false, encoding: .utf8)
        }

        private func settings(_ more: [String: String] = [:]) throws -> Settings {
            let environment = ["SOURCE": "schedule", "SCHEDULE_FILE": directory.path, "MAX_SOURCE": "300W"].merging(more) { $1 }
            return try Settings(flags: [:], environment: { environment[$0] })
        }

        private static let june16 = LocalDay(year: 2026, month: 6, day: 16)

        /// What there is at noon of days from 14 June on, in watts; nil where there is nothing.
        private func noons(_ count: Int, _ more: [String: String] = [:]) throws -> [UInt64?] {
            let settings = try settings(more)
            let first = LocalDay(year: 2026, month: 6, day: 14)
            let data = try #require(try settings.sourceData(from: first, days: count))
            let source = powerSource(for: settings.configuration.policy, data: data)
            return (0..<count).map { day in
                let reading = source.reading(at: Moment(seconds: first.adding(days: day).start + 43_200))
                return reading.lack == nil ? reading.power.rawValue / 1_000_000 : nil
            }
        }

        @Test("each day goes by the file whose name ends in it; other names are passed over")
        func days() throws {
            try put("prices_2026-06-14.csv", "00:00-24:00,80W\n")
            try put("prices_2026-06-15.csv", "00:00-24:00,120W\n")
            try put("2026-06-17.csv", "00:00-24:00,60W\n")
            try put("README", "nothing")
            try put("prices_2026-02-30.csv", "not a day")
            try put("prices_2026-06-16.csv.bak", "not a file of a day")
            try put(".prices_2026-06-16.csv", "hidden")
            #expect(try noons(5) == [80, 120, nil, 60, nil])
            #expect(try noons(3, ["STALE_AFTER": "1d"]) == [80, 120, 120])
        }

        @Test("what lies before is found, however long ago, and is stale")
        func older() throws {
            try put("prices_2026-05-01.csv", "00:00-24:00,80W\n")
            #expect(try noons(1) == [nil])
            #expect(try noons(1, ["STALE_AFTER": "30d"]) == [nil])
            #expect(try noons(1, ["ON_STALE": "hold"]) == [nil])
        }

        @Test(
            "P11: what is wrong with such a directory is said with the file's name",
            arguments: [
                ([:], "is a directory without a file of today or of a day before"),
                (
                    ["a_2026-06-14.csv": "00:00-24:00,1W", "b_2026-06-14.csv": "00:00-24:00,2W"],
                    "has two files of one day, \"a_2026-06-14.csv\""
                ),
                (["a_2026-06-14.csv": "#\n8:00,1W"], "has a file \"a_2026-06-14.csv\", which has a mistake in line 2"),
                (["a_2026-06-14.csv": ""], "has a file \"a_2026-06-14.csv\", which has no line with a value"),
                (["a_2026-07-14.csv": "00:00-24:00,1W"], "is a directory without a file"),
            ] as [([String: String], String)])
        func mistakes(_ files: [String: String], _ words: String) throws {
            for (name, text) in files { try put(name, text) }
            let error = #expect(throws: UsageError.self) { try noons(1) }
            #expect(error?.sentence.contains(words) == true, "\(error?.sentence ?? "none")")
        }

        @Test("that a later day's file isn't right yet changes nothing before it")
        func later() throws {
            try put("a_2026-06-14.csv", "00:00-24:00,80W\n")
            try put("a_2026-06-15.csv", "half of i")
            #expect(try noons(1) == [80])
            #expect(try noons(2) == [80, nil])
        }

        @Test("a day of 23 hours ends when the next one begins")
        func spring() throws {
            try put("a_2026-03-29.csv", "00:00-24:00,80W\n")
            let settings = try settings()
            let day = LocalDay(year: 2026, month: 3, day: 29)
            let data = try #require(try settings.sourceData(from: day, days: 1))
            #expect(data.isMissing(at: Moment(seconds: day.start + 23 * 3_600 - 1)) == nil)
            #expect(data.isMissing(at: Moment(seconds: day.start + 23 * 3_600)) == day.start + 23 * 3_600)
        }

        @Test("DATA_PROVIDER=epex takes the original's files as they are: its volumes are shares of the day's largest")
        func origin() throws {
            try put("epex_data_2026-06-16.csv", try Fixture.text("signals/origin-epex_data_2026-06-16.csv"))
            let environment = ["DATA_PROVIDER": "epex", "SCHEDULE_FILE": directory.path, "MAX_SOURCE": "300W"]
            func reading(_ more: [String: String] = [:]) throws -> SourceReading {
                let all = environment.merging(more) { $1 }
                let settings = try Settings(flags: [:], environment: { all[$0] })
                let data = try #require(try settings.sourceData(from: Self.june16))
                return powerSource(for: settings.configuration.policy, data: data).reading(
                    at: Moment(seconds: Self.june16.start + 960))
            }
            // 00:16, of which the file says 69.4 MWh.
            let volumes = try Fixture.text("signals/origin-epex_data_2026-06-16.csv").split(separator: "\n").dropFirst()
                .compactMap { Double($0.split(separator: ",")[1]) }
            #expect(volumes.count == 96)
            let share = 69.4 / (volumes.max() ?? 0)
            #expect(try reading().signal == 69.4)
            #expect(try reading().power == Microwatts(UInt64((share * 300e6).rounded())))
            let mean = volumes.reduce(0, +) / 96
            #expect(
                try reading(["POWER_CALC_MODE": "average"]).power
                    == Microwatts(UInt64((min(69.4 / mean, 1) * 300e6).rounded())))
        }
    }
}

struct FormerNamesTests {
    private func settings(_ environment: [String: String]) throws -> Settings {
        try Settings(flags: [:], environment: { environment[$0] })
    }

    @Test("what a provider stands for is shown as if it had been given, and what is given wins")
    func stands() throws {
        let settings = try settings(["DATA_PROVIDER": "epex", "SCHEDULE_FILE": "/data"])
        #expect(settings.configuration.policy.source == .schedule && settings.configuration.valueMap == .share(of: .max))
        #expect(settings.given("SOURCE").words == "SOURCE=\"schedule\" (DATA_PROVIDER=\"epex\")")
        let own = try self.settings(["DATA_PROVIDER": "EPEX", "SCHEDULE_FILE": "/data", "SIGNAL_MAP": "0:40W,100:1W"])
        #expect(own.configuration.valueMap != .share(of: .max))
    }

    @Test(
        "P11: what the original's variables can't mean here is refused with the reason",
        arguments: [
            (["DATA_PROVIDER": "epex"], "goes by a file, but SCHEDULE_FILE is not set"),
            (["DATA_PROVIDER": "epex", "SOURCE": "solar"], "DATA_PROVIDER and SOURCE contradict each other"),
            (["DATA_PROVIDER": "static"], "mock and static were made-up days"), (["DATA_PROVIDER": "mock"], "is not known"),
            (
                ["PROVIDER_URL": "https://www.epexspot.com/en/market-results"],
                "PROVIDER_URL=\"https://www.epexspot.com/en/market-results\" isn't followed: a market's pages are for people"
            ),
        ])
    func refused(_ environment: [String: String], _ words: String) {
        let error = #expect(throws: UsageError.self) { try settings(environment) }
        #expect(error?.sentence.contains(words) == true, "\(error?.sentence ?? "none")")
    }

    @Test("its other variables have no effect, which is said")
    func ignored() throws {
        let outcome = try Executable.run(
            ["validate"],
            environment: ["PROVIDER_PARAMS": "{\"market_area\":\"FR\"}", "DATA_REFRESH_CRON": "0 0 * * *", "PROVIDER_URL": ""])
        #expect(outcome.status == 0)
        #expect(outcome.errors.contains("PROVIDER_PARAMS has no effect: nothing is asked of a market's pages"))
        #expect(outcome.errors.contains("DATA_REFRESH_CRON has no effect: files are read when they change"))
    }
}
