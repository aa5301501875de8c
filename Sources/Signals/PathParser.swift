internal import Text

/// Reads a path character by character, and says at which it can't go on.
struct PathParser {
    private let scalars: [Unicode.Scalar]
    private var position = 0

    /// In steps, so that what is taken is taken however it is written. What a service answers is reached in far fewer.
    private static let longest = 100

    init(_ text: String) { scalars = Array(text.unicodeScalars) }

    mutating func segments() throws(SignalPath.Problem) -> [SignalPath.Segment] {
        guard take("$") else { throw wrong("a path begins with $, which is the whole document") }
        var segments: [SignalPath.Segment] = []
        while let next {
            if segments.count == PathParser.longest { throw problem("the path has more than \(PathParser.longest) steps") }
            switch next {
            case ".": segments.append(try behindDot())
            case "[": segments.append(try inBrackets())
            default: throw wrong("here may be .name, ['name'], [0], [*], .* or [?@.name=='text']")
            }
        }
        return segments
    }

    private var next: Unicode.Scalar? { position < scalars.count ? scalars[position] : nil }

    private mutating func take(_ scalar: Unicode.Scalar) -> Bool {
        guard next == scalar else { return false }
        position += 1
        return true
    }

    private func problem(_ words: String) -> SignalPath.Problem { SignalPath.Problem(position: position + 1, words: words) }

    /// What is there isn't what may be.
    private func wrong(_ expected: String) -> SignalPath.Problem {
        guard let next else { return problem("it ends too early: \(expected)") }
        return problem("there is \(quoted(String(next))): \(expected)")
    }

    private mutating func expect(_ scalar: Unicode.Scalar, _ expected: String) throws(SignalPath.Problem) {
        guard take(scalar) else { throw wrong(expected) }
    }

    private mutating func behindDot() throws(SignalPath.Problem) -> SignalPath.Segment {
        position += 1
        if take("*") { return .wildcard }
        if next == "." { throw problem("`..` would look at every depth, which is not taken: name each member on the way") }
        return .name(try plainName())
    }

    private mutating func plainName() throws(SignalPath.Problem) -> String {
        let start = position
        if let next, SignalPath.isNameFirst(next) { position += 1 }
        if position == start {
            throw wrong("a name has letters, digits and _, and no digit first; write another one as ['name']")
        }
        while let next, SignalPath.isNameCharacter(next) { position += 1 }
        if next == "-" { throw problem("there is \"-\", which no name behind a dot has: write ['name'] with the whole name") }
        return text(start..<position)
    }

    private func text(_ range: Range<Int>) -> String {
        var text = ""
        text.unicodeScalars.append(contentsOf: scalars[range])
        return text
    }

    private mutating func inBrackets() throws(SignalPath.Problem) -> SignalPath.Segment {
        position += 1
        let segment: SignalPath.Segment
        switch next {
        case "*":
            position += 1
            segment = .wildcard
        case "'": segment = .name(try quotedText())
        case "?": segment = try filter()
        case let digit? where digit == "-" || "0"..."9" ~= digit: segment = .index(try index())
        case "\"": throw problem("there is \"\\\"\": a name stands in single quotation marks")
        default: throw wrong("in brackets may be a number, *, 'name' or ?@.name=='text'")
        }
        if next == ":" { throw problem("there is \":\": a part of a list can't be taken, [*] is all of it") }
        if next == "," { throw problem("there is \",\": one of them may be taken, or all with [*]") }
        try expect("]", "the bracket is not closed here with ]")
        return segment
    }

    /// RFC 9535: no zeros before it, and no -0.
    private mutating func index() throws(SignalPath.Problem) -> Int {
        let start = position
        _ = take("-")
        let digits = position
        while let next, "0"..."9" ~= next { position += 1 }
        if position == digits { throw wrong("a digit follows - in an index") }
        if scalars[digits] == "0", position > digits + 1 || digits > start {
            position = start
            throw problem("an index has no 0 before it, and none is -0")
        }
        guard position - digits <= 9, let index = Int(text(start..<position)) else {
            position = start
            throw problem("no list is so long: an index has at most 9 digits")
        }
        return index
    }

    private mutating func filter() throws(SignalPath.Problem) -> SignalPath.Segment {
        let form = "a filter is [?@.name=='text'], without blanks"
        position += 1
        try expect("@", form)
        try expect(".", form)
        let name = try plainName()
        try expect("=", form)
        try expect("=", form)
        guard next == "'" else { throw wrong(form) }
        return .filter(name: name, text: try quotedText())
    }

    /// In single quotation marks, with the escapes of RFC 9535.
    private mutating func quotedText() throws(SignalPath.Problem) -> String {
        position += 1
        var text = ""
        while let scalar = next {
            switch scalar {
            case "'":
                position += 1
                return text
            case "\\": text.unicodeScalars.append(try escaped())
            case _ where scalar.value < 0x20: throw problem("a control character is written as an escape, such as \\n")
            default:
                position += 1
                text.unicodeScalars.append(scalar)
            }
        }
        throw problem("it ends too early: a quotation mark is not closed")
    }

    private mutating func escaped() throws(SignalPath.Problem) -> Unicode.Scalar {
        position += 1
        let scalar: Unicode.Scalar
        switch next {
        case "'": scalar = "'"
        case "\\": scalar = "\\"
        case "/": scalar = "/"
        case "b": scalar = "\u{8}"
        case "f": scalar = "\u{C}"
        case "n": scalar = "\n"
        case "r": scalar = "\r"
        case "t": scalar = "\t"
        case "u":
            position += 1
            return try hexadecimal()
        default: throw wrong("behind \\ may be ', \\, /, b, f, n, r, t, or u with four hexadecimal digits")
        }
        position += 1
        return scalar
    }

    private mutating func hexadecimal() throws(SignalPath.Problem) -> Unicode.Scalar {
        let start = position
        var code = try fourDigits()
        if 0xD800..<0xDC00 ~= code, take("\\"), take("u") {
            let low = try fourDigits()
            code = 0xDC00..<0xE000 ~= low ? 0x10000 + (code - 0xD800) << 10 + (low - 0xDC00) : 0xD800
        }
        guard let scalar = Unicode.Scalar(code) else {
            position = start
            throw problem("half a pair of surrogates is no character")
        }
        return scalar
    }

    private mutating func fourDigits() throws(SignalPath.Problem) -> UInt32 {
        var code: UInt32 = 0
        for _ in 0..<4 {
            guard let next, let digit = UInt32(String(next), radix: 16) else { throw wrong("\\u has four hexadecimal digits") }
            code = code << 4 + digit
            position += 1
        }
        return code
    }
}
