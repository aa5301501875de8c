internal import PowercapProtocol

/// A power zone as the helper reports it.
struct Zone: Equatable, Sendable {
    /// As in sysfs: `intel-rapl:0`, `intel-rapl:0:1`.
    let id: String
    let parent: String?
    let controlType: String
    /// `package-0`, `dram`, `psys`, …
    let name: String
    /// nil where it can't be read.
    var enabled: Bool?
    var energy: Microjoules?
    var maxEnergyRange: Microjoules?
    /// Its package went offline, or its driver was unloaded.
    var isGone = false
    var constraints: [Constraint]

    /// Its limits are not enforced. A locked zone reads as a disabled one does, so there nothing is known.
    var isDisabled: Bool { enabled == false && !constraints.contains { $0.obstacle == .locked } }

    func constraint(_ name: String) -> Constraint? { constraints.first { $0.name == name } }
}

/// One limit of a zone.
struct Constraint: Equatable, Sendable {
    let index: UInt8
    /// `long_term`, `short_term`, `peak_power`.
    let name: String
    /// In force when it was read; nil where it can't be read.
    var powerLimit: Microwatts?
    /// Why it can't be read; 0 where nothing is known of that.
    var readErrno: UInt8 = 0
    var timeWindowMicroseconds: UInt64?
    /// What the manufacturer names; 0 or nil where it names none.
    var maxPower: Microwatts?
    /// In force before the helper wrote for the first time.
    var original: Microwatts?
    /// The helper writes nothing below its floor nor above its ceiling.
    var floor: Microwatts
    var ceiling: Microwatts
    /// The helper's `--min-power`: no ceiling may be below it. nil where it isn't known.
    var minPower: Microwatts?
    /// What is in the way of setting it.
    var obstacle: Obstacle

    /// Whether it can be governed, as far as it is up to the constraint: a helper that takes no limits at all says why itself.
    var isGovernable: Bool { obstacle.takesLimits || obstacle == .writesRefused }

    /// Why it isn't governed, as every view says it.
    var obstacleWords: String {
        guard obstacle == .ceilingBelowFloor, let minPower else { return "\(obstacle.explanation)" }
        return "its ceiling, \(ceiling.words), is below the helper's floor, \(minPower.words) (--min-power)"
    }
}
