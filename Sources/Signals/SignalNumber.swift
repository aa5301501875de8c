/// A number as JSON writes it, with blanks around and a sign before it where a text holds it; nil where it is none, or none that is finite.
func signalNumber(_ text: String) -> Double? {
    let bytes = Array(text.utf8)
    guard let first = bytes.firstIndex(where: { $0 != UInt8(ascii: " ") }),
        let last = bytes.lastIndex(where: { $0 != UInt8(ascii: " ") })
    else { return nil }
    let trimmed = bytes[first...last]
    // Double reads more than this: hexadecimal digits, and words.
    guard
        trimmed.allSatisfy({ byte in
            switch byte {
            case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "."), UInt8(ascii: "-"), UInt8(ascii: "+"),
                UInt8(ascii: "e"),
                UInt8(ascii: "E"):
                true
            default: false
            }
        }), let number = Double(String(decoding: trimmed, as: UTF8.self)), number.isFinite
    else { return nil }
    return number
}

extension SignalReader {
    /// A number as a signal's values are read; nil where a text is none.
    public static func number(_ text: String) -> Double? { signalNumber(text) }
}
