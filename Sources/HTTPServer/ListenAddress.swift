/// Where TCP connections are taken: a numeric address of this machine and a port, as `127.0.0.1:28320` or `[::1]:28320`. A name is none:
/// whoever looks one up may have to wait.
public struct ListenAddress: Equatable, Sendable, CustomStringConvertible {
    /// Four of IPv4 or sixteen of IPv6, in the order of the network.
    let bytes: [UInt8]
    let port: UInt16

    init(bytes: [UInt8], port: UInt16) { (self.bytes, self.port) = (bytes, port) }

    /// From the text. nil where that is something else: a name, a port of 0, an address with a zone, IPv6 without brackets.
    public init?(_ text: String) {
        guard let colon = text.utf8.lastIndex(of: UInt8(ascii: ":")), let port = number(text[text.utf8.index(after: colon)...]),
            let port = UInt16(exactly: port), port > 0
        else { return nil }
        let host = text[..<colon]
        let bytes = host.hasPrefix("[") && host.hasSuffix("]") ? six(host.dropFirst().dropLast()) : four(host)
        guard let bytes else { return nil }
        self.init(bytes: bytes, port: port)
    }

    /// As `init` reads it.
    public var description: String {
        bytes.count == 4 ? "\(bytes.map { "\($0)" }.joined(separator: ".")):\(port)" : "[\(sixText)]:\(port)"
    }

    /// RFC 5952: the longest run of zeros is left out, the first of several.
    private var sixText: String {
        let groups = stride(from: 0, to: 16, by: 2).map { UInt16(bytes[$0]) << 8 | UInt16(bytes[$0 + 1]) }
        var zeros = 0..<0
        for start in groups.indices {
            let end = groups[start...].firstIndex { $0 != 0 } ?? groups.endIndex
            if end - start > max(zeros.count, 1) { zeros = start..<end }
        }
        let text = { (groups: ArraySlice<UInt16>) in groups.map { String($0, radix: 16) }.joined(separator: ":") }
        return zeros.isEmpty ? text(groups[...]) : "\(text(groups[..<zeros.lowerBound]))::\(text(groups[zeros.upperBound...]))"
    }
}

/// A decimal number as one writes it: without a sign, and without zeros before it.
private func number(_ text: Substring) -> Int? {
    guard 1...5 ~= text.utf8.count, text.utf8.allSatisfy({ UInt8(ascii: "0")...UInt8(ascii: "9") ~= $0 }) else { return nil }
    return text.utf8.count > 1 && text.hasPrefix("0") ? nil : Int(text)
}

private func four(_ text: Substring) -> [UInt8]? {
    let bytes = text.split(separator: ".", omittingEmptySubsequences: false).compactMap {
        number($0).flatMap(UInt8.init(exactly:))
    }
    return bytes.count == 4 && text.utf8.count { $0 == UInt8(ascii: ".") } == 3 ? bytes : nil
}

/// RFC 4291, section 2.2, with an IPv4 address at the end or without.
private func six(_ text: Substring) -> [UInt8]? {
    var parts = text.split(separator: ":", omittingEmptySubsequences: false)
    guard parts.count > 2 else { return nil }
    // At an end `::` leaves two empty parts, of which one is the run of zeros.
    if parts[0].isEmpty, parts.removeFirst().isEmpty, !parts[0].isEmpty { return nil }
    if parts[parts.count - 1].isEmpty, parts.count > 1, parts.removeLast().isEmpty, !parts[parts.count - 1].isEmpty { return nil }
    var (bytes, zeros): ([UInt8], Int?) = ([], nil)
    for (index, part) in parts.enumerated() {
        if part.isEmpty {
            guard zeros == nil else { return nil }
            zeros = bytes.count
        } else if index == parts.count - 1, let four = four(part) {
            bytes += four
        } else {
            guard part.utf8.count <= 4, part.utf8.allSatisfy(isHex), let group = UInt16(part, radix: 16) else { return nil }
            bytes += [UInt8(group >> 8), UInt8(group & 0xFF)]
        }
    }
    guard let zeros else { return bytes.count == 16 ? bytes : nil }
    guard bytes.count <= 14 else { return nil }
    bytes.insert(contentsOf: [UInt8](repeating: 0, count: 16 - bytes.count), at: zeros)
    return bytes
}

private func isHex(_ byte: UInt8) -> Bool { hexValue(byte) != nil }
