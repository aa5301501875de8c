import LinuxSystem
import PowercapProtocol

/// Text for people and logs, as bytes. It takes interpolated literals like String does, but each piece is one call here:
/// String's own interpolation is specialised at every use, which cost the program a tenth of its size.
struct Message: ExpressibleByStringInterpolation {
    private(set) var bytes: [UInt8]

    struct StringInterpolation: StringInterpolationProtocol {
        typealias StringLiteralType = StaticString
        var message = Message(bytes: [])

        init(literalCapacity: Int, interpolationCount: Int) {}

        mutating func appendLiteral(_ literal: StaticString) { message.append(literal) }
        mutating func appendInterpolation(_ text: StaticString) { message.append(text) }
        mutating func appendInterpolation(_ text: String) { message.append(text) }
        mutating func appendInterpolation(_ text: Message) { message.append(text) }
        mutating func appendInterpolation(_ name: Name) { message.append(name) }
        mutating func appendInterpolation(_ number: UInt64) { message.append(number) }
        mutating func appendInterpolation(_ number: UInt32) { message.append(UInt64(number)) }
        mutating func appendInterpolation(_ number: UInt16) { message.append(UInt64(number)) }
        mutating func appendInterpolation(_ number: UInt8) { message.append(UInt64(number)) }
        /// Of counts, which aren't negative.
        mutating func appendInterpolation(_ count: Int) { message.append(UInt64(count)) }
        /// The symbol, such as `EACCES`.
        mutating func appendInterpolation(_ errno: Errno) { message.append(errno.name) }
    }

    private init(bytes: [UInt8]) { self.bytes = bytes }

    init(bytes: Span<UInt8>) {
        self.init(capacity: bytes.count)
        for index in 0..<bytes.count { append(byte: bytes[index]) }
    }

    /// An empty text that grows to `capacity` bytes without allocating.
    init(capacity: Int) {
        bytes = []
        bytes.reserveCapacity(capacity)
    }

    init(stringLiteral literal: StaticString) {
        bytes = []
        append(literal)
    }
    init(stringInterpolation: StringInterpolation) { self = stringInterpolation.message }

    var isEmpty: Bool { bytes.isEmpty }
    var string: String { String(decoding: bytes, as: UTF8.self) }

    mutating func append(byte: UInt8) { bytes.append(byte) }
    @inline(never)
    mutating func append(_ text: StaticString) {
        text.withUTF8Buffer { for index in 0..<$0.count { unsafe bytes.append($0[index]) } }
    }
    @inline(never)
    mutating func append(_ text: String) { for byte in text.utf8 { bytes.append(byte) } }
    @inline(never)
    mutating func append(_ text: Message) { for byte in text.bytes { bytes.append(byte) } }
    @inline(never)
    mutating func append(_ name: Name) { for index in 0..<name.count { bytes.append(name[index]) } }
    @inline(never)
    mutating func append(_ number: UInt64) {
        let decimal = Decimal(number)
        for index in 0..<decimal.digits.count { bytes.append(decimal.digits[index]) }
    }
    mutating func appendHexadecimal(_ value: UInt64, digits: Int) {
        for place in (0..<digits).reversed() {
            let digit = UInt8(value >> UInt64(4 * place) & 0xF)
            bytes.append(digit < 10 ? UInt8(ascii: "0") + digit : UInt8(ascii: "a") + digit - 10)
        }
    }
    /// Fills up to `count` bytes, so that a shorter text leaves nothing of a longer one before it.
    mutating func pad(to count: Int, with byte: UInt8) { while bytes.count < count { bytes.append(byte) } }
    /// Appends one line, which begins in `column`, broken where `gap` spaces stand before it is wider than `width`. What has none
    /// for too long is broken at single ones.
    mutating func append(_ line: Message, gap: Int, column start: Int, indent: Int, width: Int) {
        let text = line.bytes
        var (offset, column) = (0, start)
        while offset < text.count {
            var (end, spaces) = (offset, 0)
            while end < text.count && spaces < gap {
                spaces = text[end] == UInt8(ascii: " ") ? spaces + 1 : 0
                end += 1
            }
            end -= spaces
            var piece = Message(bytes: [])
            for index in offset..<end { piece.append(byte: text[index]) }
            if offset > 0 {
                let isTooWide = column + gap + piece.bytes.count > width
                if isTooWide { append(byte: UInt8(ascii: "\n")) }
                for _ in 0..<(isTooWide ? indent : gap) { append(byte: UInt8(ascii: " ")) }
                column = isTooWide ? indent : column + gap
            }
            if gap > 1 && column + piece.bytes.count > width {
                append(piece, gap: 1, column: column, indent: indent, width: width)
                column = width
            } else {
                append(piece)
                column += piece.bytes.count
            }
            offset = end
            while offset < text.count && text[offset] == UInt8(ascii: " ") { offset += 1 }
        }
    }
    mutating func removeAll() { bytes.removeAll(keepingCapacity: true) }
    static func + (left: Message, right: Message) -> Message { "\(left)\(right)" }
    static func += (left: inout Message, right: Message) { left.append(right) }
}

/// A number's decimal digits, in place.
struct Decimal {
    private var storage = InlineArray<20, UInt8>(repeating: 0)
    private var start = 20

    init(_ number: UInt64) {
        var rest = number
        repeat {
            start -= 1
            storage[start] = UInt8(ascii: "0") + UInt8(rest % 10)
            rest /= 10
        } while rest > 0
    }

    var digits: Span<UInt8> {
        @_lifetime(borrow self)
        get { storage.span.extracting(start..<20) }
    }
}
