/// A file of lines `time,value` that a person or a program writes. Empty lines and those that begin with # are passed over, a line of names
/// may come first, and a byte order mark and CRLF are taken, as spreadsheets write them.
enum DataTable {
    /// In bytes: a year of quarter hours has 0.9 MB.
    static let largest = 1 << 20

    /// A line with values.
    struct Row {
        /// Counted from 1.
        let line: Int
        /// The first field, which says when.
        let time: String
        /// The field of the value's column.
        let value: String
    }

    /// Gives each row to `take`, in the file's order.
    /// - Parameter column: the name of the value's column; nil is the second of two.
    static func read(
        _ bytes: [UInt8], column: String?, _ take: (Row) throws(DataProblem) -> Void
    ) throws(DataProblem) {
        if bytes.count > largest { throw .tooLarge }
        let text = bytes.starts(with: [0xEF, 0xBB, 0xBF]) ? bytes[3...] : bytes[...]
        var (line, isFirst, value): (Int, Bool, Int?) = (0, true, column == nil ? 1 : nil)
        var rest = text
        while !rest.isEmpty {
            line += 1
            let end = rest.firstIndex(of: UInt8(ascii: "\n")) ?? rest.endIndex
            let content = rest[..<end].trimmed
            rest = rest[end...].dropFirst()
            if content.isEmpty || content.first == UInt8(ascii: "#") { continue }
            var fields: [String] = []
            for field in content.split(separator: UInt8(ascii: ","), omittingEmptySubsequences: false) {
                guard let text = String(validating: field.trimmed, as: UTF8.self) else { throw .line(line, .notText) }
                fields.append(text)
            }
            // A time has digits; a column's name may have them, too, but for that of the times.
            let isHeader = isFirst && !fields[0].utf8.contains { UInt8(ascii: "0")...UInt8(ascii: "9") ~= $0 }
            isFirst = false
            if isHeader {
                if let column {
                    value = fields.dropFirst().firstIndex(of: column)
                    if value == nil { throw .line(line, .noColumn(column, among: Array(fields.dropFirst()))) }
                }
                continue
            }
            guard let value else { throw .line(line, .noNames(column ?? "")) }
            if column == nil && fields.count != 2 || fields.count <= value { throw .line(line, .columns(fields.count)) }
            try take(Row(line: line, time: fields[0], value: fields[value]))
        }
        if isFirst { throw .empty }
    }
}

extension ArraySlice<UInt8> {
    /// Without blanks at its ends.
    fileprivate var trimmed: ArraySlice<UInt8> {
        func isBlank(_ byte: UInt8) -> Bool {
            byte == UInt8(ascii: " ") || byte == UInt8(ascii: "\t") || byte == UInt8(ascii: "\r")
        }
        guard let first = firstIndex(where: { !isBlank($0) }), let last = lastIndex(where: { !isBlank($0) }) else {
            return self[startIndex..<startIndex]
        }
        return self[first...last]
    }
}
