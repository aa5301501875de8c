internal import JSON

/// What a service account's token says of itself (RFC 7519). Only the server can tell whether it is true.
public struct TokenClaims: Equatable {
    /// Until when it says that it lives, in seconds since 1970; nil where it doesn't say (section 4.1.4).
    let expiry_s: Int64?
    /// For whom it says that it was made (section 4.1.3).
    let audiences: [String]
    /// That it says its pod runs on; nil where it doesn't say.
    let node: String?

    /// nil for what is no token.
    init?(of token: String) {
        let parts = token.split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count == 3, let claims = TokenClaims.base64URL(parts[1].utf8),
            let json = try? JSON(claims, TokenClaims.interest), json.members != nil
        else { return nil }
        expiry_s = json["exp"]?.integer.flatMap { Int64(exactly: $0) }
        // One alone may stand without brackets.
        audiences = json["aud"].map { aud in aud.text.map { [$0] } ?? aud.elements?.compactMap(\.text) ?? [] } ?? []
        node = json["kubernetes.io"]?["node"]?["name"]?.text
    }

    private static let interest = JSONInterest.members([
        "exp": .all, "aud": .all, "kubernetes.io": .members(["node": .members(["name": .all])]),
    ])

    /// Until when a token says that it lives, in seconds since 1970; nil where it doesn't say.
    public static func expiry(of token: String) -> Int64? { TokenClaims(of: token)?.expiry_s }

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
