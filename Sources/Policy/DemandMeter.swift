public import PowercapProtocol

/// A device's demand, from samples of its energy counter, or its power sensor, and of its limit. Samples may come at any time; a step is what lies between two
/// calls of `endStep`, and means are over the whole of it.
public struct DemandMeter: Equatable, Sendable {
    /// nil where it isn't known: nothing was measured yet, or the counter was reset, can't be read, or stands still.
    public private(set) var demand: Demand?
    /// The mean over the last step; nil where that isn't known.
    private var power: Microwatts?
    /// Of the last steps, the newest last.
    private var recent: [Microwatts] = []
    private var last: Point?
    /// Of the step that goes on.
    private var (power_uwns, limit_uwns, time_ns): (UInt128, UInt128, UInt64) = (0, 0, 0)
    /// It is measured by a sensor, which may well say 0 W: a counter that stands still is another thing.
    private var isSensed = false
    /// Nothing can be said of the step that goes on.
    private var isBroken = false
    /// Steps on end of which nothing could be said.
    private var silentSteps = 0

    private struct Point: Equatable { let energy: Reading, time_ns: UInt64 }

    /// How often demand is looked at, whatever the source's cadence is: a package that wakes up under a small limit is at it at once, and
    /// is recognised within a step.
    public static let step_ns: UInt64 = 2_000_000_000
    /// Demand falls when it was lower in so many steps on end; it rises at once.
    static let stepsToFall = 3
    /// After so many steps without a reading, or without energy, nothing is known any more.
    static let stepsToForget = 2
    /// Between two samples: longer is a gap, of which nothing is known.
    public static let longestGap_ns = step_ns * 5 / 2

    public init() {}

    /// Takes a sample.
    /// - Parameters:
    ///   - energy: the package's counter.
    ///   - time_ns: when it was read, by the helper's clock.
    ///   - range: at which the counter begins anew.
    ///   - limit: in force since the sample before; nil where that isn't known.
    public mutating func note(_ energy: Reading, at time_ns: UInt64, range: Microjoules, limit: Microwatts?) {
        defer { last = Point(energy: energy, time_ns: time_ns) }
        guard let last, time_ns > last.time_ns else { return }
        let elapsed_ns = time_ns - last.time_ns
        if elapsed_ns > DemandMeter.longestGap_ns { return forget() }
        guard let earlier = last.energy.ifRead, let later = energy.ifRead, let limit else {
            isBroken = true
            return
        }
        // A counter that went back, or ran faster than any register allows, was reset: what is remembered is of another life.
        guard averagePower(from: last.energy, at: last.time_ns, to: energy, at: time_ns, range: range) != nil,
            let used = Microjoules(later).since(Microjoules(earlier), range: range)
        else { return forget() }
        power_uwns += UInt128(used.rawValue) * 1_000_000_000
        limit_uwns += UInt128(limit.rawValue) * UInt128(elapsed_ns)
        self.time_ns += elapsed_ns
    }

    /// Takes a sample of a device that has a sensor of power in place of a counter.
    /// - Parameters:
    ///   - power: what the sensor says; one that can't be read says nothing.
    ///   - time_ns: when it was read, by the helper's clock.
    ///   - limit: in force since the sample before; nil where that isn't known.
    public mutating func note(power: Reading, at time_ns: UInt64, limit: Microwatts?) {
        defer { last = Point(energy: power, time_ns: time_ns) }
        isSensed = true
        guard let last, time_ns > last.time_ns else { return }
        let elapsed_ns = time_ns - last.time_ns
        if elapsed_ns > DemandMeter.longestGap_ns { return forget() }
        guard let drawn = power.ifRead, let limit else {
            isBroken = true
            return
        }
        power_uwns += UInt128(drawn) * UInt128(elapsed_ns)
        limit_uwns += UInt128(limit.rawValue) * UInt128(elapsed_ns)
        self.time_ns += elapsed_ns
    }

    /// Ends the step, and begins the next one.
    /// - Parameters:
    ///   - ceiling: the most that the package can be given.
    ///   - isSlowed: its busy processors run below their maximum; false also where that can't be seen.
    public mutating func endStep(ceiling: Microwatts, isSlowed: Bool) {
        defer { (power_uwns, limit_uwns, time_ns, isBroken) = (0, 0, 0, false) }
        guard !isBroken, time_ns > 0, isSensed || power_uwns > 0 else {
            silentSteps += 1
            power = nil
            if silentSteps >= DemandMeter.stepsToForget { (demand, recent) = (nil, []) }
            return
        }
        silentSteps = 0
        let mean = Microwatts(UInt64(power_uwns / UInt128(time_ns)))
        power = mean
        var newest = Demand(
            power: mean,
            limit: Microwatts(UInt64(limit_uwns / UInt128(time_ns))), isSlowed: isSlowed, ceiling: ceiling)
        recent.append(newest.power)
        if recent.count > DemandMeter.stepsToFall { recent.removeFirst() }
        newest.lately = min(recent.reduce(newest.power, max), ceiling)
        demand = newest
    }

    /// Whether the package drew less in the last step than such a limit would let it; nil where that isn't known.
    public func fits(under limit: Microwatts) -> Bool? {
        power.map { UInt128($0.rawValue) * 100 < UInt128(limit.rawValue) * UInt128(Demand.atLimit_percent) }
    }

    /// Begins anew: nothing is known until a whole step has been measured.
    private mutating func forget() { (demand, power, recent, silentSteps, isBroken) = (nil, nil, [], 0, true) }
}
