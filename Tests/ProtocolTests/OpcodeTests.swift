import PowercapProtocol
import Testing

/// The table of frame types against what is really encoded.
@Suite struct OpcodeTests {
    static let longest = name(String(repeating: "n", count: Limits.nameBytes))
    static let longestText = [UInt8](repeating: UInt8(ascii: "t"), count: 255)

    static func payloadBytes(_ body: Message.Body) -> Int { Message(0, body).encoded.count - Frame.headerBytes }

    static func welcome(_ version: Name) -> Message.Body {
        .welcome(
            Welcome(
                version: 3, bootID: (0, 0), helperVersion: version, sandbox: [], writes: .accepted, leaseMinimum_ms: 0,
                leaseMaximum_ms: 0, onLeaseExpiry: .hold, minPower: .zero))
    }

    static let item = ApplyItem(zone: 0, constraint: 0, limit: .zero)
    static let applied = AppliedItem(effective: .zero, effectiveWindow_us: 0)

    /// The smallest and the largest payload of every type whose bounds the encoders decide.
    static let extremes: [(opcode: Opcode, smallest: Message.Body, largest: Message.Body)] = [
        (.hello, .hello(Hello(clientName: name("n"))), .hello(Hello(clientName: longest))),
        (.listZones, .listZones(first: 0), .listZones(first: .max)),
        (.readSample, .readSample, .readSample),
        (
            .acquireControl, .acquireControl(AcquireControl(lease_ms: 0, previousToken: 0)),
            .acquireControl(AcquireControl(lease_ms: .max, previousToken: .max))
        ),
        (.renew, .renew(token: 0), .renew(token: .max)),
        (
            .apply, .apply(token: 0, [item]),
            .apply(token: 0, [ApplyItem](repeating: item, count: Limits.itemsPerBatch))
        ),
        (.release, .release(token: 0, .restore), .release(token: .max, .hold)),
        (.ping, .ping, .ping),
        (.welcome, welcome(name("n")), welcome(longest)),
        (
            .control, .control(Control(token: 0, lease_ms: 0, resumed: false)),
            .control(Control(token: .max, lease_ms: .max, resumed: true))
        ),
        (.renewed, .renewed(lease_ms: 0), .renewed(lease_ms: .max)),
        (.applied, .applied([applied]), .applied([AppliedItem](repeating: applied, count: Limits.itemsPerBatch))),
        (.released, .released(Released()), .released(Released(restored: .max, foreign: .max, failed: .max, fallback: .max))),
        (.pong, .pong, .pong),
        (.refused, .refused(.noCommonVersion, text: []), .refused(.noCommonVersion, text: longestText)),
    ]

    @Test func `the payload bounds are those of the smallest and the largest message`() {
        for row in OpcodeTests.extremes {
            let bounds = row.opcode.row.payload
            #expect(OpcodeTests.payloadBytes(row.smallest) == bounds.lowerBound, "\(row.opcode.row.name)")
            #expect(OpcodeTests.payloadBytes(row.largest) == bounds.upperBound, "\(row.opcode.row.name)")
        }
        let checked = OpcodeTests.extremes.map(\.opcode) + [.zones, .sample, .failure]
        #expect(Set(checked) == Set(Opcode.allCases))
    }

    @Test func `every sentence of an Error fits its length byte and is printable ASCII`() {
        for code in ErrorCode.allCases {
            let text = Array("\(code.explanation)".utf8)
            #expect(text.count <= 255, "\(code)")
            #expect(text.allSatisfy { 0x20...0x7E ~= $0 }, "\(code)")
            #expect(OpcodeTests.payloadBytes(.failure(Failure(code), text: [])) == 15 + text.count, "\(code)")
        }
        #expect(Opcode.failure.row.payload == 15...(15 + 255))
    }

    @Test func `the reply to a request has its number with the high bit set`() {
        for opcode in Opcode.allCases where opcode.row.direction == .request {
            #expect(opcode.rawValue & 0x80 == 0)
            #expect(Opcode(rawValue: opcode.rawValue | 0x80)?.row.direction == .reply)
        }
        for opcode in Opcode.allCases where opcode.row.direction == .reply { #expect(opcode.rawValue & 0x80 != 0) }
    }

    @Test func `only Hello and its answers belong to the greeting`() {
        #expect(Opcode.allCases.filter { $0.row.phase == .greeting } == [.hello, .welcome, .refused])
    }

    // MARK: Sizes on the wire

    @Test func `encodedBytes of a zone and of a constraint are what is encoded`() throws {
        for vector in VectorTests.messages {
            guard case .zones(_, let holder, _, let zones) = vector.message.body else { continue }
            var expected = 4 + 1 + holder.count + 4
            for zone in zones {
                expected += zone.description.encodedBytes
                for constraint in zone.constraints { expected += ConstraintDescription.fixedBytes + constraint.name.count }
            }
            #expect(OpcodeTests.payloadBytes(vector.message.body) == expected, "\(vector.name)")
        }
    }

    /// Zones comes in parts: any zone has to fit, and RAPL's largest tree, with the longest names that its drivers give, still fits whole.
    @Test func `a Zones of a hundred zones with four constraints each fits a frame`() throws {
        let zone = Message.Zone(
            description: ZoneDescription(
                index: .max - 1, parent: .max - 1, controlType: name("intel-rapl-mmio"), id: name("intel-rapl-mmio:ff:f"),
                name: name("package-255-die-15"), maxEnergyRange: Microjoules(.max),
                constraintCount: UInt8(Limits.constraintsPerZone)),
            constraints: [ConstraintDescription](
                repeating: VectorTests.constraint(
                    3, "short_term", [], original: .max, maxPower: .max, ceiling: .max, window_us: .max),
                count: Limits.constraintsPerZone))
        let zones = [Message.Zone](repeating: zone, count: 100)
        let message = Message(
            0, .zones(leaseRemaining_ms: .max, leaseHolder: OpcodeTests.longest, total: UInt16(Limits.zones), zones))
        #expect(message.encoded.count <= Frame.maximumBytes)
        #expect(try Message(decoding: message.encoded) == message)
    }

    @Test func `the largest Sample fits a frame`() throws {
        var zone = ZoneSample(index: .max, constraintCount: UInt8(Limits.constraintsPerZone))
        (zone.reading, zone.lastWrite) = (Reading(.max), .writePending)
        for position in 0..<Limits.constraintsPerZone { zone.limits[position] = Reading(.max) }
        let message = Message(0, .sample(time_ns: .max, [ZoneSample](repeating: zone, count: Limits.zones)))
        #expect(message.encoded.count <= Frame.maximumBytes)
        #expect(try Message(decoding: message.encoded) == message)
    }
}
