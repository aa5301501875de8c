public import LinuxSystem

/// Files that hold what is shown to one server and to nobody else. They are read for each request, because others replace them, and are
/// plain files: nothing about them makes the caller wait. What is wrong with one never tells what is in it.
public enum SecretFile {
    private static let largest = 1 << 14
    private static let mostFields = 32

    /// Why one can't be used.
    public enum Problem: Error, Equatable, Sendable {
        case file(Errno)
        case notAFile, empty, tooLarge
        /// No text in UTF-8.
        case notText
        /// More than the one line that it should be.
        case manyLines
        /// No `USER:PASSWORD`.
        case noLogin
        /// No `NAME: VALUE`. Lines are counted from 1.
        case noField(line: Int)
        /// A field that says how a request is sent, which isn't the writer's to say.
        case reserved(String, line: Int)
    }

    /// A body: any bytes, as they are.
    public static func bytes(_ path: String) throws(Problem) -> [UInt8] {
        let bytes: [UInt8]
        do throws(GivenFile.Problem) { bytes = try GivenFile.contents(of: path, atMost: largest) } catch {
            switch error {
            case .notAFile: throw .notAFile
            case .failed(let errno): throw .file(errno)
            }
        }
        if bytes.count > largest { throw .tooLarge }
        if bytes.isEmpty { throw .empty }
        return bytes
    }

    private static func text(_ path: String) throws(Problem) -> String {
        let bytes = try bytes(path)
        guard !bytes.contains(0), let text = String(validating: bytes, as: UTF8.self) else { throw .notText }
        return text
    }

    /// The one line that it holds, without blanks around it: addresses of a service, with what opens it in them.
    public static func line(_ path: String) throws(Problem) -> String {
        let lines = try text(path).split(whereSeparator: \.isNewline).map(\.trimmed).filter { !$0.isEmpty }
        guard let line = lines.first else { throw .empty }
        if lines.count > 1 { throw .manyLines }
        return String(line)
    }

    /// `USER:PASSWORD`; a password may have colons and blanks in it, but for blanks at the line's end.
    public static func login(_ path: String, _ manner: Login.Manner) throws(Problem) -> Login {
        let line = try line(path)
        guard let colon = line.firstIndex(of: ":"), colon > line.startIndex,
            line.unicodeScalars.allSatisfy({ $0.value >= 0x20 && $0.value != 0x7F })
        else { throw .noLogin }
        return Login(user: String(line[..<colon]), password: String(line[line.index(after: colon)...]), manner)
    }

    /// Lines `NAME: VALUE`. Empty ones and those that begin with # are passed over.
    public static func fields(_ path: String) throws(Problem) -> [HTTPField] {
        var fields: [HTTPField] = []
        for (index, line) in try text(path).split(omittingEmptySubsequences: false, whereSeparator: \.isNewline).enumerated() {
            let line = line.trimmed
            if line.isEmpty || line.hasPrefix("#") { continue }
            let name = line.prefix { $0 != ":" }
            guard let field = HTTPField(String(name), String(line[name.endIndex...].dropFirst().trimmed)) else {
                throw .noField(line: index + 1)
            }
            if reserved.contains(where: field.isNamed) { throw .reserved(field.name, line: index + 1) }
            fields.append(field)
        }
        if fields.isEmpty { throw .empty }
        if fields.count > mostFields { throw .tooLarge }
        return fields
    }

    /// What the connection, its length and its coding are is libcurl's; with another Host the request would go to another server than the one
    /// that is shown.
    private static let reserved = [
        "accept-encoding", "connection", "content-length", "expect", "host", "keep-alive", "te", "trailer", "transfer-encoding",
        "upgrade",
    ]
}

extension Substring {
    /// Without blanks at its ends.
    fileprivate var trimmed: Substring {
        guard let first = firstIndex(where: { !$0.isWhitespace }), let last = lastIndex(where: { !$0.isWhitespace }) else {
            return self[endIndex...]
        }
        return self[first...last]
    }
}
