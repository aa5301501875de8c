internal import Policy
internal import PowercapProtocol

/// The devices' demands in a replay, by the rule that `run` has: what RAPL measures has a counter of what it would have drawn, and others have sensors.
struct SharedPower {
    private let devices: [Device]
    private var counters: [Counter]
    /// The time that the meters' clock counts from.
    private var begun_ms: Int64?
    /// Whether there is something else to decide by than before.
    private(set) var isNews = false

    private struct Counter {
        var meter = DemandMeter()
        /// In nanojoules.
        var energy: UInt128 = 0
        /// Up to when it has counted.
        var last_ms: Int64?
    }

    /// How often `run` looks.
    static let step = Milliseconds(DemandMeter.step_ns / 1_000_000)
    /// Between two samples: nothing is known of a longer time.
    static let longest_ns = DemandMeter.longestGap_ns

    init(_ devices: [Device]) { (self.devices, counters) = (devices, devices.map { _ in Counter() }) }

    /// nil where one isn't known that matters: then the limit is divided in proportion.
    var demands: [Demand?]? {
        var demands: [Demand?] = []
        for (device, counter) in zip(devices, counters) {
            let demand = counter.meter.demand ?? device.fixed.map { Demand(power: $0, basis: .drawn) }
            // Of a GPU it may be missing.
            if demand == nil, device.kind == .package { return nil }
            demands.append(demand)
        }
        return demands.contains { $0 != nil } ? demands : nil
    }

    /// Takes what each device drew up to a time, under which limit; nil where that isn't known.
    mutating func note(_ drawn: [Microwatts?], under limits: [Microwatts], until_ms: Int64) {
        let before = demands
        let begun_ms = self.begun_ms ?? until_ms
        self.begun_ms = begun_ms
        let now_ns = UInt64(until_ms - begun_ms) &* 1_000_000
        for (index, (power, limit)) in zip(drawn, limits).enumerated() {
            if devices[index].name.package == nil {
                counters[index].meter.note(
                    power: power.map { Reading($0.rawValue) } ?? SharedPower.noData, at: now_ns, limit: limit)
            } else {
                if let power, let last_ms = counters[index].last_ms {
                    counters[index].energy += UInt128(power.rawValue) * UInt128(until_ms - last_ms)
                }
                counters[index].last_ms = until_ms
                let used = Reading(UInt64(truncatingIfNeeded: counters[index].energy / 1_000))
                counters[index].meter.note(
                    power == nil ? SharedPower.noData : used, at: now_ns, range: Microjoules(0), limit: limit)
            }
            counters[index].meter.endStep(ceiling: devices[index].longTerm.ceiling, isSlowed: false)
        }
        isNews = demands != before
    }

    /// ENODATA (errno(3)).
    private static let noData = Reading(errno: 61)
}
