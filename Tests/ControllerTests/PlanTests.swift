import Foundation
import LinuxSystem
import PowercapProtocol
import TestSupport
import Testing

@testable import Policy
@testable import Text
@testable import powercap_controller

private func plan(
    _ first: LocalDay, days: Int = 1, step: UInt64 = 3_600, devices: [Device] = [.test(0)],
    _ change: (inout Configuration) -> Void = { _ in }
) -> Plan {
    var configuration = Configuration()
    change(&configuration)
    return Plan(configuration, devices, first: first, days: days, step: .seconds(step))
}

private func text(_ body: (inout Output) throws(Errno) -> Void) throws -> String {
    var output = Output()
    try body(&output)
    return String(decoding: output.bytes, as: UTF8.self)
}

extension ProcessTimeZone {
    struct DayTests {
        @Test(
            "a day is as long as the clocks make it",
            arguments: [
                ("UTC", LocalDay(year: 2026, month: 3, day: 29), 24),
                ("Europe/Paris", LocalDay(year: 2026, month: 3, day: 28), 24),
                ("Europe/Paris", LocalDay(year: 2026, month: 3, day: 29), 23),
                ("Europe/Paris", LocalDay(year: 2026, month: 10, day: 25), 25),
                // Midnight is left out, and comes twice.
                ("America/Havana", LocalDay(year: 2026, month: 3, day: 8), 23),
                ("America/Havana", LocalDay(year: 2026, month: 11, day: 1), 25),
                ("Australia/Sydney", LocalDay(year: 2026, month: 12, day: 31), 24),
                // Samoa crossed the date line and had no 30 December.
                ("Pacific/Apia", LocalDay(year: 2011, month: 12, day: 29), 24),
            ])
        func length(_ zone: String, _ day: LocalDay, _ hours: Int64) {
            Clock.setTimeZone(zone)
            #expect(day.adding(days: 1).start - day.start == hours * 3_600)
            #expect(LocalDay(.at(day.start)) == day)
            #expect(LocalDay(.at(day.start - 1)) != day)
        }

        @Test("Lord Howe's clocks change by half an hour")
        func halfHour() {
            Clock.setTimeZone("Australia/Lord_Howe")
            let day = LocalDay(year: 2026, month: 10, day: 4)
            #expect(day.adding(days: 1).start - day.start == 23 * 3_600 + 1_800)
        }

        @Test("a day where midnight is left out begins at 01:00")
        func missingMidnight() {
            Clock.setTimeZone("America/Havana")
            let local = Clock.local(LocalDay(year: 2026, month: 3, day: 8).start)
            #expect(local.hour == 1 && local.minute == 0 && local.day == 8)
        }

        @Test("a day that a zone left out begins where the next one does")
        func missingDay() {
            Clock.setTimeZone("Pacific/Apia")
            // mktime(3) remembers the last offset it met, and answers for the missing day with one side or the other by it.
            _ = Clock.seconds(of: Clock.Local(year: 2011, month: 7, day: 1))
            let next = LocalDay(year: 2011, month: 12, day: 31)
            #expect(LocalDay(year: 2011, month: 12, day: 30).start == next.start)
            #expect(Clock.local(next.start).hour == 0)
        }

        @Test("a plan steps in real time from local midnight on, through the hours that come twice or not at all")
        func steps() {
            Clock.setTimeZone("Europe/Paris")
            let spring = plan(LocalDay(year: 2026, month: 3, day: 29)).map(\.moment.local.hour)
            #expect(spring == [0, 1] + Array(3...23))
            let autumn = plan(LocalDay(year: 2026, month: 10, day: 25)).map(\.moment.local.hour)
            #expect(autumn == [0, 1, 2] + Array(2...23))
            let days = Array(plan(LocalDay(year: 2026, month: 12, day: 31), days: 2, step: 43_200))
            #expect(days.map(\.moment.local.day) == [31, 31, 1, 1])
            #expect(days.last?.moment.local.year == 2027)
        }

        @Test(
            "where the clocks change, a plan's time stamps have no gap and no duplicate, and the next day goes on from there",
            arguments: [
                ("Europe/Berlin", "2026-03-29"), ("Europe/Berlin", "2026-10-25"), ("America/New_York", "2026-03-08"),
                ("America/New_York", "2026-11-01"), ("America/Havana", "2026-03-08"), ("America/Havana", "2026-11-01"),
                ("Australia/Lord_Howe", "2026-04-05"), ("Australia/Lord_Howe", "2026-10-04"), ("UTC", "2016-12-31"),
            ])
        func timeStamps(_ zone: String, _ date: String) throws {
            Clock.setTimeZone(zone)
            let day = try #require(LocalDay(date))
            let csv = try text { output throws(Errno) in try plan(day, days: 2, step: 900).writeCSV(to: &output) }
            let stamps = csv.split(separator: "\n").dropFirst().map { $0.prefix { $0 != "," } }
            // Read by what is written, offset included, and by nothing of ours.
            let reader = ISO8601DateFormatter()
            let times = try stamps.map { Int64(try #require(reader.date(from: String($0))).timeIntervalSince1970) }
            #expect(times == Array(stride(from: day.start, to: day.adding(days: 2).start, by: 900)))
            #expect(Set(stamps).count == stamps.count)
        }

        @Test("the curve follows the clock on the wall, so its noon is at 12:00 on both sides of the change")
        func noon() {
            Clock.setTimeZone("Europe/Paris")
            for day in 28...30 {
                let first = LocalDay(year: 2026, month: 3, day: Int32(day))
                let brightest = plan(first, devices: [.test(0)]).max { $0.source < $1.source }
                #expect(brightest?.moment.local.hour == 12)
                #expect(brightest?.source == .watts(40))
            }
        }
    }

    struct PlanTests {
        static func twoSockets() throws -> [Device] {
            Device.all(in: try ZoneFile.read(Fixture.path("zones/two-sockets-psys.json")))
        }

        @Test("the plan of a day on which the clocks change is the golden one, as a table, as CSV and as JSON")
        func golden() throws {
            Clock.setTimeZone("Europe/Paris")
            let plan = plan(LocalDay(year: 2026, month: 3, day: 29), devices: try Self.twoSockets()) {
                ($0.policy.maxSource, $0.timeZone, $0.policy.shortTerm) = (.watts(400), "Europe/Paris", .scaled)
            }
            try Fixture.expect(
                text { output throws(Errno) in try plan.writeCSV(to: &output) }, isGolden: "plan/spring-two-sockets.csv")
            try Fixture.expect(
                text { output throws(Errno) in try plan.writeTable(to: &output, columns: nil) },
                isGolden: "plan/spring-two-sockets.txt")
            try Fixture.expect(
                text { output throws(Errno) in try plan.writeJSON(to: &output) }, isGolden: "plan/spring-two-sockets.json")
        }

        /// A package of 150 W and a GPU of 300 W, whose limits have steps of their own.
        private static let mixed = [
            ("package-0", DeviceKind.package, UInt64(150), Microwatts.step), ("amdgpu:0000:03:00.0", .gpu, 300, .watts(1)),
        ]
        .map { name, kind, most, step in
            Device(
                name: DeviceName(name), kind: kind, zone: name, constraint: "power1_cap", reference: .watts(most), step: step,
                longTerm: Device.LimitRange(index: 0, floor: .watts(20), ceiling: .watts(most), original: .watts(most)),
                shortTerm: nil)
        }

        @Test(
            "a plan over packages and GPUs under the server's limit is the golden one: what is left of it beside the assumed rest, by weights"
        )
        func kinds() throws {
            Clock.setTimeZone("UTC")
            var configuration = Configuration()
            (configuration.policy.maxSource, configuration.policy.govern, configuration.policy.weights) = (
                .watts(500), [.rapl, .gpu], KindWeights(gpu: 2)
            )
            configuration.policy.budgetScope = .server
            let plan = Plan(
                configuration, Self.mixed, rest: .watts(120), first: LocalDay(year: 2026, month: 6, day: 21), days: 1,
                step: .seconds(7_200))
            try Fixture.expect(text { output throws(Errno) in try plan.writeCSV(to: &output) }, isGolden: "plan/kinds.csv")
            try Fixture.expect(
                text { output throws(Errno) in try plan.writeTable(to: &output, columns: nil) }, isGolden: "plan/kinds.txt")
            try Fixture.expect(text { output throws(Errno) in try plan.writeJSON(to: &output) }, isGolden: "plan/kinds.json")
            for line in plan {
                let together = line.decision.devices.map(\.longTerm).reduce(.zero, +)
                #expect(together <= line.decision.nodeLimit)
                #expect(line.decision.nodeLimit == max(.watts(40), min(.watts(450), line.source - .watts(120))))
            }
        }

        @Test("a shaped plan under the server's limit leaves the rest as much as one that isn't")
        func shapedServer() {
            Clock.setTimeZone("UTC")
            var configuration = Configuration()
            (configuration.policy.source, configuration.policy.maxSource, configuration.policy.govern) = (
                .constant, .watts(400), [.rapl, .gpu]
            )
            (configuration.policy.budgetScope, configuration.policy.rampUp) = (.server, .watts(1))
            let plan = Plan(
                configuration, Self.mixed, rest: .watts(120), first: LocalDay(year: 2026, month: 6, day: 21), days: 1,
                step: .seconds(3_600))
            #expect(Array(plan).last?.decision.nodeLimit == .watts(280))
        }

        @Test("a plan's decisions are those of decide(), moment by moment")
        func decisions() {
            Clock.setTimeZone("UTC")
            let plan = plan(LocalDay(year: 2026, month: 6, day: 21), devices: [.test(0), .test(1)]) {
                $0.policy.maxSource = .watts(300)
            }
            var hour: Int32 = 0
            for line in plan {
                let decision = line.decision
                #expect(line.moment.local.hour == hour)
                #expect(line.source == decision.source)
                let reading = powerSource(for: plan.configuration.policy).reading(at: .test(hour))
                #expect(decision == decide(devices: plan.devices, policy: plan.configuration.policy, reading: reading))
                hour += 1
            }
            #expect(hour == 24)
        }

        @Test(
            "P15: every line is what a run that makes every decision has in force then, whatever the step",
            arguments: [
                (300_000, 900), (60_000, 1_800), (300_000, 60), (300_000, 300), (1_000, 86_400), (420_000, 900), (1_500, 1),
                (86_400_000, 3_600), (7_777, 60),
            ] as [(UInt64, UInt64)])
        func inForce(_ stabilisation_ms: UInt64, _ step: UInt64) throws {
            Clock.setTimeZone("UTC")
            let plan = plan(LocalDay(year: 2026, month: 6, day: 21), step: step, devices: [.test(0), .test(1, reference: 90)]) {
                ($0.policy.maxSource, $0.stabilisationTime) = (.watts(250), Milliseconds(stabilisation_ms))
            }
            let source = powerSource(for: plan.configuration.policy)
            var (last, next_ms): (Decision?, UInt64) = (nil, 0)
            for line in plan.prefix(10_000) {
                while Int64(next_ms) <= (line.moment.seconds - plan.startSeconds) * 1_000 {
                    let moment = Moment(
                        seconds: plan.startSeconds + Int64(next_ms / 1_000), nanoseconds: UInt32(next_ms % 1_000) * 1_000_000)
                    last = decide(
                        devices: plan.devices, policy: plan.configuration.policy, reading: source.reading(at: moment),
                        last: last)
                    next_ms += stabilisation_ms
                }
                try #require(line.decision == last, "\(line.moment)")
                try #require(line.source == source.reading(at: line.moment).power)
            }
        }

        @Test(
            "a table says how often is decided and what its lines show",
            arguments: [
                (300, "a decision every 5 min;"), (1_800, "a decision every 5 min, shown every 30 min: the one then in force;"),
            ])
        func cadence(_ step: UInt64, _ words: String) throws {
            Clock.setTimeZone("UTC")
            let table = try text { output throws(Errno) in
                try plan(LocalDay(year: 2026, month: 1, day: 1), step: step).writeTable(to: &output, columns: nil)
            }
            #expect(table.split(separator: "\n").prefix(4).joined(separator: " ").contains(words))
        }

        @Test("below a minute every line of a table has a time of its own")
        func seconds() throws {
            Clock.setTimeZone("UTC")
            let table = try text { output throws(Errno) in
                try plan(LocalDay(year: 2026, month: 1, day: 1), step: 90).writeTable(to: &output, columns: nil)
            }
            let times = table.split(separator: "\n").map { $0.prefix(8) }.filter {
                $0.contains(":") && $0.first?.isNumber == true
            }
            #expect(times.prefix(3) == ["00:00:00", "00:01:30", "00:03:00"])
            #expect(Set(times).count == 960)
        }

        @Test("a table is as wide as the terminal, says how many packages have no room, and is whole in a pipe", arguments: 1...8)
        func width(_ count: Int) throws {
            Clock.setTimeZone("Europe/Paris")
            let devices = (0..<count).map { Device.test(UInt32($0)) }
            for days in [1, 2] {
                let plan = plan(LocalDay(year: 2026, month: 3, day: 1), days: days, devices: devices) {
                    $0.policy.maxSource = .watts(1_400)
                }
                func table(_ columns: Int?) throws -> [Substring] {
                    try text { output throws(Errno) in try plan.writeTable(to: &output, columns: columns) }.split(separator: "\n")
                }
                let narrow = try table(80)
                for line in narrow { #expect(line.utf8.count <= 80, "\(line)") }
                let shown = narrow.first { $0.hasPrefix("time") }?.split(separator: " ").count { $0.hasPrefix("package-") } ?? 0
                #expect(shown >= min(count, days == 1 ? 4 : 2))
                let left = count - shown
                #expect(narrow.contains { $0.hasPrefix("\(left) more package") } == (left > 0))
                for line in try table(nil) where line.hasPrefix("time") { #expect(line.contains("package-\(count - 1)")) }
                #expect(
                    try table(nil).count
                        == 24 * days + narrow.prefix { !$0.hasPrefix("time") }.count + 1 - (left > 0 ? 1 : 0) + 1,
                    "the last line is energy")
            }
        }

        @Test(
            "days can be named", arguments: [("yesterday", -1), ("today", 0), ("tomorrow", 1)])
        func namedDays(_ name: String, _ days: Int) throws {
            Clock.setTimeZone("Pacific/Auckland")
            let now = Moment(seconds: 1_780_000_000)
            #expect(try PlanFlags.date.kind.parse(name).day(at: now) == LocalDay(now.local).adding(days: days))
            #expect(PlanFlags.date.kind.show(try PlanFlags.date.kind.parse(name)) == name)
        }

        @Test(
            "times have the zone's offset, west and east of Greenwich",
            arguments: [
                ("America/St_Johns", "2026-01-01T00:00:00-03:30"), ("Asia/Kathmandu", "2026-01-01T00:00:00+05:45"),
                ("UTC", "2026-01-01T00:00:00+00:00"),
            ])
        func offsets(_ zone: String, _ expected: String) throws {
            Clock.setTimeZone(zone)
            let csv = try text { output throws(Errno) in
                try plan(LocalDay(year: 2026, month: 1, day: 1), step: 86_400).writeCSV(to: &output)
            }
            #expect(
                csv
                    == "time,source_uw,signal,node_limit_uw,package-0_long_term_uw,package-0_short_term_uw,reason,package-0_reason\n"
                    + "\(expected),0,,10000000,10000000,10000000,floor,floor\n")
        }
    }

    struct ChartTests {
        private func svg(_ days: Int = 1, devices: [Device], _ maxSource: Microwatts, step: UInt64 = 900) -> String {
            Clock.setTimeZone("Europe/Paris")
            return PlanChart(
                plan(LocalDay(year: 2026, month: 3, day: 29), days: days, step: step, devices: devices) {
                    ($0.policy.maxSource, $0.timeZone, $0.policy.raplMinPower) = (maxSource, "Europe/Paris", .watts(1))
                }
            ).svg
        }

        @Test("a chart has its title, its axes with units, and a line and a legend for everything on it")
        func content() {
            let svg = svg(devices: [.test(0, reference: 200), .test(1, reference: 100)], .watts(280))
            for text in [
                "Power plan, 2026-03-29, Europe/Paris",
                "solar source, peak 280 W, alpha 4; a decision every 5 min, shown every 15 min: the one then in force",
                "power (W)",
                "local time (UTC+01:00, then UTC+02:00)", "source", "node limit", "package-0", "package-1", "node floor, 2 W",
                "node ceiling, 300 W", "00:00", "12:00", "24:00", "300",
            ] { #expect(svg.contains(">\(text)</text>"), "\(text)") }
            #expect(svg.hasPrefix("<svg xmlns=\"http://www.w3.org/2000/svg\""))
            #expect(svg.hasSuffix("</svg>\n"))
            #expect(!svg.contains("nan") && !svg.contains("inf"))
        }

        @Test("packages with the same limits are one line with one entry")
        func equalPackages() {
            let eight = svg(devices: (0..<8).map { .test(UInt32($0)) }, .watts(1_000))
            #expect(eight.contains(">package-0 and 7 others, each</text>"))
            #expect(!eight.contains(">package-1</text>"))
        }

        @Test("eight different packages have eight entries, none upon another")
        func eightPackages() {
            let svg = svg(devices: (0..<8).map { .test(UInt32($0), reference: 100 + UInt64($0) * 30) }, .watts(1_400))
            var places: Set<Substring> = []
            for number in 0..<8 {
                let entry = svg.split(separator: "\n").first { $0.hasSuffix(">package-\(number)</text>") }
                places.insert(entry?.prefix { $0 != ">" } ?? "")
            }
            #expect(places.count == 8)
        }

        @Test("a ceiling far above the curve is in the legend, and does not press the curve flat")
        func farCeiling() {
            let svg = svg(devices: [.test(0, reference: 400)], .watts(40))
            #expect(svg.contains(">node ceiling, 400 W (above this chart)</text>"))
            #expect(!svg.contains(">400</text>"))
        }

        @Test(
            "the scale of power ends at a round number just above what it shows",
            arguments: [
                (.watts(5), "5", "W", 5), (.watts(6), "6", "W", 6), (.watts(1_540), "1600", "W", 8), (.watts(410), "500", "W", 5),
                (.watts(100_000), "100", "kW", 5), (.watts(1_000_000), "1000", "kW", 5), (Microwatts(1_200_000), "1.2", "W", 6),
                (Microwatts(1), "0.000001", "W", 1),
            ] as [(Microwatts, String, String, Int)])
        func axis(_ highest: Microwatts, _ top: String, _ unit: String, _ steps: Int) {
            let axis = PowerAxis(covering: highest)
            #expect(axis.label(axis.top) == top)
            #expect(axis.unit == unit)
            #expect(axis.ticks.count == steps + 1)
        }

        @Test("a month in steps of a minute stays a small file")
        func month() {
            let svg = svg(31, devices: [.test(0), .test(1, reference: 100)], .watts(280), step: 60)
            #expect(svg.utf8.count < 200_000)
            #expect(svg.contains(">29 Mar</text>") && svg.contains(">28 Apr</text>"))
        }
    }
}

struct OutputTests {
    @Test("numbers, watts and strings are written as they must be read")
    func forms() throws {
        var output = Output()
        output.append(UInt64.max)
        output.append(" ")
        output.append(UInt64(0))
        output.append(watts: Microwatts(1_234_567_899), width: 10)
        output.append(watts: .zero, width: 7)
        output.append(json: "a\"b\\c\n\u{1F}é")
        let expected = "18446744073709551615 0" + "  1234.567" + "  0.000" + #""a\"b\\c\u000a\u001fé""#
        #expect(String(decoding: output.bytes, as: UTF8.self) == expected)
    }
}
