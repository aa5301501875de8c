import Foundation
import LinuxSystem
import PowercapProtocol
import TestSupport
import Testing

@testable import Policy
@testable import powercap_controller

/// What a configured file's text means, or what is wrong with it.
private func points(
    _ source: String, _ text: String, column: String? = nil, maxSource: String = "300W", map: String? = nil
) throws -> SourceData.Points {
    try points(source, Array(text.utf8), column: column, maxSource: maxSource, map: map)
}

private func points(
    _ source: String, _ bytes: [UInt8], column: String? = nil, maxSource: String = "300W", map: String? = nil
) throws -> SourceData.Points {
    var environment = ["SOURCE": source, "\(source.uppercased())_FILE": "/file", "MAX_SOURCE": maxSource]
    environment["SOURCE_COLUMN"] = column
    environment["SIGNAL_MAP"] = map
    let settings = try Settings(flags: [:], environment: { environment[$0] })
    return try #require(SourceFile(settings)).points(in: bytes)
}

struct SourceFileTests {
    private static let workdays = WeekDays(from: 0, through: 4)

    private func schedule(_ periods: (WeekDays, UInt16, UInt16, UInt64)...) throws -> SourceData.Points {
        .schedule(
            try Schedule(
                periods.map { Schedule.Period(days: $0, from: .hour($1), to: .hour($2), power: Microwatts($3)) }))
    }

    @Test("a schedule's lines are local times, days before them where they aren't for every day, and powers as everywhere")
    func scheduleLines() throws {
        let text = """
            # the office

            Mon-Fri 07:00-19:00,280W
            Mon-Fri 19:00-07:00,80000000
              Sat 09:00-17:00 , 0.12 kW\t
            Sun 09:00-17:00,0
            """
        let saturday = WeekDays(from: 5, through: 5)
        #expect(
            try points("schedule", text)
                == schedule(
                    (Self.workdays, 7, 19, 280_000_000), (Self.workdays, 19, 7, 80_000_000), (saturday, 9, 17, 120_000_000),
                    (WeekDays(from: 6, through: 6), 9, 17, 0)))
    }

    @Test("a day ends at 24:00, which is 00:00 of the next", arguments: ["18:00-24:00,80W", "18:00-00:00,80W"])
    func midnight(_ line: String) throws { #expect(try points("schedule", line) == schedule((.all, 18, 24, 80_000_000))) }

    @Test(
        "a byte order mark, CRLF, blanks, comments, names, and no line break at the end make no difference",
        arguments: [
            "08:00-18:00,80W\n", "\u{FEFF}08:00-18:00,80W\r\n", "#\n\n08:00-18:00 , 80 W",
            "Period,Power\n08:00-18:00,80W\r\n\r\n",
            "\u{FEFF}# x\r\nperiod,8\r\n08:00-18:00,80W",
        ])
    func forms(_ text: String) throws { #expect(try points("schedule", text) == schedule((.all, 8, 18, 80_000_000))) }

    @Test("the column is found by its name, wherever it stands")
    func column() throws {
        for text in ["Period,Power,Note\n08:00-18:00,80W,x", "Period,,Note,Power\n08:00-18:00,1W,,80W\n"] {
            #expect(try points("schedule", text, column: "Power") == schedule((.all, 8, 18, 80_000_000)))
        }
    }

    @Test("a series' lines are times with their zone, and where there is no power there are no data")
    func seriesLines() throws {
        let text = """
            time,power
            2026-06-15T22:00:00Z,240W
            2026-06-16T01:00:00.5+02:00,180.5W
            2026-06-16T00:00:00z,
            """
        #expect(
            try points("series", text)
                == .series(
                    Series([
                        Series.Point(seconds: 1_781_560_800, power: .watts(240)),
                        Series.Point(seconds: 1_781_564_400, power: Microwatts(180_500_000)),
                        Series.Point(seconds: 1_781_568_000, power: nil),
                    ])))
    }

    @Test(
        "P11: what is wrong is said with its line, and what would be right",
        arguments: [
            ("schedule", "", "has no line with a value"), ("schedule", "# x\n\n", "has no line with a value"),
            ("schedule", "Period,Power\n", "has no line with a value"),
            ("schedule", "08:00-18:00", "line 1: it has 1 field"),
            ("schedule", "#\n08:00-18:00,80W,x", "line 2: it has 3 fields"),
            ("schedule", "8:00-18:00,80W", "line 1: \"8:00-18:00\" is no period"), ("schedule", "08:00,80W", "is no period"),
            ("schedule", "08:00-25:00,80W", "is no period"), ("schedule", "08:00-08:00,80W", "is no period"),
            ("schedule", "24:00-08:00,80W", "is no period"), ("schedule", "00:00-00:00,80W", "is no period"),
            ("schedule", "Mon-Fry 08:00-18:00,80W", "is no period"), ("schedule", "mon 08:00-18:00,80W", "is no period"),
            ("schedule", "Mon-Tue-Wed 08:00-18:00,80W", "is no period"), ("schedule", "Mon- 08:00-18:00,80W", "is no period"),
            ("schedule", "Mon Tue 08:00-18:00,80W", "is no period"), ("schedule", "<html>8</html>,80W", "is no period"),
            ("schedule", "08:00-18:00,", "line 1: value=\"\" is empty"), ("schedule", "08:00-18:00,-1W", "is negative"),
            ("schedule", "08:00-18:00,NaN", "value=\"NaN\" is not a power"), ("schedule", "08:00-18:00,1e2W", "is not a power"),
            // Without a unit: 240 microwatts.
            ("schedule", "08:00-18:00,240", "value=\"240\" is below 1 W"),
            ("schedule", "08:00-18:00,180.5", "is finer than 1 uW"),
            ("schedule", "08:00-18:00,300.000001W", "is above MAX_SOURCE, 300 W"),
            ("schedule", "08:00-18:00,8W\n# x\n17:00-19:00,9W", "line 3: it is at the same time as line 1"),
            ("series", "2026-06-15T22:00:00,80W", "line 1: \"2026-06-15T22:00:00\" is no time"),
            ("series", "2026-06-15T22:00Z,80W", "is no time"), ("series", "2026-02-30T22:00:00Z,80W", "is no time"),
            ("series", "1781560800,80W", "is no time"),
            ("series", "2026-06-15T22:00:00Z,80W\n2026-06-15T22:00:00Z,80W", "line 2: \"2026-06-15T22:00:00Z\" is not later"),
            ("series", "2026-06-15T22:00:00Z,80W\n2026-06-15T23:00:00+02:00,80W", "is not later than the line before it"),
        ] as [(String, String, String)])
    func mistakes(_ source: String, _ text: String, _ words: String) {
        let problem = #expect(throws: DataProblem.self) { try points(source, text) }
        #expect(problem?.words.contains(words) == true, "\(problem?.words ?? "none")")
        #expect(problem?.words.contains("\n") == false)
    }

    @Test("P11: a column that isn't there is refused with those that are, and one without names with how to name it")
    func noColumn() {
        let other = #expect(throws: DataProblem.self) { try points("schedule", "Period,Volume,Price\n", column: "Power") }
        #expect(
            other?.words
                == "has a mistake in line 1: SOURCE_COLUMN, \"Power\", is none of its names: there are \"Volume\", \"Price\"")
        let none = #expect(throws: DataProblem.self) { try points("schedule", "08:00-18:00,80W", column: "Power") }
        #expect(none?.words.hasSuffix("write `time,Power` before it") == true)
        let short = #expect(throws: DataProblem.self) {
            try points("schedule", "Period,x,Power\n08:00-18:00,1W", column: "Power")
        }
        #expect(short == .line(2, .columns(2)))
    }

    @Test("with a map the values are signals: numbers of any sign, and none where there is nothing, NaN or null")
    func signals() throws {
        let text = """
            time,carbon
            2026-06-15T22:00:00Z,100
            2026-06-15T23:00:00Z,-12.5
            2026-06-16T00:00:00Z,
            2026-06-16T01:00:00Z,NaN
            2026-06-16T02:00:00Z,250
            2026-06-16T03:00:00Z,null
            """
        guard case .series(let series) = try points("series", text, map: "100:300W,400:80W") else {
            Issue.record("no series")
            return
        }
        let data = (0..<6).map { series.datum(at: 1_781_560_800 + $0 * 3_600) }
        #expect(data[0] == .power(.watts(300), signal: 100) && data[1] == .power(.watts(300), signal: -12.5))
        #expect(data[4] == .power(.watts(190), signal: 250))
        for index in [2, 3, 5] { if case .power = data[index] { Issue.record("\(index) has a power") } }
    }

    @Test("the original's volumes are shares of the day's largest in a schedule, as they were with it")
    func volumes() throws {
        let text = "Period,Volume (MWh),Price (€/MWh)\n00:00-00:15,70.0,10.00\n00:15-00:30,35,11.25\n23:45-24:00,0,12\n"
        guard case .schedule(let schedule) = try points("schedule", text, column: "Volume (MWh)", map: "share") else {
            Issue.record("no schedule")
            return
        }
        let watts = [(0, 0), (0, 20), (23, 50)].map {
            schedule.datum(at: LocalTime(year: 2026, month: 6, day: 16, hour: $0, minute: $1))
        }
        #expect(watts == [.power(.watts(300), signal: 70), .power(.watts(150), signal: 35), .power(.zero, signal: 0)])
    }

    @Test(
        "P11: with a map a value that is no number is refused with its line",
        arguments: [
            ("series", "2026-06-15T22:00:00Z,80W", "line 1: value=\"80W\" is not a number"),
            ("series", "2026-06-15T22:00:00Z,1e3", "is not a number"), ("series", "2026-06-15T22:00:00Z,--1", "is not a number"),
            ("series", "2026-06-15T22:00:00Z,inf", "is not a number"),
            ("schedule", "08:00-18:00,", "line 1: value=\"\" is empty"),
            ("series", "2026-06-15T22:00:00Z,1\n2026-06-15T22:00:00Z,2", "line 2: \"2026-06-15T22:00:00Z\" is not later"),
            ("series", "time,carbon\n", "has no line with a value"),
        ] as [(String, String, String)])
    func signalMistakes(_ source: String, _ text: String, _ words: String) {
        let problem = #expect(throws: DataProblem.self) { try points(source, text, map: "100:300W,400:80W") }
        #expect(problem?.words.contains(words) == true, "\(problem?.words ?? "none")")
    }

    @Test("bytes that are no text, and too many of them, are refused")
    func noText() {
        #expect(throws: DataProblem.line(1, .notText)) { try points("series", [0xFF, 0xFE, 0x30, 0x0A]) }
        #expect(throws: DataProblem.tooLarge) { try points("series", [UInt8](repeating: 0x23, count: 1 << 20 + 1)) }
        #expect(throws: DataProblem.empty) { try points("series", [UInt8](repeating: 0x23, count: 1 << 20)) }
    }

    @Test("whatever bytes come, they are data or a sentence")
    func anything() {
        var generator = SeededGenerator(seed: 11)
        let parts = [
            "08:00-18:00", ",", "80W", "\n", "Mon-Fri ", "2026-06-15T22:00:00Z", "24:00", "-", ":", "\u{FEFF}", "\r", "#", "é",
            " ",
        ]
        for _ in 0..<5_000 {
            var bytes: [UInt8] = []
            for _ in 0..<Int.random(in: 0...12, using: &generator) {
                bytes += Array(parts.randomElement(using: &generator)!.utf8)
            }
            if !bytes.isEmpty, Bool.random(using: &generator) {
                bytes[Int.random(in: bytes.indices, using: &generator)] = UInt8.random(in: 0...255, using: &generator)
            }
            for source in ["schedule", "series"] {
                do { _ = try points(source, bytes) } catch {
                    #expect((error as? DataProblem).map { !$0.words.isEmpty && !$0.words.contains("\n") } == true)
                }
            }
        }
    }

    @Test("a year of quarter hours fits into a file")
    func year() throws {
        var lines = ""
        for quarter in 0..<35_040 { lines += "\(Timestamps.text(1_767_225_600 + Int64(quarter) * 900)),240W\n" }
        guard case .series(let series) = try points("series", lines) else {
            Issue.record("no series")
            return
        }
        #expect(series.datum(at: 1_767_225_600 + 35_039 * 900) == .power(.watts(240), signal: nil))
    }
}

/// Times as a series has them.
enum Timestamps {
    static func text(_ seconds: Int64) -> String {
        Date(timeIntervalSince1970: TimeInterval(seconds)).ISO8601Format()
    }
}

extension ProcessTimeZone {
    /// Days of 23 and 25 hours.
    struct SourceDayTests {
        private func plan(_ points: SourceData.Points, _ day: LocalDay, _ source: SourceName) -> [(clock: String, watts: UInt64)]
        {
            var configuration = Configuration()
            (configuration.policy.source, configuration.policy.maxSource) = (source, .watts(300))
            let plan = Plan(configuration, [.test()], data: SourceData(points), first: day, days: 1, step: .hour)
            return plan.map { (String(Instant($0.moment.seconds).text.dropFirst(11)), $0.source.rawValue / 1_000_000) }
        }

        private static let spring = LocalDay(year: 2026, month: 3, day: 29)
        private static let autumn = LocalDay(year: 2026, month: 10, day: 25)

        @Test("a schedule follows the clock on the wall through the hour that is left out, and the one that comes twice")
        func schedule() throws {
            Clock.setTimeZone("Europe/Berlin")
            let points = try points("schedule", "00:00-02:00,80W\n02:00-03:00,120W\n03:00-24:00,200W\n")
            let spring = plan(points, Self.spring, .schedule)
            #expect(spring.count == 23)
            #expect(spring[1].clock == "01:00:00+01:00" && spring[1].watts == 80)
            #expect(spring[2].clock == "03:00:00+02:00" && spring[2].watts == 200)
            let autumn = plan(points, Self.autumn, .schedule)
            #expect(autumn.count == 25)
            #expect(autumn[2].clock == "02:00:00+02:00" && autumn[2].watts == 120)
            #expect(autumn[3].clock == "02:00:00+01:00" && autumn[3].watts == 120)
            #expect(autumn[4].watts == 200)
        }

        @Test(
            "P15: every line of a plan is what a run has in force then, which decides at each step", arguments: [60, 900, 3_600])
        func inForce(_ step: UInt64) throws {
            Clock.setTimeZone("Europe/Berlin")
            let start = Self.spring.start
            let series =
                "\(Timestamps.text(start + 77)),90W\n\(Timestamps.text(start + 20_001)),150W\n\(Timestamps.text(start + 33_333)),40W"
            for (source, text) in [
                (SourceName.schedule, "00:00-01:23,80W\n03:01-17:07,200W\n23:59-24:00,50W"), (.series, series),
            ] {
                var configuration = Configuration()
                (configuration.policy.source, configuration.policy.maxSource) = (source, .watts(300))
                (configuration.policy.onStale, configuration.stabilisationTime) = (.power(.watts(60)), Milliseconds(7_777))
                let data = SourceData(try points(source.rawValue, text))
                let plan = Plan(configuration, [.test()], data: data, first: Self.spring, days: 1, step: .seconds(step))
                let followed = powerSource(for: configuration.policy, data: data)
                var (at, next): (Int64, Int64?) = (start, start)
                var last: Decision?
                for line in plan {
                    while let due = next, due <= line.moment.seconds {
                        at = due
                        let reading = followed.reading(at: Moment(seconds: at))
                        last = decide(devices: [.test()], policy: configuration.policy, reading: reading, last: last)
                        next = followed.nextStep(after: Moment(seconds: at))
                    }
                    try #require(line.decision == last)
                }
            }
        }

        @Test("a series goes by real time, whatever the clock on the wall does")
        func series() throws {
            Clock.setTimeZone("Europe/Berlin")
            let start = Self.autumn.start
            let lines = (0..<26).map { "\(Timestamps.text(start + Int64($0) * 3_600)),\($0 + 1)W\n" }.joined()
            let autumn = plan(try points("series", lines), Self.autumn, .series)
            #expect(autumn.map(\.watts) == Array(1...25))
        }

        @Test("the next step of a schedule is found though the clocks change before it")
        func stepOverChange() throws {
            Clock.setTimeZone("Europe/Berlin")
            let source = powerSource(
                for: .test { ($0.source, $0.maxSource) = (.schedule, .watts(300)) },
                data: SourceData(try points("schedule", "00:00-03:00,80W\n03:00-24:00,200W\n")))
            for day in [Self.spring, Self.autumn] {
                var (at, changes): (Int64, [String]) = (day.start, [])
                while at < day.adding(days: 1).start {
                    let next = try #require(source.nextStep(after: Moment(seconds: at)))
                    if source.reading(at: Moment(seconds: next)).power != source.reading(at: Moment(seconds: at)).power {
                        changes.append(String(Instant(next).text.dropFirst(11)))
                    }
                    at = next
                }
                #expect(
                    changes
                        == (day == Self.spring ? ["03:00:00+02:00", "00:00:00+02:00"] : ["03:00:00+01:00", "00:00:00+01:00"]))
            }
        }
    }
}
