/// The rest of a request's first line, as it was sent.
struct RequestLine {
    let method: String
    /// `HTTP/1.1` or `HTTP/1.0`: others libmicrohttpd refuses.
    let version: String
}

/// What a request is for: the path of its first line's target, decoded (RFC 9112, section 3.2; RFC 3986).
struct Target: Equatable {
    let path: String

    /// nil for what is no path, an escape that is none, an escaped zero byte, and what isn't UTF-8.
    init?(_ text: String) {
        var text = text[...]
        // A proxy's form, which every server has to take.
        if text.hasPrefix("http://") { text = text.dropFirst(7).drop { $0 != "/" && $0 != "?" } }
        let end = text.utf8.firstIndex(of: UInt8(ascii: "?")) ?? text.endIndex
        guard let path = decoded(text[..<end]), path.hasPrefix("/") else { return nil }
        // Nobody asks for anything by it, and what it says may be anything but garbage.
        guard decoded(text[end...]) != nil else { return nil }
        self.path = path
    }
}

private func decoded(_ text: Substring) -> String? {
    var bytes: [UInt8] = []
    var rest = text.utf8[...]
    while let byte = rest.popFirst() {
        switch byte {
        case UInt8(ascii: "%"):
            guard let high = rest.popFirst().flatMap(hexValue), let low = rest.popFirst().flatMap(hexValue), high | low != 0
            else {
                return nil
            }
            bytes.append(high << 4 | low)
        // They can't be in a target; libmicrohttpd lets spaces pass.
        case 0...0x20, 0x7F: return nil
        default: bytes.append(byte)
        }
    }
    return String(validating: bytes, as: UTF8.self)
}

/// The value of a hexadecimal digit; nil for what is none.
func hexValue(_ byte: UInt8) -> UInt8? {
    switch byte {
    case UInt8(ascii: "0")...UInt8(ascii: "9"): byte - UInt8(ascii: "0")
    case UInt8(ascii: "a")...UInt8(ascii: "f"): byte - UInt8(ascii: "a") + 10
    case UInt8(ascii: "A")...UInt8(ascii: "F"): byte - UInt8(ascii: "A") + 10
    default: nil
    }
}
