/// Takes a text from its beginning, bit by bit.
struct ByteScanner {
    private(set) var rest: ArraySlice<UInt8>

    init(_ rest: ArraySlice<UInt8>) { self.rest = rest }

    /// - Returns: whether it was there, and is passed.
    mutating func skip(_ letter: Unicode.Scalar) -> Bool {
        guard rest.first == UInt8(ascii: letter) else { return false }
        rest = rest.dropFirst()
        return true
    }

    /// - Returns: how many were passed.
    mutating func skip(while isPassed: (UInt8) -> Bool) -> Int {
        let passed = rest.prefix(while: isPassed)
        rest = rest[passed.endIndex...]
        return passed.count
    }

    /// - Returns: whether the whole word was there, and is passed.
    mutating func skip(word: String) -> Bool {
        guard rest.starts(with: word.utf8) else { return false }
        rest = rest.dropFirst(word.utf8.count)
        return true
    }

    /// A number of at least and at most so many digits, of which there are at most 18; it ends where no digit follows, or at the most.
    mutating func number(digits: ClosedRange<Int>) -> Int64? {
        var (number, count): (Int64, Int) = (0, 0)
        while count < digits.upperBound, let byte = rest.first, UInt8(ascii: "0")...UInt8(ascii: "9") ~= byte {
            number = number * 10 + Int64(byte - UInt8(ascii: "0"))
            count += 1
            rest = rest.dropFirst()
        }
        return count >= digits.lowerBound ? number : nil
    }
}
