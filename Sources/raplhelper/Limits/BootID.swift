/// The kernel's random id of this boot (/proc/sys/kernel/random/boot_id, random(4)).
struct BootID: Equatable {
    let high: UInt64
    let low: UInt64

    /// 32 hexadecimal digits with hyphens, as the kernel prints them.
    init?(_ text: Span<UInt8>) {
        var halves: (UInt64, UInt64) = (0, 0)
        var digits = 0
        for index in 0..<text.count where text[index] != UInt8(ascii: "-") {
            guard let digit = Scanner.hexadecimalDigit(text[index]), digits < 32 else { return nil }
            halves.0 = halves.0 << 4 | halves.1 >> 60
            halves.1 = halves.1 << 4 | digit
            digits += 1
        }
        guard digits == 32 else { return nil }
        (high, low) = halves
    }

    func append(to text: inout Message) {
        text.appendHexadecimal(high >> 32, digits: 8)
        text.append("-")
        text.appendHexadecimal(high >> 16 & 0xFFFF, digits: 4)
        text.append("-")
        text.appendHexadecimal(high & 0xFFFF, digits: 4)
        text.append("-")
        text.appendHexadecimal(low >> 48, digits: 4)
        text.append("-")
        text.appendHexadecimal(low & 0xFFFF_FFFF_FFFF, digits: 12)
    }
}
