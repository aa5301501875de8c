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
    var constraints: [Constraint]

    func constraint(_ name: String) -> Constraint? { constraints.first { $0.name == name } }
}

/// One limit of a zone.
struct Constraint: Equatable, Sendable {
    let index: UInt8
    /// `long_term`, `short_term`, `peak_power`.
    let name: String
    /// In force when it was read; nil where it can't be read.
    var powerLimit: Microwatts?
    var timeWindowMicroseconds: UInt64?
    /// What the manufacturer names; 0 or nil where it names none.
    var maxPower: Microwatts?
    /// In force before the helper wrote for the first time.
    var original: Microwatts?
    /// The helper writes nothing below its floor nor above its ceiling.
    var floor: Microwatts
    var ceiling: Microwatts
    /// What is in the way of setting it.
    var obstacle: Obstacle

    /// Whether it can be governed, as far as it is up to the constraint: a helper that takes no limits at all says why itself.
    var isGovernable: Bool { obstacle.takesLimits || obstacle == .writesRefused }
}
