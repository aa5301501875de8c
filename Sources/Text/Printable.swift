// What comes from outside, an API server, an annotation, a file, an argument, is printed by these: nothing of it reaches a terminal but
// letters, figures, signs and plain blanks.

extension Unicode.Scalar {
    /// A terminal shows it as it is. Controls (C0, DEL and C1, among them CSI), formats (which turn the direction of writing, or have
    /// no width), separators of lines, and what nobody has assigned aren't.
    public var isPrintable: Bool {
        if value < 0x7F { return value >= 0x20 }
        return switch properties.generalCategory {
        case .control, .format, .lineSeparator, .paragraphSeparator, .surrogate, .privateUse, .unassigned: false
        default: true
        }
    }

    /// Four digits.
    func hexadecimal(_ unit: UInt16) -> String {
        let digits = String(unit, radix: 16)
        return String(repeating: "0", count: 4 - digits.utf8.count) + digits
    }
}

extension String {
    /// On one line and without anything that a terminal would obey: what isn't printable as `\u{9b}`. A text of printable characters
    /// stays what it is.
    public var printable: String {
        if unicodeScalars.allSatisfy(\.isPrintable) { return self }
        var result = ""
        for scalar in unicodeScalars { result.append(printable: scalar) }
        return result
    }

    fileprivate mutating func append(printable scalar: Unicode.Scalar) {
        switch scalar {
        case "\n": self += "\\n"
        case "\r": self += "\\r"
        case "\t": self += "\\t"
        case _ where scalar.isPrintable: unicodeScalars.append(scalar)
        default: self += "\\u{\(String(scalar.value, radix: 16))}"
        }
    }

    /// At most so many bytes of UTF-8, and `...` where something was left out.
    public func shortened(to most: Int) -> String {
        if utf8.count <= most { return self }
        var (short, bytes) = ("", 0)
        for scalar in unicodeScalars {
            bytes += UTF8.width(scalar)
            if bytes > most { break }
            short.unicodeScalars.append(scalar)
        }
        return short + "..."
    }
}

/// In quotation marks and on one line, whatever it holds; the end of a very long text is left out.
public func quoted(_ text: String) -> String {
    var result = "\""
    for (index, scalar) in text.unicodeScalars.enumerated() {
        if index == 200 { return result + "\"..." }
        if scalar == "\"" || scalar == "\\" { result += "\\" }
        result.append(printable: scalar)
    }
    return result + "\""
}
