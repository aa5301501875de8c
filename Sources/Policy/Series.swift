public import PowercapProtocol

/// Powers from points in time on, each until the next point; the last one for as long as the one before it.
public struct Series: Equatable, Sendable {
    /// What there is from a time on.
    public struct Point: Equatable, Sendable {
        /// Since 1970.
        public let seconds: Int64
        /// nil where it is said that from then on there is no data.
        let power: Microwatts?

        public init(seconds: Int64, power: Microwatts?) { (self.seconds, self.power) = (seconds, power) }
    }

    private let points: [Point]
    /// When the last point's time is over. Where it is the only one, nothing says for how long it is, and it ages from its beginning.
    private let end: Int64

    /// - Parameter points: at least one, each later than the one before.
    public init(_ points: [Point]) {
        precondition(!points.isEmpty && zip(points, points.dropFirst()).allSatisfy { $0.seconds < $1.seconds })
        self.points = points
        let (last, before) = (points[points.count - 1].seconds, points[max(points.count - 2, 0)].seconds)
        end = last + (last - before)
    }

    /// What it says of a time, in seconds since 1970.
    func datum(at seconds: Int64) -> Datum {
        let begun = points.partitioningIndex { $0.seconds > seconds } - 1
        guard begun >= 0 else { return .none(.notBegun, last: nil) }
        if let power = points[begun].power {
            if begun < points.count - 1 || seconds < end { return .power(power) }
            return .none(.ended, last: Datum.Last(power: power, ended_s: seconds - end))
        }
        let good = points[..<begun].lastIndex { $0.power != nil }
        return .none(
            .gap,
            last: good.map { Datum.Last(power: points[$0].power ?? .zero, ended_s: seconds - points[$0 + 1].seconds) })
    }

    /// When it next says something else; nil where it never does.
    /// - Parameter staleAfter_s: how long the last point's power is held when its time is over.
    func nextStep(after seconds: Int64, staleAfter_s: Int64) -> Int64? {
        let next = points.partitioningIndex { $0.seconds > seconds }
        if next < points.count { return points[next].seconds }
        return [end, end + staleAfter_s].first { $0 > seconds }
    }
}
