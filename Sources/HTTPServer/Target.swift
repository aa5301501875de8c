/// The rest of a request's first line, as it was sent.
struct RequestLine {
    let method: String
    /// `HTTP/1.1` or `HTTP/1.0`: others libmicrohttpd refuses.
    let version: String
}

/// What a request is for: the target of its first line, taken apart and decoded (RFC 9112, section 3.2; RFC 3986).
struct Target: Equatable {
    let path: String
    let query: [ServerRequest.QueryItem]

    /// nil for what is no path, an escape that is none, an escaped zero byte, and what isn't UTF-8.
    init?(_ text: String) {
        var text = text[...]
        // A proxy's form, which every server has to take.
        if text.hasPrefix("http://") { text = text.dropFirst(7).drop { $0 != "/" && $0 != "?" } }
        let end = text.utf8.firstIndex(of: UInt8(ascii: "?")) ?? text.endIndex
        guard let path = decoded(text[..<end]), path.hasPrefix("/") else { return nil }
        var query: [ServerRequest.QueryItem] = []
        for item in text[end...].dropFirst().split(separator: "&") {
            let equals = item.utf8.firstIndex(of: UInt8(ascii: "=")) ?? item.endIndex
            guard let name = decoded(item[..<equals], isForm: true),
                let value = decoded(item[equals...].dropFirst(), isForm: true)
            else { return nil }
            query.append(ServerRequest.QueryItem(name: name, value: value))
        }
        (self.path, self.query) = (path, query)
    }
}

/// - Parameter isForm: a plus sign is a space, as browsers write it.
private func decoded(_ text: Substring, isForm: Bool = false) -> String? {
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
        case UInt8(ascii: "+") where isForm: bytes.append(UInt8(ascii: " "))
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
