/// The protocol's one table: every frame type, who sends it, when, and how long its payload may be. Encoding, the helper's
/// dispatch and `docs/protocol.md` come from it.
public enum Opcode: UInt8, CaseIterable, Sendable {
    // Requests, from the controller to the helper.
    case hello = 0x01
    case listZones = 0x02
    case readSample = 0x03
    case acquireControl = 0x04
    case renew = 0x05
    case apply = 0x06
    case release = 0x07
    case ping = 0x08
    // Replies: a request's number with the high bit set.
    case welcome = 0x81
    case zones = 0x82
    case sample = 0x83
    case control = 0x84
    case renewed = 0x85
    case applied = 0x86
    case released = 0x87
    case pong = 0x88
    case refused = 0xFE
    case failure = 0xFF
}

/// Who sends a frame.
public enum Direction: Sendable { case request, reply }

/// When a frame may be sent: the first frame of a connection is Hello and nothing else, everything else comes after Welcome.
public enum Phase: Sendable { case greeting, established }

extension Opcode {
    /// One row of the table.
    public struct Row: Sendable {
        public let name: StaticString
        public let direction: Direction
        public let phase: Phase
        /// The payload's length in bytes, without the 8 bytes of the header.
        public let payload: ClosedRange<Int>
        /// The least of version 2, where a field came with version 3.
        var leastOfVersion2: Int?

        /// What a frame may have before its connection's version is looked at.
        public var payloadOfAnyVersion: ClosedRange<Int> {
            min(leastOfVersion2 ?? payload.lowerBound, payload.lowerBound)...payload.upperBound
        }
    }

    public var row: Row {
        switch self {
        case .hello: Row(name: "Hello", direction: .request, phase: .greeting, payload: 8...70)
        case .listZones:
            Row(name: "ListZones", direction: .request, phase: .established, payload: 2...2, leastOfVersion2: 0)
        case .readSample: Row(name: "ReadSample", direction: .request, phase: .established, payload: 0...0)
        case .acquireControl: Row(name: "AcquireControl", direction: .request, phase: .established, payload: 12...12)
        case .renew: Row(name: "Renew", direction: .request, phase: .established, payload: 8...8)
        case .apply:
            Row(
                name: "Apply", direction: .request, phase: .established,
                payload: (9 + ApplyItem.encodedBytes)...(9 + ApplyItem.encodedBytes * Limits.itemsPerBatch), leastOfVersion2: 29)
        case .release: Row(name: "Release", direction: .request, phase: .established, payload: 9...9)
        case .ping: Row(name: "Ping", direction: .request, phase: .established, payload: 0...0)
        case .welcome: Row(name: "Welcome", direction: .reply, phase: .greeting, payload: 42...104, leastOfVersion2: 41)
        case .zones:
            Row(name: "Zones", direction: .reply, phase: .established, payload: 10...Frame.maximumPayload, leastOfVersion2: 8)
        case .sample: Row(name: "Sample", direction: .reply, phase: .established, payload: 10...Frame.maximumPayload)
        case .control: Row(name: "Control", direction: .reply, phase: .established, payload: 13...13)
        case .renewed: Row(name: "Renewed", direction: .reply, phase: .established, payload: 4...4)
        case .applied:
            Row(
                name: "Applied", direction: .reply, phase: .established,
                payload: (1 + AppliedItem.encodedBytes)...(1 + AppliedItem.encodedBytes * Limits.itemsPerBatch),
                leastOfVersion2: 17)
        case .released: Row(name: "Released", direction: .reply, phase: .established, payload: 8...8, leastOfVersion2: 6)
        case .pong: Row(name: "Pong", direction: .reply, phase: .established, payload: 0...0)
        case .refused: Row(name: "Refused", direction: .reply, phase: .greeting, payload: 2...257)
        case .failure: Row(name: "Error", direction: .reply, phase: .established, payload: 15...270)
        }
    }
}

/// Bounds that both sides rely on.
public enum Limits {
    /// Zones that one helper serves; the largest machines known have 8 packages with 4 zones each, twice where mmio is there, and
    /// 8 graphics cards.
    public static let zones = 128
    /// Constraints of a zone. RAPL's driver knows three: long_term, short_term, peak_power.
    public static let constraintsPerZone = 4
    /// Items of one Apply.
    public static let itemsPerBatch = 64
    /// Bytes of a name on the wire.
    public static let nameBytes = 63
}
