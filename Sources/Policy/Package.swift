public import PowercapProtocol

/// A processor package: what the node's limit is divided over.
public struct Package: Equatable, Sendable {
    /// Which package it is, whatever number its zone has.
    public let name: PackageName
    /// The zone's id.
    public let zone: String
    /// Its share of the node's limit goes by this: long_term's `max_power_uw`, or the original limit where that is absent.
    public let reference: Microwatts
    /// What its long-term limit (PL1) may be set to.
    public let longTerm: LimitRange
    /// nil where there is none, or it can't be written.
    public let shortTerm: LimitRange?
    /// The long-term limit where it can't be changed: it counts against the node's limit, and the others share the rest.
    public var fixed: Microwatts?
    /// Why it isn't governed; nil where it is.
    public var ungoverned: String?
    /// Over how long a time the hardware keeps the average below the long-term limit; nil where that isn't known.
    let window: Milliseconds?

    public init(
        name: PackageName, zone: String, reference: Microwatts, longTerm: LimitRange, shortTerm: LimitRange?,
        fixed: Microwatts? = nil, ungoverned: String? = nil, window: Milliseconds? = nil
    ) {
        (self.name, self.zone, self.reference) = (name, zone, reference)
        (self.longTerm, self.shortTerm, self.fixed, self.ungoverned) = (longTerm, shortTerm, fixed, ungoverned)
        self.window = window
    }

    /// What one constraint may be set to.
    public struct LimitRange: Equatable, Sendable {
        let index: UInt8
        /// The helper's.
        public let floor: Microwatts
        /// The helper's: the larger of the original and `max_power_uw`, or the original (P3).
        public let ceiling: Microwatts
        /// In force before the helper wrote for the first time; nil where that isn't known.
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

/// `package-N`, or `package-N-die-M` where a package has several dies with limits of their own.
public struct PackageName: Comparable, Hashable, Sendable {
    /// The N of `package-N`, as firmware has it.
    public let package: UInt32
    let die: UInt32?

    public init(package: UInt32, die: UInt32? = nil) { (self.package, self.die) = (package, die) }

    /// nil for the name of any other zone. Firmware decides the numbers, so they need not begin at 0 nor follow the zone's index.
    public init?(_ name: String) {
        let parts = name.split(separator: "-", omittingEmptySubsequences: false)
        guard parts.count == 2 || parts.count == 4, parts[0] == "package", let package = Self.number(parts[1]) else { return nil }
        if parts.count == 4 {
            guard parts[2] == "die", let die = Self.number(parts[3]) else { return nil }
            self.init(package: package, die: die)
        } else {
            self.init(package: package)
        }
    }

    private static func number(_ text: Substring) -> UInt32? {
        text.utf8.allSatisfy { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) } ? UInt32(text) : nil
    }

    /// As the zone is called.
    public var text: String { "package-\(package)" + (die.map { "-die-\($0)" } ?? "") }

    /// By package, and then by die.
    public static func < (left: PackageName, right: PackageName) -> Bool {
        if left.package != right.package { return left.package < right.package }
        guard let right = right.die else { return false }
        return left.die.map { $0 < right } ?? true
    }
}

extension Zone {
    /// A whole package, by whatever control type.
    public var isPackage: Bool { parent == nil && PackageName(name) != nil }
}

extension Package {
    /// The packages among the zones, by name, in the order of their numbers. Of `intel-rapl` alone: `intel-rapl-mmio` is the
    /// same packages by another way, and `psys` the whole platform. One without a long-term limit is only measured.
    public static func all(in zones: [Zone]) -> [Package] {
        zones.compactMap(Package.init(zone:)).sorted { $0.name < $1.name }
    }

    /// nil for a zone that is no package of `intel-rapl`, or has no long-term limit.
    public init?(zone: Zone) {
        guard zone.controlType == InForce.governed, zone.parent == nil, let name = PackageName(zone.name),
            let longTerm = zone.constraint("long_term")
        else { return nil }
        let range = LimitRange(longTerm)
        let known = [longTerm.maxPower, longTerm.original, longTerm.ceiling].lazy.compactMap { $0 }.first { $0 > .zero }
        self.init(
            name: name, zone: zone.id, reference: min(known ?? .step, .registerMaximum), longTerm: range,
            shortTerm: zone.constraint("short_term").flatMap { $0.isGovernable ? LimitRange($0) : nil },
            fixed: longTerm.isGovernable ? nil : min(longTerm.powerLimit ?? range.ceiling, .registerMaximum),
            ungoverned: longTerm.isGovernable ? nil : longTerm.obstacleWords,
            window: longTerm.timeWindowMicroseconds.map { Milliseconds($0 / 1_000 + ($0 % 1_000 == 0 ? 0 : 1)) })
    }
}

extension Package.LimitRange {
    /// No limit is above what the register holds, whatever a zone says: the driver lets it wrap around.
    init(_ constraint: Constraint) {
        self.init(
            index: constraint.index, floor: min(constraint.floor, .registerMaximum),
            ceiling: min(constraint.ceiling, .registerMaximum), original: constraint.original,
            window_us: constraint.timeWindowMicroseconds.flatMap { $0 > 0 ? $0 : nil })
    }
}
