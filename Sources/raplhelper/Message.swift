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
    init(stringLiteral literal: StaticString) {
        bytes = []
        append(literal)
    }
    init(stringInterpolation: StringInterpolation) { self = stringInterpolation.message }

    var isEmpty: Bool { bytes.isEmpty }
    var string: String { String(decoding: bytes, as: UTF8.self) }

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
        let start = bytes.count
        var rest = number
        repeat {
            bytes.append(UInt8(ascii: "0") + UInt8(rest % 10))
            rest /= 10
        } while rest > 0
        bytes[start...].reverse()
    }
    static func + (left: Message, right: Message) -> Message { "\(left)\(right)" }
    static func += (left: inout Message, right: Message) { left.append(right) }
}
