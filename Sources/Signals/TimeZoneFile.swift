// The zone's file in the time zone database (RFC 9636): what is read of it is the second block, which has 64-bit times, and the rule behind.

extension SignalZone {
    /// nil where the bytes are no such file of version 2 or later.
    public init?(zoneFile bytes: [UInt8]) {
        guard let first = ZoneBlock(bytes, at: 0), first.version >= UInt8(ascii: "2"),
            let block = ZoneBlock(bytes, at: first.end(timeSize: 4)), let changes = block.changes(in: bytes)
        else { return nil }
        let behind = bytes[block.end(timeSize: 8)...]
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
    private let start: Int
    private let (utCount, standardCount, leapCount, timeCount, typeCount, letterCount): (Int, Int, Int, Int, Int, Int)

    private static let headerSize = 44

    /// nil where none is there, or its data aren't.
    init?(_ bytes: [UInt8], at start: Int) {
        guard bytes.count >= start + ZoneBlock.headerSize, bytes[start...].starts(with: Array("TZif".utf8)) else { return nil }
        version = bytes[start + 4]
        self.start = start + ZoneBlock.headerSize
        func count(_ index: Int) -> Int { Int(big(bytes, at: start + 20 + index * 4, size: 4)) }
        (utCount, standardCount, leapCount) = (count(0), count(1), count(2))
        (timeCount, typeCount, letterCount) = (count(3), count(4), count(5))
        guard [utCount, standardCount, leapCount, timeCount, typeCount, letterCount].allSatisfy({ 0...65_536 ~= $0 }),
            typeCount > 0,
            end(timeSize: version == 0 || start == 0 ? 4 : 8) <= bytes.count
        else { return nil }
    }

    func end(timeSize: Int) -> Int {
        start + timeCount * (timeSize + 1) + typeCount * 6 + letterCount + leapCount * (timeSize + 4) + standardCount + utCount
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
