internal import Policy
internal import Signals

/// What a service's addresses said together, over time.
struct FetchedSignal: Equatable, Sendable {
    /// Each later than the one before.
    private(set) var points: [SignalPoint] = []
    /// When the last one's time is over, in seconds since 1970.
    private(set) var end: Int64 = 0
    /// When it is too old, in seconds since 1970: what it says of later times isn't taken over into what comes after it.
    private var good: Int64 = 0

    /// So much of what was before is kept at most.
    private static let most = 2_000
    /// What is older is of no use any more.
    private static let kept_s: Int64 = 86_400
    /// Of a value that nothing says the end of: it is gone by until there is another, or it is too old.
    private static let open_s: Int64 = 366 * 86_400

    init() {}

    /// What new answers say, and before the first of their values what was said before them: many a service's begin with its next step, and the
    /// step that it is in is one that it told of earlier. Where they say nothing at all, there is nothing from now on.
    /// - Parameters:
    ///   - answers: of several values of one time the first counts; with when each was given, in seconds since 1970.
    ///   - good: when these are too old, unless others come.
    init(_ answers: [(signal: Signal, given: Int64)], after before: FetchedSignal, good: Int64) {
        self.good = good
        var values: [Int64: Double?] = [:]
        var spans: [(from: Int64, end: Int64)] = []
        for (signal, given) in answers {
            let (points, end): ([Signal.Point], Int64) =
                switch signal {
                case .now(let value): ([Signal.Point(seconds: given, value: value)], given + FetchedSignal.open_s)
                case .points(let points, let end): (points, end)
                }
            guard let first = points.first else { continue }
            for point in points where (values[point.seconds] ?? nil) == nil { values[point.seconds] = point.value }
            spans.append((first.seconds, end))
        }
        // Where an answer ends, and no other one goes on, there is a gap.
        let last = spans.map(\.end).max() ?? 0
        for span in spans where span.end < last && !spans.contains(where: { $0.from <= span.end && span.end < $0.end }) {
            if values[span.end] == nil { values[span.end] = .some(nil) }
        }
        var joined = values.map { SignalPoint(seconds: $0.key, value: $0.value) }
        joined.sort { $0.seconds < $1.seconds }
        let given = answers.map(\.given).max() ?? 0
        if joined.isEmpty { joined = [SignalPoint(seconds: given, value: nil)] }
        let first = joined[0].seconds
        let kept = before.points(before: first)
        // The one that was in force at the limit says what the last good value was.
        let old = kept.lastIndex { $0.seconds < given - FetchedSignal.kept_s && $0.value != nil } ?? 0
        points = kept[max(min(old, kept.count), kept.count - FetchedSignal.most)...] + joined
        end = spans.isEmpty ? first + FetchedSignal.open_s : max(last, joined[joined.count - 1].seconds)
    }

    /// As far as it can be gone by, up to a time.
    private func points(before time: Int64) -> [SignalPoint] {
        let over = min(end, good)
        var kept = points.filter { $0.seconds < min(time, over) }
        if over < time, kept.last?.value != nil { kept.append(SignalPoint(seconds: over, value: nil)) }
        return kept
    }

    /// The same, and nothing from a time on.
    func cut(at time: Int64) -> FetchedSignal {
        var cut = self
        cut.good = min(good, time)
        return cut
    }
}
