internal import LinuxSystem

/// Notices that the wall clock was set, or that the machine was asleep, when CLOCK_MONOTONIC stands still (clock_gettime(2)): a
/// step of the clock is a step of a source that goes by it.
struct StepDetector {
    /// Of the wall clock from the monotonic one at the last look.
    private var offset_ns: Int64?
    private static let tolerance_ns: Int64 = 1_000_000_000

    mutating func stepped(monotonic_ns: UInt64, wall_ns: Int64) -> Bool {
        let now = wall_ns &- Int64(clamping: monotonic_ns)
        defer { offset_ns = now }
        return offset_ns.map { abs(now &- $0) > StepDetector.tolerance_ns } ?? false
    }
}

extension Clock {
    /// CLOCK_REALTIME in nanoseconds since 1970.
    static var wall_ns: Int64 {
        let wall = wall
        return wall.seconds &* 1_000_000_000 &+ Int64(wall.nanoseconds)
    }
}
