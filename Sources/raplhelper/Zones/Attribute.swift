import LinuxSystem
import PowercapProtocol

/// One sysfs file that holds a number, kept open for the life of the process: opening, reading and closing it again costs
/// twenty times a pread, and after the sandbox nothing can be opened.
struct Attribute: ~Copyable {
    /// How a file means what it holds.
    struct Format {
        /// What 1 is.
        var unit: UInt64 = 1
        var zero = Zero.number
        /// The file of a hwmon or firmware driver, which says in several ways that it has no value now: an empty line (amdgpu, where the SMU
        /// doesn't answer), EINVAL, EPERM (a device that is suspended or being reset), and a power of 2^32-1 mW
        /// (acpi_power_meter before Linux 6.12). All are ENODATA.
        var hasGaps = false

        /// What 0 means.
        enum Zero {
            case number
            /// No limit: it reads as `Microwatts.unlimited`, and that is written as 0.
            case unlimited
            /// No value, ENODATA: a card that has no power is no limit, and 0 is none that could be written (amdgpu takes it for its default).
            case nothing
        }
    }

    /// What acpi_power_meter reads where firmware knows no power (ACPI 10.4.1: 0xFFFFFFFF mW).
    static let unknownPower: UInt64 = 4_294_967_295_000

    private let file: Descriptor
    let format: Format
    /// Why there is no file.
    private let failure: Errno?

    init(_ file: consuming Descriptor, _ format: Format = Format()) {
        self.file = file
        (self.format, failure) = (format, nil)
    }

    /// A file that is there and could not be opened: absent, denied and failed are three things.
    init(refused errno: Errno) {
        file = Descriptor(owning: -1)
        (format, failure) = (Format(), errno)
    }

    /// For who reads and writes beside the loop.
    var descriptorNumber: Int32 { file.number }

    /// The value now. A read at offset 0 makes the kernel ask the hardware again (fs/sysfs/file.c).
    /// - Throws: the driver's errno (ENODEV: the zone is gone; ENODATA, EINVAL: the hardware didn't answer), or
    ///   `.badMessage` for contents that aren't a number.
    borrowing func read() throws(Errno) -> UInt64 {
        var storage = InlineArray<32, UInt8>(repeating: 0)
        var buffer = storage.mutableSpan
        if let failure { throw failure }
        let count: Int
        do throws(Errno) { count = try file.read(into: &buffer, at: 0) } catch { throw format.meaning(error) }
        return try format.value(of: storage.span.extracting(0..<count))
    }

    /// Writes the value and a newline in one pwrite: the driver takes each write(2) as a value of its own.
    borrowing func write(_ value: UInt64) throws(Errno) {
        if let failure { throw failure }
        var line = InlineArray<21, UInt8>(repeating: 0)
        let count = format.line(of: value, &line)
        do throws(Errno) {
            guard try file.write(line.span.extracting(0..<count), at: 0) == count else { throw .inputOutput }
        } catch { throw format.meaning(ofWrite: error) }
    }
}

extension Attribute.Format {
    /// What the first line says.
    func value(of text: Span<UInt8>) throws(Errno) -> UInt64 {
        if hasGaps && (text.count == 0 || text[0] == UInt8(ascii: "\n")) { throw .noData }
        let number = try firstNumber(text)
        switch zero {
        case .unlimited where number == 0: return Microwatts.unlimited.rawValue
        case .nothing where number == 0: throw .noData
        default: break
        }
        let (value, overflow) = number.multipliedReportingOverflow(by: unit)
        if overflow { throw .badMessage }
        if hasGaps && value >= Attribute.unknownPower { throw .noData }
        return value
    }

    /// The line that means a value.
    /// - Returns: its length with the newline.
    func line(of value: UInt64, _ line: inout InlineArray<21, UInt8>) -> Int {
        let decimal = Decimal(value == Microwatts.unlimited.rawValue && zero == .unlimited ? 0 : value / unit)
        let count = decimal.digits.count
        for index in 0..<count { line[index] = decimal.digits[index] }
        line[count] = UInt8(ascii: "\n")
        return count + 1
    }

    /// What a read's errno means.
    func meaning(_ errno: Errno) -> Errno {
        hasGaps && (errno == .invalid || errno == .notPermitted || errno == .again) ? .noData : errno
    }

    /// What a write's errno means. i915 answers ENODEV where a limit can't be taken away: nothing is gone.
    func meaning(ofWrite errno: Errno) -> Errno { hasGaps && errno == .noDevice ? .notSupported : errno }
}
