import LinuxSystem

/// The decimal number of 64 bits in the first line. sysfs gives one line; a plain file that stands in for it keeps the
/// end of a longer value behind a shorter one.
func wholeNumber(_ bytes: Span<UInt8>) throws(Errno) -> UInt64 {
    var value: UInt64 = 0
    var index = 0
    while index < bytes.count && bytes[index] != UInt8(ascii: "\n") {
        guard UInt8(ascii: "0")...UInt8(ascii: "9") ~= bytes[index] else { throw .badMessage }
        let (product, overflow) = value.multipliedReportingOverflow(by: 10)
        let (sum, carry) = product.addingReportingOverflow(UInt64(bytes[index] - UInt8(ascii: "0")))
        if overflow || carry { throw .badMessage }
        value = sum
        index += 1
    }
    guard index > 0 else { throw .badMessage }
    return value
}
