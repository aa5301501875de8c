// The syntax, as systemd's parse_env_file() (src/basic/env-file.c) has it.

extension EnvironmentFile {
    static func parse(_ bytes: [UInt8]) throws(Problem) -> [Assignment] {
        var parser = EnvironmentParser(bytes)
        var assignments: [Assignment] = []
        while let assignment = try parser.next() { assignments.append(assignment) }
        return assignments
    }
}

private struct EnvironmentParser {
    private var rest: ArraySlice<UInt8>
    private var line = 1

    init(_ bytes: [UInt8]) { rest = bytes[...] }

    mutating func next() throws(EnvironmentFile.Problem) -> EnvironmentFile.Assignment? {
        while let byte = rest.first {
            if isSpace(byte) {
                _ = take()
            } else if byte == UInt8(ascii: "#") || byte == UInt8(ascii: ";") {
                try skipComment()
            } else {
                return try assignment()
            }
        }
        return nil
    }

    /// Before version 254 of systemd a comment that ends in a backslash takes in the next line; from then on it doesn't.
    private mutating func skipComment() throws(EnvironmentFile.Problem) {
        let start = line
        var last: UInt8?
        while let byte = rest.first, !isNewline(byte) { last = take() }
        if last == UInt8(ascii: "\\") { throw .openComment(line: start) }
    }

    private mutating func assignment() throws(EnvironmentFile.Problem) -> EnvironmentFile.Assignment {
        let start = line
        var name: [UInt8] = []
        while let byte = rest.first, byte != UInt8(ascii: "="), !isNewline(byte) { name.append(take()!) }
        while let byte = name.last, isSpace(byte) { name.removeLast() }
        let text = try self.text(name, line: start)
        guard rest.first == UInt8(ascii: "=") else { throw .noAssignment(text, line: start) }
        _ = take()
        // environ(7): what has another name is dropped by systemd.
        guard let first = name.first, !isDigit(first), name.allSatisfy({ isDigit($0) || isLetter($0) || $0 == UInt8(ascii: "_") })
        else { throw .badName(text, line: start) }
        let value = try self.value(from: start)
        return EnvironmentFile.Assignment(name: text, value: try self.text(value, line: start), line: start)
    }

    /// Pieces with quotes or without, up to the line's end. Blanks around a piece without quotes don't count.
    private mutating func value(from start: Int) throws(EnvironmentFile.Problem) -> [UInt8] {
        var value: [UInt8] = []
        while let byte = rest.first, !isNewline(byte) {
            if isSpace(byte) {
                _ = take()
            } else if byte == UInt8(ascii: "'") || byte == UInt8(ascii: "\"") {
                _ = take()
                try quoted(by: byte, into: &value, from: start)
            } else {
                plain(into: &value)
                return value
            }
        }
        return value
    }

    private mutating func quoted(by quote: UInt8, into value: inout [UInt8], from start: Int) throws(EnvironmentFile.Problem) {
        while let byte = take() {
            if byte == quote { return }
            guard byte == UInt8(ascii: "\\"), quote == UInt8(ascii: "\"") else {
                value.append(byte)
                continue
            }
            guard let next = take() else { break }
            if next == UInt8(ascii: "\n") { continue }
            // Others keep their backslash.
            if !Array("\"\\`$".utf8).contains(next) { value.append(byte) }
            value.append(next)
        }
        throw .openQuote(line: start)
    }

    /// Up to the line's end, also where a quotation mark is within. A backslash takes the next character as it is, and joins lines.
    private mutating func plain(into value: inout [UInt8]) {
        var kept = value.count
        while let byte = rest.first, !isNewline(byte) {
            _ = take()
            if byte == UInt8(ascii: "\\") {
                if let next = take(), !isNewline(next) { value.append(next) }
                kept = value.count
            } else {
                value.append(byte)
                if !isSpace(byte) { kept = value.count }
            }
        }
        value.removeSubrange(kept...)
    }

    private mutating func take() -> UInt8? {
        let byte = rest.popFirst()
        if byte == UInt8(ascii: "\n") { line += 1 }
        return byte
    }

    private func text(_ bytes: [UInt8], line: Int) throws(EnvironmentFile.Problem) -> String {
        guard !bytes.contains(0), let text = String(validating: bytes, as: UTF8.self) else { throw .notText(line: line) }
        return text
    }
}

private func isNewline(_ byte: UInt8) -> Bool { byte == UInt8(ascii: "\n") || byte == UInt8(ascii: "\r") }
private func isSpace(_ byte: UInt8) -> Bool { isNewline(byte) || byte == UInt8(ascii: " ") || byte == UInt8(ascii: "\t") }
private func isDigit(_ byte: UInt8) -> Bool { UInt8(ascii: "0")...UInt8(ascii: "9") ~= byte }
private func isLetter(_ byte: UInt8) -> Bool { UInt8(ascii: "a")...UInt8(ascii: "z") ~= byte | 0x20 }
