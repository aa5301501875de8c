internal import Text

/// What calendar and clock on the wall show, in a zone that it doesn't name.
struct WallTime: Equatable, Sendable {
    /// 0 to 9999.
    var year: Int64
    /// 1 to 12.
    var month: Int64
    /// 1 to 31.
    var day: Int64
    /// 0 to 24; 24 only as the end of a day.
    var hour: Int64
    /// 0 to 59.
    var minute: Int64
    /// 0 to 59. POSIX time has no leap seconds (time(7)).
    var second: Int64 = 0

    /// nil where there is no such day or time.
    var valid: WallTime? {
        guard 0...9_999 ~= year, 1...12 ~= month, day >= 1, day <= Gregorian.length(ofMonth: month, in: year), hour >= 0,
            0..<60 ~= minute,
            0..<60 ~= second, hour < 24 || hour == 24 && minute == 0 && second == 0
        else { return nil }
        return self
    }

    /// Seconds since 1970 where this is UTC.
    var secondsAsUTC: Int64 {
        Gregorian.days(year: year, month: month, day: day) * 86_400 + hour * 3_600 + minute * 60 + second
    }
}
