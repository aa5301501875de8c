// The zone's file in the time zone database (RFC 9636): what is read of it is the second block, which has 64-bit times, and the rule behind.

extension SignalZone {
    /// nil where the bytes are no such file of version 2 or later.
    public init?(zoneFile bytes: [UInt8]) {
        guard let first = ZoneBlock(bytes, at: 0, timeSize: 4), first.version >= UInt8(ascii: "2"),
            let block = ZoneBlock(bytes, at: first.end, timeSize: 8), let changes = block.changes(in: bytes)
        else { return nil }
        let behind = bytes[block.end...]
        guard behind.first == UInt8(ascii: "\n"), let end = behind.dropFirst().firstIndex(of: UInt8(ascii: "\n")) else {
            return nil
        }
        let line = Array(behind.dropFirst()[..<end])
        let rule = ZoneRule(parsing: line)
        if rule == nil, !line.isEmpty { return nil }
        self.init(changes: changes.changes, first_s: changes.first_s, rule: rule)
    }
}

/// A header and what follows it.
private struct ZoneBlock {
    let version: UInt8
    /// Where what follows the header begins, and ends.
    private let start: Int
    let end: Int
    private let (timeCount, typeCount): (Int, Int)

    private static let headerSize = 44

    /// nil where none is there, or its data aren't.
    init?(_ bytes: [UInt8], at start: Int, timeSize: Int) {
        guard bytes.count >= start + ZoneBlock.headerSize, bytes[start...].starts(with: Array("TZif".utf8)) else { return nil }
        version = bytes[start + 4]
        self.start = start + ZoneBlock.headerSize
        let counts = (0..<6).map { Int(big(bytes, at: start + 20 + $0 * 4, size: 4)) }
        guard counts.allSatisfy({ 0...65_536 ~= $0 }) else { return nil }
        let (utCount, standardCount, leapCount, letterCount) = (counts[0], counts[1], counts[2], counts[5])
        (timeCount, typeCount) = (counts[3], counts[4])
        end =
            self.start + timeCount * (timeSize + 1) + typeCount * 6 + letterCount + leapCount * (timeSize + 4) + standardCount
            + utCount
        guard typeCount > 0, end <= bytes.count else { return nil }
    }

    /// Since 1970: no clocks were set outside of this, and arithmetic with it can't overflow. The least number of 64 bits has no absolute
    /// value, so this is asked as a range.
    private static let times: Range<Int64> = (-1 << 60)..<(1 << 60)

    /// Of a block with times of 64 bits.
    func changes(in bytes: [UInt8]) -> (changes: [SignalZone.Change], first_s: Int64)? {
        let (kinds, types) = (start + timeCount * 8, start + timeCount * 9)
        func offset_s(_ type: Int) -> Int64 { big(bytes, at: types + type * 6, size: 4) }
        var changes: [SignalZone.Change] = []
        for index in 0..<timeCount {
            let seconds = big(bytes, at: start + index * 8, size: 8)
            let type = Int(bytes[kinds + index])
            guard type < typeCount, ZoneBlock.times ~= seconds, changes.last.map({ $0.seconds < seconds }) ?? true else {
                return nil
            }
            changes.append(SignalZone.Change(seconds: seconds, offset_s: offset_s(type)))
        }
        guard changes.allSatisfy({ abs($0.offset_s) < 172_800 }), abs(offset_s(0)) < 172_800 else { return nil }
        return (changes, offset_s(0))
    }
}

/// A number in the order of the network, of 4 or 8 bytes, with its sign.
private func big(_ bytes: [UInt8], at start: Int, size: Int) -> Int64 {
    var number: UInt64 = 0
    for byte in bytes[start..<(start + size)] { number = number << 8 | UInt64(byte) }
    return size == 4 ? Int64(Int32(truncatingIfNeeded: number)) : Int64(bitPattern: number)
}
