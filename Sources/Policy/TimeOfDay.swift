/// What a clock on the wall shows, to the minute: from 00:00 to 24:00, which is the day's end.
public struct TimeOfDay: Equatable, Sendable {
    /// Since midnight, 0 to 1440.
    public let minutes: UInt16

    public init(minutes: UInt16) { self.minutes = minutes }

    /// So many whole hours since midnight.
    static func hour(_ hour: UInt16) -> TimeOfDay { TimeOfDay(minutes: hour * 60) }

    /// Since midnight.
    var hours: Double { Double(minutes) / 60 }

    /// As the option takes it, and as a clock shows it: `04:00`.
    public var text: String {
        let (hour, minute) = (minutes / 60, minutes % 60)
        return (hour < 10 ? "0" : "") + "\(hour)" + (minute < 10 ? ":0" : ":") + "\(minute)"
    }
}
