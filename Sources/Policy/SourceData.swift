public import PowercapProtocol

/// What a source goes by that is no formula: points in time, and whether there should be newer ones.
public struct SourceData: Equatable, Sendable {
    /// The powers over time.
    public enum Points: Equatable, Sendable {
        case schedule(Schedule)
        case dated(DatedSchedules)
        case series(Series)
        /// What is granted, or holds without: by a clock that nobody sets, so whoever knows it says anew what it is when that changes.
        case granted(Granted)
        /// There are none: why.
        case nothing(SourceLack.Cause)
    }

    /// Nothing newer can be had.
    public struct Outdated: Equatable, Sendable {
        /// Since when.
        public let since: Moment
        /// When these points are too old to go by.
        public let stale: Moment

        public init(since: Moment, stale: Moment) { (self.since, self.stale) = (since, stale) }
    }

    /// The last good ones.
    let points: Points
    /// nil while the points are what there is to be had.
    public var outdated: Outdated?

    public init(_ points: Points) { self.points = points }

    /// Since when the day should have a schedule of its own and has none, so that an earlier day's is followed; nil where that isn't so.
    public func isMissing(at moment: Moment) -> Int64? {
        if case .dated(let days) = points { days.outdated(at: moment.seconds)?.since.seconds } else { nil }
    }

    /// What is too old to go by, or will be; the first where there are several.
    fileprivate func outdated(at moment: Moment) -> Outdated? {
        var found = [outdated].compactMap { $0 }.filter { $0.since.seconds <= moment.seconds }
        if case .dated(let days) = points, let day = days.outdated(at: moment.seconds) { found.append(day) }
        return found.min { $0.stale.seconds < $1.stale.seconds }
    }
}

/// What holds where a source that should say something doesn't.
public enum StaleAction: Equatable, Sendable {
    /// Nothing is given: the floor.
    case floor
    /// What was given last.
    case hold
    /// So much, or what was given last where that is less.
    case power(Microwatts)
}

/// Why a source says nothing of a moment, and what holds instead (P16): never more than the last good value.
public struct SourceLack: Equatable, Sendable {
    /// Why there is nothing.
    public enum Cause: Equatable, Sendable {
        /// The data leave the moment out.
        case gap
        /// The last value's time is over.
        case ended
        /// The first value is still to come.
        case notBegun
        /// Nobody has answered yet who was asked.
        case notFetched
        /// Nothing newer could be had for too long.
        case outdated
        /// No coordinator has granted anything yet.
        case notGranted
        /// The last grant's time is over, and no other came.
        case grantEnded
    }

    /// Why there is nothing.
    public let cause: Cause
    /// The last good value holds for now, because it isn't stale yet.
    public let isHeld: Bool
    /// nil where there never was one.
    public let lastGood: Microwatts?
}

/// What data say of a moment.
enum Datum: Equatable, Sendable {
    /// And the signal that it comes from; nil where it is said itself.
    case power(Microwatts, signal: Double?)
    case none(SourceLack.Cause, last: Last?)

    /// The last good value before.
    struct Last: Equatable, Sendable {
        let power: Microwatts
        /// For how long it has been over.
        let ended_s: Int64
    }
}

/// Powers from data. A gap isn't waited for: that there is nothing is what the data say. The end of a series is, for the time of
/// `staleAfter`, because somebody may be about to write the next point.
struct DataSource: PowerSource {
    var data: SourceData
    /// Nothing gives more.
    let peak: Microwatts
    let staleAfter: Milliseconds
    let onStale: StaleAction

    /// What the data say, and what holds where they don't.
    public func reading(at moment: Moment) -> SourceReading {
        guard let outdated = data.outdated(at: moment) else {
            return reading(of: datum(at: moment), age_s: 0)
        }
        let age_s = moment.seconds - outdated.since.seconds
        guard moment.seconds >= outdated.stale.seconds else { return reading(of: datum(at: moment), age_s: age_s) }
        let last: Microwatts? =
            switch datum(at: outdated.stale) {
            case .power(let power, _): power
            case .none(_, let last): last?.power
            }
        return instead(of: .outdated, last: last, isHeld: false, age_s: age_s)
    }

    /// When it may next give something else, in seconds since 1970.
    func nextStep(after moment: Moment) -> Int64? {
        let own: Int64? =
            switch data.points {
            case .schedule(let schedule): moment.seconds + schedule.nextStep(after: moment)
            case .dated(let days): days.nextStep(after: moment)
            case .series(let series): series.nextStep(after: moment.seconds, staleAfter_s: staleAfter_s)
            case .granted, .nothing: nil
            }
        guard let stale = data.outdated?.stale.seconds else { return own }
        return stale > moment.seconds ? min(own ?? stale, stale) : nil
    }

    private var staleAfter_s: Int64 { Int64(clamping: staleAfter.rawValue / 1_000) }

    private func datum(at moment: Moment) -> Datum {
        switch data.points {
        case .schedule(let schedule): schedule.datum(at: moment.local)
        case .dated(let days): days.datum(at: moment)
        case .series(let series): series.datum(at: moment.seconds)
        case .granted(let granted): .power(granted.limit, signal: nil)
        case .nothing(let cause): .none(cause, last: nil)
        }
    }

    private func reading(of datum: Datum, age_s: Int64) -> SourceReading {
        switch datum {
        case .power(let power, let signal): SourceReading(min(power, peak), signal: signal, age: .seconds(UInt64(age_s)))
        case .none(let cause, let last):
            instead(
                of: cause, last: last?.power, isHeld: cause == .ended && (last?.ended_s ?? .max) < staleAfter_s,
                age_s: max(last?.ended_s ?? 0, age_s))
        }
    }

    private func instead(of cause: SourceLack.Cause, last: Microwatts?, isHeld: Bool, age_s: Int64) -> SourceReading {
        let last = last.map { min($0, peak) }
        let most = last ?? .zero
        let power: Microwatts =
            switch onStale {
            case _ where isHeld: most
            case .floor: .zero
            case .hold: most
            case .power(let power): min(power, most)
            }
        return SourceReading(
            power, age: .seconds(UInt64(age_s)), lack: SourceLack(cause: cause, isHeld: isHeld, lastGood: last))
    }
}
