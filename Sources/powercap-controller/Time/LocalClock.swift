internal import LinuxSystem
internal import Policy
internal import Text

// Times on the wall of this process's time zone (see `Clock.setTimeZone`), which the policy takes as values.

extension Moment {
    /// - Parameter seconds: since 1970.
    init(seconds: Int64, nanoseconds: UInt32 = 0) {
        self.init(seconds: seconds, nanoseconds: nanoseconds, local: .at(seconds))
    }

    static var now: Moment {
        let wall = Clock.wall
        return Moment(seconds: wall.seconds, nanoseconds: wall.nanoseconds)
    }
}

extension LocalTime {
    /// - Parameter seconds: since 1970.
    static func at(_ seconds: Int64) -> LocalTime {
        let local = Clock.local(seconds)
        return LocalTime(
            year: local.year, month: local.month, day: local.day, hour: local.hour, minute: local.minute,
            second: local.second, offset_s: local.offset_s)
    }
}

extension Output {
    /// RFC 3339, with the zone's offset: `2026-06-21T12:00:00+02:00`.
    mutating func append(_ moment: Moment) {
        append(day: moment.local)
        append("T")
        append(clock: moment.local)
        append(":")
        append(moment.local.second, digits: 2)
        append(offset_s: moment.local.offset_s)
    }

    mutating func append(day local: LocalTime) { append(year: local.year, month: local.month, day: local.day) }
    mutating func append(clock local: LocalTime) { append(hour: local.hour, minute: local.minute) }
}
