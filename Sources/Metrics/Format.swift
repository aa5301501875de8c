/// In what way metrics are written.
public enum Format: Equatable, Sendable {
    /// Prometheus's text format 0.0.4 (prometheus.io/docs/instrumenting/exposition_formats).
    case text
    /// OpenMetrics 1.0.0 (github.com/prometheus/OpenMetrics, specification/OpenMetrics.md).
    case openMetrics

    /// For `Content-Type`.
    public var mediaType: String {
        switch self {
        case .text: "text/plain; version=0.0.4; charset=utf-8"
        case .openMetrics: "application/openmetrics-text; version=1.0.0; charset=utf-8"
        }
    }
}

extension Format {
    /// What a client likes better that sends this `Accept` (RFC 9110, section 12.5.1): of two that it likes the same, of none, and
    /// without the header it is the text format, which everybody reads.
    public init(accept: String?) {
        let ranges = split(Array((accept ?? "").utf8), at: ",").compactMap(MediaRange.init)
        func quality(_ type: StaticString, _ subtype: StaticString, _ version: StaticString) -> Int {
            let fitting = ranges.compactMap { range in range.fit(type, subtype, version).map { ($0, range.quality) } }
            return fitting.max { $0 < $1 }?.1 ?? 0
        }
        let isBetter = quality("application", "openmetrics-text", "1.0.0") > quality("text", "plain", "0.0.4")
        self = isBetter ? .openMetrics : .text
    }
}

/// One element of `Accept`.
private struct MediaRange {
    private let type: String
    private let subtype: String
    /// nil where every version will do.
    private let version: String?
    /// How much it is liked, in thousandths; 0 is not at all.
    let quality: Int

    /// nil where it can't be read. Of the parameters version and weight count.
    init?(_ text: ArraySlice<UInt8>) {
        let parts = split(Array(text), at: ";")
        let names = split(Array(parts[0]), at: "/")
        guard names.count == 2, !names[0].isEmpty, !names[1].isEmpty else { return nil }
        var (version, quality): (String?, Int) = (nil, 1_000)
        for parameter in parts.dropFirst() {
            let pair = split(Array(parameter), at: "=")
            guard pair.count == 2 else { continue }
            switch lowercased(pair[0]) {
            case "version": version = unquoted(pair[1])
            case "q":
                guard let weight = MediaRange.thousandths(pair[1]) else { return nil }
                quality = weight
            default: continue
            }
        }
        (type, subtype, self.version, self.quality) = (lowercased(names[0]), lowercased(names[1]), version, quality)
    }

    /// How exactly it means such an answer; nil where it doesn't.
    func fit(_ type: StaticString, _ subtype: StaticString, _ version: StaticString) -> Int? {
        if self.type == "*", self.subtype == "*" { return 0 }
        guard self.type == "\(type)" else { return nil }
        if self.subtype == "*" { return 1 }
        guard self.subtype == "\(subtype)" else { return nil }
        guard let wanted = self.version else { return 2 }
        return wanted == "\(version)" ? 3 : nil
    }

    /// `0`, `0.75`, `1.000`: at most three decimals (RFC 9110, section 12.4.2).
    private static func thousandths(_ text: ArraySlice<UInt8>) -> Int? {
        let parts = split(Array(text), at: ".")
        guard parts.count <= 2, parts[0] == [0x30] || parts[0] == [0x31] else { return nil }
        let decimals = parts.count == 2 ? parts[1] : []
        guard decimals.count <= 3, decimals.allSatisfy({ (0x30...0x39).contains($0) }) else { return nil }
        var value = Int(parts[0].first! - 0x30)
        for place in 0..<3 {
            value = value * 10 + (place < decimals.count ? Int(decimals[decimals.startIndex + place] - 0x30) : 0)
        }
        return value <= 1_000 ? value : nil
    }
}

/// The parts, without blanks around them; what is in quotation marks isn't taken apart.
private func split(_ bytes: [UInt8], at separator: Unicode.Scalar) -> [ArraySlice<UInt8>] {
    var (parts, start, isQuoted, isEscaped): ([ArraySlice<UInt8>], Int, Bool, Bool) = ([], 0, false, false)
    for (index, byte) in bytes.enumerated() {
        if isEscaped {
            isEscaped = false
        } else if isQuoted, byte == UInt8(ascii: "\\") {
            isEscaped = true
        } else if byte == UInt8(ascii: "\"") {
            isQuoted.toggle()
        } else if !isQuoted, byte == UInt8(ascii: separator) {
            parts.append(trimmed(bytes[start..<index]))
            start = index + 1
        }
    }
    return parts + [trimmed(bytes[start...])]
}

private func trimmed(_ bytes: ArraySlice<UInt8>) -> ArraySlice<UInt8> {
    func isBlank(_ byte: UInt8) -> Bool { byte == UInt8(ascii: " ") || byte == UInt8(ascii: "\t") }
    return bytes.drop(while: isBlank).reversed().drop(while: isBlank).reversed()[...]
}

private func lowercased(_ bytes: ArraySlice<UInt8>) -> String { String(decoding: bytes, as: UTF8.self).lowercased() }

private func unquoted(_ bytes: ArraySlice<UInt8>) -> String {
    let mark = UInt8(ascii: "\"")
    let isQuoted = bytes.count >= 2 && bytes.first == mark && bytes.last == mark
    return String(decoding: isQuoted ? bytes.dropFirst().dropLast() : bytes, as: UTF8.self)
}
