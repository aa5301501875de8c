import LinuxSystem
import PowercapProtocol

/// A controller's side of the protocol, for tests: one request at a time, or raw bytes.
final class WireClient {
    let socket: Descriptor
    private(set) var welcome: Welcome!
    /// The highest version that it speaks.
    var version = Greeting.highestVersion
    /// Of the control that is held.
    private(set) var token: UInt64 = 0
    private var input: [UInt8] = []
    private var requestID: UInt16 = 0

    struct Reply {
        let opcode: Opcode
        let requestID: UInt16
        let payload: [UInt8]
    }

    /// The helper closed the connection where a reply was due.
    struct Closed: Error {}
    struct Unexpected: Error { let opcode: Opcode }

    /// Takes a connection over and says nothing.
    init(adopting socket: consuming Descriptor) { self.socket = socket }

    /// Connects and says nothing.
    convenience init(silentlyTo path: String) throws { self.init(adopting: try Socket.connect(to: path)) }

    /// Connects and greets.
    convenience init(_ path: String, name: Name = Name(constant: "test")) throws {
        try self.init(silentlyTo: path)
        try greet(name)
    }

    @discardableResult
    func greet(_ name: Name = Name(constant: "test")) throws -> Welcome {
        let welcome = try request(.hello, expecting: .welcome) {
            Hello(highestVersion: version, clientName: name).encode(into: &$0)
        } decode: {
            reader throws(ProtocolError) in
            try Welcome(from: &reader)
        }
        self.welcome = welcome
        return welcome
    }

    // MARK: Requests

    func acquire(lease_ms: UInt32 = 30_000, previous: UInt64 = 0) throws -> Control {
        let control = try request(.acquireControl, expecting: .control) {
            AcquireControl(lease_ms: lease_ms, previousToken: previous).encode(into: &$0)
        } decode: { reader throws(ProtocolError) in
            try Control(from: &reader)
        }
        token = control.token
        return control
    }

    /// Acquires control as soon as the helper knows that its holder's connection is closed. It isn't while a process that
    /// another test is just starting still has a copy of it.
    func takeOver(_ deadline: Deadline = Deadline()) throws -> Control {
        while true {
            do { return try acquire() } catch let failure as Failure where failure.code == .controlHeld && !deadline.isOver {}
        }
    }

    @discardableResult
    func renew() throws -> UInt32 {
        try request(.renew, expecting: .renewed) {
            $0.u64(token)
        } decode: { reader throws(ProtocolError) in
            try reader.u32()
        }
    }

    @discardableResult
    func apply(_ items: [ApplyItem]) throws -> [AppliedItem] {
        try request(.apply, expecting: .applied) {
            encode(items, into: &$0)
        } decode: { reader throws(ProtocolError) in
            var applied: [AppliedItem] = []
            for _ in 0..<(try reader.u8()) { applied.append(try AppliedItem(from: &reader, version: version)) }
            return applied
        }
    }

    private func encode(_ items: [ApplyItem], into writer: inout Writer) {
        writer.u64(token)
        writer.u8(UInt8(items.count))
        for item in items { item.encode(into: &writer, version: version) }
    }

    @discardableResult
    func release(_ disposal: LimitDisposal = .restore) throws -> Released {
        try request(.release, expecting: .released) {
            $0.u64(token)
            $0.u8(disposal.rawValue)
        } decode: { reader throws(ProtocolError) in
            try Released(from: &reader, version: version)
        }
    }

    func ping() throws {
        try request(.ping, expecting: .pong) { _ in
        } decode: { _ throws(ProtocolError) in
        }
    }

    struct ZoneList {
        struct Zone {
            let description: ZoneDescription
            let constraints: [ConstraintDescription]
        }

        let header: ZonesHeader
        let zones: [Zone]

        subscript(id: String) -> Zone { zones.first { $0.description.id.string == id }! }

        /// What to ask for a limit of a zone.
        func item(_ id: String, _ constraint: UInt8 = 0, watts: Double, window_us: UInt64? = nil, fallback: Double? = nil)
            -> ApplyItem
        {
            ApplyItem(
                zone: self[id].description.index, constraint: constraint, limit: Microwatts(UInt64(watts * 1_000_000)),
                window_us: window_us, fallback: fallback.map { Microwatts(UInt64($0 * 1_000_000)) })
        }
    }

    func zones() throws -> ZoneList {
        try request(.listZones, expecting: .zones) {
            if version >= Greeting.kindsVersion { $0.u16(0) }
        } decode: { reader throws(ProtocolError) in
            let header = try ZonesHeader(from: &reader, version: version)
            var zones: [ZoneList.Zone] = []
            for _ in 0..<header.zoneCount {
                let zone = try ZoneDescription(from: &reader, version: version)
                var constraints: [ConstraintDescription] = []
                for _ in 0..<zone.constraintCount {
                    constraints.append(try ConstraintDescription(from: &reader, version: version))
                }
                zones.append(ZoneList.Zone(description: zone, constraints: constraints))
            }
            return ZoneList(header: header, zones: zones)
        }
    }

    func sample() throws -> (header: SampleHeader, zones: [ZoneSample]) {
        try request(.readSample, expecting: .sample) { _ in
        } decode: { reader throws(ProtocolError) in
            let header = try SampleHeader(from: &reader)
            var zones: [ZoneSample] = []
            for _ in 0..<header.zoneCount { zones.append(try ZoneSample(from: &reader, version: version)) }
            return (header, zones)
        }
    }

    /// Sends a request and reads its reply.
    /// - Throws: the `Failure` of an Error reply.
    @discardableResult
    func request<Result>(
        _ opcode: Opcode, expecting expected: Opcode, _ encode: (inout Writer) -> Void,
        decode: (inout Reader) throws(ProtocolError) -> Result
    ) throws -> Result {
        try send(frame(opcode, encode))
        guard let reply = try receive() else { throw Closed() }
        guard reply.requestID == requestID else { throw ProtocolError.badValue }
        if reply.opcode == .failure {
            throw try WireClient.decode(reply.payload) { reader throws(ProtocolError) in try Failure(from: &reader) }
        }
        guard reply.opcode == expected else { throw Unexpected(opcode: reply.opcode) }
        return try WireClient.decode(reply.payload, decode)
    }

    private static func decode<Result>(
        _ payload: [UInt8], _ body: (inout Reader) throws(ProtocolError) -> Result
    ) throws(ProtocolError) -> Result {
        var reader = Reader(payload.span)
        let result = try body(&reader)
        try reader.finish()
        return result
    }

    // MARK: Frames and bytes

    /// The bytes of a request, with an id of its own.
    func frame(_ opcode: Opcode, _ encode: (inout Writer) -> Void = { _ in }) -> [UInt8] {
        requestID &+= 1
        var writer = Writer()
        writer.begin(opcode, requestID: requestID)
        encode(&writer)
        writer.end()
        var bytes: [UInt8] = []
        for index in 0..<writer.count { bytes.append(writer.bytes[index]) }
        return bytes
    }

    func applyFrame(_ items: [ApplyItem]) -> [UInt8] { frame(.apply) { encode(items, into: &$0) } }

    /// Sends bytes as they are.
    func send(_ bytes: [UInt8]) throws {
        var done = 0
        while done < bytes.count { done += try socket.write(bytes.span.extracting(done..<bytes.count)) }
    }

    /// The next reply; nil when the helper has closed the connection.
    func receive(_ deadline: Deadline = Deadline()) throws -> Reply? {
        while true {
            if input.count >= Frame.headerBytes {
                let header = try Frame.Header(input.span.extracting(0..<Frame.headerBytes))
                let end = Frame.headerBytes + header.payloadBytes
                if input.count >= end {
                    let payload = Array(input[Frame.headerBytes..<end])
                    input.removeFirst(end)
                    return Reply(opcode: header.opcode, requestID: header.requestID, payload: payload)
                }
            }
            guard try socket.wait(milliseconds: deadline.remaining_ms) else { throw TimeOut(what: "a reply") }
            var storage = InlineArray<4096, UInt8>(repeating: 0)
            var buffer = storage.mutableSpan
            var count = 0
            do throws(Errno) { count = try socket.read(into: &buffer) } catch { if error != .connectionReset { throw error } }
            if count == 0 { return nil }
            for index in 0..<count { input.append(storage[index]) }
        }
    }

    /// Whether the helper closes the connection without another reply.
    func isClosedSilently(_ deadline: Deadline = Deadline()) throws -> Bool { try receive(deadline) == nil }
}

/// What a request was refused with, or nil.
func failure<Result>(_ body: () throws -> Result) throws -> Failure? {
    do {
        _ = try body()
        return nil
    } catch let failure as Failure { return failure }
}
