/// A decimal number of 64 bits, and nothing else; nil of everything that isn't one.
/// - Parameter end: the byte that it ends at where one is there, whatever follows; without it, at the last.
public func wholeNumber(_ bytes: Span<UInt8>, until end: UInt8? = nil) -> UInt64? {
    var (value, length): (UInt64, Int) = (0, 0)
    while length < bytes.count, bytes[length] != end {
        let digit = bytes[length] &- UInt8(ascii: "0")
        let (product, overflow) = value.multipliedReportingOverflow(by: 10)
        let (sum, carry) = product.addingReportingOverflow(UInt64(digit))
        if digit > 9 || overflow || carry { return nil }
        (value, length) = (sum, length + 1)
    }
    return length == 0 ? nil : value
}

/// The same of a text.
public func wholeNumber(_ text: String) -> UInt64? { wholeNumber(Array(text.utf8).span) }
