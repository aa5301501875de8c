internal import LinuxSystem
internal import PowercapProtocol

/// Text on its way out, as bytes: a year of minutes is half a million lines.
struct Output {
    private(set) var bytes: [UInt8] = []
    /// Where `flush` writes to; nil keeps everything.
    private let stream: StandardStream?

    static let chunk = 1 << 16

    init(to stream: StandardStream? = nil) { self.stream = stream }

    static var standard: Output { Output(to: .output) }

    /// To be called between lines.
    mutating func flushWhenFull() throws(Errno) { if bytes.count >= Self.chunk { try flush() } }

    mutating func flush() throws(Errno) {
        guard let stream else { return }
        try stream.writeAll(bytes)
        bytes.removeAll(keepingCapacity: true)
    }

    mutating func append(_ text: String) { bytes.append(contentsOf: text.utf8) }

    mutating func append(_ number: UInt64) {
        if number >= 10 { append(number / 10) }
        bytes.append(UInt8(ascii: "0") + UInt8(number % 10))
    }

    mutating func append(_ power: Microwatts) { append(power.rawValue) }

    /// With leading zeros.
    mutating func append(_ number: Int32, digits: Int) {
        if digits > 1 { append(number / 10, digits: digits - 1) }
        bytes.append(UInt8(ascii: "0") + UInt8(number % 10))
    }

    /// In watts with three decimals, enough for the hardware's step, right-aligned; what is finer is left out.
    mutating func append(watts power: Microwatts, width: Int) {
        let milliwatts = power.rawValue / 1_000
        var (digits, whole) = (1, milliwatts / 1_000)
        while whole >= 10 { (digits, whole) = (digits + 1, whole / 10) }
        appendSpaces(width - digits - 4)
        append(milliwatts / 1_000)
        bytes.append(UInt8(ascii: "."))
        append(Int32(milliwatts % 1_000), digits: 3)
    }

    mutating func append(_ text: String, width: Int) {
        appendSpaces(width - text.utf8.count)
        append(text)
    }

    /// Left-aligned.
    mutating func append(left text: String, width: Int) {
        append(text)
        appendSpaces(width - text.utf8.count)
    }

    mutating func appendSpaces(_ count: Int) { for _ in 0..<max(0, count) { bytes.append(UInt8(ascii: " ")) } }

    /// A string of JSON (RFC 8259, section 7). What isn't printable is escaped: whoever prints it may have a terminal.
    mutating func append(json text: String) {
        bytes.append(UInt8(ascii: "\""))
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"", "\\": bytes += [UInt8(ascii: "\\"), UInt8(scalar.value)]
            case _ where scalar.isPrintable: bytes.append(contentsOf: scalar.utf8)
            // Beyond four digits it takes two.
            default: for unit in scalar.utf16 { append("\\u" + scalar.hexadecimal(unit)) }
            }
        }
        bytes.append(UInt8(ascii: "\""))
    }

    /// RFC 3339, with the zone's offset: `2026-06-21T12:00:00+02:00`.
    mutating func append(_ moment: Moment) {
        let local = moment.local
        append(day: local)
        bytes.append(UInt8(ascii: "T"))
        append(clock: local)
        bytes.append(UInt8(ascii: ":"))
        append(local.second, digits: 2)
        append(offset: local)
    }

    mutating func append(day local: Clock.Local) {
        append(local.year, digits: 4)
        bytes.append(UInt8(ascii: "-"))
        append(local.month, digits: 2)
        bytes.append(UInt8(ascii: "-"))
        append(local.day, digits: 2)
    }

    mutating func append(clock local: Clock.Local) {
        append(local.hour, digits: 2)
        bytes.append(UInt8(ascii: ":"))
        append(local.minute, digits: 2)
    }

    mutating func append(offset local: Clock.Local) {
        bytes.append(UInt8(ascii: local.offset_s < 0 ? "-" : "+"))
        let minutes = abs(local.offset_s) / 60
        append(minutes / 60, digits: 2)
        bytes.append(UInt8(ascii: ":"))
        append(minutes % 60, digits: 2)
    }
}

/// One line on standard error, under the program's name.
func complain(_ sentence: String) {
    // Where standard error is closed there is nobody to tell.
    try? StandardStream.error.writeAll(Array("powercap-controller: \(sentence.printable)\n".utf8))
}

/// Writes to standard output, and gives the exit status.
func printing(_ body: (inout Output) throws(Errno) -> Void) -> Int32 {
    var output = Output.standard
    do throws(Errno) {
        try body(&output)
        try output.flush()
        return 0
    } catch {
        complain("can't write to standard output: \(error.explanation) (\(error.name))")
        return 1
    }
}
