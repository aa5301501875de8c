/// A boot of a node: the kernel's `/proc/sys/kernel/random/boot_id`, which is a UUID (random(4)).
public struct BootID: Hashable, Sendable {
    private let high: UInt64
    private let low: UInt64

    /// - Returns: nil where it is no UUID.
    public init?(_ text: String) {
        var (high, low, digits): (UInt64, UInt64, Int) = (0, 0, 0)
        for (index, byte) in text.utf8.enumerated() {
            if index == 8 || index == 13 || index == 18 || index == 23 {
                guard byte == UInt8(ascii: "-") else { return nil }
                continue
            }
            guard digits < 32, let digit = Self.digit(byte) else { return nil }
            (high, low) = (high << 4 | low >> 60, low << 4 | digit)
            digits += 1
        }
        guard digits == 32 else { return nil }
        (self.high, self.low) = (high, low)
    }

    private static func digit(_ byte: UInt8) -> UInt64? {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): UInt64(byte - UInt8(ascii: "0"))
        case UInt8(ascii: "a")...UInt8(ascii: "f"): UInt64(byte - UInt8(ascii: "a") + 10)
        default: nil
        }
    }

    /// As the kernel writes it.
    package var text: String {
        var text = ""
        for index in 0..<32 {
            if index == 8 || index == 12 || index == 16 || index == 20 { text += "-" }
            let digit = (index < 16 ? high >> UInt64(60 - 4 * index) : low >> UInt64(124 - 4 * index)) & 15
            text += String(digit, radix: 16)
        }
        return text
    }
}
