/// Schedules that are each of one day of the calendar. Where a day has none, that of the last day before it is followed until it is stale.
public struct DatedSchedules: Equatable, Sendable {
    /// What there is from the beginning of a day on.
    public struct Day: Equatable, Sendable {
        /// Since 1970.
        let start: Int64
        let schedule: Schedule
        /// Since the day's end nothing newer can be had, unless the next one has begun.
        let outdated: SourceData.Outdated

        public init(start: Int64, schedule: Schedule, outdated: SourceData.Outdated) {
            (self.start, self.schedule, self.outdated) = (start, schedule, outdated)
        }
    }

    private let days: [Day]

    /// - Parameter days: at least one, each later than the one before.
    public init(_ days: [Day]) {
        precondition(!days.isEmpty && zip(days, days.dropFirst()).allSatisfy { $0.start < $1.start })
        self.days = days
    }

    private func begun(_ seconds: Int64) -> Day? {
        let next = days.partitioningIndex { $0.start > seconds }
        return next > 0 ? days[next - 1] : nil
    }

    /// Since when there should be another day's, and until when this one's is followed; nil while its day lasts, and before the first.
    func outdated(at seconds: Int64) -> SourceData.Outdated? {
        begun(seconds).flatMap { $0.outdated.since.seconds <= seconds ? $0.outdated : nil }
    }

    /// What they say of a moment.
    func datum(at moment: Moment) -> Datum {
        guard let day = begun(moment.seconds) else { return .none(.notBegun, last: nil) }
        let datum = day.schedule.datum(at: moment.local)
        // Of the day before, which had another schedule, it knows nothing.
        if case .none(let cause, let last?) = datum, last.ended_s > moment.seconds - day.start { return .none(cause, last: nil) }
        return datum
    }

    /// When it may say something else, in seconds since 1970.
    func nextStep(after moment: Moment) -> Int64 {
        let own = moment.seconds + (begun(moment.seconds).map { $0.schedule.nextStep(after: moment) } ?? 86_400)
        let next = days.partitioningIndex { $0.start > moment.seconds }
        let edges = [next < days.count ? days[next].start : nil, begun(moment.seconds)?.outdated.stale.seconds]
        return edges.compactMap { $0 }.filter { $0 > moment.seconds }.reduce(own, min)
    }
}
