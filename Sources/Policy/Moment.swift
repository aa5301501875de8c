/// A point in time, and what the clock on the wall shows then.
public struct Moment: Equatable, Sendable {
    /// Since 1970.
    public let seconds: Int64
    let nanoseconds: UInt32
    /// What clock and calendar show then.
    public let local: LocalTime

    public init(seconds: Int64, nanoseconds: UInt32 = 0, local: LocalTime) {
        (self.seconds, self.nanoseconds, self.local) = (seconds, nanoseconds, local)
    }

    /// Hours on the wall since midnight, from 0 to just under 24.
    var localHours: Double {
        Double(local.hour) + Double(local.minute) / 60 + (Double(local.second) + Double(nanoseconds) / 1e9) / 3600
    }
}

/// What a clock on the wall shows, and a calendar beside it.
public struct LocalTime: Equatable, Sendable {
    /// Of the Gregorian calendar.
    public let year: Int32
    /// 1 to 12.
    public let month: Int32
    /// 1 to 31.
    public let day: Int32
    /// 0 to 23.
    public let hour: Int32
    /// 0 to 59.
    public let minute: Int32
    /// 0 to 60.
    public let second: Int32
    /// East of Greenwich.
    public let offset_s: Int32

    public init(
        year: Int32, month: Int32, day: Int32, hour: Int32 = 0, minute: Int32 = 0, second: Int32 = 0, offset_s: Int32 = 0
    ) {
        (self.year, self.month, self.day) = (year, month, day)
        (self.hour, self.minute, self.second, self.offset_s) = (hour, minute, second, offset_s)
    }
}
