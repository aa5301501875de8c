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
