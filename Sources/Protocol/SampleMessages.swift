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

/// A value that was read, or the errno of the read: ENOENT where there is no such file, ENODEV where the zone is gone, ENODATA where
/// the driver has no value now.
public struct Reading: Equatable, Sendable {
    public var value: UInt64
    /// 0 when `value` was read.
    public var errno: UInt8

    public init(_ value: UInt64) { (self.value, errno) = (value, 0) }
    public init(errno: UInt8) { (value, self.errno) = (0, errno) }

    /// Of a file that isn't there.
    public static let absent = Reading(errno: 2)

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

    /// What is so of the zone, as bits.
    public struct Flags: OptionSet, Sendable {
        public let rawValue: UInt8
        public init(rawValue: UInt8) { self.rawValue = rawValue }
        /// Its descriptors answer ENODEV, now and for ever.
        public static let gone = Flags(rawValue: 1 << 0)
        /// A write to one of its limits is under way. From version 3 on.
        public static let writing = Flags(rawValue: 1 << 1)

        /// Every bit with its name, in order: the one list for the document.
        public static var names: [(Flags, StaticString)] { [(.gone, "gone"), (.writing, "writing")] }
    }

    public var index: UInt16
    public var flags: Flags
    public var enabled: Enabled
    /// What `ZoneDescription.reading` says: energy in µJ or power in µW.
    public var reading: Reading
    /// Why the last write beside the loop failed; nil where it didn't, or there was none. Version 2 doesn't say.
    public var lastWrite: ErrorCode?
    public var constraintCount: UInt8
    /// In µW, in the order of the zone's constraints in Zones.
    public var limits: InlineArray<4, Reading>

    public init(index: UInt16, constraintCount: UInt8) {
        (self.index, self.constraintCount) = (index, constraintCount)
        (flags, enabled, reading) = ([], .unknown, Reading(0))
        limits = InlineArray(repeating: Reading(0))
    }

    /// Makes it another zone's, of which nothing is known yet. The limits are to be set, as many as there are constraints.
    public mutating func begin(index: UInt16, constraintCount: UInt8) {
        (self.index, self.constraintCount) = (index, constraintCount)
        (flags, enabled, reading, lastWrite) = ([], .unknown, Reading(0), nil)
    }

    public var isGone: Bool {
        get { flags.contains(.gone) }
        set { if newValue { flags.insert(.gone) } else { flags.remove(.gone) } }
    }

    /// Whether the limits are those of before a write that is under way, or of during it.
    public var isWriting: Bool {
        get { flags.contains(.writing) }
        set { if newValue { flags.insert(.writing) } else { flags.remove(.writing) } }
    }

    /// - Parameter kind: what the zone's reading is. Version 2 has energies only: a power is a counter there that isn't.
    public func encode(into writer: inout Writer, version: UInt8 = Greeting.highestVersion, of kind: ReadingKind = .energy) {
        let knowsKinds = version >= Greeting.kindsVersion
        writer.u16(index)
        if knowsKinds { writer.u8(flags.rawValue) } else { writer.flag(isGone) }
        writer.u8(enabled.rawValue)
        (knowsKinds || kind != .power ? reading : .absent).encode(into: &writer)
        if knowsKinds { writer.u16(lastWrite?.rawValue ?? 0) }
        writer.u8(constraintCount)
        for index in 0..<Int(constraintCount) { limits[index].encode(into: &writer) }
    }

    public init(from reader: inout Reader, version: UInt8 = Greeting.highestVersion) throws(ProtocolError) {
        let knowsKinds = version >= Greeting.kindsVersion
        index = try reader.u16()
        flags = knowsKinds ? Flags(rawValue: try reader.u8()) : try reader.flag() ? .gone : []
        enabled = try Enabled.decoded(try reader.u8())
        reading = try Reading(from: &reader)
        if knowsKinds {
            let code = try reader.u16()
            lastWrite = code == 0 ? nil : try ErrorCode.decoded(code)
        }
        constraintCount = try reader.u8()
        limits = InlineArray(repeating: Reading(0))
        guard constraintCount <= Limits.constraintsPerZone else { throw .badValue }
        for index in 0..<Int(constraintCount) { limits[index] = try Reading(from: &reader) }
    }
}
