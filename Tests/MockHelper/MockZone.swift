import PowercapProtocol

/// A zone of the powercap tree.
struct MockZone {
    let id: Name
    let name: Name
    var parent: Name?
    var controlType = Name(constant: "intel-rapl")
    var energy: EnergyCounter?
    /// Why the counter can't be read; ENOENT: there is none.
    var energyErrno: UInt8 = 2
    /// `max_energy_range_uj`.
    var energyRange = Microjoules(262_143_328_850)
    var enabled = ZoneSample.Enabled.yes
    var isGone = false
    var registers: [Register] = []

    init(id: Name, name: Name) { (self.id, self.name) = (id, name) }

    func sample(index: UInt16, at time_ms: UInt64) -> ZoneSample {
        var sample = ZoneSample(index: index, constraintCount: UInt8(registers.count))
        let noDevice = Reading(errno: 19)
        (sample.isGone, sample.enabled) = (isGone, isGone ? .unknown : enabled)
        sample.reading =
            isGone ? noDevice : energy.map { Reading($0.value(at: time_ms, range: energyRange)) } ?? Reading(errno: energyErrno)
        for (position, register) in registers.enumerated() {
            sample.limits[position] = isGone ? noDevice : register.reading
        }
        return sample
    }

    func description(index: UInt16, parent: UInt16?) -> ZoneDescription {
        ZoneDescription(
            index: index, parent: parent, controlType: controlType, id: id, name: name, maxEnergyRange: energyRange,
            constraintCount: UInt8(registers.count))
    }
}

/// A counter that advances with a constant power. Its clock has whole milliseconds, and its power is in whole milliwatts: a
/// client that divides exactly gets exactly that power.
struct EnergyCounter: Equatable {
    private let start_uj: UInt64
    private let start_ms: UInt64
    private let power_mw: UInt64

    init(_ energy: Microjoules, power: Microwatts, at time_ms: UInt64) {
        (start_uj, power_mw, start_ms) = (energy.rawValue, power.rawValue / 1_000, time_ms)
    }

    func value(at time_ms: UInt64, range: Microjoules) -> UInt64 {
        let value = start_uj + (time_ms - start_ms) * power_mw
        return range.rawValue == 0 ? value : value % range.rawValue
    }
}
