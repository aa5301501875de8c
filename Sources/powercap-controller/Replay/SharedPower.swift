internal import Policy
internal import PowercapProtocol

/// The packages' demands in a replay, by the rule that `run` has: their counters count what they would have drawn.
struct SharedPower {
    private let devices: [Device]
    private var counters: [Counter]
    /// Whether there is something else to decide by than before.
    private(set) var isNews = false

    private struct Counter {
        var meter = DemandMeter()
        /// In nanojoules.
        var energy: UInt64 = 0
        /// Up to when it has counted.
        var last_ms: Int64?
    }

    /// How often `run` looks.
    static let step = Milliseconds(DemandMeter.step_ns / 1_000_000)
    /// Between two samples: nothing is known of a longer time.
    static let longest_ns = DemandMeter.longestGap_ns

    init(_ devices: [Device]) { (self.devices, counters) = (devices, devices.map { _ in Counter() }) }

    /// nil where one isn't known that matters: then the limit is divided in proportion.
    var demands: [Demand]? {
        let known = zip(devices, counters).compactMap { device, counter in
            counter.meter.demand ?? device.fixed.map { Demand(power: $0, basis: .drawn) }
        }
        return known.count == devices.count ? known : nil
    }

    /// Takes what each package drew up to a time, under which limit; nil where that isn't known.
    mutating func note(_ drawn: [Microwatts?], under limits: [Microwatts], until_ms: Int64) {
        let before = demands
        for (index, (power, limit)) in zip(drawn, limits).enumerated() {
            if let power, let last_ms = counters[index].last_ms {
                counters[index].energy += power.rawValue * UInt64(until_ms - last_ms)
            }
            counters[index].last_ms = until_ms
            let reading = power == nil ? Reading(errno: SharedPower.noData) : Reading(counters[index].energy / 1_000)
            counters[index].meter.note(reading, at: UInt64(until_ms) * 1_000_000, range: Microjoules(0), limit: limit)
            counters[index].meter.endStep(ceiling: devices[index].longTerm.ceiling, isSlowed: false)
        }
        isNews = demands != before
    }

    /// ENODATA (errno(3)).
    private static let noData: UInt8 = 61
}
