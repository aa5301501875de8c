public import LinuxSystem

/// Text on its way out, as bytes: a year of minutes is half a million lines.
public struct Output {
    /// What hasn't been flushed.
    public private(set) var bytes: [UInt8] = []
    /// Where `flush` writes to; nil keeps everything.
    private let stream: StandardStream?

    static let chunk = 1 << 16

    public init(to stream: StandardStream? = nil) { self.stream = stream }

    /// To be called between lines.
    public mutating func flushWhenFull() throws(Errno) { if bytes.count >= Self.chunk { try flush() } }

    /// Writes what there is to the stream, where there is one.
    /// - Throws: what write(2) says.
    public mutating func flush() throws(Errno) {
        guard let stream else { return }
        try stream.writeAll(bytes)
        bytes.removeAll(keepingCapacity: true)
    }

    /// As UTF-8.
    public mutating func append(_ text: String) { bytes.append(contentsOf: text.utf8) }

    /// As they are.
    public mutating func append(_ bytes: [UInt8]) { self.bytes += bytes }

    /// In decimal.
    public mutating func append(_ number: UInt64) {
        if number >= 10 { append(number / 10) }
        bytes.append(UInt8(ascii: "0") + UInt8(number % 10))
    }

    /// With leading zeros.
    public mutating func append(_ number: Int32, digits: Int) {
        if digits > 1 { append(number / 10, digits: digits - 1) }
        bytes.append(UInt8(ascii: "0") + UInt8(number % 10))
    }

    /// Right-aligned.
    public mutating func append(_ text: String, width: Int) {
        appendSpaces(width - text.utf8.count)
        append(text)
    }

    /// Left-aligned.
    public mutating func append(left text: String, width: Int) {
        append(text)
        appendSpaces(width - text.utf8.count)
    }

    /// So many; none where it is negative.
    public mutating func appendSpaces(_ count: Int) { for _ in 0..<max(0, count) { bytes.append(UInt8(ascii: " ")) } }

    /// A string of JSON (RFC 8259, section 7). What isn't printable is escaped: whoever prints it may have a terminal.
    public mutating func append(json text: String) {
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

    /// Text of an HTML or XML document, or of an attribute in quotation marks of either kind: nothing of it is taken for markup. What
    /// isn't printable is escaped as it is for terminals: no document shows controls, and a mark of direction would turn what follows.
    public mutating func append(markup text: String) {
        for scalar in text.printable.unicodeScalars {
            switch scalar {
            case "&": append("&amp;")
            case "<": append("&lt;")
            case ">": append("&gt;")
            case "\"": append("&quot;")
            case "'": append("&#39;")
            default: bytes.append(contentsOf: scalar.utf8)
            }
        }
    }

    /// `2026-06-21`
    public mutating func append(year: Int32, month: Int32, day: Int32) {
        append(year, digits: 4)
        bytes.append(UInt8(ascii: "-"))
        append(month, digits: 2)
        bytes.append(UInt8(ascii: "-"))
        append(day, digits: 2)
    }

    /// `04:05`
    public mutating func append(hour: Int32, minute: Int32) {
        append(hour, digits: 2)
        bytes.append(UInt8(ascii: ":"))
        append(minute, digits: 2)
    }

    /// Of a time zone, east of Greenwich: `+02:00`.
    public mutating func append(offset_s: Int32) {
        bytes.append(UInt8(ascii: offset_s < 0 ? "-" : "+"))
        append(hour: abs(offset_s) / 3600, minute: abs(offset_s) / 60 % 60)
    }
}
