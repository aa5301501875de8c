/// What Zones starts with: who is in control. `zoneCount` zones follow, from the one that ListZones asked for.
public struct ZonesHeader: Equatable, Sendable {
    /// Time until control lapses; 0 when nobody holds it.
    public var leaseRemaining_ms: UInt32
    /// The client name of the controller in control, `-` when there is none.
    public var leaseHolder: Name
    /// Zones of the helper. Version 2 doesn't say: it has those that fit into one frame.
    public var total: UInt16
    public var zoneCount: UInt16

    /// Bytes on the wire with the longest name.
    public static let maximumBytes = 9 + Limits.nameBytes

    public static let nobody = Name(constant: "-")

    /// - Parameter total: nil where all of them follow.
    public init(leaseRemaining_ms: UInt32, leaseHolder: Name, total: UInt16? = nil, zoneCount: UInt16) {
        (self.leaseRemaining_ms, self.leaseHolder, self.zoneCount) = (leaseRemaining_ms, leaseHolder, zoneCount)
        self.total = total ?? zoneCount
    }

    public func encode(into writer: inout Writer, version: UInt8 = Greeting.highestVersion) {
        writer.u32(leaseRemaining_ms)
        writer.name(leaseHolder)
        if version >= Greeting.kindsVersion { writer.u16(total) }
        writer.u16(zoneCount)
    }

    public init(from reader: inout Reader, version: UInt8 = Greeting.highestVersion) throws(ProtocolError) {
        leaseRemaining_ms = try reader.u32()
        leaseHolder = try reader.name()
        let total = version >= Greeting.kindsVersion ? try reader.u16() : nil
        zoneCount = try reader.u16()
        self.total = total ?? zoneCount
    }
}

/// What a zone's reading is.
public enum ReadingKind: UInt8, CaseIterable, Sendable {
    /// It has none.
    case none = 0
    /// A counter of µJ (`energy_uj`).
    case energy = 1
    /// µW now, or averaged by the hardware over a time of its own (`power_uw`, `power1_average`, `power1_input`). From version 3 on.
    case power = 2
}

/// A zone of Zones. `constraintCount` constraints follow it.
public struct ZoneDescription: Equatable, Sendable {
    /// The helper's number of the zone, stable for the life of the helper's process.
    public var index: UInt16
    /// The index of the zone that it lies in; nil at the top.
    public var parent: UInt16?
    /// powercap's (`intel-rapl`, `intel-rapl-mmio`, `arm-scmi`, `dtpm`), the name of a hwmon driver (`amdgpu`, `power_meter`, …), or
    /// `opal`.
    public var controlType: Name
    /// What it is called as long as the machine is the same but for powercap's numbers: the directory's name there, such as
    /// `intel-rapl:0:0`, elsewhere the control type and the device, such as `amdgpu:0000:03:00.0`.
    public var id: Name
    /// The file `name` of powercap (`package-0`, `psys`, `dram`, …), the device elsewhere.
    public var name: Name
    public var reading: ReadingKind
    /// Where `energy_uj` wraps around; 0 when the zone has no counter.
    public var maxEnergyRange: Microjoules
    public var constraintCount: UInt8

    public init(
        index: UInt16, parent: UInt16?, controlType: Name, id: Name, name: Name, reading: ReadingKind = .energy,
        maxEnergyRange: Microjoules, constraintCount: UInt8
    ) {
        (self.index, self.parent, self.controlType, self.id, self.name) = (index, parent, controlType, id, name)
        (self.reading, self.maxEnergyRange, self.constraintCount) = (reading, maxEnergyRange, constraintCount)
    }

    public func encode(into writer: inout Writer, version: UInt8 = Greeting.highestVersion) {
        writer.u16(index)
        writer.u16(parent ?? .max)
        writer.name(controlType)
        writer.name(id)
        writer.name(name)
        if version >= Greeting.kindsVersion { writer.u8(reading.rawValue) }
        writer.u64(maxEnergyRange.rawValue)
        writer.u8(constraintCount)
    }

    public init(from reader: inout Reader, version: UInt8 = Greeting.highestVersion) throws(ProtocolError) {
        index = try reader.u16()
        let parent = try reader.u16()
        self.parent = parent == .max ? nil : parent
        controlType = try reader.name()
        id = try reader.name()
        name = try reader.name()
        reading = version >= Greeting.kindsVersion ? try ReadingKind.decoded(try reader.u8()) : .energy
        maxEnergyRange = Microjoules(try reader.u64())
        constraintCount = try reader.u8()
        guard constraintCount <= Limits.constraintsPerZone else { throw .badValue }
    }

    /// Bytes on the wire; version 2 needs fewer.
    public var encodedBytes: Int { 17 + controlType.count + id.count + name.count }
}

/// A constraint of a zone in Zones.
public struct ConstraintDescription: Equatable, Sendable {
    public struct Flags: OptionSet, Sendable {
        public let rawValue: UInt8
        public init(rawValue: UInt8) { self.rawValue = rawValue }
        /// The limit before the first change is known. Without it `original` is no limit of 0.
        public static let originalKnown = Flags(rawValue: 1 << 0)
        /// It has a time window, and what it was before the first change is known.
        public static let hasTimeWindow = Flags(rawValue: 1 << 1)
        /// Its limit is the helper's doing and will be restored.
        public static let changed = Flags(rawValue: 1 << 2)
        /// Its fallback limit, or that it has none, is saved for the next boot.
        public static let fallbackKept = Flags(rawValue: 1 << 3)
        /// Before the first change no limit was in force: `original` is zero, and restoring it means to take the limit away.
        public static let originalDisabled = Flags(rawValue: 1 << 4)
        /// Its writes may take seconds, and go on beside the loop: Applied says `isPending`.
        public static let isSlow = Flags(rawValue: 1 << 5)
    }

    /// N of `constraint_N_name`; a zone that isn't powercap's counts its limits.
    public var index: UInt8
    public var name: Name
    public var flags: Flags
    /// What is in the way of setting its limit.
    public var obstacle: Obstacle
    /// The limit before the first change of this boot; nothing where `originalKnown` isn't set.
    public var original: Microwatts
    /// What the driver or firmware says the limit can be (`constraint_N_max_power_uw`, `power1_cap_max`, …); zero when neither does.
    public var maxPower: Microwatts
    /// The smaller of `--min-power` and the original, or the driver's own least limit where that is more.
    public var floor: Microwatts
    public var ceiling: Microwatts
    /// `constraint_N_time_window_us` before the first change; 0 when there is none.
    public var originalWindow_us: UInt64
    /// What was last asked for; zero when nothing was.
    public var requested: Microwatts
    /// What its limit becomes when the controller is lost; zero when its original does. Version 2 doesn't say.
    public var fallback: Microwatts
    /// Limits are rounded down to a multiple of it. Version 2 doesn't say: it is RAPL's.
    public var step: Microwatts

    public init(
        index: UInt8, name: Name, flags: Flags, obstacle: Obstacle, original: Microwatts, maxPower: Microwatts,
        floor: Microwatts, ceiling: Microwatts, originalWindow_us: UInt64, requested: Microwatts, fallback: Microwatts = .zero,
        step: Microwatts = .step
    ) {
        (self.index, self.name, self.flags, self.obstacle) = (index, name, flags, obstacle)
        (self.original, self.maxPower) = (original, maxPower)
        (self.floor, self.ceiling, self.originalWindow_us, self.requested) = (floor, ceiling, originalWindow_us, requested)
        (self.fallback, self.step) = (fallback, step)
    }

    public func encode(into writer: inout Writer, version: UInt8 = Greeting.highestVersion) {
        writer.u8(index)
        writer.name(name)
        writer.u8(flags.rawValue)
        writer.u8(obstacle.asSpoken(in: version).rawValue)
        writer.u64(original.rawValue)
        writer.u64(maxPower.rawValue)
        writer.u64(floor.rawValue)
        writer.u64(ceiling.rawValue)
        writer.u64(originalWindow_us)
        writer.u64(requested.rawValue)
        if version >= Greeting.fallbackVersion { writer.u64(fallback.rawValue) }
        if version >= Greeting.kindsVersion { writer.u64(step.rawValue) }
    }

    public init(from reader: inout Reader, version: UInt8 = Greeting.highestVersion) throws(ProtocolError) {
        index = try reader.u8()
        name = try reader.name()
        flags = Flags(rawValue: try reader.u8())
        obstacle = try Obstacle.decoded(try reader.u8(), version: version)
        original = Microwatts(try reader.u64())
        maxPower = Microwatts(try reader.u64())
        floor = Microwatts(try reader.u64())
        ceiling = Microwatts(try reader.u64())
        originalWindow_us = try reader.u64()
        requested = Microwatts(try reader.u64())
        fallback = version >= Greeting.fallbackVersion ? Microwatts(try reader.u64()) : .zero
        step = version >= Greeting.kindsVersion ? Microwatts(try reader.u64()) : .step
    }

    /// Bytes on the wire, without those of the name; version 2 needs fewer.
    public static let fixedBytes = 68
}
