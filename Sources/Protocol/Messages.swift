// One struct per payload, with the two directions side by side: `encode` and `init(from:)` list the fields in the order of
// the wire. A request that is only a token or nothing has no struct.

/// The first frame of a connection.
public struct Hello: Equatable, Sendable {
    public var lowestVersion: UInt8
    public var highestVersion: UInt8
    public var clientName: Name

    public init(
        lowestVersion: UInt8 = Greeting.lowestVersion, highestVersion: UInt8 = Greeting.highestVersion, clientName: Name
    ) {
        (self.lowestVersion, self.highestVersion, self.clientName) = (lowestVersion, highestVersion, clientName)
    }

    public func encode(into writer: inout Writer) {
        writer.u32(Greeting.magic)
        writer.u8(lowestVersion)
        writer.u8(highestVersion)
        writer.name(clientName)
    }

    public init(from reader: inout Reader) throws(ProtocolError) {
        guard try reader.u32() == Greeting.magic else { throw .badMagic }
        lowestVersion = try reader.u8()
        highestVersion = try reader.u8()
        guard lowestVersion <= highestVersion else { throw .badValue }
        clientName = try reader.name()
    }

    /// The highest version that both sides speak.
    public var commonVersion: UInt8? {
        let version = min(highestVersion, Greeting.highestVersion)
        return version >= max(lowestVersion, Greeting.lowestVersion) ? version : nil
    }
}

/// The answer to a Hello that is accepted.
public struct Welcome: Equatable, Sendable {
    public var version: UInt8
    /// The kernel's boot id as two halves, most significant first: limits of another boot are gone (random(4)).
    public var bootID: (high: UInt64, low: UInt64)
    public var helperVersion: Name
    public var sandbox: SandboxBits
    public var writes: WritePolicy
    public var leaseMinimum_ms: UInt32
    public var leaseMaximum_ms: UInt32
    /// What the helper does by itself when a lease runs out.
    public var onLeaseExpiry: LimitDisposal

    public init(
        version: UInt8, bootID: (high: UInt64, low: UInt64), helperVersion: Name, sandbox: SandboxBits, writes: WritePolicy,
        leaseMinimum_ms: UInt32, leaseMaximum_ms: UInt32, onLeaseExpiry: LimitDisposal
    ) {
        (self.version, self.bootID, self.helperVersion) = (version, bootID, helperVersion)
        (self.sandbox, self.writes, self.onLeaseExpiry) = (sandbox, writes, onLeaseExpiry)
        (self.leaseMinimum_ms, self.leaseMaximum_ms) = (leaseMinimum_ms, leaseMaximum_ms)
    }

    public func encode(into writer: inout Writer) {
        writer.u8(version)
        writer.u64(bootID.high)
        writer.u64(bootID.low)
        writer.name(helperVersion)
        writer.u32(sandbox.rawValue)
        writer.u8(writes.rawValue)
        writer.u32(leaseMinimum_ms)
        writer.u32(leaseMaximum_ms)
        writer.u8(onLeaseExpiry.rawValue)
    }

    public init(from reader: inout Reader) throws(ProtocolError) {
        version = try reader.u8()
        bootID = (try reader.u64(), try reader.u64())
        helperVersion = try reader.name()
        sandbox = SandboxBits(rawValue: try reader.u32())
        writes = try WritePolicy.decoded(try reader.u8())
        leaseMinimum_ms = try reader.u32()
        leaseMaximum_ms = try reader.u32()
        onLeaseExpiry = try LimitDisposal.decoded(try reader.u8())
    }

    public static func == (left: Welcome, right: Welcome) -> Bool {
        left.version == right.version && left.bootID == right.bootID && left.helperVersion == right.helperVersion
            && left.sandbox == right.sandbox && left.writes == right.writes && left.onLeaseExpiry == right.onLeaseExpiry
            && left.leaseMinimum_ms == right.leaseMinimum_ms && left.leaseMaximum_ms == right.leaseMaximum_ms
    }
}

extension RawRepresentable where RawValue: FixedWidthInteger {
    /// The value of a raw one that came in a frame.
    @inline(__always)
    public static func decoded(_ raw: RawValue) throws(ProtocolError) -> Self {
        guard let value = Self(rawValue: raw) else { throw .badValue }
        return value
    }
}

/// What Zones starts with: who is in control. `zoneCount` zones follow.
public struct ZonesHeader: Equatable, Sendable {
    /// Time until control lapses; 0 when nobody holds it.
    public var leaseRemaining_ms: UInt32
    /// The client name of the controller in control, `-` when there is none.
    public var leaseHolder: Name
    public var zoneCount: UInt16

    /// Bytes on the wire with the longest name.
    public static let maximumBytes = 7 + Limits.nameBytes

    public static let nobody = Name(constant: "-")

    public init(leaseRemaining_ms: UInt32, leaseHolder: Name, zoneCount: UInt16) {
        (self.leaseRemaining_ms, self.leaseHolder, self.zoneCount) = (leaseRemaining_ms, leaseHolder, zoneCount)
    }

    public func encode(into writer: inout Writer) {
        writer.u32(leaseRemaining_ms)
        writer.name(leaseHolder)
        writer.u16(zoneCount)
    }

    public init(from reader: inout Reader) throws(ProtocolError) {
        leaseRemaining_ms = try reader.u32()
        leaseHolder = try reader.name()
        zoneCount = try reader.u16()
    }
}

/// A zone of Zones. `constraintCount` constraints follow it.
public struct ZoneDescription: Equatable, Sendable {
    /// The helper's number of the zone, stable for the life of the helper's process.
    public var index: UInt16
    /// The index of the zone that it lies in; nil at the top.
    public var parent: UInt16?
    /// `intel-rapl`, `intel-rapl-mmio`, …
    public var controlType: Name
    /// The directory's name in sysfs, such as `intel-rapl:0:0`.
    public var id: Name
    /// The file `name`: `package-0`, `psys`, `dram`, …
    public var name: Name
    /// Where `energy_uj` wraps around; 0 when the zone has no counter.
    public var maxEnergyRange: Microjoules
    public var constraintCount: UInt8

    public init(
        index: UInt16, parent: UInt16?, controlType: Name, id: Name, name: Name, maxEnergyRange: Microjoules,
        constraintCount: UInt8
    ) {
        (self.index, self.parent, self.controlType, self.id, self.name) = (index, parent, controlType, id, name)
        (self.maxEnergyRange, self.constraintCount) = (maxEnergyRange, constraintCount)
    }

    public func encode(into writer: inout Writer) {
        writer.u16(index)
        writer.u16(parent ?? .max)
        writer.name(controlType)
        writer.name(id)
        writer.name(name)
        writer.u64(maxEnergyRange.rawValue)
        writer.u8(constraintCount)
    }

    public init(from reader: inout Reader) throws(ProtocolError) {
        index = try reader.u16()
        let parent = try reader.u16()
        self.parent = parent == .max ? nil : parent
        controlType = try reader.name()
        id = try reader.name()
        name = try reader.name()
        maxEnergyRange = Microjoules(try reader.u64())
        constraintCount = try reader.u8()
        guard constraintCount <= Limits.constraintsPerZone else { throw .badValue }
    }

    /// Bytes on the wire.
    public var encodedBytes: Int { 16 + controlType.count + id.count + name.count }
}

/// A constraint of a zone in Zones.
public struct ConstraintDescription: Equatable, Sendable {
    public struct Flags: OptionSet, Sendable {
        public let rawValue: UInt8
        public init(rawValue: UInt8) { self.rawValue = rawValue }
        /// The helper takes limits for it, between `floor` and `ceiling`.
        public static let writable = Flags(rawValue: 1 << 0)
        /// It has a time window file.
        public static let hasTimeWindow = Flags(rawValue: 1 << 1)
        /// Its limit is the helper's doing and will be restored.
        public static let changed = Flags(rawValue: 1 << 2)
    }

    /// N of `constraint_N_name`.
    public var index: UInt8
    public var name: Name
    public var flags: Flags
    /// The limit before the first change of this boot.
    public var original: Microwatts
    /// `constraint_N_max_power_uw`; zero when firmware gives none.
    public var maxPower: Microwatts
    public var floor: Microwatts
    public var ceiling: Microwatts
    /// `constraint_N_time_window_us` before the first change; 0 when there is none.
    public var originalWindow_us: UInt64
    /// What was last asked for; zero when nothing was.
    public var requested: Microwatts

    public init(
        index: UInt8, name: Name, flags: Flags, original: Microwatts, maxPower: Microwatts, floor: Microwatts,
        ceiling: Microwatts, originalWindow_us: UInt64, requested: Microwatts
    ) {
        (self.index, self.name, self.flags, self.original, self.maxPower) = (index, name, flags, original, maxPower)
        (self.floor, self.ceiling, self.originalWindow_us, self.requested) = (floor, ceiling, originalWindow_us, requested)
    }

    public func encode(into writer: inout Writer) {
        writer.u8(index)
        writer.name(name)
        writer.u8(flags.rawValue)
        writer.u64(original.rawValue)
        writer.u64(maxPower.rawValue)
        writer.u64(floor.rawValue)
        writer.u64(ceiling.rawValue)
        writer.u64(originalWindow_us)
        writer.u64(requested.rawValue)
    }

    public init(from reader: inout Reader) throws(ProtocolError) {
        index = try reader.u8()
        name = try reader.name()
        flags = Flags(rawValue: try reader.u8())
        original = Microwatts(try reader.u64())
        maxPower = Microwatts(try reader.u64())
        floor = Microwatts(try reader.u64())
        ceiling = Microwatts(try reader.u64())
        originalWindow_us = try reader.u64()
        requested = Microwatts(try reader.u64())
    }

    /// Bytes on the wire, without those of the name.
    public static let fixedBytes = 51
}

/// What Sample starts with. `zoneCount` zones follow.
public struct SampleHeader: Equatable, Sendable {
    /// CLOCK_MONOTONIC when the first file was read.
    public var time_ns: UInt64
    public var zoneCount: UInt16

    public init(time_ns: UInt64, zoneCount: UInt16) { (self.time_ns, self.zoneCount) = (time_ns, zoneCount) }

    public func encode(into writer: inout Writer) {
        writer.u64(time_ns)
        writer.u16(zoneCount)
    }

    public init(from reader: inout Reader) throws(ProtocolError) {
        time_ns = try reader.u64()
        zoneCount = try reader.u16()
    }
}

/// A value that was read, or the errno of the read: ENOENT where there is no such file, ENODEV where the zone is gone.
public struct Reading: Equatable, Sendable {
    public var value: UInt64
    /// 0 when `value` was read.
    public var errno: UInt8

    public init(_ value: UInt64) { (self.value, errno) = (value, 0) }
    public init(errno: UInt8) { (value, self.errno) = (0, errno) }

    public var ifRead: UInt64? { errno == 0 ? value : nil }

    func encode(into writer: inout Writer) {
        writer.u8(errno)
        writer.u64(value)
    }

    init(from reader: inout Reader) throws(ProtocolError) {
        errno = try reader.u8()
        value = try reader.u64()
    }
}

/// A zone of Sample.
public struct ZoneSample: Sendable {
    public enum Enabled: UInt8, Sendable { case no = 0, yes = 1, unknown = 2 }

    public var index: UInt16
    /// Its descriptors answer ENODEV, now and for ever.
    public var isGone: Bool
    public var enabled: Enabled
    /// `energy_uj` in µJ.
    public var energy: Reading
    public var constraintCount: UInt8
    /// `constraint_N_power_limit_uw` in µW, in the order of the zone's constraints in Zones.
    public var limits: InlineArray<4, Reading>

    public init(index: UInt16, constraintCount: UInt8) {
        (self.index, self.constraintCount) = (index, constraintCount)
        (isGone, enabled, energy) = (false, .unknown, Reading(0))
        limits = InlineArray(repeating: Reading(0))
    }

    public func encode(into writer: inout Writer) {
        writer.u16(index)
        writer.flag(isGone)
        writer.u8(enabled.rawValue)
        energy.encode(into: &writer)
        writer.u8(constraintCount)
        for index in 0..<Int(constraintCount) { limits[index].encode(into: &writer) }
    }

    public init(from reader: inout Reader) throws(ProtocolError) {
        index = try reader.u16()
        isGone = try reader.flag()
        enabled = try Enabled.decoded(try reader.u8())
        energy = try Reading(from: &reader)
        constraintCount = try reader.u8()
        limits = InlineArray(repeating: Reading(0))
        guard constraintCount <= Limits.constraintsPerZone else { throw .badValue }
        for index in 0..<Int(constraintCount) { limits[index] = try Reading(from: &reader) }
    }
}

/// Asks for control over the limits.
public struct AcquireControl: Equatable, Sendable {
    /// How long the controller may be silent; the helper grants at most its own maximum.
    public var lease_ms: UInt32
    /// The token held before, to resume; 0 for none.
    public var previousToken: UInt64

    public init(lease_ms: UInt32, previousToken: UInt64) { (self.lease_ms, self.previousToken) = (lease_ms, previousToken) }

    public func encode(into writer: inout Writer) {
        writer.u32(lease_ms)
        writer.u64(previousToken)
    }

    public init(from reader: inout Reader) throws(ProtocolError) {
        lease_ms = try reader.u32()
        previousToken = try reader.u64()
    }
}

/// Control is granted.
public struct Control: Equatable, Sendable {
    /// Names the controller in Renew, Apply and Release. Never 0.
    public var token: UInt64
    public var lease_ms: UInt32
    /// Whether the previous token was still in control.
    public var resumed: Bool

    public init(token: UInt64, lease_ms: UInt32, resumed: Bool) {
        (self.token, self.lease_ms, self.resumed) = (token, lease_ms, resumed)
    }

    public func encode(into writer: inout Writer) {
        writer.u64(token)
        writer.u32(lease_ms)
        writer.flag(resumed)
    }

    public init(from reader: inout Reader) throws(ProtocolError) {
        token = try reader.u64()
        lease_ms = try reader.u32()
        resumed = try reader.flag()
    }
}

/// One limit of an Apply, which starts with `u64 token` and `u8 count`.
public struct ApplyItem: Equatable, Sendable {
    public var zone: UInt16
    public var constraint: UInt8
    public var limit: Microwatts
    /// Nil leaves the time window as it is.
    public var window_us: UInt64?

    public init(zone: UInt16, constraint: UInt8, limit: Microwatts, window_us: UInt64? = nil) {
        (self.zone, self.constraint, self.limit, self.window_us) = (zone, constraint, limit, window_us)
    }

    public func encode(into writer: inout Writer) {
        writer.u16(zone)
        writer.u8(constraint)
        writer.flag(window_us != nil)
        writer.u64(limit.rawValue)
        writer.u64(window_us ?? 0)
    }

    public init(from reader: inout Reader) throws(ProtocolError) {
        zone = try reader.u16()
        constraint = try reader.u8()
        let hasWindow = try reader.flag()
        limit = Microwatts(try reader.u64())
        let window = try reader.u64()
        guard hasWindow || window == 0 else { throw .badValue }
        window_us = hasWindow ? window : nil
    }
}

/// What is in force for one item of an Apply, as it was read back. Applied is `u8 count` and these.
public struct AppliedItem: Equatable, Sendable {
    public var effective: Microwatts
    /// 0 when no window was asked for.
    public var effectiveWindow_us: UInt64

    public init(effective: Microwatts, effectiveWindow_us: UInt64) {
        (self.effective, self.effectiveWindow_us) = (effective, effectiveWindow_us)
    }

    public func encode(into writer: inout Writer) {
        writer.u64(effective.rawValue)
        writer.u64(effectiveWindow_us)
    }

    public init(from reader: inout Reader) throws(ProtocolError) {
        effective = Microwatts(try reader.u64())
        effectiveWindow_us = try reader.u64()
    }
}

/// What became of the limits at a Release.
public struct Released: Equatable, Sendable {
    /// Constraints that have their original limit again.
    public var restored: UInt16
    /// Constraints left alone because another party had changed them since.
    public var foreign: UInt16
    /// Constraints that could not be restored; the helper's log says why.
    public var failed: UInt16

    public init(restored: UInt16 = 0, foreign: UInt16 = 0, failed: UInt16 = 0) {
        (self.restored, self.foreign, self.failed) = (restored, foreign, failed)
    }

    public func encode(into writer: inout Writer) {
        writer.u16(restored)
        writer.u16(foreign)
        writer.u16(failed)
    }

    public init(from reader: inout Reader) throws(ProtocolError) {
        restored = try reader.u16()
        foreign = try reader.u16()
        failed = try reader.u16()
    }
}

/// Why a request failed: the payload of Error, without its text.
public struct Failure: Error, Equatable, Sendable {
    public var code: ErrorCode
    /// The kernel's errno, 0 where there is none.
    public var errno: UInt16
    /// Which item of the batch; nil where it isn't about one.
    public var item: UInt16?
    /// For `notInForce`: what was read back. Otherwise zero.
    public var effective: Microwatts

    public init(_ code: ErrorCode, errno: UInt16 = 0, item: UInt16? = nil, effective: Microwatts = .zero) {
        (self.code, self.errno, self.item, self.effective) = (code, errno, item, effective)
    }

    public func encode(into writer: inout Writer) {
        writer.u16(code.rawValue)
        writer.u16(errno)
        writer.u16(item ?? .max)
        writer.u64(effective.rawValue)
        writer.text(code.explanation)
    }

    public init(from reader: inout Reader) throws(ProtocolError) {
        code = try ErrorCode.decoded(try reader.u16())
        errno = try reader.u16()
        let item = try reader.u16()
        self.item = item == .max ? nil : item
        effective = Microwatts(try reader.u64())
        _ = try reader.text()
    }
}
