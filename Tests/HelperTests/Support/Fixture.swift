import Glibc
import LinuxSystem

/// A listing of a real tree under Tests/Fixtures/trees.
struct Fixture {
    enum Kind: String { case directory, file, link, fails }

    struct Row {
        let kind: Kind
        let mode: UInt32
        let path: String
        /// The file's text, the link's target, or the errno of a read.
        let contents: String
    }

    static let names = [
        "server-two-packages", "psys-in-the-middle", "mmio-and-peak-power", "max-power-zero", "monitor-only",
    ]

    let rows: [Row]

    static func path(_ file: String) -> String {
        #filePath.split(separator: "/").dropLast(3).reduce("") { "\($0)/\($1)" } + "/Fixtures/trees/\(file)"
    }

    init(_ name: String) throws {
        rows = String(decoding: try HelperTests.contents(Fixture.path("\(name).txt")), as: UTF8.self).split(separator: "\n")
            .dropFirst().map { line in
                let words = line.split(separator: " ", maxSplits: 3)
                return Row(
                    kind: Kind(rawValue: String(words[0]))!, mode: UInt32(words[1], radix: 8)!, path: String(words[2]),
                    contents: words.count > 3 ? String(words[3]) : "")
            }
    }

    /// Makes the tree below `root`. Files that can't be read in hardware are left out: no plain file fails like that.
    func write(below root: String) throws {
        for row in rows {
            let path = "\(root)/\(row.path)"
            switch row.kind {
            case .directory: try makeDirectory(path, mode: row.mode)
            case .file:
                try put("\(row.contents)\n", in: path)
                try changeMode(path, row.mode)
            case .link: guard unsafe symlink(row.contents, path) == 0 else { throw Errno(errno) }
            case .fails: break
            }
        }
    }
}
