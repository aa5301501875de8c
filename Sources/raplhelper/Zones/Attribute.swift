import LinuxSystem

/// One sysfs file that holds a number, kept open for the life of the process: opening, reading and closing it again costs
/// twenty times a pread, and after the sandbox nothing can be opened.
struct Attribute: ~Copyable {
    private let file: Descriptor
    /// Why there is no file.
    private let failure: Errno?

    init(_ file: consuming Descriptor) {
        self.file = file
        failure = nil
    }

    /// A file that is there and could not be opened: absent, denied and failed are three things.
    init(refused errno: Errno) {
        file = Descriptor(owning: -1)
        failure = errno
    }

    /// The value now. A read at offset 0 makes the kernel ask the hardware again (fs/sysfs/file.c).
    /// - Throws: the driver's errno (ENODEV: the zone is gone; ENODATA, EINVAL: the hardware didn't answer), or
    ///   `.badMessage` for contents that aren't a number.
    borrowing func read() throws(Errno) -> UInt64 {
        var storage = InlineArray<32, UInt8>(repeating: 0)
        var buffer = storage.mutableSpan
        if let failure { throw failure }
        let count = try file.read(into: &buffer, at: 0)
        return try firstNumber(storage.span.extracting(0..<count))
    }

    /// Writes the value and a newline in one pwrite: the driver takes each write(2) as a value of its own.
    borrowing func write(_ value: UInt64) throws(Errno) {
        var line = InlineArray<21, UInt8>(repeating: UInt8(ascii: "\n"))
        let decimal = Decimal(value)
        let count = decimal.digits.count
        for index in 0..<count { line[index] = decimal.digits[index] }
        if let failure { throw failure }
        guard try file.write(line.span.extracting(0..<(count + 1)), at: 0) == count + 1 else { throw .inputOutput }
    }
}
