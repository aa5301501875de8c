import LinuxSystem

/// One sysfs file that holds a number, kept open for the life of the process: opening, reading and closing it again costs
/// twenty times a pread, and after the sandbox nothing can be opened.
struct Attribute: ~Copyable {
    private let file: Descriptor

    init(_ file: consuming Descriptor) { self.file = file }

    /// The value now. A read at offset 0 makes the kernel ask the hardware again (fs/sysfs/file.c).
    /// - Throws: the driver's errno (ENODEV: the zone is gone; ENODATA, EINVAL: the hardware didn't answer), or
    ///   `.badMessage` for contents that aren't a number.
    borrowing func read() throws(Errno) -> UInt64 {
        var storage = InlineArray<32, UInt8>(repeating: 0)
        var buffer = storage.mutableSpan
        let count = try file.read(into: &buffer, at: 0)
        return try Attribute.number(storage.span.extracting(0..<count))
    }

    /// Writes the value in one pwrite: the driver takes each write(2) as a value of its own.
    borrowing func write(_ value: UInt64) throws(Errno) {
        var storage = InlineArray<20, UInt8>(repeating: 0)
        var start = 20
        var rest = value
        repeat {
            start -= 1
            storage[start] = UInt8(ascii: "0") + UInt8(rest % 10)
            rest /= 10
        } while rest > 0
        let digits = storage.span.extracting(start..<20)
        guard try file.write(digits, at: 0) == digits.count else { throw .inputOutput }
    }

    /// A decimal number of 64 bits, followed by at most one newline.
    static func number(_ bytes: Span<UInt8>) throws(Errno) -> UInt64 {
        var end = bytes.count
        if end > 0 && bytes[end - 1] == UInt8(ascii: "\n") { end -= 1 }
        guard 1...20 ~= end else { throw .badMessage }
        var value: UInt64 = 0
        for index in 0..<end {
            guard UInt8(ascii: "0")...UInt8(ascii: "9") ~= bytes[index] else { throw .badMessage }
            let (product, overflow) = value.multipliedReportingOverflow(by: 10)
            let (sum, carry) = product.addingReportingOverflow(UInt64(bytes[index] - UInt8(ascii: "0")))
            if overflow || carry { throw .badMessage }
            value = sum
        }
        return value
    }
}
