// One struct per payload, with the two directions side by side: `encode` and `init(from:)` list the fields in the order of
// the wire. A request that is only a token or nothing has no struct.

/// The two programs are released together.
public enum Release {
    public static let version: StaticString = "0.1.0"
}

/// What a conversation starts with.
public enum Greeting {
    /// The bytes `PWRC`.
    public static let magic: UInt32 = 0x4352_5750
    /// The versions of the protocol that this code speaks.
    public static let lowestVersion: UInt8 = 2
    public static let highestVersion: UInt8 = 3
    /// The first version that knows fallback limits.
    public static let fallbackVersion: UInt8 = 3
    /// The first version that knows zones which aren't RAPL's: powers, steps, writes beside the loop, Zones in parts.
    public static let kindsVersion: UInt8 = 3
    /// What Refused tells a client of other versions.
    public static let refusal: StaticString =
        "this raplhelper speaks versions 2 and 3 of the protocol: install both programs from one release"
}

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
    /// The helper's `--min-power`. A constraint's own floor is less where its original limit is.
    public var minPower: Microwatts
    /// How this boot began. A helper of version 2 doesn't say.
    public var boot: BootBits

    public init(
        version: UInt8, bootID: (high: UInt64, low: UInt64), helperVersion: Name, sandbox: SandboxBits, writes: WritePolicy,
        leaseMinimum_ms: UInt32, leaseMaximum_ms: UInt32, onLeaseExpiry: LimitDisposal, minPower: Microwatts, boot: BootBits = []
    ) {
        (self.version, self.bootID, self.helperVersion) = (version, bootID, helperVersion)
        (self.sandbox, self.writes, self.onLeaseExpiry) = (sandbox, writes, onLeaseExpiry)
        (self.leaseMinimum_ms, self.leaseMaximum_ms, self.minPower) = (leaseMinimum_ms, leaseMaximum_ms, minPower)
        self.boot = boot
    }

    /// In the words of its `version`.
    public func encode(into writer: inout Writer) {
        writer.u8(version)
        writer.u64(bootID.high)
        writer.u64(bootID.low)
        writer.name(helperVersion)
        writer.u32(sandbox.rawValue)
        writer.u8(writes.rawValue)
        writer.u32(leaseMinimum_ms)
        writer.u32(leaseMaximum_ms)
        writer.u8(onLeaseExpiry.asSpoken(in: version).rawValue)
        writer.u64(minPower.rawValue)
        if version >= Greeting.fallbackVersion { writer.u8(boot.rawValue) }
    }

    public init(from reader: inout Reader) throws(ProtocolError) {
        version = try reader.u8()
        bootID = (try reader.u64(), try reader.u64())
        helperVersion = try reader.name()
        sandbox = SandboxBits(rawValue: try reader.u32())
        writes = try WritePolicy.decoded(try reader.u8())
        leaseMinimum_ms = try reader.u32()
        leaseMaximum_ms = try reader.u32()
        onLeaseExpiry = try LimitDisposal.decoded(try reader.u8(), version: version)
        minPower = Microwatts(try reader.u64())
        boot = version >= Greeting.fallbackVersion ? BootBits(rawValue: try reader.u8()) : []
    }

    public static func == (left: Welcome, right: Welcome) -> Bool {
        left.version == right.version && left.bootID == right.bootID && left.helperVersion == right.helperVersion
            && left.sandbox == right.sandbox && left.writes == right.writes && left.onLeaseExpiry == right.onLeaseExpiry
            && left.leaseMinimum_ms == right.leaseMinimum_ms && left.leaseMaximum_ms == right.leaseMaximum_ms
            && left.minPower == right.minPower && left.boot == right.boot
    }
}
