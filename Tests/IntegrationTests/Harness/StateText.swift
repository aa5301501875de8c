import Foundation

/// The state file's text, edited as a whole slot with a checksum that fits (FNV-1a, 64 bits).
enum StateText {
    /// The slot with every digit of its boot id replaced.
    static func withBoot(_ digit: Character, _ slot: String) -> String {
        guard let checksum = slot.range(of: "checksum ") else { return slot }
        var lines = slot[..<checksum.lowerBound].split(separator: "\n").map(String.init)
        lines[1] = "boot " + lines[1].dropFirst(5).map { $0 == "-" ? "-" : String(digit) }.joined()
        return withChecksum(lines.joined(separator: "\n") + "\n", slotBytes: slot.utf8.count)
    }

    /// A slot with these lines.
    static func withChecksum(_ lines: String, slotBytes: Int) -> String {
        var hash: UInt64 = 0xCBF2_9CE4_8422_2325
        for byte in lines.utf8 { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01B3 }
        let sum = String(hash, radix: 16)
        let whole = lines + "checksum \(String(repeating: "0", count: 16 - sum.utf8.count))\(sum)\n"
        return whole + String(repeating: "\n", count: slotBytes - whole.utf8.count)
    }
}
