import LinuxSystem
import PowercapProtocol
import TestSupport
import Testing

@testable import Policy
@testable import powercap_controller

/// Ends of overrides, at noon of 2026-11-26.
struct OverrideEndTests {
    private static let noon = Clock.Wall(seconds: 1_795_694_400)
    private static let (before, after) = ("2026-11-26T11:59:59Z", "2026-11-26T12:00:01Z")

    private func at(_ seconds: Int64, _ nanoseconds: UInt32 = 0) -> Clock.Wall {
        Clock.Wall(seconds: OverrideEndTests.noon.seconds + seconds, nanoseconds: nanoseconds)
    }

    private func limit(_ value: String, until: String? = nil) -> [String: String] {
        ["powercap.dev/limit": value, "powercap.dev/limit-until": until].compactMapValues { $0 }
    }

    /// What the last of these states of a Node asks for at noon, each of them seen then.
    private func read(_ states: [String: String]...) -> OverrideReading {
        var reader = OverrideReader()
        var result = OverrideReading()
        for annotations in states { result = reader.read(annotations, at: OverrideEndTests.noon) }
        return result
    }

    @Test("an override holds up to its end and not from there on, however often it is looked at")
    func ends() {
        for (annotations, held) in [
            (limit("90W", until: OverrideEndTests.after), Overrides(limit: .watts(90))),
            (["powercap.dev/paused": "true", "powercap.dev/paused-until": "2026-11-26T13:00:01+01:00"], Overrides(paused: true)),
        ] {
            var reader = OverrideReader()
            let first = reader.read(annotations, at: at(0))
            #expect(first.wishes == held && first.rejected.isEmpty)
            #expect(first.nextEnd == at(1))
            #expect(reader.reading(at: at(0, 999_999_999)).wishes == held)
            let last = reader.reading(at: at(1))
            #expect(last.wishes == Overrides() && last.rejected.isEmpty && last.nextEnd == nil)
            #expect(last.timed.map(\.isOver) == [true])
            #expect(reader.reading(at: at(1)) == last)
            // The annotation stays, and the end has passed: also where something else changes, and after a restart.
            #expect(reader.read(annotations, at: at(5)) == last)
            var restarted = OverrideReader()
            #expect(restarted.read(annotations, at: at(5)) == last)
        }
    }

    @Test("an end is the wall clock's: where that is set back the override holds again, and where it is set on it has ended")
    func clock() {
        var reader = OverrideReader()
        _ = reader.read(limit("90W", until: OverrideEndTests.after), at: at(0))
        #expect(reader.reading(at: at(86_400)).wishes == Overrides())
        #expect(reader.reading(at: at(-86_400)).wishes == Overrides(limit: .watts(90)))
        #expect(reader.reading(at: at(-86_400)).nextEnd == at(1))
    }

    @Test("an end without its override means nothing, and neither has one that asks for nothing")
    func nothingToEnd() {
        for annotations in [
            ["powercap.dev/limit-until": OverrideEndTests.before], ["powercap.dev/limit-until": "x"],
            ["powercap.dev/paused-until": OverrideEndTests.after, "powercap.dev/paused": "false"],
            ["powercap.dev/paused-until": "x", "powercap.dev/paused": "false"],
        ] { #expect(read(annotations) == OverrideReading(), "\(annotations)") }
        // What has no end takes none.
        let floor = ["powercap.dev/min-power": "15W", "powercap.dev/min-power-until": OverrideEndTests.before]
        #expect(read(floor).wishes == Overrides(minPower: .watts(15)))
        // Each has its own.
        var both = limit("90W", until: OverrideEndTests.before)
        both["powercap.dev/paused"] = "true"
        both["powercap.dev/paused-until"] = OverrideEndTests.after
        #expect(read(both).wishes == Overrides(paused: true))
    }

    @Test(
        "P16: an end that can't be read is none, and is told with what would be valid",
        arguments: [
            ("", "is empty"), ("tomorrow", "is not a point in time"), ("2026-11-26", "is not a point in time"),
            ("2026-11-26T11:59:59", "is not a point in time"), ("2026-13-26T11:59:59Z", "is not a point in time"),
            ("1969-11-26T11:59:59Z", "is not a point in time"), ("1h", "is not a point in time"),
            ("2026-11-26T11:59:59Z\nevil", "is not a point in time"),
        ])
    func bad(_ until: String, _ why: String) throws {
        for states in [[limit("90W", until: until)], [limit("90W", until: OverrideEndTests.after), limit("90W", until: until)]] {
            var reader = OverrideReader()
            for state in states { _ = reader.read(state, at: at(0)) }
            let reading = reader.reading(at: at(1_000_000_000))
            #expect(reading.wishes == Overrides(limit: .watts(90)))
            let rejected = try #require(reading.rejected.first)
            #expect(reading.rejected.count == 1)
            #expect(rejected.annotation == "powercap.dev/limit-until" && rejected.value == until)
            #expect(rejected.why.hasPrefix("powercap.dev/limit-until=\"") && rejected.why.contains("\" \(why): give one in UTC"))
            #expect(!rejected.why.contains("\n"))
            #expect(rejected.instead == "powercap.dev/limit=\"90W\" has no end until that is put right")
        }
    }

    @Test("P16: a bad end doesn't bring back what has ended, and a new order with a bad end holds")
    func badEndAfterEnd() {
        let (over, bad) = (limit("200W", until: OverrideEndTests.before), limit("200W", until: "x"))
        #expect(read(over, bad).wishes == Overrides())
        #expect(read(over, bad).rejected.map(\.instead) == ["powercap.dev/limit=\"200W\" stays ended"])
        #expect(read(over, bad, limit("200W", until: "y")).wishes == Overrides())
        #expect(read(over, bad, limit("90W", until: "x")).wishes == Overrides(limit: .watts(90)))
        #expect(read(over, bad, limit("200W", until: OverrideEndTests.after)).wishes == Overrides(limit: .watts(200)))
        // Without any end it is an order like any other.
        #expect(read(over, limit("200W")).wishes == Overrides(limit: .watts(200)))
        // Nobody knows after a restart.
        #expect(read(bad).wishes == Overrides(limit: .watts(200)))
    }

    @Test("P16: what a bad value leaves in force ends at the end that stands beside it, and what has ended isn't left in force")
    func badValue() {
        let (good, bad) = (limit("60W", until: OverrideEndTests.after), limit("60 X", until: OverrideEndTests.after))
        var reader = OverrideReader()
        _ = reader.read(good, at: at(0))
        let held = reader.read(bad, at: at(0))
        #expect(held.wishes == Overrides(limit: .watts(60)) && held.rejected.map(\.instead) == ["60W holds, as before"])
        #expect(reader.reading(at: at(1)).wishes == Overrides())
        #expect(reader.reading(at: at(1)).rejected.isEmpty)
        // It was over when it was misspelt.
        let ignored = read(limit("60W", until: OverrideEndTests.before), bad)
        #expect(ignored.wishes == Overrides())
        #expect(ignored.rejected.map(\.instead) == ["it is ignored, as nothing stood there before"])
        // The floor, where nobody knows, ends as well.
        var unknown = OverrideReader()
        #expect(unknown.read(bad, at: at(0)).wishes == Overrides(limit: .zero))
        #expect(unknown.reading(at: at(1)).wishes == Overrides())
        #expect(read(limit("60 X", until: OverrideEndTests.before)).rejected.isEmpty)
    }

    @Test("what is said of ends and of the reason is on one line, and short")
    func notes() {
        var annotations = limit("90W", until: "2026-11-26T14:00:00.25+02:00")
        annotations["powercap.dev/override-reason"] = "rack 4\n\u{1B}[31m\u{202E} \"moves\""
        #expect(
            read(annotations).notes == [
                #"powercap.dev/limit ends at 2026-11-26T12:00:00Z"#,
                #"the reason given is "rack 4\n\u{1b}[31m\u{202e} \"moves\"""#,
            ])
        annotations["powercap.dev/limit-until"] = OverrideEndTests.before
        #expect(
            read(annotations).notes == [
                "powercap.dev/limit=\"90W\" ended at 2026-11-26T11:59:59Z: it isn't followed any more, and may be removed"
            ])
        #expect(read(limit("90W")).notes.isEmpty)
        var long = limit("90W")
        long["powercap.dev/override-reason"] = String(repeating: "ü", count: 3_000)
        #expect(read(long).reason == String(repeating: "ü", count: 128) + "...")
        #expect(read(long).notes.allSatisfy { $0.utf8.count < 512 })
    }

    @Test("how long an end is away is counted to the nanosecond, and an hour ahead at most")
    func waiting() {
        let now = Clock.Wall(seconds: 100, nanoseconds: 900_000_000)
        #expect(Clock.Wall(seconds: 101, nanoseconds: 0).nanoseconds(after: now) == 100_000_000)
        #expect(Clock.Wall(seconds: 103, nanoseconds: 950_000_000).nanoseconds(after: now) == 3_050_000_000)
        #expect(now.nanoseconds(after: now) == 0)
        #expect(Clock.Wall(seconds: 100).nanoseconds(after: now) == 0)
        #expect(Clock.Wall(seconds: .max).nanoseconds(after: now) == 3_600_000_000_000)
    }
}
