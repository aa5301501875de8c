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
    /// What the limit becomes when the controller is lost: at most `limit`. Zero: none; nil leaves it as it is, or lowers it to
    /// the limit. Version 2 has none, and leaves it as it is.
    public var fallback: Microwatts?

    /// Bytes on the wire.
    public static let encodedBytes = 29

    public init(
        zone: UInt16, constraint: UInt8, limit: Microwatts, window_us: UInt64? = nil, fallback: Microwatts? = nil
    ) {
        (self.zone, self.constraint, self.limit, self.window_us) = (zone, constraint, limit, window_us)
        self.fallback = fallback
    }

    public func encode(into writer: inout Writer, version: UInt8 = Greeting.highestVersion) {
        writer.u16(zone)
        writer.u8(constraint)
        writer.flag(window_us != nil)
        writer.u64(limit.rawValue)
        writer.u64(window_us ?? 0)
        if version >= Greeting.fallbackVersion {
            writer.flag(fallback != nil)
            writer.u64(fallback?.rawValue ?? 0)
        }
    }

    public init(from reader: inout Reader, version: UInt8 = Greeting.highestVersion) throws(ProtocolError) {
        zone = try reader.u16()
        constraint = try reader.u8()
        let hasWindow = try reader.flag()
        limit = Microwatts(try reader.u64())
        let window = try reader.u64()
        guard hasWindow || window == 0 else { throw .badValue }
        window_us = hasWindow ? window : nil
        guard version >= Greeting.fallbackVersion else { return }
        let hasFallback = try reader.flag()
        let fallback = Microwatts(try reader.u64())
        guard hasFallback || fallback == .zero else { throw .badValue }
        self.fallback = hasFallback ? fallback : nil
    }
}

/// What is in force for one item of an Apply, as it was read back. Applied is `u8 count` and these.
public struct AppliedItem: Equatable, Sendable {
    public var effective: Microwatts
    /// 0 when no window was asked for.
    public var effectiveWindow_us: UInt64
    /// The write is still under way, and Sample tells how it ends. `effective` is then the larger of what was last read and what was
    /// asked for: what may be in force. Version 2 doesn't say.
    public var isPending: Bool

    /// Bytes on the wire.
    public static let encodedBytes = 17

    public init(effective: Microwatts, effectiveWindow_us: UInt64, isPending: Bool = false) {
        (self.effective, self.effectiveWindow_us, self.isPending) = (effective, effectiveWindow_us, isPending)
    }

    public func encode(into writer: inout Writer, version: UInt8 = Greeting.highestVersion) {
        writer.u64(effective.rawValue)
        writer.u64(effectiveWindow_us)
        if version >= Greeting.kindsVersion { writer.flag(isPending) }
    }

    public init(from reader: inout Reader, version: UInt8 = Greeting.highestVersion) throws(ProtocolError) {
        effective = Microwatts(try reader.u64())
        effectiveWindow_us = try reader.u64()
        isPending = version >= Greeting.kindsVersion ? try reader.flag() : false
    }
}

/// What became of the limits at a Release.
public struct Released: Equatable, Sendable {
    /// Constraints that have their original limit again.
    public var restored: UInt16
    /// Constraints left alone because another party had changed them since.
    public var foreign: UInt16
    /// Constraints whose limit could not be set; the helper's log says why.
    public var failed: UInt16
    /// Constraints that are at their fallback limit, or were below it already. Version 2 doesn't say.
    public var fallback: UInt16

    public init(restored: UInt16 = 0, foreign: UInt16 = 0, failed: UInt16 = 0, fallback: UInt16 = 0) {
        (self.restored, self.foreign, self.failed, self.fallback) = (restored, foreign, failed, fallback)
    }

    /// Of limits that were dealt with in two places.
    public static func + (left: Released, right: Released) -> Released {
        Released(
            restored: left.restored + right.restored, foreign: left.foreign + right.foreign, failed: left.failed + right.failed,
            fallback: left.fallback + right.fallback)
    }

    public func encode(into writer: inout Writer, version: UInt8 = Greeting.highestVersion) {
        writer.u16(restored)
        writer.u16(foreign)
        writer.u16(failed)
        if version >= Greeting.fallbackVersion { writer.u16(fallback) }
    }

    public init(from reader: inout Reader, version: UInt8 = Greeting.highestVersion) throws(ProtocolError) {
        restored = try reader.u16()
        foreign = try reader.u16()
        failed = try reader.u16()
        fallback = version >= Greeting.fallbackVersion ? try reader.u16() : 0
    }
}
