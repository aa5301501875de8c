import PowercapProtocol
import Testing

/// A controller of the last release speaks version 2: it gets the bytes that it always got, whatever the node has.
@Suite struct SecondVersionTests {
    static let package = ZoneDescription(
        index: 0, parent: nil, controlType: name("a"), id: name("b"), name: name("c"), maxEnergyRange: Microjoules(5),
        constraintCount: 1)
    static let constraint = ConstraintDescription(
        index: 0, name: name("d"), flags: .originalKnown, obstacle: .none, original: Microwatts(1), maxPower: Microwatts(2),
        floor: Microwatts(3), ceiling: Microwatts(4), originalWindow_us: 5, requested: Microwatts(6))

    static func zones(_ description: ZoneDescription, _ constraint: ConstraintDescription) -> Message {
        Message(
            1,
            .zones(
                leaseRemaining_ms: 7, leaseHolder: ZonesHeader.nobody, total: 1,
                [Message.Zone(description: description, constraints: [constraint])]))
    }

    static func sample(_ change: (inout ZoneSample) -> Void = { _ in }) -> ZoneSample {
        var zone = ZoneSample(index: 0, constraintCount: 1)
        (zone.enabled, zone.reading) = (.yes, Reading(9))
        zone.limits[0] = Reading(8)
        change(&zone)
        return zone
    }

    static let frames: [(message: Message, hexadecimal: String)] = [
        (Message(1, .listZones(first: 0)), "04000000 02 00 0100"),
        (
            zones(package, constraint),
            "54000000 82 00 0100 07000000 01 2d 0100 0000 ffff 01 61 01 62 01 63 0500000000000000 01 00 01 64 01 00"
                + "0100000000000000 0200000000000000 0300000000000000 0400000000000000 0500000000000000 0600000000000000"
        ),
        (
            Message(1, .sample(time_ns: 2, [sample()])),
            "25000000 83 00 0100 0200000000000000 0100 0000 00 01 00 0900000000000000 01 00 0800000000000000"
        ),
        (
            Message(1, .sample(time_ns: 2, [sample { $0.isGone = true }])),
            "25000000 83 00 0100 0200000000000000 0100 0000 01 01 00 0900000000000000 01 00 0800000000000000"
        ),
        (
            Message(1, .applied([AppliedItem(effective: Microwatts(1), effectiveWindow_us: 2)])),
            "15000000 86 00 0100 01 0100000000000000 0200000000000000"
        ),
    ]

    @Test(arguments: frames.indices) func `what both versions can say has the bytes of version 2`(_ row: Int) throws {
        let (message, bytes) = (SecondVersionTests.frames[row].message, try hex(SecondVersionTests.frames[row].hexadecimal))
        #expect(message.encoded(version: 2) == bytes)
        #expect(try Message(decoding: bytes, version: 2) == message)
        #expect(message.encoded != bytes)
    }

    @Test(arguments: frames.indices) func `a frame of one version isn't one of the other`(_ row: Int) throws {
        let message = SecondVersionTests.frames[row].message
        #expect(throws: ProtocolError.self) { try Message(decoding: message.encoded(version: 2), version: 3) }
        #expect(throws: ProtocolError.self) { try Message(decoding: message.encoded(version: 3), version: 2) }
    }

    private func encoded(_ zone: ZoneSample, of kind: ReadingKind) throws -> ZoneSample {
        var writer = Writer(capacity: 64)
        writer.begin(.sample, requestID: 1)
        zone.encode(into: &writer, version: 2, of: kind)
        writer.end()
        var reader = Reader(writer.bytes.extracting(Frame.headerBytes..<writer.count))
        let decoded = try ZoneSample(from: &reader, version: 2)
        try reader.finish()
        return decoded
    }

    @Test func `a power is a counter that isn't there, and no energy`() throws {
        #expect(try encoded(SecondVersionTests.sample(), of: .power).reading == Reading(errno: 2))
        #expect(try encoded(SecondVersionTests.sample(), of: .energy).reading == Reading(9))
        #expect(try encoded(SecondVersionTests.sample { $0.reading = .absent }, of: .none).reading == Reading(errno: 2))
    }

    @Test func `a write that is under way isn't told, and makes no zone gone`() throws {
        let writing = SecondVersionTests.sample { ($0.isWriting, $0.lastWrite) = (true, .writeFailed) }
        let decoded = try encoded(writing, of: .energy)
        #expect((decoded.isGone, decoded.isWriting, decoded.lastWrite == nil) == (false, false, true))
    }

    @Test(arguments: [(Obstacle.notGoverned, Obstacle.writeDenied), (.unknownDriver, .writeDenied), (.unread, .originalUnknown)])
    func `what isn't governed is what can't be written, and what isn't known is what can't be read`(
        _ obstacle: Obstacle, _ spoken: Obstacle
    ) throws {
        var constraint = SecondVersionTests.constraint
        constraint.obstacle = obstacle
        let message = SecondVersionTests.zones(SecondVersionTests.package, constraint)
        #expect(try Message(decoding: message.encoded, version: 3) == message)
        constraint.obstacle = spoken
        #expect(
            try Message(decoding: message.encoded(version: 2), version: 2)
                == SecondVersionTests.zones(SecondVersionTests.package, constraint))
        var bytes = message.encoded(version: 2)
        let place = bytes.count - 49
        #expect(bytes[place] == spoken.rawValue)
        bytes[place] = obstacle.rawValue
        #expect(throws: ProtocolError.badValue) { try Message(decoding: bytes, version: 2) }
    }

    @Test func `steps and readings that it doesn't say are RAPL's`() throws {
        var (description, constraint) = (SecondVersionTests.package, SecondVersionTests.constraint)
        (description.reading, constraint.step) = (.power, Microwatts(1_000_000))
        let message = SecondVersionTests.zones(description, constraint)
        #expect(
            try Message(decoding: message.encoded(version: 2), version: 2)
                == SecondVersionTests.zones(SecondVersionTests.package, SecondVersionTests.constraint))
    }
}
