public import PowercapProtocol

/// A week of powers by the clock on the wall, each for a span of minutes. Between the spans there is no data.
public struct Schedule: Equatable, Sendable {
    /// A power from one time of the day to another, on some days of the week.
    public struct Period: Equatable, Sendable {
        /// On which it begins.
        let days: WeekDays
        /// When it begins.
        let from: TimeOfDay
        /// When it is over; where that isn't after `from`, on the day after the one it began on.
        let to: TimeOfDay
        /// What there is meanwhile; nil where that follows from a signal.
        let power: Microwatts?
        /// In its own unit; nil where the power itself is said.
        let signal: Double?

        public init(days: WeekDays, from: TimeOfDay, to: TimeOfDay, power: Microwatts) {
            (self.days, self.from, self.to, self.power, signal) = (days, from, to, power, nil)
        }

        public init(days: WeekDays, from: TimeOfDay, to: TimeOfDay, signal: Double) {
            (self.days, self.from, self.to, power, self.signal) = (days, from, to, nil, signal)
        }
    }

    /// Two periods that are at the same time, by their places among those given.
    public struct Overlap: Error, Equatable, Sendable {
        /// The one that was given first.
        public let first: Int
        /// The other.
        public let second: Int
    }

    /// In minutes of the week, from Monday 00:00 on.
    private struct Span: Equatable, Sendable {
        let start: Int
        /// The first minute after it.
        let end: Int
        /// nil where there are no data in its signal.
        var power: Microwatts?
        let signal: Double?

        var day: Int { start / Schedule.day }
    }

    /// The first that begins is the first, and none overlaps another.
    private let spans: [Span]

    private static let day = 1_440
    private static let week = 7 * day

    /// - Parameters:
    ///   - periods: at least one, in any order.
    ///   - map: makes powers of signals; nil where all periods have powers. A volume is a part of those that begin on its day.
    ///   - peak: MAX_SOURCE.
    public init(_ periods: [Period], through map: SignalMap? = nil, peak: Microwatts = .zero) throws(Overlap) {
        var all: [(span: Span, period: Int)] = []
        for (index, period) in periods.enumerated() {
            let (from, to) = (Int(period.from.minutes), Int(period.to.minutes))
            for day in 0..<7 where period.days.contains(day) {
                let start = day * Schedule.day + from
                let end = day * Schedule.day + to + (to > from ? 0 : Schedule.day)
                for (start, end) in [(start, min(end, Schedule.week)), (0, end - Schedule.week)] where start < end {
                    all.append((Span(start: start, end: end, power: period.power, signal: period.signal), index))
                }
            }
        }
        all.sort { ($0.span.start, $0.period) < ($1.span.start, $1.period) }
        for (one, next) in zip(all, all.dropFirst()) where next.span.start < one.span.end {
            throw Overlap(first: min(one.period, next.period), second: max(one.period, next.period))
        }
        let spans = all.map(\.span)
        guard let map else {
            self.spans = spans
            return
        }
        // What a threshold was before Monday is what it is after Sunday.
        let last = Schedule.mapped(spans, through: map, after: nil, peak: peak).last { $0.power != nil }?.power
        self.spans = Schedule.mapped(spans, through: map, after: last, peak: peak).filter { $0.power != nil }
    }

    private static func mapped(_ spans: [Span], through map: SignalMap, after last: Microwatts?, peak: Microwatts) -> [Span] {
        var (mapped, last) = (spans, last)
        var rest = spans.indices
        while let first = rest.first {
            let day = rest.prefix { spans[$0].day == spans[first].day }
            for (index, power) in zip(day, map.powers(of: day.map { spans[$0].signal }, after: last, peak: peak)) {
                mapped[index].power = power
                last = power ?? last
            }
            rest = rest[day.endIndex...]
        }
        return mapped
    }

    /// What it says of a time on the wall. Where clocks change in between, how long ago something ended is an hour off.
    func datum(at local: LocalTime) -> Datum {
        let minute = Schedule.minute(of: local)
        guard let latest = spans.last else { return .none(.gap, last: nil) }
        // The last one that has begun; before the week's first, that is the last one of the week before.
        let begun = spans.partitioningIndex { $0.start > minute } - 1
        let span = begun >= 0 ? spans[begun] : latest
        let power = span.power ?? .zero
        if begun >= 0, minute < span.end { return .power(power, signal: span.signal) }
        let passed = (minute - span.end + Schedule.week) % Schedule.week
        return .none(.gap, last: Datum.Last(power: power, ended_s: Int64(passed * 60) + Int64(local.second)))
    }

    /// In how many seconds it may say something else. Clocks may change in between, which they do at a half hour of UTC: so that is
    /// the longest that it answers.
    func nextStep(after moment: Moment) -> Int64 {
        let minute = Schedule.minute(of: moment.local)
        let next = spans.partitioningIndex { $0.start > minute }
        var edge = next < spans.count ? spans[next].start : Schedule.week
        if next > 0, spans[next - 1].end > minute { edge = spans[next - 1].end }
        let byTheWall = Int64(edge - minute) * 60 - Int64(moment.local.second)
        let sinceHalf = moment.seconds % 1_800
        return max(min(byTheWall, 1_800 - sinceHalf), 1)
    }

    private static func minute(of local: LocalTime) -> Int {
        local.weekday * day + Int(local.hour) * 60 + Int(local.minute)
    }
}

/// Days of the week, Monday being 0.
public struct WeekDays: Equatable, Sendable {
    private let bits: UInt8

    /// As they are written: `Mon`.
    public static let names = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"]
    /// All of them.
    public static let all = WeekDays(from: 0, through: 6)

    /// From one day through another, also through Sunday to Monday.
    public init(from first: Int, through last: Int) {
        var bits: UInt8 = 0
        for day in first...(last < first ? last + 7 : last) { bits |= 1 << UInt8(day % 7) }
        self.bits = bits
    }

    func contains(_ day: Int) -> Bool { bits & 1 << UInt8(day) != 0 }
}

extension LocalTime {
    /// Monday is 0. By Zeller's congruence, in which March is a year's first month.
    var weekday: Int {
        let (month, year) = month > 2 ? (Int(month), Int(year)) : (Int(month) + 12, Int(year) - 1)
        return (Int(day) + 13 * (month + 1) / 5 + year + year / 4 - year / 100 + year / 400 + 5) % 7
    }
}

extension RandomAccessCollection {
    /// The first index from which on it holds, in a collection in which it holds from some index on.
    func partitioningIndex(where isBehind: (Element) -> Bool) -> Index {
        var (low, count) = (startIndex, count)
        while count > 0 {
            let middle = index(low, offsetBy: count / 2)
            if isBehind(self[middle]) {
                count /= 2
            } else {
                (low, count) = (index(after: middle), count - count / 2 - 1)
            }
        }
        return low
    }
}
