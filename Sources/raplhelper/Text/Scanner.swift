import LinuxSystem
import PowercapProtocol

/// Reads text word by word. A method that fails consumes nothing.
struct Scanner: ~Escapable {
    private let bytes: Span<UInt8>
    private(set) var offset = 0

    @_lifetime(copy bytes)
    init(_ bytes: Span<UInt8>) { self.bytes = bytes }

    /// Whether only newlines and zero bytes are left.
    var isBlank: Bool {
        for index in offset..<bytes.count where bytes[index] != UInt8(ascii: "\n") && bytes[index] != 0 { return false }
        return true
    }

    mutating func literal(_ text: StaticString) -> Bool {
        guard bytes.count - offset >= text.utf8CodeUnitCount else { return false }
        let start = offset
        let isThere = text.withUTF8Buffer { expected in
            for index in 0..<expected.count where unsafe expected[index] != bytes[start + index] { return false }
            return true
        }
        if isThere { offset += text.utf8CodeUnitCount }
        return isThere
    }

    /// Everything up to the next space or newline.
    @_lifetime(copy self)
    mutating func word() -> Span<UInt8> {
        let start = offset
        while offset < bytes.count && bytes[offset] != UInt8(ascii: " ") && bytes[offset] != UInt8(ascii: "\n") { offset += 1 }
        return bytes.extracting(start..<offset)
    }

    mutating func number() -> UInt64? {
        let start = offset
        if let value = wholeNumber(word()) { return value }
        offset = start
        return nil
    }

    mutating func hexadecimal() -> UInt64? {
        let start = offset
        let word = word()
        var value: UInt64 = 0
        for index in 0..<word.count {
            guard let digit = Scanner.hexadecimalDigit(word[index]), word.count <= 16 else {
                offset = start
                return nil
            }
            value = value << 4 | digit
        }
        return word.count > 0 ? value : nil
    }

    static func hexadecimalDigit(_ byte: UInt8) -> UInt64? {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): UInt64(byte - UInt8(ascii: "0"))
        case UInt8(ascii: "a")...UInt8(ascii: "f"): UInt64(byte - UInt8(ascii: "a") + 10)
        default: nil
        }
    }
}
