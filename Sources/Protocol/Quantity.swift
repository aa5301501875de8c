extension Microwatts {
    /// Reads a power as people write it: a plain number of microwatts, or a number with `uW`, `µW`, `mW`, `W` or `kW`.
    /// Decimals are exact: `0.125W` is 125000 µW. Nil for a sign, an exponent, a space, a fraction of a microwatt, or a
    /// value beyond 2^64-1 µW.
    public init?(parsing bytes: Span<UInt8>) {
        var end = 0
        while end < bytes.count, bytes[end] == UInt8(ascii: ".") || UInt8(ascii: "0")...UInt8(ascii: "9") ~= bytes[end] {
            end += 1
        }
        guard let places = Microwatts.decimalPlaces(ofUnit: bytes.extracting(end..<bytes.count)),
            let value = decimal(bytes.extracting(0..<end), shiftedBy: places)
        else { return nil }
        self.init(value)
    }

    private static func decimalPlaces(ofUnit unit: Span<UInt8>) -> Int? {
        func isUnit(_ text: StaticString) -> Bool {
            guard text.utf8CodeUnitCount == unit.count else { return false }
            return text.withUTF8Buffer { expected in
                for index in 0..<unit.count where unsafe expected[index] != unit[index] { return false }
                return true
            }
        }
        if isUnit("") || isUnit("uW") || isUnit("µW") { return 0 }
        if isUnit("mW") { return 3 }
        if isUnit("W") { return 6 }
        if isUnit("kW") { return 9 }
        return nil
    }
}

/// `digits[.digits]` times ten to the power of `places`, exactly; nil where that isn't a whole number of 64 bits.
public func decimal(_ text: Span<UInt8>, shiftedBy places: Int) -> UInt64? {
    var value: UInt64 = 0
    var digits = 0
    var decimals: Int?
    for index in 0..<text.count {
        if text[index] == UInt8(ascii: ".") {
            guard decimals == nil, digits > 0 else { return nil }
            decimals = 0
            continue
        }
        guard UInt8(ascii: "0")...UInt8(ascii: "9") ~= text[index] else { return nil }
        digits += 1
        let digit = UInt64(text[index] - UInt8(ascii: "0"))
        if let seen = decimals {
            decimals = seen + 1
            if seen >= places {
                guard digit == 0 else { return nil }
                continue
            }
        }
        let (product, overflow) = value.multipliedReportingOverflow(by: 10)
        let (sum, carry) = product.addingReportingOverflow(digit)
        if overflow || carry { return nil }
        value = sum
    }
    guard digits > 0, decimals != 0 else { return nil }
    for _ in min(decimals ?? 0, places)..<places {
        let (product, overflow) = value.multipliedReportingOverflow(by: 10)
        if overflow { return nil }
        value = product
    }
    return value
}
