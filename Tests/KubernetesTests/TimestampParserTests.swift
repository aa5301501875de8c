import JSON
import LinuxSystem
import TestSupport
import Testing

@testable import JSON
@testable import Kubernetes

struct TimestampParserTests {
    @Test("a time is read as RFC 3339 has it, from 1970 to 9999, and nothing else is one")
    func table() throws {
        let rows = try #require(try JSON(Array(Fixture.text("overrides/instants.json").utf8)).elements)
        #expect(rows.count > 50)
        for row in rows.compactMap(\.elements) {
            let text = try #require(row[0].text)
            let expected = row[1].integer.map {
                Clock.Wall(seconds: Int64($0), nanoseconds: UInt32(row[2].integer ?? 0))
            }
            #expect(Timestamp.moment(text) == expected, "\(text)")
        }
    }

    @Test("every time that is written is read as the same, with whatever offset")
    func roundTrip() {
        var generator = SeededGenerator(seed: 7)
        for _ in 0..<3_000 {
            let seconds = Int64.random(in: 86_400...253_402_214_399, using: &generator)
            #expect(Timestamp.moment(Timestamp.seconds(seconds)) == Clock.Wall(seconds: seconds))
            let (hours, minutes) = (Int64.random(in: 0...23, using: &generator), Int64.random(in: 0...59, using: &generator))
            let offset = [hours, minutes].map { $0 < 10 ? "0\($0)" : "\($0)" }.joined(separator: ":")
            let local = Timestamp.seconds(seconds).dropLast()
            let offset_s = hours * 3_600 + minutes * 60
            #expect(Timestamp.moment("\(local)+\(offset)") == Clock.Wall(seconds: seconds - offset_s))
            #expect(Timestamp.moment("\(local)-\(offset)") == Clock.Wall(seconds: seconds + offset_s))
        }
    }
}
