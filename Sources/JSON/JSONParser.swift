/// Why bytes can't be read as JSON.
public enum JSONProblem: Error, Equatable, Sendable {
    case malformed(offset: Int)
    /// Nested deeper than anything that this program reads.
    case tooDeep
    /// More than anything that this program reads.
    case tooMuch
}

extension JSON {
    /// Reads one value, and nothing behind it but white space.
    /// - Parameters:
    ///   - range: where it stands; nil is all of the bytes.
    ///   - interest: what isn't of interest is left out, at any depth; what is in it is only looked at for its end.
    public init(
        _ bytes: [UInt8], in range: Range<Int>? = nil, _ interest: JSONInterest = .all, within bounds: JSONBounds = .file
    ) throws(JSONProblem) {
        var parser = JSONParser(bytes, range ?? 0..<bytes.count, bounds)
        self = try parser.value(interest, depth: 0)
        parser.skipSpace()
        guard parser.isAtEnd else { throw parser.malformed }
    }
}

/// Reads JSON from bytes that may come from anybody (RFC 8259).
private struct JSONParser {
    private let bytes: [UInt8]
    private let end: Int
    private var position: Int
    private let bounds: JSONBounds
    /// What may still be kept.
    private var (valuesLeft, bytesLeft): (Int, Int)

    init(_ bytes: [UInt8], _ range: Range<Int>, _ bounds: JSONBounds) {
        (self.bytes, self.bounds, position, end) = (bytes, bounds, range.lowerBound, range.upperBound)
        (valuesLeft, bytesLeft) = (bounds.values, bounds.bytes)
    }

    var isAtEnd: Bool { position == end }
    var malformed: JSONProblem { .malformed(offset: position) }
    private var next: UInt8? { position < end ? bytes[position] : nil }

    mutating func skipSpace() {
        while let byte = next, byte == 0x20 || byte == 0x0A || byte == 0x0D || byte == 0x09 { position += 1 }
    }

    mutating func value(_ interest: JSONInterest, depth: Int) throws(JSONProblem) -> JSON {
        guard depth < bounds.depth else { throw .tooDeep }
        valuesLeft -= 1
        if valuesLeft < 0 { throw .tooMuch }
        skipSpace()
        switch next {
        case UInt8(ascii: "{"): return .object(try members(interest, depth))
        case UInt8(ascii: "["): return .list(try elements(interest, depth))
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

    private mutating func members(_ interest: JSONInterest, _ depth: Int) throws(JSONProblem) -> [JSON.Member] {
        try expect(UInt8(ascii: "{"))
        skipSpace()
        if take(UInt8(ascii: "}")) { return [] }
        var members: [JSON.Member] = []
        repeat {
            skipSpace()
            let member = try wantedMember(interest)
            skipSpace()
            try expect(UInt8(ascii: ":"))
            if let member {
                try keep(member.name.utf8.count)
                members.append(JSON.Member(member.name, try value(member.interest, depth: depth + 1)))
            } else {
                try skipValue()
            }
            skipSpace()
        } while take(UInt8(ascii: ","))
        try expect(UInt8(ascii: "}"))
        return members
    }

    /// A member's name, and what is asked of it; nil where nobody asks, and then the name is only stepped over.
    private mutating func wantedMember(_ interest: JSONInterest) throws(JSONProblem) -> (name: String, interest: JSONInterest)? {
        let quote = position
        try expect(UInt8(ascii: "\""))
        while let byte = next, byte != UInt8(ascii: "\""), byte != UInt8(ascii: "\\") {
            if byte < 0x20 { throw malformed }
            position += 1
        }
        if next == UInt8(ascii: "\"") {
            guard let inner = interest.inMember(bytes.span.extracting((quote + 1)..<position)) else {
                position += 1
                return nil
            }
            return (try uncountedString(from: quote), inner)
        }
        // With an escape it reads otherwise than it stands there.
        let name = try uncountedString(from: quote)
        return interest.inMember(name.utf8.span).map { (name, $0) }
    }

    /// A name that isn't kept isn't counted.
    private mutating func uncountedString(from start: Int) throws(JSONProblem) -> String {
        position = start
        let bytesBefore = bytesLeft
        bytesLeft = .max
        defer { bytesLeft = bytesBefore }
        return try string()
    }

    private mutating func elements(_ interest: JSONInterest, _ depth: Int) throws(JSONProblem) -> [JSON] {
        try expect(UInt8(ascii: "["))
        skipSpace()
        if take(UInt8(ascii: "]")) { return [] }
        var elements: [JSON] = []
        repeat {
            if let inner = interest.inElement { elements.append(try value(inner, depth: depth + 1)) } else { try skipValue() }
            skipSpace()
        } while take(UInt8(ascii: ","))
        try expect(UInt8(ascii: "]"))
        return elements
    }

    /// Steps over an object, a list or a string by its brackets and quotation marks, and over anything else as far as it goes.
    private mutating func skipValue() throws(JSONProblem) {
        skipSpace()
        var depth = 0
        repeat {
            guard let byte = next else { throw malformed }
            switch byte {
            case UInt8(ascii: "\""): try skipString()
            case UInt8(ascii: "{"), UInt8(ascii: "["): (depth, position) = (depth + 1, position + 1)
            case UInt8(ascii: "}"), UInt8(ascii: "]"):
                if depth == 0 { throw malformed }
                (depth, position) = (depth - 1, position + 1)
            case UInt8(ascii: "t") where depth == 0: _ = try word("true", .null)
            case UInt8(ascii: "f") where depth == 0: _ = try word("false", .null)
            case UInt8(ascii: "n") where depth == 0: _ = try word("null", .null)
            case _ where depth == 0: try skipNumber()
            default: position += 1
            }
        } while depth > 0
    }

    private mutating func skipString() throws(JSONProblem) {
        position += 1
        try skipRest()
    }

    /// To behind the quotation mark that ends a string.
    private mutating func skipRest() throws(JSONProblem) {
        while let byte = next {
            position += byte == UInt8(ascii: "\\") ? 2 : 1
            if byte == UInt8(ascii: "\"") { return }
        }
        throw malformed
    }

    private mutating func number() throws(JSONProblem) -> String {
        let start = position
        try skipNumber()
        // No number that means anything here has so many figures.
        guard position - start <= bounds.textBytes else { throw .tooMuch }
        try keep(position - start)
        return String(decoding: bytes[start..<position], as: UTF8.self)
    }

    private mutating func keep(_ count: Int) throws(JSONProblem) {
        bytesLeft -= count
        if bytesLeft < 0 { throw .tooMuch }
    }

    private mutating func skipNumber() throws(JSONProblem) {
        _ = take(UInt8(ascii: "-"))
        if !take(UInt8(ascii: "0")) { try digits() }
        if take(UInt8(ascii: ".")) { try digits() }
        if take(UInt8(ascii: "e")) || take(UInt8(ascii: "E")) {
            if !take(UInt8(ascii: "+")) { _ = take(UInt8(ascii: "-")) }
            try digits()
        }
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
        while let byte = next, byte != UInt8(ascii: "\""), byte != UInt8(ascii: "\\"), position - start < bounds.textBytes {
            if byte < 0x20 { throw malformed }
            position += 1
        }
        if take(UInt8(ascii: "\"")) {
            try keep(position - 1 - start)
            return try text(bytes.span.extracting(start..<(position - 1)))
        }
        var unescaped = Array(bytes[start..<position])
        while let byte = next {
            if unescaped.count >= bounds.textBytes {
                try skipRest()
                return try cut(unescaped)
            }
            position += 1
            switch byte {
            case UInt8(ascii: "\""):
                try keep(unescaped.count)
                return try text(unescaped.span)
            case UInt8(ascii: "\\"): try escape(into: &unescaped)
            case 0..<0x20: throw malformed
            default: unescaped.append(byte)
            }
        }
        throw malformed
    }

    /// The beginning of a text that is too long, up to a whole character. What it means it doesn't mean any more.
    private mutating func cut(_ long: [UInt8]) throws(JSONProblem) -> String {
        let end = long.lastIndex { $0 & 0xC0 != 0x80 } ?? 0
        let short = Array(long[..<end]) + Array("…".utf8)
        try keep(short.count)
        return try text(short.span)
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
        case UInt8(ascii: "u"): text.append(contentsOf: UTF8.encode(try escapedScalar())!)
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
            guard let byte = next else { throw malformed }
            let digit: UInt8
            switch byte {
            case UInt8(ascii: "0")...UInt8(ascii: "9"): digit = byte - UInt8(ascii: "0")
            case UInt8(ascii: "a")...UInt8(ascii: "f"): digit = byte - UInt8(ascii: "a") + 10
            case UInt8(ascii: "A")...UInt8(ascii: "F"): digit = byte - UInt8(ascii: "A") + 10
            default: throw malformed
            }
            code = code << 4 + UInt32(digit)
            position += 1
        }
        return code
    }
}
