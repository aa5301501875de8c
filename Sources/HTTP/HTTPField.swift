/// A line of a request's head (RFC 9110, section 5).
public struct HTTPField: Equatable, Sendable {
    /// As it was written; capitals make no difference.
    let name: String
    let value: String

    /// nil where that would be no field, would be more than one, or would be cut short by the server.
    public init?(_ name: String, _ value: String) {
        let isToken = name.utf8.allSatisfy { byte in
            UInt8(ascii: "0")...UInt8(ascii: "9") ~= byte || UInt8(ascii: "a")...UInt8(ascii: "z") ~= byte | 0x20
                || "!#$%&'*+-.^_`|~".utf8.contains(byte)
        }
        guard isToken, !name.isEmpty, !value.isEmpty, value.utf8.allSatisfy({ $0 >= 0x20 && $0 < 0x7F || $0 == 0x09 }) else {
            return nil
        }
        (self.name, self.value) = (name, value)
    }

    /// Whether it has this name, which is given in small letters.
    func isNamed(_ name: String) -> Bool { self.name.lowercased() == name }
}

extension HTTPField {
    /// What must not be told of it, in pieces: `Bearer abc` has one more than it shows.
    public var secrets: [String] { [value] + value.split(separator: " ").dropFirst().map(String.init) }
}
