/// Why bytes are no JSON.
enum JSONProblem: Error, Equatable, Sendable {
    case malformed(offset: Int)
    /// Nested deeper than anything that this program reads.
    case tooDeep
}

extension JSON {
    /// Reads one value, and nothing behind it but white space.
    /// - Parameter skipped: members of this name are left out, at any depth, and what is in them isn't looked at.
    init(_ bytes: [UInt8], without skipped: String? = nil) throws(JSONProblem) {
        var parser = JSONParser(bytes, without: skipped)
        self = try parser.value(depth: 0)
        parser.skipSpace()
        guard parser.isAtEnd else { throw parser.malformed }
    }
}

/// Reads JSON from bytes that may come from anybody (RFC 8259).
private struct JSONParser {
    private let bytes: [UInt8]
    private let skipped: String?
    private var position = 0

    private static let deepest = 64

    init(_ bytes: [UInt8], without skipped: String?) { (self.bytes, self.skipped) = (bytes, skipped) }

    var isAtEnd: Bool { position == bytes.count }
    var malformed: JSONProblem { .malformed(offset: position) }
    private var next: UInt8? { position < bytes.count ? bytes[position] : nil }

    mutating func skipSpace() {
        while let byte = next, byte == 0x20 || byte == 0x0A || byte == 0x0D || byte == 0x09 { position += 1 }
    }

    mutating func value(depth: Int) throws(JSONProblem) -> JSON {
        guard depth < JSONParser.deepest else { throw .tooDeep }
        skipSpace()
        switch next {
        case UInt8(ascii: "{"): return .object(try members(depth))
        case UInt8(ascii: "["): return .list(try elements(depth))
        case UInt8(ascii: "\""): return .text(try string())
        case UInt8(ascii: "t"): return try word("true", .flag(true))
        case UInt8(ascii: "f"): return try word("false", .flag(false))
        case UInt8(ascii: "n"): return try word("null", .null)
        default: return .number(try number())
        }
    }

    private mutating func word(_ word: StaticString, _ value: JSON) throws(JSONProblem) -> JSON {
        for byte in "\(word)".utf8 { try expect(byte) }
        return value
    }

    private mutating func expect(_ byte: UInt8) throws(JSONProblem) {
        guard next == byte else { throw malformed }
        position += 1
    }

    /// Steps over `byte` if it comes next.
    private mutating func take(_ byte: UInt8) -> Bool {
        guard next == byte else { return false }
        position += 1
        return true
    }

    private mutating func members(_ depth: Int) throws(JSONProblem) -> [JSON.Member] {
        try expect(UInt8(ascii: "{"))
        skipSpace()
        if take(UInt8(ascii: "}")) { return [] }
        var members: [JSON.Member] = []
        repeat {
            skipSpace()
            let name = try string()
            skipSpace()
            try expect(UInt8(ascii: ":"))
            if name == skipped { try skipValue() } else { members.append(JSON.Member(name, try value(depth: depth + 1))) }
            skipSpace()
        } while take(UInt8(ascii: ","))
        try expect(UInt8(ascii: "}"))
        return members
    }

    private mutating func elements(_ depth: Int) throws(JSONProblem) -> [JSON] {
        try expect(UInt8(ascii: "["))
        skipSpace()
        if take(UInt8(ascii: "]")) { return [] }
        var elements: [JSON] = []
        repeat {
            elements.append(try value(depth: depth + 1))
            skipSpace()
        } while take(UInt8(ascii: ","))
        try expect(UInt8(ascii: "]"))
        return elements
    }

    /// Steps over an object, a list or a string by its brackets and quotation marks; anything else is read.
    private mutating func skipValue() throws(JSONProblem) {
        skipSpace()
        var depth = 0
        repeat {
            guard let byte = next else { throw malformed }
            switch byte {
            case UInt8(ascii: "\""): try skipString()
            case UInt8(ascii: "{"), UInt8(ascii: "["): (depth, position) = (depth + 1, position + 1)
            case UInt8(ascii: "}"), UInt8(ascii: "]"): (depth, position) = (depth - 1, position + 1)
            case _ where depth == 0: _ = try value(depth: 0)
            default: position += 1
            }
        } while depth > 0
    }

    private mutating func skipString() throws(JSONProblem) {
        position += 1
        while let byte = next {
            position += byte == UInt8(ascii: "\\") ? 2 : 1
            if byte == UInt8(ascii: "\"") { return }
        }
        throw malformed
    }

    private mutating func number() throws(JSONProblem) -> String {
        let start = position
        _ = take(UInt8(ascii: "-"))
        if !take(UInt8(ascii: "0")) { try digits() }
        if take(UInt8(ascii: ".")) { try digits() }
        if take(UInt8(ascii: "e")) || take(UInt8(ascii: "E")) {
            if !take(UInt8(ascii: "+")) { _ = take(UInt8(ascii: "-")) }
            try digits()
        }
        return String(decoding: bytes[start..<position], as: UTF8.self)
    }

    private mutating func digits() throws(JSONProblem) {
        let start = position
        while let byte = next, UInt8(ascii: "0")...UInt8(ascii: "9") ~= byte { position += 1 }
        if position == start { throw malformed }
    }

    private mutating func string() throws(JSONProblem) -> String {
        try expect(UInt8(ascii: "\""))
        let start = position
        // Nearly every string has no escape: its bytes are the text.
        while let byte = next, byte != UInt8(ascii: "\""), byte != UInt8(ascii: "\\") {
            if byte < 0x20 { throw malformed }
            position += 1
        }
        if take(UInt8(ascii: "\"")) { return try text(bytes.span.extracting(start..<(position - 1))) }
        var unescaped = Array(bytes[start..<position])
        while let byte = next {
            position += 1
            switch byte {
            case UInt8(ascii: "\""): return try text(unescaped.span)
            case UInt8(ascii: "\\"): try escape(into: &unescaped)
            case 0..<0x20: throw malformed
            default: unescaped.append(byte)
            }
        }
        throw malformed
    }

    private func text(_ bytes: Span<UInt8>) throws(JSONProblem) -> String {
        do throws(UTF8.ValidationError) { return String(copying: try UTF8Span(validating: bytes)) } catch { throw malformed }
    }

    private mutating func escape(into text: inout [UInt8]) throws(JSONProblem) {
        guard let byte = next else { throw malformed }
        position += 1
        switch byte {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): text.append(byte)
        case UInt8(ascii: "b"): text.append(0x08)
        case UInt8(ascii: "f"): text.append(0x0C)
        case UInt8(ascii: "n"): text.append(0x0A)
        case UInt8(ascii: "r"): text.append(0x0D)
        case UInt8(ascii: "t"): text.append(0x09)
        case UInt8(ascii: "u"): text.append(contentsOf: String(Character(try escapedScalar())).utf8)
        default: throw malformed
        }
    }

    /// What follows `\u`: four digits, or a pair of surrogates. A lone surrogate is nothing that a text can hold.
    private mutating func escapedScalar() throws(JSONProblem) -> Unicode.Scalar {
        var code = try fourDigits()
        if 0xD800..<0xDC00 ~= code {
            try expect(UInt8(ascii: "\\"))
            try expect(UInt8(ascii: "u"))
            let low = try fourDigits()
            guard 0xDC00..<0xE000 ~= low else { throw malformed }
            code = 0x10000 + (code - 0xD800) << 10 + (low - 0xDC00)
        }
        guard let scalar = Unicode.Scalar(code) else { throw malformed }
        return scalar
    }

    private mutating func fourDigits() throws(JSONProblem) -> UInt32 {
        var code: UInt32 = 0
        for _ in 0..<4 {
            guard let byte = next, let digit = Character(Unicode.Scalar(byte)).hexDigitValue else { throw malformed }
            code = code << 4 + UInt32(digit)
            position += 1
        }
        return code
    }
}
