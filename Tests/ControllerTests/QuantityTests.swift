import PowercapProtocol
import TestSupport
import Testing

@testable import Policy
@testable import powercap_controller

struct QuantityTests {
    @Test(
        "a power is read exactly, in every unit",
        arguments: [
            ("40000000", 40_000_000), ("1", 1), ("0", 0), ("007", 7), ("1uW", 1), ("1\u{B5}W", 1), ("1\u{3BC}W", 1),
            ("120000mW", 120_000_000), ("0.001mW", 1), ("40W", 40_000_000), ("0.125W", 125_000), ("0.000001W", 1),
            ("4095.875W", 4_095_875_000), ("1.5kW", 1_500_000_000), ("0.000000001kW", 1),
            ("1.50000000000000000000000W", 1_500_000), ("40 W", 40_000_000), ("0.125  W", 125_000),
            ("1.5\u{A0}kW", 1_500_000_000),
            ("40\u{202F}mW", 40_000),
            ("18446744073709551615", UInt64.max),
        ] as [(String, UInt64)])
    func power(_ text: String, _ microwatts: UInt64) throws { #expect(try UnitScale.power.parse(text) == microwatts) }

    @Test(
        "a time is read exactly, a plain number as seconds",
        arguments: [
            ("300", 300_000), ("0.5", 500), ("250ms", 250), ("90s", 90_000), ("5m", 300_000), ("1.5h", 5_400_000),
            ("1d", 86_400_000),
            ("0.0000125d", 1_080), ("0.25m", 15_000), ("0", 0), ("5 m", 300_000),
        ] as [(String, UInt64)])
    func time(_ text: String, _ milliseconds: UInt64) throws { #expect(try UnitScale.time.parse(text) == milliseconds) }

    @Test(
        "what is not a number with a known unit is refused",
        arguments: [
            ("", .empty), (" ", .malformed), ("abc", .malformed), ("W", .malformed), ("nan", .malformed), ("NaN", .malformed),
            ("inf", .malformed), ("-inf", .malformed), ("1e6", .malformed), ("1E6W", .malformed), ("0x10", .malformed),
            ("+40W", .malformed), ("-40W", .negative), ("-0", .negative), ("-", .malformed), (" 40W", .malformed),
            ("40W ", .malformed), ("40 ", .malformed), ("40\u{A0}", .malformed), ("4 0W", .malformed), ("40\tW", .malformed),
            ("40 w", .unknownUnit("w")), ("40\n", .malformed), ("40,5W", .malformed), ("1.W", .malformed),
            (".5W", .malformed), ("1..5W", .malformed), ("1.5.5W", .malformed), ("40W40W", .malformed), ("٤٠W", .malformed),
            ("1_000", .malformed), ("40w", .unknownUnit("w")), ("40KW", .unknownUnit("KW")), ("40MW", .unknownUnit("MW")),
            ("40Watt", .unknownUnit("Watt")), ("5m", .unknownUnit("m")), ("40\u{E9}", .unknownUnit("\u{E9}")),
            ("0.5", .tooFine), ("0.0001mW", .tooFine), ("1.0000001W", .tooFine),
            ("0." + String(repeating: "123456789", count: 9) + "W", .tooFine),
        ] as [(String, ValueProblem)])
    func malformedPower(_ text: String, _ problem: ValueProblem) {
        #expect(throws: problem) { try UnitScale.power.parse(text) }
    }

    @Test(
        "a time has units of its own, and whole milliseconds",
        arguments: [
            ("5min", .unknownUnit("min")), ("5M", .unknownUnit("M")), ("5S", .unknownUnit("S")), ("40W", .unknownUnit("W")),
            ("0.5ms", .tooFine), ("0.0001", .tooFine), ("-5", .negative), ("1e3", .malformed),
        ] as [(String, ValueProblem)])
    func malformedTime(_ text: String, _ problem: ValueProblem) {
        #expect(throws: problem) { try UnitScale.time.parse(text) }
    }

    @Test(
        "a number too large to count is the largest, never one that wrapped around",
        arguments: ["18446744073709551616", "18446744073709551615.9W", "18446744073710W", "99999999999999999999999999999kW"])
    func overflow(_ text: String) throws { #expect(try UnitScale.power.parse(text) == .max) }

    @Test("every power that is shown reads back as itself")
    func roundTrip() throws {
        var random = SeededGenerator(seed: 1)
        for _ in 0..<1_000 {
            let power = Microwatts(random.next() >> UInt64.random(in: 20...63, using: &random))
            #expect(try UnitScale.power.parse(power.setting) == power.rawValue)
            let time = Milliseconds(random.next() >> UInt64.random(in: 20...63, using: &random))
            #expect(try UnitScale.time.parse(time.setting) == time.rawValue)
        }
    }

    @Test(
        "powers and times are written as people say them",
        arguments: [
            (Microwatts.watts(40).words, "40 W"), (Microwatts(125_000).words, "0.125 W"),
            (Microwatts.registerMaximum.words, "4095.875 W"),
            (Microwatts.watts(12_500).words, "12.5 kW"), (Microwatts.watts(1_000_000).words, "1000 kW"),
            (Microwatts.zero.words, "0 W"),
            (Milliseconds(250).words, "250 ms"), (Milliseconds(1_500).words, "1.5 s"), (Milliseconds.seconds(90).words, "90 s"),
            (Milliseconds.seconds(900).words, "15 min"), (Milliseconds.hour.words, "1 h"), (Milliseconds.day.words, "1 d"),
        ])
    func words(_ written: String, _ expected: String) { #expect(written == expected) }

    @Test("a percentage of a power is exact up to the largest power")
    func percentage() {
        #expect(Percent(millionths: 50_000_000).of(.watts(40)) == .watts(20))
        #expect(Percent(millionths: 33_333_333).of(Microwatts(10)) == Microwatts(3))
        #expect(Percent.hundred.of(Microwatts(.max)) == Microwatts(.max))
        #expect(Percent(millionths: 0).of(Microwatts(.max)) == .zero)
    }
}
