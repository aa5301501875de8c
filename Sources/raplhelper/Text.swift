import PowercapProtocol

/// Text in a buffer that is allocated once.
struct Text: ~Copyable {
    private var storage: [UInt8]
    private(set) var count = 0

    init(capacity: Int) { storage = [UInt8](repeating: 0, count: capacity) }

    var capacity: Int { storage.count }
    var bytes: Span<UInt8> {
        @_lifetime(borrow self)
        get { storage.span.extracting(0..<count) }
    }
    var string: String { String(decoding: storage[0..<count], as: UTF8.self) }

    mutating func removeAll() { count = 0 }

    mutating func append(byte: UInt8) {
        storage[count] = byte
        count += 1
    }

    mutating func append(_ text: StaticString) {
        text.withUTF8Buffer { for index in 0..<$0.count { unsafe append(byte: $0[index]) } }
    }

    mutating func append(_ name: Name) { for index in 0..<name.count { append(byte: name[index]) } }

    mutating func append(_ value: UInt64) {
        var digits = InlineArray<20, UInt8>(repeating: 0)
        var start = 20
        var rest = value
        repeat {
            start -= 1
            digits[start] = UInt8(ascii: "0") + UInt8(rest % 10)
            rest /= 10
        } while rest > 0
        for index in start..<20 { append(byte: digits[index]) }
    }

    mutating func appendHexadecimal(_ value: UInt64, digits: Int) {
        for place in (0..<digits).reversed() {
            let digit = UInt8(value >> UInt64(4 * place) & 0xF)
            append(byte: digit < 10 ? UInt8(ascii: "0") + digit : UInt8(ascii: "a") + digit - 10)
        }
    }

    /// Fills the rest of the buffer, so that a shorter text leaves nothing of a longer one before it.
    mutating func pad(with byte: UInt8) { while count < storage.count { append(byte: byte) } }
}

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
        if let value = try? Attribute.number(word()) { return value }
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
