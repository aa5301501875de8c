public import LinuxSystem

/// Times as the API writes them, in UTC (RFC 3339).
public enum Timestamp {
    /// `2026-11-24T04:00:00Z` (metav1.Time).
    public static func seconds(_ moment: Clock.Wall) -> String { seconds(moment.seconds) }

    /// - Parameter seconds: since 1970.
    public static func seconds(_ seconds: Int64) -> String { "\(text(seconds))Z" }

    /// `2026-11-24T04:00:00.000000Z` (metav1.MicroTime, which takes exactly six decimals).
    static func microseconds(_ moment: Clock.Wall) -> String {
        "\(text(moment.seconds)).\(padded(Int64(moment.nanoseconds / 1_000), 6))Z"
    }

    /// `2026-11-24T04:00:00.000Z`
    /// - Parameter milliseconds: since 1970.
    public static func milliseconds(_ milliseconds: Int64) -> String {
        let (seconds, rest) = milliseconds.flooredQuotient(by: 1_000)
        return "\(text(seconds)).\(padded(rest, 3))Z"
    }

    private static func text(_ seconds: Int64) -> String {
        let (days, second) = seconds.flooredQuotient(by: 86_400)
        let (year, month, day) = date(days)
        return "\(padded(year, 4))-\(padded(month, 2))-\(padded(day, 2))T"
            + "\(padded(second / 3600, 2)):\(padded(second / 60 % 60, 2)):\(padded(second % 60, 2))"
    }

    /// The day of the Gregorian calendar, counted in eras of 400 years that begin in March, so that a leap day is a year's last.
    private static func date(_ daysSince1970: Int64) -> (year: Int64, month: Int64, day: Int64) {
        let (era, dayOfEra) = (daysSince1970 + 719_468).flooredQuotient(by: 146_097)
        let yearOfEra = (dayOfEra - dayOfEra / 1_460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let marchMonth = (5 * dayOfYear + 2) / 153
        let month = marchMonth < 10 ? marchMonth + 3 : marchMonth - 9
        return (era * 400 + yearOfEra + (month <= 2 ? 1 : 0), month, dayOfYear - (153 * marchMonth + 2) / 5 + 1)
    }

    /// Days since 1970 of a day of the Gregorian calendar, as above backwards.
    static func days(year: Int64, month: Int64, day: Int64) -> Int64 {
        let marchYear = month <= 2 ? year - 1 : year
        let (era, yearOfEra) = marchYear.flooredQuotient(by: 400)
        let dayOfYear = (153 * (month <= 2 ? month + 9 : month - 3) + 2) / 5 + day - 1
        return era * 146_097 + yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear - 719_468
    }

    private static func padded(_ number: Int64, _ digits: Int) -> String {
        let text = "\(number)"
        return String(repeating: "0", count: max(0, digits - text.utf8.count)) + text
    }
}

extension Int64 {
    fileprivate func flooredQuotient(by divisor: Int64) -> (Int64, Int64) {
        let (quotient, remainder) = quotientAndRemainder(dividingBy: divisor)
        return remainder < 0 ? (quotient - 1, remainder + divisor) : (quotient, remainder)
    }
}
