/// A name and a password, as they are shown to a server (RFC 7617, RFC 7616).
public struct Login: Equatable, Sendable {
    /// How they are shown.
    public enum Manner: Sendable {
        /// In plain text, with the first request.
        case basic
        /// As the server asks for them when it has refused the request without: by a digest where it takes one, or in plain text.
        case asAsked
    }

    let user: String
    let password: String
    let manner: Manner

    init(user: String, password: String, _ manner: Manner) {
        (self.user, self.password, self.manner) = (user, password, manner)
    }
}

extension Login {
    /// What must not be told of it: the password, and how it is sent in plain text (RFC 4648, section 4).
    public var secrets: [String] {
        let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)
        var (coded, rest): ([UInt8], ArraySlice<UInt8>) = ([], Array("\(user):\(password)".utf8)[...])
        while !rest.isEmpty {
            let three = rest.prefix(3)
            let bits = three.reduce(0) { $0 << 8 | UInt32($1) } << (8 * UInt32(3 - three.count))
            for digit in 0..<4 {
                coded.append(digit > three.count ? UInt8(ascii: "=") : alphabet[Int(bits >> (18 - 6 * UInt32(digit)) & 63)])
            }
            rest = rest.dropFirst(3)
        }
        return [password, String(decoding: coded, as: UTF8.self)]
    }
}
