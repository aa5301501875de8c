import LinuxSystem

/// /etc/group, read directly: a static program has no NSS (nss(5)), so groups of a directory service have only numbers here.
enum GroupFile {
    static let path = "/etc/group"

    enum Lookup: Equatable { case gid(UInt32), unknownName, unreadable(Errno) }

    static func gid(of name: String, in path: String = path) -> Lookup {
        var text = [UInt8](repeating: 0, count: 4096)
        var count = 0
        do throws(Errno) {
            let file = try Descriptor(opening: path, .readThroughLinks)
            while true {
                let got = try file.read(into: &text, from: count, atMost: text.count - count)
                if got == 0 { break }
                count += got
                if count == text.count { text += [UInt8](repeating: 0, count: count) }
            }
        } catch { return .unreadable(error) }
        return gid(of: [UInt8](name.utf8).span, in: text.span.extracting(0..<count)).map { .gid($0) } ?? .unknownName
    }

    /// A line is `name:password:gid:members` (group(5)). The first one with the name counts.
    static func gid(of name: Span<UInt8>, in text: Span<UInt8>) -> UInt32? {
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
            if found == 3, colons[0] > start, isSame(name, text.extracting(start..<colons[0])),
                let gid = try? Attribute.number(text.extracting((colons[1] + 1)..<colons[2])), gid < UInt32.max
            {
                return UInt32(gid)
            }
            start = end + 1
        }
        return nil
    }

    private static func isSame(_ left: Span<UInt8>, _ right: Span<UInt8>) -> Bool {
        guard left.count == right.count else { return false }
        for index in 0..<left.count where left[index] != right[index] { return false }
        return true
    }
}
