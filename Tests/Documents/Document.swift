/// The tables of a Markdown page.
public struct Document: Sendable {
    public let text: String
    /// Rows by heading; a line `Zone:` before a table counts as one too.
    private var tables: [String: [[[String]]]] = [:]
    public private(set) var anchors: Set<String> = []

    /// - Parameter page: its path in the repository.
    public init(page: String) throws { self.init(try Repository.text(page)) }

    public init(_ text: String) {
        self.text = text
        var heading = ""
        var isInTable = false
        for line in text.split(separator: "\n", omittingEmptySubsequences: false) {
            if line.hasPrefix("#") {
                heading = String(line.drop { $0 == "#" }.dropFirst())
                anchors.insert(heading.lowercased().replacing(" ", with: "-"))
            } else if line.hasSuffix(":"), !line.contains(" ") {
                heading = String(line.dropLast())
            }
            guard line.hasPrefix("|") else {
                isInTable = false
                continue
            }
            let cells = line.split(separator: "|", omittingEmptySubsequences: false).dropFirst().dropLast().map { cell in
                String(cell.drop { $0 == " " }.reversed().drop { $0 == " " }.reversed())
            }
            if isInTable { tables[heading]![tables[heading]!.count - 1].append(cells) }
            if !isInTable { tables[heading, default: []].append([cells]) }
            isInTable = true
        }
    }

    /// The rows, without its head, of the table below `heading` whose first column is called `column`.
    public func table(_ heading: String, startingWith column: String) -> [[String]] {
        let table = tables[heading]?.first { $0[0][0] == column } ?? []
        return Array(table.dropFirst(2))
    }

    /// The rows of every table whose first column is called one of `columns`.
    public func tables(startingWith columns: [String]) -> [[String]] {
        tables.values.joined().filter { columns.contains($0[0][0]) }.flatMap { $0.dropFirst(2) }
    }

    /// What the first column of each table is called.
    public var heads: [String] { tables.values.joined().map { $0[0][0] } }

    /// The first two columns of an enumeration's table; each row must say something in its third.
    public func names(_ heading: String) -> [[String]] {
        let first = tables[heading]?.first?.dropFirst(2) ?? []
        return first.map { $0.count > 2 && $0[2] != "" ? Array($0[0...1]) : ["no meaning"] + $0 }
    }
}
