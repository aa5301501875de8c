/// A decimal number of 64 bits, and nothing else; nil of everything that isn't one.
public func wholeNumber(_ bytes: Span<UInt8>) -> UInt64? {
    var value: UInt64 = 0
    for index in 0..<bytes.count {
        guard UInt8(ascii: "0")...UInt8(ascii: "9") ~= bytes[index] else { return nil }
        let (product, overflow) = value.multipliedReportingOverflow(by: 10)
        let (sum, carry) = product.addingReportingOverflow(UInt64(bytes[index] - UInt8(ascii: "0")))
        if overflow || carry { return nil }
        value = sum
    }
    return bytes.count == 0 ? nil : value
}

/// The same of a text.
public func wholeNumber(_ text: String) -> UInt64? { wholeNumber(Array(text.utf8).span) }
