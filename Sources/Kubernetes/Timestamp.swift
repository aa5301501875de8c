public import LinuxSystem
internal import Text

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
        let (year, month, day) = Gregorian.date(days)
        return "\(padded(year, 4))-\(padded(month, 2))-\(padded(day, 2))T"
            + "\(padded(second / 3600, 2)):\(padded(second / 60 % 60, 2)):\(padded(second % 60, 2))"
    }

    private static func padded(_ number: Int64, _ digits: Int) -> String {
        let text = "\(number)"
        return String(repeating: "0", count: max(0, digits - text.utf8.count)) + text
    }
}
