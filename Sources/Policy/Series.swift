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
    /// What the powers come from, for each point; empty where the powers themselves are what is said.
    private let signals: [Double]
    /// When the last point's time is over. Where it is the only one, nothing says for how long it is, and it ages from its beginning.
    private let end: Int64

    /// - Parameters:
    ///   - points: at least one, each later than the one before.
    ///   - end: when the last point's time is over, at its beginning or later; nil where it is as long as the one before it.
    public init(_ points: [Point], end: Int64? = nil) { self.init(points, signals: [], end: end) }

    private init(_ points: [Point], signals: [Double], end: Int64?) {
        precondition(!points.isEmpty && zip(points, points.dropFirst()).allSatisfy { $0.seconds < $1.seconds })
        (self.points, self.signals) = (points, signals)
        let (last, before) = (points[points.count - 1].seconds, points[max(points.count - 2, 0)].seconds)
        self.end = max(end ?? last + (last - before), last)
    }

    /// What it says of a time, in seconds since 1970.
    func datum(at seconds: Int64) -> Datum {
        let begun = points.partitioningIndex { $0.seconds > seconds } - 1
        guard begun >= 0 else { return .none(.notBegun, last: nil) }
        if let power = points[begun].power {
            if begun < points.count - 1 || seconds < end {
                return .power(power, signal: signals.isEmpty ? nil : signals[begun])
            }
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

/// A signal's value from a time on.
public struct SignalPoint: Equatable, Sendable {
    /// Since 1970.
    public let seconds: Int64
    /// In its own unit; nil where it is said that there is none.
    public let value: Double?

    public init(seconds: Int64, value: Double?) { (self.seconds, self.value) = (seconds, value) }
}

extension Series {
    /// The powers that go with a signal.
    /// - Parameters:
    ///   - signals: each later than the one before.
    ///   - end: as with powers.
    ///   - peak: MAX_SOURCE.
    ///   - previous: what there was before these could be had: a threshold goes on from there.
    ///   - dayOf: which day of the local calendar a time is of, by any number: a volume is a part of its day's.
    /// - Returns: nil where there are none.
    public init?(
        signals: [SignalPoint], end: Int64? = nil, through map: SignalMap, peak: Microwatts, after previous: Series? = nil,
        dayOf: (Int64) -> Int
    ) {
        guard let first = signals.first else { return nil }
        var points: [Point] = []
        points.reserveCapacity(signals.count)
        let last = previous?.lastGood(before: first.seconds)
        var rest = signals[...]
        while let next = rest.first {
            // Only a volume's power depends on its day.
            var end = rest.endIndex
            if case .share = map {
                let day = dayOf(next.seconds)
                end = rest.firstIndex { dayOf($0.seconds) != day } ?? end
            }
            for (point, power) in zip(rest[..<end], map.powers(of: rest[..<end].map(\.value), after: last, peak: peak)) {
                points.append(Point(seconds: point.seconds, power: power))
            }
            rest = rest[end...]
        }
        self.init(points, signals: map == .watts ? [] : signals.map { $0.value ?? .nan }, end: end)
    }

    /// The last power that was said before a time.
    private func lastGood(before seconds: Int64) -> Microwatts? {
        points[..<points.partitioningIndex { $0.seconds >= seconds }].last { $0.power != nil }?.power
    }
}
