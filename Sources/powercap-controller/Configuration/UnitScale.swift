/// Reads a number with a unit in integer arithmetic: what is written is what is meant, to the last digit.
struct UnitScale: Sendable {
    /// Each suffix with the number of smallest units it stands for; "" is a plain number.
    let units: [(suffix: String, scale: UInt64)]

    /// In µW. Both the micro sign (U+00B5) and the Greek letter (U+03BC) are typed as µ.
    static let power = UnitScale(units: [
        ("", 1), ("uW", 1), ("\u{B5}W", 1), ("\u{3BC}W", 1), ("mW", 1_000), ("W", 1_000_000), ("kW", 1_000_000_000),
    ])
    /// In µW per second.
    static let rate = UnitScale(units: power.units.map { ($0.suffix.isEmpty ? "" : $0.suffix + "/s", $0.scale) })
    /// In ms; a plain number is seconds.
    static let time = UnitScale(units: [
        ("", 1_000), ("ms", 1), ("s", 1_000), ("m", 60_000), ("h", 3_600_000), ("d", 86_400_000),
    ])
    /// In millionths.
    static let number = UnitScale(units: [("", 1_000_000)])
    static let percent = UnitScale(units: [("", 1_000_000), ("%", 1_000_000)])
    static let degrees = UnitScale(units: [("", 1_000_000), ("\u{B0}", 1_000_000)])
    static let count = UnitScale(units: [("", 1)])

    /// Between a number and its unit: a space, or one that doesn't break a line (U+00A0, and the narrow one, U+202F).
    private static let blanks = [" ", "\u{A0}", "\u{202F}"]

    /// - Returns: the number of smallest units, `UInt64.max` standing for everything too large to count.
    /// - Throws: `malformed` for a sign, an exponent or anything else that is not `digits[.digits][[blanks]unit]`.
    func parse(_ text: String) throws(ValueProblem) -> UInt64 {
        var rest = Array(text.utf8)[...]
        if rest.isEmpty { throw .empty }
        if rest.first == UInt8(ascii: "-"), let next = rest.dropFirst().first, isDigit(next) { throw .negative }
        let whole = rest.prefix(while: isDigit)
        if whole.isEmpty { throw .malformed }
        rest = rest[whole.endIndex...]
        var fraction = rest.prefix(0)
        if rest.first == UInt8(ascii: ".") {
            fraction = rest.dropFirst().prefix(while: isDigit)
            if fraction.isEmpty { throw .malformed }
            rest = rest[fraction.endIndex...]
        }
        // SI writes a space between them, and people copy what they read: `60 W`.
        let number = rest
        while let first = rest.first, !isLetter(first), let blank = UnitScale.blanks.first(where: { rest.starts(with: $0.utf8) })
        {
            rest = rest.dropFirst(blank.utf8.count)
        }
        if rest.isEmpty, !number.isEmpty { throw .malformed }
        guard let unit = units.first(where: { $0.suffix.utf8.elementsEqual(rest) }) else {
            let suffix = String(decoding: rest, as: UTF8.self)
            throw suffix.unicodeScalars.allSatisfy(\.properties.isAlphabetic) ? .unknownUnit(suffix) : .malformed
        }
        return try scaled(whole: whole, fraction: fraction, by: unit.scale)
    }

    private func scaled(whole: ArraySlice<UInt8>, fraction: ArraySlice<UInt8>, by scale: UInt64) throws(ValueProblem) -> UInt64 {
        var fraction = fraction
        while fraction.last == UInt8(ascii: "0") { fraction.removeLast() }
        // No scale has more than 11 factors of 2 or 5, so a fraction of more digits can't come out whole.
        if fraction.count > 18 { throw .tooFine }
        var (parts, divisor) = (UInt128(scale), UInt128(1))
        var digits: UInt128 = 0
        for digit in fraction { (digits, divisor) = (digits * 10 + UInt128(digit - UInt8(ascii: "0")), divisor * 10) }
        parts *= digits
        if parts % divisor != 0 { throw .tooFine }
        var total: UInt64 = 0
        for digit in whole {
            guard let next = total.times(10)?.plus(UInt64(digit - UInt8(ascii: "0"))) else { return .max }
            total = next
        }
        return total.times(scale)?.plus(UInt64(parts / divisor)) ?? .max
    }
}

private func isLetter(_ byte: UInt8) -> Bool { byte | 0x20 >= UInt8(ascii: "a") && byte | 0x20 <= UInt8(ascii: "z") }

private func isDigit(_ byte: UInt8) -> Bool { byte >= UInt8(ascii: "0") && byte <= UInt8(ascii: "9") }

extension UInt64 {
    fileprivate func times(_ factor: UInt64) -> UInt64? {
        let (product, overflow) = multipliedReportingOverflow(by: factor)
        return overflow ? nil : product
    }
    fileprivate func plus(_ term: UInt64) -> UInt64? {
        let (sum, overflow) = addingReportingOverflow(term)
        return overflow ? nil : sum
    }
}
