internal import LinuxSystem

/// A bearer token as it lies on disk. The kubelet replaces it long before it expires, so it is read for every request.
enum TokenFile {
    private static let largest = 1 << 14

    /// - Throws: `.noToken`.
    static func read(_ path: String) throws(APIProblem) -> String {
        var bytes = [UInt8](repeating: 0, count: largest)
        let count: Int
        do throws(Errno) {
            let file = try Descriptor(opening: path, .readThroughLinks)
            count = try file.read(into: &bytes, from: 0, atMost: bytes.count)
        } catch { throw .noToken(path: path, .file(error)) }
        func isSpace(_ byte: UInt8) -> Bool { byte == 0x20 || byte == 0x0A || byte == 0x0D || byte == 0x09 }
        let text = bytes[..<count].drop(while: isSpace)
        let token = text.prefix { !isSpace($0) }
        // A part of a token is none.
        if count == largest { throw .noToken(path: path, .malformed) }
        if token.isEmpty { throw .noToken(path: path, .empty) }
        // RFC 6750, section 2.1. Anything else would end the header, or be one of its own.
        guard token.allSatisfy({ $0 > 0x20 && $0 < 0x7F }), text[token.endIndex...].allSatisfy(isSpace) else {
            throw .noToken(path: path, .malformed)
        }
        return String(decoding: token, as: UTF8.self)
    }

    /// Until when a token says that it lives, in seconds since 1970; nil where it doesn't say (RFC 7519, section 4.1.4). Only the
    /// server can tell whether that is true.
    static func expiry(of token: String) -> Int64? {
        let parts = token.split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count == 3, let claims = base64URL(parts[1].utf8), let json = try? JSON(claims, .members(["exp": .all]))
        else { return nil }
        return json["exp"]?.integer.flatMap { Int64(exactly: $0) }
    }

    /// Decodes base64url without padding (RFC 4648, section 5).
    private static func base64URL(_ text: Substring.UTF8View) -> [UInt8]? {
        var (bytes, bits, count): ([UInt8], UInt32, Int) = ([], 0, 0)
        for character in text {
            let value: UInt8
            switch character {
            case UInt8(ascii: "A")...UInt8(ascii: "Z"): value = character - UInt8(ascii: "A")
            case UInt8(ascii: "a")...UInt8(ascii: "z"): value = character - UInt8(ascii: "a") + 26
            case UInt8(ascii: "0")...UInt8(ascii: "9"): value = character - UInt8(ascii: "0") + 52
            case UInt8(ascii: "-"): value = 62
            case UInt8(ascii: "_"): value = 63
            default: return nil
            }
            (bits, count) = (bits << 6 | UInt32(value), count + 6)
            if count >= 8 {
                count -= 8
                bytes.append(UInt8(truncatingIfNeeded: bits >> UInt32(count)))
            }
        }
        return bytes
    }
}
