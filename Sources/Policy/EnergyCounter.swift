public import PowercapProtocol

/// What a zone's energy counter has counted since this program first saw it: from 0, and never back, whatever becomes of the counter
/// itself, which wraps around, is reset, and can be out of sight for a while.
public struct EnergyCounter: Equatable, Sendable {
    /// Since it was first read. Where there is a gap, what was used within is missing, or a part of it.
    public private(set) var total = Microjoules(0)
    /// How often it isn't known how much was used in between.
    public private(set) var gaps: UInt64 = 0
    /// What was last read, and when by the helper's clock.
    private var last: Point?

    private struct Point: Equatable { let energy: Microjoules, time_ns: UInt64 }

    /// A counter moves about once a millisecond, in steps: two readings close together may show more than what was drawn in between.
    private static let step = Microjoules(10_000_000)

    public init() {}

    /// Takes a reading. One that failed changes nothing: the counter goes on by itself.
    /// - Parameter range: at which it begins anew; 0 where that isn't known.
    public mutating func note(_ reading: Reading, at time_ns: UInt64, range: Microjoules) {
        guard let value = reading.ifRead else { return }
        let now = Point(energy: Microjoules(value), time_ns: time_ns)
        defer { last = now }
        guard let last, now.time_ns > last.time_ns else { return }
        // No power register holds more (Intel SDM, section 15.10.1).
        let most = UInt128(Microwatts.registerMaximum.rawValue) * UInt128(now.time_ns - last.time_ns) / 1_000_000_000
        guard let used = now.energy.since(last.energy, range: range),
            UInt128(used.rawValue) <= max(most, UInt128(Self.step.rawValue))
        else {
            // It was reset. What was used before that is lost, and what it shows now may be from before, too.
            gaps += 1
            return
        }
        total = Microjoules(total.rawValue &+ used.rawValue)
        // It may have wrapped around more than once, which nobody sees.
        if range.rawValue > 0, most > UInt128(range.rawValue) { gaps += 1 }
    }
}
