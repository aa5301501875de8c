internal import Text

/// A zone of time, by its data: no clock and no variable of the process is asked, so that a signal's zone may be another than the machine's.
public struct SignalZone: Equatable, Sendable {
    /// In the order of time: from when on clocks are how far ahead of UTC.
    let changes: [Change]
    /// Before the first change, in seconds east of Greenwich.
    let first_s: Int64
    /// Behind the last change; nil where it stays as that made it.
    let rule: ZoneRule?

    struct Change: Equatable, Sendable {
        /// Since 1970.
        let seconds: Int64
        /// East of Greenwich.
        let offset_s: Int64
    }

    /// UTC, in which no hour is missing and none comes twice.
    public static let utc = SignalZone(changes: [], first_s: 0, rule: nil)

    /// Central European time by the rule of the Union (directive 2000/84/EC), which exchanges of electricity call CET/CEST.
    static let centralEurope = SignalZone(
        changes: [], first_s: 3_600, rule: ZoneRule(parsing: Array("CET-1CEST,M3.5.0,M10.5.0/3".utf8)))

    init(changes: [Change], first_s: Int64, rule: ZoneRule?) {
        (self.changes, self.first_s, self.rule) = (changes, first_s, rule)
    }

    /// How far its clocks are ahead of UTC at a time in seconds since 1970, in seconds.
    public func offset_s(at seconds: Int64) -> Int64 {
        var (low, high) = (0, changes.count)
        while low < high {
            let middle = (low + high) / 2
            if changes[middle].seconds <= seconds { low = middle + 1 } else { high = middle }
        }
        if low == changes.count, let rule { return rule.offset_s(at: seconds) }
        return low == 0 ? first_s : changes[low - 1].offset_s
    }

    /// When its clocks show a time, in seconds since 1970: once, or twice where they go back over it, the earlier one first. A time that
    /// clocks go forward over is taken for as much later as they go, as mktime(3) has it: there is always one.
    func instants(of wall: WallTime) -> [Int64] {
        let asUTC = wall.secondsAsUTC
        // No zone changes twice within two days.
        let (before, after) = (offset_s(at: asUTC - 86_400), offset_s(at: asUTC + 86_400))
        let candidates = before == after ? [asUTC - before] : [asUTC - before, asUTC - after].sorted()
        let right = candidates.filter { offset_s(at: $0) == asUTC - $0 }
        return right.isEmpty ? [asUTC - before] : right
    }
}

/// What a zone does each year, as the last line of its file and the variable TZ have it (POSIX, section 8.3): `CET-1CEST,M3.5.0,M10.5.0/3`.
struct ZoneRule: Equatable, Sendable {
    private let standard_s: Int64
    private let summer: Summer?

    private struct Summer: Equatable, Sendable {
        let offset_s: Int64
        let from: Day
        let to: Day
    }

    /// A day of a year, and a time on it.
    private struct Day: Equatable, Sendable {
        let form: Form
        let time_s: Int64

        enum Form: Equatable, Sendable {
            /// `M3.5.0`: the week's day in the month's week, the last where it is 5; Sunday is 0.
            case week(month: Int64, week: Int64, weekday: Int64)
            /// `J60`: 1 to 365, 29 February never counted.
            case julian(Int64)
            /// `59`: 0 to 365.
            case ordinal(Int64)
        }

        /// Seconds since 1970 of that time in a year, as if its clocks showed UTC.
        func seconds(in year: Int64) -> Int64 { days(in: year) * 86_400 + time_s }

        private func days(in year: Int64) -> Int64 {
            let newYear = Gregorian.days(year: year, month: 1, day: 1)
            switch form {
            case .ordinal(let day): return newYear + day
            case .julian(let day): return newYear + day - (day < 60 || Gregorian.length(ofMonth: 2, in: year) == 28 ? 1 : 0)
            case .week(let month, let week, let weekday):
                let first = Gregorian.days(year: year, month: month, day: 1)
                // 1 January 1970 was a Thursday.
                let day = first + (weekday - (first + 4).flooredQuotient(by: 7).1 + 7) % 7 + (week - 1) * 7
                return day < first + Gregorian.length(ofMonth: month, in: year) ? day : day - 7
            }
        }
    }

    /// nil where it is none.
    init?(parsing bytes: [UInt8]) {
        var scanner = ByteScanner(bytes[...])
        guard ZoneRule.skipName(&scanner), let west_s = ZoneRule.time_s(&scanner) else { return nil }
        standard_s = -west_s
        if scanner.rest.isEmpty {
            summer = nil
            return
        }
        guard ZoneRule.skipName(&scanner) else { return nil }
        var offset_s = standard_s + 3_600
        if scanner.rest.first != UInt8(ascii: ",") {
            guard let west_s = ZoneRule.time_s(&scanner) else { return nil }
            offset_s = -west_s
        }
        guard let from = ZoneRule.day(&scanner), let to = ZoneRule.day(&scanner), scanner.rest.isEmpty else { return nil }
        summer = Summer(offset_s: offset_s, from: from, to: to)
    }

    func offset_s(at seconds: Int64) -> Int64 {
        guard let summer else { return standard_s }
        let year = Gregorian.date((seconds + standard_s).flooredQuotient(by: 86_400).0).year
        let from = summer.from.seconds(in: year) - standard_s
        let to = summer.to.seconds(in: year) - summer.offset_s
        // South of the equator summer has the new year in it.
        let isSummer = from < to ? from..<to ~= seconds : !(to..<from ~= seconds)
        return isSummer ? summer.offset_s : standard_s
    }

    /// Letters, or anything in angle brackets.
    private static func skipName(_ scanner: inout ByteScanner) -> Bool {
        if scanner.skip("<") { return scanner.skip { $0 != UInt8(ascii: ">") } > 0 && scanner.skip(">") }
        return scanner.skip { UInt8(ascii: "a")...UInt8(ascii: "z") ~= $0 | 0x20 } >= 3
    }

    /// `[+-]hh[:mm[:ss]]`
    private static func time_s(_ scanner: inout ByteScanner) -> Int64? {
        let isNegative = scanner.skip("-")
        if !isNegative { _ = scanner.skip("+") }
        guard let hours = scanner.number(digits: 1...3) else { return nil }
        var seconds = hours * 3_600
        for scale in [Int64(60), 1] where scanner.skip(":") {
            guard let part = scanner.number(digits: 1...2), part < 60 else { return nil }
            seconds += part * scale
        }
        return isNegative ? -seconds : seconds
    }

    /// `,M3.5.0/3`
    private static func day(_ scanner: inout ByteScanner) -> Day? {
        guard scanner.skip(",") else { return nil }
        let form: Day.Form
        if scanner.skip("M") {
            guard let month = scanner.number(digits: 1...2), 1...12 ~= month, scanner.skip("."),
                let week = scanner.number(digits: 1...1), 1...5 ~= week, scanner.skip("."),
                let weekday = scanner.number(digits: 1...1), weekday < 7
            else { return nil }
            form = .week(month: month, week: week, weekday: weekday)
        } else {
            let isJulian = scanner.skip("J")
            guard let day = scanner.number(digits: 1...3), (isJulian ? 1...365 : 0...365) ~= day else { return nil }
            form = isJulian ? .julian(day) : .ordinal(day)
        }
        guard scanner.skip("/") else { return Day(form: form, time_s: 7_200) }
        guard let time_s = time_s(&scanner) else { return nil }
        return Day(form: form, time_s: time_s)
    }
}
