/// /etc/passwd and /etc/group, read directly: a static program has no NSS (nss(5)), so users and groups of a directory service
/// have only numbers here.
public enum AccountFile {
    public static let users = "/etc/passwd"
    public static let groups = "/etc/group"

    /// What became of looking a name up.
    public enum Lookup: Equatable { case id(UInt32), unknownName, unreadable(Errno) }

    /// The uid or gid of a name.
    public static func id(of name: String, in path: String) -> Lookup {
        let wanted = [UInt8](name.utf8)
        do throws(Errno) {
            let text = try text(of: path)
            return id(of: wanted.span, in: text.span).map { .id($0) } ?? .unknownName
        } catch { return .unreadable(error) }
    }

    /// The first name that a uid or gid has; nil where it has none, or the file can't be read.
    public static func name(of id: UInt32, in path: String) -> [UInt8]? {
        guard let text = try? text(of: path) else { return nil }
        var found: [UInt8]?
        scan(text.span) { name, number in
            guard number == id else { return false }
            var bytes: [UInt8] = []
            for index in 0..<name.count { bytes.append(name[index]) }
            found = bytes
            return true
        }
        return found
    }

    private static func text(of path: String) throws(Errno) -> [UInt8] {
        var text = [UInt8](repeating: 0, count: 4096)
        var count = 0
        let file = try Descriptor(opening: path, .readThroughLinks)
        while true {
            let got = try file.read(into: &text, from: count, atMost: text.count - count)
            if got == 0 { break }
            count += got
            if count == text.count { text += [UInt8](repeating: 0, count: count) }
        }
        text.removeLast(text.count - count)
        return text
    }

    static func id(of name: Span<UInt8>, in text: Span<UInt8>) -> UInt32? {
        var found: UInt32?
        scan(text) { candidate, id in
            guard isSame(name, candidate) else { return false }
            found = id
            return true
        }
        return found
    }

    /// Goes through the lines, `name:password:id:…` in both files (passwd(5), group(5)), until one is what was looked for.
    private static func scan(_ text: Span<UInt8>, _ isFound: (Span<UInt8>, UInt32) -> Bool) {
        var start = 0
        while start < text.count {
            var (end, colons) = (start, InlineArray<3, Int>(repeating: 0))
            var found = 0
            while end < text.count && text[end] != UInt8(ascii: "\n") {
                if text[end] == UInt8(ascii: ":") && found < 3 {
                    colons[found] = end
                    found += 1
                }
                end += 1
            }
            if found == 3, colons[0] > start, let id = wholeNumber(text.extracting((colons[1] + 1)..<colons[2])),
                id < UInt32.max, isFound(text.extracting(start..<colons[0]), UInt32(id))
            {
                return
            }
            start = end + 1
        }
    }

    private static func isSame(_ left: Span<UInt8>, _ right: Span<UInt8>) -> Bool {
        guard left.count == right.count else { return false }
        for index in 0..<left.count where left[index] != right[index] { return false }
        return true
    }
}
