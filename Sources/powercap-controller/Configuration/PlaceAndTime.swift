internal import Policy

// How a place's angles and a clock's times are read and written.

extension ValueKind where Value == TimeOfDay {
    /// Strictly `HH:MM`, as `plan` prints it.
    static let timeOfDay = ValueKind(
        words: ValueWords(
            noun: "a time of the day", placeholder: "HH:MM", valid: "hours and minutes from 00:00 to 24:00, such as 06:30"),
        parse: { text throws(ValueProblem) in
            if text.isEmpty { throw .empty }
            let parts = text.split(separator: ":", omittingEmptySubsequences: false)
            guard parts.map(\.utf8.count) == [2, 2], parts.allSatisfy({ $0.utf8.allSatisfy { (48...57).contains($0) } }),
                let hour = UInt16(parts[0]), let minute = UInt16(parts[1]), minute < 60
            else { throw .malformed }
            let time = TimeOfDay(minutes: hour * 60 + minute)
            if time.minutes > 1_440 { throw .malformed }
            return time
        },
        show: \.text)
}

extension ValueKind where Value == Degrees? {
    /// An angle that may be absent, which is written as nothing at all.
    /// - Parameters:
    ///   - direction: where positive angles are, with examples.
    static func degrees(_ name: String, atMost highest: Int64, _ direction: String) -> ValueKind {
        ValueKind(
            words: ValueWords(
                noun: "a \(name)", placeholder: "DEGREES", valid: "degrees \(direction)", smallest: "0.000001",
                lowest: "-\(highest)",
                highest: "\(highest)"),
            parse: { text throws(ValueProblem) in
                if text.isEmpty { return nil }
                let isNegative = text.utf8.first == UInt8(ascii: "-")
                let size: UInt64
                do throws(ValueProblem) { size = try UnitScale.degrees.parse(isNegative ? String(text.dropFirst()) : text) } catch
                {
                    // A sign alone, or two of them.
                    throw isNegative && (error == .empty || error == .negative) ? .malformed : error
                }
                if size > UInt64(highest) * 1_000_000 { throw isNegative ? .tooLow : .tooHigh }
                return Degrees(millionths: isNegative ? -Int64(size) : Int64(size))
            },
            show: { $0?.text ?? "" })
    }
}
