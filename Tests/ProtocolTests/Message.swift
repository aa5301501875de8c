import PowercapProtocol

/// A whole frame with its payload decoded, of every type in the table: what the two ends make of it together. The
/// fuzzers are built with this file too.
struct Message: Equatable {
    var requestID: UInt16
    var body: Body

    enum Body: Equatable {
        case hello(Hello)
        case listZones(first: UInt16)
        case readSample
        case acquireControl(AcquireControl)
        case renew(token: UInt64)
        case apply(token: UInt64, [ApplyItem])
        case release(token: UInt64, LimitDisposal)
        case ping
        case welcome(Welcome)
        case zones(leaseRemaining_ms: UInt32, leaseHolder: Name, total: UInt16, [Zone])
        case sample(time_ns: UInt64, [ZoneSample])
        case control(Control)
        case renewed(lease_ms: UInt32)
        case applied([AppliedItem])
        case released(Released)
        case pong
        case refused(RefusalReason, text: [UInt8])
        /// Encoding writes the code's own text, whatever `text` was decoded.
        case failure(Failure, text: [UInt8])
    }

    /// An entry of Zones: `constraintCount` of the description is the number of constraints.
    struct Zone: Equatable {
        var description: ZoneDescription
        var constraints: [ConstraintDescription]
    }

    init(_ requestID: UInt16, _ body: Body) { (self.requestID, self.body) = (requestID, body) }

    var opcode: Opcode {
        switch body {
        case .hello: .hello
        case .listZones: .listZones
        case .readSample: .readSample
        case .acquireControl: .acquireControl
        case .renew: .renew
        case .apply: .apply
        case .release: .release
        case .ping: .ping
        case .welcome: .welcome
        case .zones: .zones
        case .sample: .sample
        case .control: .control
        case .renewed: .renewed
        case .applied: .applied
        case .released: .released
        case .pong: .pong
        case .refused: .refused
        case .failure: .failure
        }
    }

    // MARK: Decoding

    /// Decodes `frame`, which must be one whole frame and nothing else.
    /// - Parameter version: that the connection speaks.
    init(decoding frame: [UInt8], version: UInt8 = Greeting.highestVersion) throws(ProtocolError) {
        let bytes = frame.span
        let headerEnd = min(bytes.count, Frame.headerBytes)
        let header = try Frame.Header(bytes.extracting(0..<headerEnd))
        let end = headerEnd + header.payloadBytes
        guard end <= bytes.count else { throw .truncated }
        guard end == bytes.count else { throw .trailingBytes }
        var reader = Reader(bytes.extracting(headerEnd..<end))
        body = try Message.body(header.opcode, &reader, version)
        requestID = header.requestID
        try reader.finish()
    }

    private static func body(_ opcode: Opcode, _ reader: inout Reader, _ version: UInt8) throws(ProtocolError) -> Body {
        switch opcode {
        case .hello: return .hello(try Hello(from: &reader))
        case .listZones: return .listZones(first: version >= Greeting.kindsVersion ? try reader.u16() : 0)
        case .readSample: return .readSample
        case .acquireControl: return .acquireControl(try AcquireControl(from: &reader))
        case .renew: return .renew(token: try reader.u64())
        case .apply:
            let token = try reader.u64()
            let count = try reader.u8()
            guard 1...Limits.itemsPerBatch ~= Int(count) else { throw .badValue }
            var items: [ApplyItem] = []
            for _ in 0..<count { items.append(try ApplyItem(from: &reader, version: version)) }
            return .apply(token: token, items)
        case .release: return .release(token: try reader.u64(), try LimitDisposal.decoded(try reader.u8(), version: version))
        case .ping: return .ping
        case .welcome: return .welcome(try Welcome(from: &reader))
        case .zones: return try zones(&reader, version)
        case .sample:
            let header = try SampleHeader(from: &reader)
            var zones: [ZoneSample] = []
            for _ in 0..<header.zoneCount { zones.append(try ZoneSample(from: &reader, version: version)) }
            return .sample(time_ns: header.time_ns, zones)
        case .control: return .control(try Control(from: &reader))
        case .renewed: return .renewed(lease_ms: try reader.u32())
        case .applied:
            let count = try reader.u8()
            guard 1...Limits.itemsPerBatch ~= Int(count) else { throw .badValue }
            var items: [AppliedItem] = []
            for _ in 0..<count { items.append(try AppliedItem(from: &reader, version: version)) }
            return .applied(items)
        case .released: return .released(try Released(from: &reader, version: version))
        case .pong: return .pong
        case .refused: return .refused(try RefusalReason.decoded(try reader.u8()), text: array(try reader.text()))
        case .failure: return try failure(&reader)
        }
    }

    private static func zones(_ reader: inout Reader, _ version: UInt8) throws(ProtocolError) -> Body {
        let header = try ZonesHeader(from: &reader, version: version)
        var zones: [Zone] = []
        for _ in 0..<header.zoneCount {
            var zone = Zone(description: try ZoneDescription(from: &reader, version: version), constraints: [])
            for _ in 0..<zone.description.constraintCount {
                zone.constraints.append(try ConstraintDescription(from: &reader, version: version))
            }
            zones.append(zone)
        }
        return .zones(
            leaseRemaining_ms: header.leaseRemaining_ms, leaseHolder: header.leaseHolder, total: header.total, zones)
    }

    /// The text is the last field, and `Failure` leaves it out: what is left before it tells where it starts.
    private static func failure(_ reader: inout Reader) throws(ProtocolError) -> Body {
        var whole: [UInt8] = []
        while reader.remaining > 0 { whole.append(try reader.u8()) }
        var again = Reader(whole.span)
        let failure = try Failure(from: &again)
        try again.finish()
        return .failure(failure, text: Array(whole[15...]))
    }

    private static func array(_ bytes: Span<UInt8>) -> [UInt8] { bytes.indices.map { bytes[$0] } }

    // MARK: Encoding

    /// The whole frame.
    var encoded: [UInt8] { encoded(version: Greeting.highestVersion) }

    /// The whole frame of a connection that speaks this version.
    func encoded(version: UInt8) -> [UInt8] {
        var writer = Writer(capacity: Frame.headerBytes + min(opcode.row.payload.upperBound, largestPayload))
        writer.begin(opcode, requestID: requestID)
        encodePayload(into: &writer, version)
        writer.end()
        return Message.array(writer.bytes)
    }

    /// Enough, and much less than a frame's bound where there are few zones.
    private var largestPayload: Int {
        switch body {
        case .zones(_, _, _, let zones): 128 + 1_024 * zones.count
        case .sample(_, let zones): 16 + 64 * zones.count
        default: Frame.maximumPayload
        }
    }

    private func encodePayload(into writer: inout Writer, _ version: UInt8) {
        switch body {
        case .hello(let hello): hello.encode(into: &writer)
        case .readSample, .ping, .pong: break
        case .listZones(let first): if version >= Greeting.kindsVersion { writer.u16(first) }
        case .acquireControl(let request): request.encode(into: &writer)
        case .renew(let token): writer.u64(token)
        case .apply(let token, let items):
            writer.u64(token)
            writer.u8(UInt8(items.count))
            for item in items { item.encode(into: &writer, version: version) }
        case .release(let token, let disposal):
            writer.u64(token)
            writer.u8(disposal.rawValue)
        case .welcome(let welcome): welcome.encode(into: &writer)
        case .zones(let remaining, let holder, let total, let zones):
            ZonesHeader(leaseRemaining_ms: remaining, leaseHolder: holder, total: total, zoneCount: UInt16(zones.count))
                .encode(into: &writer, version: version)
            for zone in zones {
                zone.description.encode(into: &writer, version: version)
                for constraint in zone.constraints { constraint.encode(into: &writer, version: version) }
            }
        case .sample(let time_ns, let zones):
            SampleHeader(time_ns: time_ns, zoneCount: UInt16(zones.count)).encode(into: &writer)
            for zone in zones { zone.encode(into: &writer, version: version) }
        case .control(let control): control.encode(into: &writer)
        case .renewed(let lease_ms): writer.u32(lease_ms)
        case .applied(let items):
            writer.u8(UInt8(items.count))
            for item in items { item.encode(into: &writer, version: version) }
        case .released(let released): released.encode(into: &writer, version: version)
        case .refused(let reason, let text):
            writer.u8(reason.rawValue)
            writer.u8(UInt8(text.count))
            for byte in text { writer.u8(byte) }
        case .failure(let failure, _): failure.encode(into: &writer)
        }
    }
}

extension ZoneSample: Equatable {
    static func == (left: ZoneSample, right: ZoneSample) -> Bool {
        guard left.index == right.index, left.flags == right.flags, left.enabled == right.enabled,
            left.reading == right.reading, left.lastWrite == right.lastWrite, left.constraintCount == right.constraintCount
        else { return false }
        for index in 0..<Int(left.constraintCount) where left.limits[index] != right.limits[index] { return false }
        return true
    }
}
