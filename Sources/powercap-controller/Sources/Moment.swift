internal import LinuxSystem

/// A point in time, and what the clock on the wall shows then.
struct Moment: Equatable, Sendable {
    /// Since 1970.
    let seconds: Int64
    let nanoseconds: UInt32
    let local: Clock.Local

    init(seconds: Int64, nanoseconds: UInt32 = 0, local: Clock.Local) {
        (self.seconds, self.nanoseconds, self.local) = (seconds, nanoseconds, local)
    }

    /// In the time zone of the process (see `Clock.setTimeZone`).
    init(seconds: Int64, nanoseconds: UInt32 = 0) {
        self.init(seconds: seconds, nanoseconds: nanoseconds, local: Clock.local(seconds))
    }

    static var now: Moment {
        let wall = Clock.wall
        return Moment(seconds: wall.seconds, nanoseconds: wall.nanoseconds)
    }

    /// Hours on the wall since midnight, from 0 to just under 24.
    var localHours: Double {
        Double(local.hour) + Double(local.minute) / 60 + (Double(local.second) + Double(nanoseconds) / 1e9) / 3600
    }
}
