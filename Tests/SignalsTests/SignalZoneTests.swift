import Foundation
import TestSupport
import Testing

@testable import Signals

struct SignalZoneTests {
    private static func zone(_ name: String) throws -> SignalZone {
        let bytes = try #require(FileManager.default.contents(atPath: "/usr/share/zoneinfo/\(name)"))
        return try #require(SignalZone(zoneFile: Array(bytes)))
    }

    @Test(
        "a zone's file says at any time what Foundation says",
        arguments: [
            "UTC", "Europe/Berlin", "Europe/London", "Europe/Dublin", "America/New_York", "America/Sao_Paulo",
            "Australia/Lord_Howe",
            "Asia/Kolkata", "Africa/Casablanca", "Pacific/Chatham", "America/Nuuk", "Asia/Tehran",
        ])
    func offsets(_ name: String) throws {
        let (zone, other) = (try Self.zone(name), try #require(TimeZone(identifier: name)))
        var generator = SeededGenerator(seed: 9636)
        for _ in 0..<2_000 {
            // From 1970 to 2100: the file's changes end in 2037 at the latest, and behind is its rule.
            let seconds = Int64.random(in: 0..<4_102_444_800, using: &generator)
            let expected = other.secondsFromGMT(for: Date(timeIntervalSince1970: TimeInterval(seconds)))
            try #require(zone.offset_s(at: seconds) == Int64(expected), "\(SignalTime.text(seconds))")
        }
    }

    @Test("central European time by its rule is what Berlin's file says since 1996")
    func centralEurope() throws {
        let berlin = try Self.zone("Europe/Berlin")
        for seconds in stride(from: Int64(820_454_400), to: 4_102_444_800, by: 3_599 * 7) {
            try #require(SignalZone.centralEurope.offset_s(at: seconds) == berlin.offset_s(at: seconds))
        }
    }

    private func instants(_ zone: SignalZone, _ month: Int64, _ day: Int64, _ hour: Int64, _ minute: Int64) -> [String] {
        zone.instants(of: WallTime(year: 2026, month: month, day: day, hour: hour, minute: minute)).map(SignalTime.text)
    }

    @Test("a time is once, twice where clocks go back over it, and later where they go forward over it")
    func changes() throws {
        let berlin = try Self.zone("Europe/Berlin")
        #expect(instants(berlin, 6, 15, 12, 0) == ["2026-06-15T10:00:00Z"])
        #expect(instants(berlin, 3, 29, 1, 59) == ["2026-03-29T00:59:00Z"])
        #expect(instants(berlin, 3, 29, 2, 30) == ["2026-03-29T01:30:00Z"])
        #expect(instants(berlin, 3, 29, 3, 0) == ["2026-03-29T01:00:00Z"])
        #expect(instants(berlin, 10, 25, 1, 59) == ["2026-10-24T23:59:00Z"])
        #expect(instants(berlin, 10, 25, 2, 0) == ["2026-10-25T00:00:00Z", "2026-10-25T01:00:00Z"])
        #expect(instants(berlin, 10, 25, 2, 59) == ["2026-10-25T00:59:00Z", "2026-10-25T01:59:00Z"])
        #expect(instants(berlin, 10, 25, 3, 0) == ["2026-10-25T02:00:00Z"])
        #expect(instants(.utc, 10, 25, 2, 0) == ["2026-10-25T02:00:00Z"])
    }

    @Test(
        "a day's list of times is a day, with 23, 24 or 25 hours, forwards and backwards, and from the middle of the hour that is twice"
    )
    func lists() throws {
        let berlin = try Self.zone("Europe/Berlin")
        for (start, hours) in [(1_774_738_800, 23), (1_781_560_800, 24), (1_792_879_200, 25)] as [(Int64, Int64)] {
            let instants = (0..<(hours * 4)).map { start + $0 * 900 }
            // As the day's clock shows them.
            let walls = instants.map { seconds -> SignalTime in
                let text = SignalTime.text(seconds + berlin.offset_s(at: seconds)).dropLast()
                return SignalTime(String(text))!
            }
            #expect(berlin.seconds(of: walls) == instants)
            #expect(berlin.seconds(of: walls.reversed()) == instants.reversed())
            for skipped in 9...11 {
                #expect(berlin.seconds(of: Array(walls.dropFirst(skipped))) == Array(instants.dropFirst(skipped)))
            }
        }
    }

    @Test("a rule has weeks, days of the year with and without 29 February, and zones with digits in their names")
    func rules() throws {
        func offset(_ rule: String, _ text: String) throws -> Int64 {
            guard case .instant(let seconds)? = SignalTime(text) else { return .min }
            return try #require(ZoneRule(parsing: Array(rule.utf8))).offset_s(at: seconds)
        }
        #expect(try offset("<+0530>-5:30", "2026-06-15T00:00Z") == 19_800)
        #expect(try offset("EST5EDT,M3.2.0,M11.1.0", "2026-03-08T06:59Z") == -18_000)
        #expect(try offset("EST5EDT,M3.2.0,M11.1.0", "2026-03-08T07:00Z") == -14_400)
        #expect(try offset("AEST-10AEDT,M10.1.0,M4.1.0/3", "2026-01-01T00:00Z") == 39_600)
        #expect(try offset("AAA0BBB,J60/0,J61/0", "2024-03-01T00:00Z") == 3_600)
        #expect(try offset("AAA0BBB,J60/0,J61/0", "2024-02-29T12:00Z") == 0)
        #expect(try offset("AAA0BBB,59/0,60/0", "2024-02-29T12:00Z") == 3_600)
        for other in [
            "", "CET", "CET-1CEST", "CET-1CEST,M3.5.0", "CET-1CEST,M13.5.0,M10.5.0", "CET-1CEST,M3.6.0,M10.5.0", "<x", "C1",
        ] {
            #expect(ZoneRule(parsing: Array(other.utf8)) == nil, "\(other)")
        }
    }

    @Test("a file that is cut off, or changed anywhere, is a zone or none, and nothing else happens")
    func broken() throws {
        let bytes = Array(try #require(FileManager.default.contents(atPath: "/usr/share/zoneinfo/Europe/Berlin")))
        #expect(SignalZone(zoneFile: []) == nil)
        for count in stride(from: 0, to: bytes.count, by: 7) { #expect(SignalZone(zoneFile: Array(bytes[..<count])) == nil) }
        var generator = SeededGenerator(seed: 4)
        for _ in 0..<3_000 {
            var changed = bytes
            changed[Int.random(in: bytes.indices, using: &generator)] = UInt8.random(in: 0...255, using: &generator)
            let zone = SignalZone(zoneFile: changed)
            #expect(zone.map { abs($0.offset_s(at: 1_781_560_800)) < 1_000_000 } ?? true)
        }
    }

    /// A zone's file with one change to one hour east at a time of 64 bits.
    private static func file(changingAt seconds: Int64) -> [UInt8] {
        func block(_ counts: [UInt8], _ data: [UInt8]) -> [UInt8] {
            Array("TZif2".utf8) + [UInt8](repeating: 0, count: 15) + counts.flatMap { [0, 0, 0, $0] } + data
        }
        let (time, utc, hour): ([UInt8], [UInt8], [UInt8]) = (
            (0..<8).map { UInt8(truncatingIfNeeded: seconds >> (56 - $0 * 8)) }, [0, 0, 0, 0, 0, 0], [0, 0, 0x0E, 0x10, 0, 0]
        )
        return block([0, 0, 0, 0, 1, 0], utc) + block([0, 0, 0, 1, 2, 0], time + [1] + utc + hour) + Array("\n\n".utf8)
    }

    @Test(
        "a change in no year that clocks were set in makes a file no zone, to the least number that it can hold",
        arguments: [(0, true), (-1 << 59, true), (1 << 60, false), (-1 << 60, true), (.max, false), (.min, false)]
            as [(Int64, Bool)])
    func distantChange(_ seconds: Int64, _ isZone: Bool) {
        #expect((SignalZone(zoneFile: Self.file(changingAt: seconds))?.offset_s(at: 1_781_560_800) == 3_600) == isZone)
    }

    @Test("a small file of which any byte is another, and that ends anywhere, is a zone or none, and nothing else happens")
    func damaged() {
        let bytes = Self.file(changingAt: 1_774_746_000)
        #expect(SignalZone(zoneFile: bytes) != nil)
        for place in bytes.indices {
            for value: UInt8 in [0, 1, 0x7F, 0x80, 0xFF] {
                var changed = bytes
                changed[place] = value
                for end in (place + 1)...bytes.count {
                    let zone = SignalZone(zoneFile: Array(changed[..<end]))
                    #expect(zone.map { abs($0.offset_s(at: 1_781_560_800)) < 1_000_000 } ?? true)
                }
            }
        }
    }
}
