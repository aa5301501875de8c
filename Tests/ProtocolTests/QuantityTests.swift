import PowercapProtocol
import Testing

@Suite struct QuantityTests {
    /// What people write, and the microwatts that it is; nil where it is refused.
    static let powers: [(text: String, microwatts: UInt64?)] = [
        ("0", 0), ("1", 1), ("10000000", 10_000_000), ("007", 7), ("18446744073709551615", .max),
        ("125uW", 125), ("125µW", 125), ("120000mW", 120_000_000), ("120W", 120_000_000), ("1kW", 1_000_000_000),
        ("0.125W", 125_000), ("0.000001W", 1), ("99.5W", 99_500_000), ("1.5kW", 1_500_000_000), ("1.001mW", 1_001),
        // Zeros behind the last microwatt change nothing; anything else there would be lost.
        ("0.1250000000W", 125_000), ("1.0", 1), ("1.0uW", 1), ("0.0000001W", nil), ("1.5", nil), ("1.5uW", nil),
        ("1.0005mW", nil),
        // 2^64-1 µW and one more.
        ("18446744073709.551615W", .max), ("18446744073709.551616W", nil), ("18446744073709551616", nil),
        ("18446744073709552kW", nil), ("18446744073kW", 18_446_744_073_000_000_000), ("18446744074kW", nil),
        ("99999999999999999999999999", nil), ("00000000000000000000000000001", 1),
        // No sign, no exponent, no other base, no separators, no spaces.
        ("-1", nil), ("+1", nil), ("1e6", nil), ("1E6", nil), ("0x10", nil), ("1,5W", nil), ("1_000", nil), ("10 W", nil),
        (" 10W", nil), ("10W ", nil), ("10W\n", nil), ("10\u{A0}W", nil), ("１０W", nil), ("∞", nil), ("nan", nil), ("inf", nil),
        // A number needs digits on both sides of its one point.
        ("", nil), ("W", nil), (".", nil), (".5W", nil), ("5.W", nil), ("1.2.3W", nil), ("1..2W", nil),
        // The units are these and no others, and upper and lower case differ.
        ("10w", nil), ("10KW", nil), ("10kw", nil), ("10MW", nil), ("10Watt", nil), ("10WW", nil), ("10J", nil), ("10u", nil),
        ("10%", nil), ("W10", nil), ("10W10", nil),
    ]

    @Test(arguments: QuantityTests.powers.map(\.text)) func `a power is read exactly or refused`(_ text: String) throws {
        let row = try #require(QuantityTests.powers.first { $0.text.utf8.elementsEqual(text.utf8) })
        let bytes = Array(text.utf8)
        #expect(Microwatts(parsing: bytes.span)?.rawValue == row.microwatts)
    }

    static let decimals: [(text: String, places: Int, value: UInt64?)] = [
        ("5", 0, 5), ("5", 3, 5_000), ("5.25", 2, 525), ("5.25", 3, 5_250), ("5.25", 1, nil), ("5.20", 1, 52), ("5.", 3, nil),
        (".5", 3, nil), ("", 0, nil), ("", 6, nil), ("0.000", 0, 0), ("1", 19, 10_000_000_000_000_000_000), ("2", 19, nil),
        ("1", 20, nil), ("0", 40, 0), ("5s", 0, nil), ("18446744073709551615", 0, .max), ("1844674407370955161.5", 1, .max),
        ("1844674407370955161.6", 1, nil),
    ]

    @Test func `a decimal is shifted exactly or refused`() {
        for row in QuantityTests.decimals {
            let bytes = Array(row.text.utf8)
            #expect(decimal(bytes.span, shiftedBy: row.places) == row.value, "\(row)")
        }
    }

    @Test func `any bytes are read or refused`() {
        var random = SeededGenerator(state: 3)
        let likely = Array("0123456789..uµmkW -+e".utf8)
        for _ in 0..<50_000 {
            let bytes = (0..<Int.random(in: 0...24, using: &random)).map { _ in likely.randomElement(using: &random)! }
            _ = Microwatts(parsing: bytes.span)
        }
    }
}
