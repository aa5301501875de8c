public import PowercapProtocol

/// A power zone as the helper reports it.
public struct Zone: Equatable, Sendable {
    /// As in sysfs: `intel-rapl:0`, `intel-rapl:0:1`.
    public let id: String
    /// The id of the zone that it lies in; nil at the top.
    public let parent: String?
    /// `intel-rapl`, `intel-rapl-mmio`, `amdgpu`, …
    public let controlType: String
    /// `package-0`, `dram`, `psys`, …
    public let name: String
    /// nil where it can't be read.
    public var enabled: Bool?
    var energy: Microjoules?
    var maxEnergyRange: Microjoules?
    /// What its sensor says now, where it has one in place of a counter; nil where it can't be read.
    var power: Microwatts?
    /// Its package went offline, or its driver was unloaded.
    public var isGone = false
    /// In the order of their index.
    public var constraints: [Constraint]

    public init(
        id: String, parent: String?, controlType: String, name: String, enabled: Bool? = nil, energy: Microjoules? = nil,
        maxEnergyRange: Microjoules? = nil, power: Microwatts? = nil, isGone: Bool = false, constraints: [Constraint]
    ) {
        (self.id, self.parent, self.controlType, self.name, self.enabled) = (id, parent, controlType, name, enabled)
        (self.energy, self.maxEnergyRange, self.power) = (energy, maxEnergyRange, power)
        (self.isGone, self.constraints) = (isGone, constraints)
    }

    /// Its limits are not enforced. A locked zone reads as a disabled one does, so there nothing is known.
    public var isDisabled: Bool { enabled == false && !constraints.contains { $0.obstacle == .locked } }

    /// A limit that was read says that there is none.
    public func isOff(_ constraint: Constraint) -> Bool {
        constraint.powerLimit == .zero && ControlType.named(controlType)?.isOffAtZero == true
    }

    /// What a constraint limits to; nil where that isn't known, or it doesn't.
    func limit(of constraint: Constraint) -> Microwatts? { isOff(constraint) ? nil : constraint.powerLimit }

    /// The constraint of this name.
    public func constraint(_ name: String) -> Constraint? { constraints.first { $0.name == name } }
}

/// One limit of a zone.
public struct Constraint: Equatable, Sendable {
    let index: UInt8
    /// `long_term`, `short_term`, `peak_power`, `power1_cap`.
    public let name: String
    /// In force when it was read; nil where it can't be read.
    public var powerLimit: Microwatts?
    /// Why it can't be read; 0 where nothing is known of that.
    public var readErrno: UInt8 = 0
    var timeWindowMicroseconds: UInt64?
    /// What the manufacturer names; 0 or nil where it names none.
    var maxPower: Microwatts?
    /// In force before the helper wrote for the first time; nil also where no limit was.
    public var original: Microwatts?
    /// Limits are multiples of it; above 0.
    var step: Microwatts
    /// The helper writes nothing below its floor nor above its ceiling.
    public var floor: Microwatts
    /// See `floor`.
    public var ceiling: Microwatts
    /// The helper's `--min-power`: no ceiling may be below it. nil where it isn't known.
    var minPower: Microwatts?
    /// What is in the way of setting it.
    public var obstacle: Obstacle

    public init(
        index: UInt8, name: String, powerLimit: Microwatts? = nil, readErrno: UInt8 = 0, timeWindowMicroseconds: UInt64? = nil,
        maxPower: Microwatts? = nil, original: Microwatts? = nil, step: Microwatts = .step, floor: Microwatts,
        ceiling: Microwatts, minPower: Microwatts? = nil, obstacle: Obstacle
    ) {
        (self.index, self.name, self.powerLimit, self.readErrno) = (index, name, powerLimit, readErrno)
        (self.timeWindowMicroseconds, self.maxPower, self.original) = (timeWindowMicroseconds, maxPower, original)
        self.step = max(step, Microwatts(1))
        (self.floor, self.ceiling, self.minPower, self.obstacle) = (floor, ceiling, minPower, obstacle)
    }

    /// Whether it can be governed, as far as it is up to the constraint: a helper that takes no limits at all says why itself.
    public var isGovernable: Bool { obstacle.takesLimits || obstacle == .writesRefused }

    /// Why it isn't governed, as every view says it.
    public var obstacleWords: String {
        guard obstacle == .ceilingBelowFloor, let minPower else { return "\(obstacle.explanation)" }
        return "its ceiling, \(ceiling.words), is below the helper's floor, \(minPower.words) (--min-power)"
    }
}
