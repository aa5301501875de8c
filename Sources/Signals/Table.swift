internal import Text

/// A table of text (RFC 4180, and what is like it), line by line. Commas, tabs or semicolons stand between its fields, whichever its first line
/// has most of; a field may be in quotation marks. Empty lines and those that begin with # are passed over, as are a byte order mark and
/// carriage returns. A first line of names may come first; it has to where a column is asked for by name.
public struct Table {
    /// Which columns are read.
    public struct Columns: Equatable, Sendable {
        /// Names of the time's column, of which the first that is there counts; none is the first column.
        public var time: [String]
        /// Names of the value's column likewise; none is the second of two.
        let value: [String]
        /// Rows are read of which such a column, where there is one, has one of these texts.
        let only: [Filter]

        public init(time: [String] = [], value: [String] = [], only: [Filter] = []) {
            (self.time, self.value, self.only) = (time, value, only)
        }
    }

    /// A column's name, and what its fields have to be.
    public struct Filter: Equatable, Sendable {
        let column: String
        let texts: [String]

        public init(_ column: String, _ texts: [String]) { (self.column, self.texts) = (column, texts) }
    }

    /// A line with values.
    public struct Row: Equatable, Sendable {
        /// Counted from 1.
        public let line: Int
        /// The field that says when.
        public let time: String
        /// The field of the value's column.
        public let value: String
    }

    /// A line, counted from 1, and what is wrong with it.
    public struct Problem: Error, Equatable, Sendable {
        /// Counted from 1.
        public let line: Int
        /// What is wrong with it.
        public let problem: TableProblem
    }

    private let bytes: [UInt8]
    private let columns: Columns
    private var position: Int
    private var line = 0
    /// What stands between fields; nil before the first line.
    private(set) var separator: UInt8?
    /// The time's column's name; nil where the first line has none.
    private(set) var timeName: String?
    /// Places of the columns, from the first line on.
    private var (time, value): (Int, Int?) = (0, nil)
    private var filters: [(column: Int, texts: [String])] = []
    /// Where the fields of a line are.
    private var fields: [Range<Int>] = []

    public init(_ bytes: [UInt8], _ columns: Columns = Columns()) {
        (self.bytes, self.columns) = (bytes, columns)
        position = bytes.starts(with: [0xEF, 0xBB, 0xBF]) ? 3 : 0
    }

    /// The next row; nil behind the last.
    public mutating func next() throws(Problem) -> Row? {
        while let content = nextLine() {
            let isFirst = separator == nil
            if isFirst { separator = Table.separator(of: bytes[content]) }
            try split(content)
            if isFirst, try takeNames() { continue }
            guard let value else { throw problem(.noNames(columns.value.first ?? "")) }
            if columns.value.isEmpty && columns.time.isEmpty && fields.count != 2 || fields.count <= max(value, time) {
                throw problem(.columns(fields.count))
            }
            if !filters.allSatisfy({ $0.column < fields.count && $0.texts.contains(text($0.column)) }) { continue }
            return Row(line: line, time: text(time), value: text(value))
        }
        return nil
    }

    private func problem(_ problem: TableProblem) -> Problem { Problem(line: line, problem: problem) }

    /// Where the next line that is neither empty nor a comment is, without its end.
    private mutating func nextLine() -> Range<Int>? {
        while position < bytes.count {
            line += 1
            let start = position
            while position < bytes.count, bytes[position] != UInt8(ascii: "\n") { position += 1 }
            let content = start..<position
            position += 1
            guard let first = bytes[content].first(where: { !isBlank($0) }), first != UInt8(ascii: "#") else { continue }
            return content
        }
        return nil
    }

    /// Reads the first line as names, if it is one.
    private mutating func takeNames() throws(Problem) -> Bool {
        // A time has digits; a column's name may have them, too, but for that of the times.
        guard !columns.time.isEmpty || !bytes[fields[0]].contains(where: { UInt8(ascii: "0")...UInt8(ascii: "9") ~= $0 }) else {
            value = columns.value.isEmpty ? 1 : nil
            return false
        }
        let names = fields.indices.map { text($0) }
        time = try place(of: columns.time, among: names, without: nil) ?? 0
        timeName = names[time]
        value = try place(of: columns.value, among: names, without: time) ?? (time == 0 ? 1 : 0)
        for filter in columns.only {
            if let column = names.firstIndex(of: filter.column) { filters.append((column, filter.texts)) }
        }
        return true
    }

    /// nil where no name is asked for.
    private func place(of wanted: [String], among names: [String], without time: Int?) throws(Problem) -> Int? {
        guard let first = wanted.first else { return nil }
        for name in wanted {
            if let place = names.indices.first(where: { $0 != time && names[$0] == name }) { return place }
        }
        throw problem(.noColumn(first, among: names.indices.filter { $0 != time }.map { names[$0] }))
    }

    private static func separator(of line: ArraySlice<UInt8>) -> UInt8 {
        var (counts, isQuoted) = ([0, 0, 0], false)
        let separators = [UInt8(ascii: ","), UInt8(ascii: "\t"), UInt8(ascii: ";")]
        for byte in line {
            if byte == UInt8(ascii: "\"") { isQuoted.toggle() }
            if !isQuoted, let index = separators.firstIndex(of: byte) { counts[index] += 1 }
        }
        // Where none is more than a comma, a comma.
        return separators[counts.firstIndex(of: counts.max() ?? 0) ?? 0]
    }

    private mutating func split(_ content: Range<Int>) throws(Problem) {
        fields.removeAll(keepingCapacity: true)
        var (start, at, isText) = (content.lowerBound, content.lowerBound, true)
        while true {
            while at < content.upperBound, bytes[at] != separator, bytes[at] != UInt8(ascii: "\"") {
                if bytes[at] >= 0x80 { isText = false }
                at += 1
            }
            if at < content.upperBound, bytes[at] == UInt8(ascii: "\""), bytes[start..<at].allSatisfy(isBlank) {
                at = try behindQuotes(at, content, &isText)
            } else if at < content.upperBound, bytes[at] != separator {
                // In the middle of a field it is a character as any other.
                at += 1
                continue
            }
            fields.append(trimmed(start..<at))
            if at == content.upperBound { break }
            at += 1
            start = at
        }
        if !isText, String(validating: bytes[content], as: UTF8.self) == nil { throw problem(.notText) }
    }

    /// - Returns: where the separator behind a field in quotation marks is, or the line's end.
    private func behindQuotes(_ quote: Int, _ content: Range<Int>, _ isText: inout Bool) throws(Problem) -> Int {
        var at = quote + 1
        while at < content.upperBound {
            if bytes[at] >= 0x80 { isText = false }
            if bytes[at] == UInt8(ascii: "\"") {
                // Two of them are one.
                guard at + 1 < content.upperBound, bytes[at + 1] == UInt8(ascii: "\"") else { break }
                at += 1
            }
            at += 1
        }
        guard at < content.upperBound else { throw problem(.quotes) }
        at += 1
        while at < content.upperBound, bytes[at] != separator {
            guard isBlank(bytes[at]) else { throw problem(.quotes) }
            at += 1
        }
        return at
    }

    private func trimmed(_ field: Range<Int>) -> Range<Int> {
        var (start, end) = (field.lowerBound, field.upperBound)
        while start < end, isBlank(bytes[start]) { start += 1 }
        while start < end, isBlank(bytes[end - 1]) { end -= 1 }
        return start..<end
    }

    private func text(_ field: Int) -> String {
        let range = fields[field]
        guard range.count >= 2, bytes[range.lowerBound] == UInt8(ascii: "\"") else {
            return String(decoding: bytes[range], as: UTF8.self)
        }
        var (text, isSecond): ([UInt8], Bool) = ([], false)
        for byte in bytes[(range.lowerBound + 1)..<(range.upperBound - 1)] {
            isSecond = byte == UInt8(ascii: "\"") && !isSecond
            if !isSecond { text.append(byte) }
        }
        return String(decoding: text, as: UTF8.self)
    }
}

private func isBlank(_ byte: UInt8) -> Bool {
    byte == UInt8(ascii: " ") || byte == UInt8(ascii: "\t") || byte == UInt8(ascii: "\r")
}
