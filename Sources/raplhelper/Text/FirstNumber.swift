import LinuxSystem

/// The decimal number of 64 bits in the first line. sysfs gives one line; a plain file that stands in for it keeps the
/// end of a longer value behind a shorter one.
func firstNumber(_ bytes: Span<UInt8>) throws(Errno) -> UInt64 {
    guard let value = wholeNumber(bytes, until: UInt8(ascii: "\n")) else { throw .badMessage }
    return value
}
