public import LinuxSystem
internal import Text

extension Timestamp {
    /// A time as people and programs write it: RFC 3339, section 5.6, in UTC or with an offset, from 1970 to 9999. Letters may be lower-case,
    /// as it says there, and a fraction may have any number of digits, of which nine count.
    /// - Returns: nil for everything else. A leap second is nothing else either: POSIX time has none (time(7)).
    public static func moment(_ text: String) -> Clock.Wall? {
        var digits = Digits(Array(text.utf8)[...])
        guard let year = digits.number(4), digits.skip("-"), let month = digits.number(2), 1...12 ~= month, digits.skip("-"),
            let day = digits.number(2), day >= 1, day <= Gregorian.length(ofMonth: month, in: year),
            digits.skip("T", or: "t"),
            let hour = digits.number(2), hour < 24, digits.skip(":"), let minute = digits.number(2), minute < 60,
            digits.skip(":"), let second = digits.number(2), second < 60,
            let nanoseconds = digits.skip(".") ? digits.fraction() : 0, let offset_s = digits.offset(), digits.rest.isEmpty
        else { return nil }
        let seconds = Gregorian.days(year: year, month: month, day: day) * 86_400 + hour * 3_600 + minute * 60 + second - offset_s
        return 0..<Gregorian.days(year: 10_000, month: 1, day: 1) * 86_400 ~= seconds
            ? Clock.Wall(seconds: seconds, nanoseconds: nanoseconds) : nil
    }

    /// Takes a text from its beginning, bit by bit.
    private struct Digits {
        var rest: ArraySlice<UInt8>

        init(_ rest: ArraySlice<UInt8>) { self.rest = rest }

        /// - Returns: a number of exactly so many digits.
        mutating func number(_ count: Int) -> Int64? {
            guard rest.count >= count else { return nil }
            var number: Int64 = 0
            for byte in rest.prefix(count) {
                guard byte.isDigit else { return nil }
                number = number * 10 + Int64(byte - UInt8(ascii: "0"))
            }
            rest = rest.dropFirst(count)
            return number
        }

        /// - Returns: whether it was there.
        mutating func skip(_ letter: Unicode.Scalar, or other: Unicode.Scalar? = nil) -> Bool {
            guard let first = rest.first, first == UInt8(ascii: letter) || other.map({ first == UInt8(ascii: $0) }) == true else {
                return false
            }
            rest = rest.dropFirst()
            return true
        }

        /// - Returns: nanoseconds; what is finer is left out.
        mutating func fraction() -> UInt32? {
            let digits = rest.prefix(while: \.isDigit)
            guard !digits.isEmpty else { return nil }
            rest = rest[digits.endIndex...]
            var nanoseconds: UInt32 = 0
            for place in 0..<9 {
                let index = digits.index(digits.startIndex, offsetBy: place, limitedBy: digits.endIndex) ?? digits.endIndex
                nanoseconds = nanoseconds * 10 + (index < digits.endIndex ? UInt32(digits[index] - UInt8(ascii: "0")) : 0)
            }
            return nanoseconds
        }

        /// - Returns: seconds east of Greenwich. `-00:00`, where nobody knows the local time, is UTC as well.
        mutating func offset() -> Int64? {
            if skip("Z", or: "z") { return 0 }
            let isWest = rest.first == UInt8(ascii: "-")
            guard isWest || rest.first == UInt8(ascii: "+") else { return nil }
            rest = rest.dropFirst()
            guard let hours = number(2), hours < 24, skip(":"), let minutes = number(2), minutes < 60 else { return nil }
            return (isWest ? -1 : 1) * (hours * 3_600 + minutes * 60)
        }
    }
}

extension UInt8 {
    fileprivate var isDigit: Bool { UInt8(ascii: "0")...UInt8(ascii: "9") ~= self }
}
