internal import CLinux

/// Clocks (clock_gettime(2)) and local time by the C library's time zone database.
public enum Clock {
    /// CLOCK_MONOTONIC in nanoseconds.
    public static var monotonic_ns: UInt64 { cl_monotonic_ns() }

    /// CLOCK_BOOTTIME in nanoseconds: it goes on while the machine is asleep.
    public static var boottime_ns: UInt64 { cl_boottime_ns() }

    /// CLOCK_REALTIME: seconds since 1970 and the nanoseconds within.
    public static var wall: Wall {
        var seconds: Int64 = 0
        var nanoseconds: UInt32 = 0
        unsafe cl_wall_clock(&seconds, &nanoseconds)
        return Wall(seconds: seconds, nanoseconds: nanoseconds)
    }

    /// A point in time of CLOCK_REALTIME.
    public struct Wall: Comparable, Sendable {
        /// Since 1970.
        public let seconds: Int64
        public let nanoseconds: UInt32

        public init(seconds: Int64, nanoseconds: UInt32 = 0) { (self.seconds, self.nanoseconds) = (seconds, nanoseconds) }

        /// The earlier one.
        public static func < (left: Wall, right: Wall) -> Bool {
            (left.seconds, left.nanoseconds) < (right.seconds, right.nanoseconds)
        }
    }

    /// A time on the wall of the configured time zone.
    public struct Local: Equatable, Sendable {
        public var year: Int32
        public var month: Int32
        public var day: Int32
        public var hour: Int32
        public var minute: Int32
        public var second: Int32
        /// East of Greenwich.
        public var offset_s: Int32

        public init(
            year: Int32, month: Int32, day: Int32, hour: Int32 = 0, minute: Int32 = 0, second: Int32 = 0, offset_s: Int32 = 0
        ) {
            (self.year, self.month, self.day) = (year, month, day)
            (self.hour, self.minute, self.second, self.offset_s) = (hour, minute, second, offset_s)
        }
    }

    /// Sets TZ for the whole process (tzset(3)). An unknown name silently means UTC: check it first.
    public static func setTimeZone(_ name: String) { unsafe name.withCString { unsafe cl_set_timezone($0) } }

    /// localtime_r(3).
    public static func local(_ seconds: Int64) -> Local {
        var time = cl_local_time()
        _ = unsafe cl_local_time(seconds, &time)
        return Local(
            year: time.year, month: time.month, day: time.day, hour: time.hour, minute: time.minute, second: time.second,
            offset_s: time.offset_s)
    }

    /// mktime(3): seconds since 1970 of a local time; days beyond the month's end run on into the next.
    public static func seconds(of local: Local) -> Int64 {
        var time = cl_local_time(
            year: local.year, month: local.month, day: local.day, hour: local.hour, minute: local.minute,
            second: local.second, offset_s: local.offset_s)
        return unsafe cl_seconds_of_local(&time)
    }

    public static func sleep(milliseconds: UInt32) { cl_sleep_ms(milliseconds) }
}
