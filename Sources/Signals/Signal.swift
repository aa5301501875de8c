/// What a service says, in its own unit, times a factor.
public enum Signal: Equatable, Sendable {
    /// One value, of the moment at which it was asked; nil where it says that it has none.
    case now(Double?)
    /// Values over time, each until the next one begins and the last until `end`, in seconds since 1970. There may be none. Where it is the
    /// only one and nothing says for how long it is, it ends when it begins.
    case points([Point], end: Int64)

    /// What there is from a time on.
    public struct Point: Equatable, Sendable {
        /// Since 1970, each later than the one before.
        public let seconds: Int64
        /// Finite; nil where from then on there are no data.
        public let value: Double?

        public init(seconds: Int64, value: Double?) { (self.seconds, self.value) = (seconds, value) }
    }
}

/// A value and its time, before it has its place among the others.
struct SignalEntry {
    /// Since 1970: when it begins, or, by the reader's stamp, ends.
    var seconds: Int64
    var value: Double?
    /// How long it is said to be; nil where nothing says it.
    var length_s: Int64?
}

extension Signal {
    /// Points from values in any order.
    /// - Throws: `twoValues` where a time, or a beginning, has two, and `noLength` where a lone one is stamped with its end and nothing says
    ///   when it began.
    static func points(from entries: [SignalEntry], stamp: SignalReader.Stamp) throws(SignalProblem) -> Signal {
        var unique = try ordered(entries)
        guard let last = unique.last else { return .points([], end: 0) }
        let regular_s = regularStep_s(unique)
        for index in unique.indices { unique[index].length_s = unique[index].length_s ?? regular_s }
        if stamp == .end { unique = try ordered(begun(unique)) }
        var points: [Point] = []
        for (index, entry) in unique.enumerated() {
            points.append(Point(seconds: entry.seconds, value: entry.value))
            // A step that is missing is no longer step.
            guard index + 1 < unique.count, entry.value != nil, let length_s = entry.length_s,
                entry.seconds + length_s < unique[index + 1].seconds
            else { continue }
            points.append(Point(seconds: entry.seconds + length_s, value: nil))
        }
        let before = unique.count > 1 ? unique[unique.count - 2].seconds : unique[unique.count - 1].seconds
        let begin = unique[unique.count - 1].seconds
        let end = begin + (unique[unique.count - 1].length_s ?? begin - before)
        return .points(points, end: min(max(end, last.seconds), SignalTime.range.upperBound))
    }

    /// In the order of their times, each of which is there once.
    private static func ordered(_ entries: [SignalEntry]) throws(SignalProblem) -> [SignalEntry] {
        var sorted = entries
        // As most services have it.
        if zip(entries, entries.dropFirst()).contains(where: { $0.seconds > $1.seconds }) {
            sorted = entries.enumerated().sorted { ($0.element.seconds, $0.offset) < ($1.element.seconds, $1.offset) }.map(
                \.element)
        }
        var unique: [SignalEntry] = []
        for entry in sorted {
            guard let last = unique.last, last.seconds == entry.seconds else {
                unique.append(entry)
                continue
            }
            if last.value != entry.value { throw .twoValues(at: entry.seconds, last.value, entry.value) }
        }
        return unique
    }

    /// How long each is where they follow each other evenly but for some that are missing: three quarters of the distances and more are the
    /// least one, and the others are so many times as long. nil where they don't, or there are fewer than four.
    private static func regularStep_s(_ entries: [SignalEntry]) -> Int64? {
        let distances = zip(entries, entries.dropFirst()).map { $1.seconds - $0.seconds }
        guard distances.count >= 3, let least = distances.min(), distances.allSatisfy({ $0 % least == 0 }),
            distances.count(where: { $0 == least }) * 4 >= distances.count * 3
        else { return nil }
        return least
    }

    /// From when on they are, where their times are those of their ends: for their length, else from the end of the one before on, and the
    /// first for as long as the second.
    private static func begun(_ entries: [SignalEntry]) throws(SignalProblem) -> [SignalEntry] {
        var begun = entries
        for index in entries.indices {
            let length_s: Int64
            if let own = entries[index].length_s {
                length_s = own
            } else if entries.count == 1 {
                throw .noLength
            } else {
                length_s =
                    index == 0 ? entries[1].seconds - entries[0].seconds : entries[index].seconds - entries[index - 1].seconds
            }
            (begun[index].seconds, begun[index].length_s) = (entries[index].seconds - length_s, length_s)
        }
        return begun
    }
}
