public import PowercapProtocol

/// What a node's limit is divided over: a processor package, a GPU.
public struct Device: Equatable, Sendable {
    /// Which device it is, whatever number its zone has.
    public let name: DeviceName
    /// By which its weight goes, and whether it is one of the packages.
    public let kind: DeviceKind
    /// The zone's id.
    public let zone: String
    /// The name of the constraint that is set: `long_term`, `power1_cap`.
    public let constraint: String
    /// Another zone of the same package whose limits are set to the same (`intel-rapl-mmio` beside `intel-rapl`); nil where there is none.
    public let mirror: String?
    /// Its share of the node's limit goes by this: what the manufacturer names, or the original limit where that is absent.
    public let reference: Microwatts
    /// Its limits are multiples of it.
    public let step: Microwatts
    /// What its limit may be set to: of a package the long-term one (PL1).
    public let longTerm: LimitRange
    /// Of a package PL2; nil where there is none, or it can't be written.
    public let shortTerm: LimitRange?
    /// The limit where it can't be changed: it counts against the node's limit, and the others share the rest.
    public var fixed: Microwatts?
    /// Why it isn't governed; nil where it is.
    public var ungoverned: String?
    /// A limit that reads as 0 W is none.
    public let isOffAtZero: Bool
    /// Over how long a time the hardware keeps the average below the limit; nil where that isn't known.
    let window: Milliseconds?

    public init(
        name: DeviceName, kind: DeviceKind = .package, zone: String, constraint: String = "long_term", mirror: String? = nil,
        reference: Microwatts, step: Microwatts = .step, longTerm: LimitRange, shortTerm: LimitRange?, fixed: Microwatts? = nil,
        ungoverned: String? = nil, isOffAtZero: Bool = false, window: Milliseconds? = nil
    ) {
        (self.name, self.kind, self.zone, self.constraint, self.mirror) = (name, kind, zone, constraint, mirror)
        (self.reference, self.step, self.longTerm, self.shortTerm) = (reference, step, longTerm, shortTerm)
        (self.fixed, self.ungoverned, self.isOffAtZero, self.window) = (fixed, ungoverned, isOffAtZero, window)
    }

    /// What one constraint may be set to.
    public struct LimitRange: Equatable, Sendable {
        let index: UInt8
        /// The helper's.
        public let floor: Microwatts
        /// The helper's: the larger of the original and `max_power_uw`, or the original (P3).
        public let ceiling: Microwatts
        /// In force before the helper wrote for the first time; nil where that isn't known, or no limit was in force.
        public let original: Microwatts?
        /// The time window over which the hardware averages, in microseconds; nil where it isn't known.
        public let window_us: UInt64?

        public init(
            index: UInt8, floor: Microwatts, ceiling: Microwatts, original: Microwatts?, window_us: UInt64? = nil
        ) {
            (self.index, self.floor, self.ceiling, self.original, self.window_us) = (index, floor, ceiling, original, window_us)
        }
    }
}

extension Device {
    /// Its limit is in a register of RAPL.
    private var isRAPL: Bool { constraint == "long_term" }

    /// No limit of it is above that, whatever a zone says: of RAPL's registers what they hold.
    public var most: Microwatts { isRAPL ? .registerMaximum : .mostOfDevice }

    /// The zone of the same package whose limits are set to the same as another's.
    public static func mirror(_ id: String, in zones: [Zone]) -> Device? {
        zones.first { $0.id == id }.flatMap { Device($0, mirror: nil, name: DeviceName(id)) }
    }
}

extension Zone {
    /// A whole package, by whatever control type.
    public var isPackage: Bool { parent == nil && PackageName(name) != nil }
}

extension Device {
    /// What the node's limit is divided over among the zones, by name: of what the policy governs what has a limit. What has none is only
    /// measured, `intel-rapl-mmio` beside `intel-rapl` is the same packages by another way, and a whole server (`psys`, `power_meter`) no part.
    public static func all(in zones: [Zone], _ policy: PowerPolicy = PowerPolicy()) -> [Device] {
        zones.compactMap { Device(zone: $0, in: zones, policy) }.sorted { $0.name < $1.name }
    }

    /// The caps of the whole server that are set beside the devices'.
    public static func servers(in zones: [Zone], _ policy: PowerPolicy) -> [Device] {
        if policy.budgetOf != .server { return [] }
        return zones.compactMap { zone in
            guard zone.kind == .server, let word = zone.word, policy.govern.contains(word) else { return nil }
            return Device(zone, mirror: nil)
        }.sorted { $0.name < $1.name }
    }

    /// nil for a zone that the node's limit isn't divided over.
    init?(zone: Zone, in zones: [Zone], _ policy: PowerPolicy = PowerPolicy()) {
        guard zone.parent == nil, let type = ControlType.named(zone.controlType), let word = type.word, zone.kind != .server,
            policy.govern.contains(word), !type.isRAPL || zone.isPackage
        else { return nil }
        func sibling(_ word: Governable) -> Zone? {
            policy.govern.contains(word) ? zones.first { $0.word == word && $0.isPackage && $0.name == zone.name } : nil
        }
        if word == .raplMMIO, sibling(.rapl)?.mainConstraint != nil { return nil }
        self.init(zone, mirror: word == .rapl ? sibling(.raplMMIO)?.id : nil)
    }

    /// nil for a zone without a limit.
    private init?(_ zone: Zone, mirror: String?, name: DeviceName? = nil) {
        guard let main = zone.mainConstraint, main.obstacle != .noLimitFile || zone.isPackage else { return nil }
        let isRAPL = ControlType.named(zone.controlType)?.isRAPL == true
        let most: Microwatts = isRAPL ? .registerMaximum : .mostOfDevice
        let range = LimitRange(main, most: most)
        let known = [main.maxPower, main.original, main.ceiling].lazy.compactMap { $0 }.first { $0 > .zero }
        self.init(
            name: name ?? DeviceName(isRAPL ? zone.name : zone.id), kind: zone.kind ?? .package, zone: zone.id,
            constraint: main.name, mirror: mirror, reference: min(known ?? main.step, most), step: main.step, longTerm: range,
            shortTerm: isRAPL
                ? zone.constraint("short_term").flatMap { $0.isGovernable ? LimitRange($0, most: most) : nil } : nil,
            fixed: main.isGovernable ? nil : min(zone.limit(of: main) ?? range.ceiling, most),
            ungoverned: main.isGovernable ? nil : main.obstacleWords,
            isOffAtZero: ControlType.named(zone.controlType)?.isOffAtZero == true,
            window: main.timeWindowMicroseconds.map { Milliseconds($0 / 1_000 + ($0 % 1_000 == 0 ? 0 : 1)) })
    }
}

extension Microwatts {
    /// No device takes more: whatever firmware names, sums stay sums.
    public static let mostOfDevice = watts(1_000_000)

    /// Rounded down to a multiple of a step.
    func roundedDown(to step: Microwatts) -> Microwatts { Microwatts(rawValue - rawValue % step.rawValue) }

    /// Rounded up to a multiple of a step, or the largest value where that would be beyond it.
    func roundedUp(to step: Microwatts) -> Microwatts {
        let remainder = rawValue % step.rawValue
        return remainder == 0 ? self : Microwatts(rawValue - remainder) + step
    }
}

extension Device.LimitRange {
    /// No limit is above what the register holds, whatever a zone says: RAPL's driver lets it wrap around.
    fileprivate init(_ constraint: Constraint, most: Microwatts) {
        self.init(
            index: constraint.index, floor: min(constraint.floor, most), ceiling: min(constraint.ceiling, most),
            original: constraint.original,
            window_us: constraint.timeWindowMicroseconds.flatMap { $0 > 0 ? $0 : nil })
    }
}
