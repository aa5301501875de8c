public import LinuxSystem

/// A bearer token as it lies on disk. The kubelet replaces it long before it expires, so it is read for every request.
public enum TokenFile {
    private static let largest = (1 << 14) - 1

    /// Why there is no token.
    public enum Problem: Error, Equatable, Sendable {
        case file(Errno)
        case notAFile, empty, malformed
    }

    /// The token, without white space around it.
    public static func read(_ path: String) throws(Problem) -> String {
        let bytes: [UInt8]
        do throws(GivenFile.Problem) { bytes = try GivenFile.contents(of: path, atMost: largest) } catch {
            switch error {
            case .notAFile: throw .notAFile
            case .failed(let errno): throw .file(errno)
            }
        }
        func isSpace(_ byte: UInt8) -> Bool { byte == 0x20 || byte == 0x0A || byte == 0x0D || byte == 0x09 }
        let text = bytes.drop(while: isSpace)
        let token = text.prefix { !isSpace($0) }
        // A part of a token is none.
        if bytes.count > largest { throw .malformed }
        if token.isEmpty { throw .empty }
        // RFC 6750, section 2.1. Anything else would end the header, or be one of its own.
        guard token.allSatisfy({ $0 > 0x20 && $0 < 0x7F }), text[token.endIndex...].allSatisfy(isSpace) else {
            throw .malformed
        }
        return String(decoding: token, as: UTF8.self)
    }
}
