import PowercapProtocol
import Testing

/// Tests/Fixtures/protocol/vectors.txt is what the wire looks like. The Python client reads the same file.
@Suite struct VectorTests {
    static let token: UInt64 = 0x1122_3344_5566_7788
    static let bootID: (high: UInt64, low: UInt64) = (0x6F1C_2A0E_0B5D_4C3E, 0x9A8B_7C6D_5E4F_3A2B)
    static let controller = name("powercap-controller")

    static func apply(_ requestID: UInt16, _ items: ApplyItem...) -> Message {
        Message(requestID, .apply(token: token, items))
    }

    static func welcome(
        _ sandbox: SandboxBits, _ writes: WritePolicy, maximum_ms: UInt32 = 30_000, _ onLeaseExpiry: LimitDisposal = .restore,
        _ boot: BootBits = []
    ) -> Message {
        Message(
            1,
            .welcome(
                Welcome(
                    version: 3, bootID: bootID, helperVersion: name("0.1.0"), sandbox: sandbox, writes: writes,
                    leaseMinimum_ms: 1_000, leaseMaximum_ms: maximum_ms, onLeaseExpiry: onLeaseExpiry,
                    minPower: Microwatts(10_000_000), boot: boot)))
    }

    static func error(_ requestID: UInt16, _ failure: Failure) -> Message {
        Message(requestID, .failure(failure, text: text(failure.code.explanation)))
    }

    static func text(_ text: StaticString) -> [UInt8] { Array("\(text)".utf8) }

    static func zone(
        _ index: UInt16, in parent: UInt16? = nil, type controlType: String = "intel-rapl", _ id: String, _ zoneName: String,
        _ reading: ReadingKind = .energy, range: UInt64, _ constraints: ConstraintDescription...
    ) -> Message.Zone {
        Message.Zone(
            description: ZoneDescription(
                index: index, parent: parent, controlType: name(controlType), id: name(id), name: name(zoneName),
                reading: reading,
                maxEnergyRange: Microjoules(range), constraintCount: UInt8(constraints.count)),
            constraints: constraints)
    }

    static func constraint(
        _ index: UInt8, _ constraintName: String, _ flags: ConstraintDescription.Flags, _ obstacle: Obstacle = .none,
        original: UInt64, maxPower: UInt64, floor: UInt64 = 10_000_000,
        ceiling: UInt64, window_us: UInt64, requested: UInt64 = 0, fallback: UInt64 = 0, step: UInt64 = 125_000
    ) -> ConstraintDescription {
        ConstraintDescription(
            index: index, name: name(constraintName), flags: flags, obstacle: obstacle, original: Microwatts(original),
            maxPower: Microwatts(maxPower), floor: Microwatts(floor), ceiling: Microwatts(ceiling),
            originalWindow_us: window_us, requested: Microwatts(requested), fallback: Microwatts(fallback), step: Microwatts(step)
        )
    }

    static func sampled(
        _ index: UInt16, gone: Bool = false, _ enabled: ZoneSample.Enabled, _ reading: Reading, writing: Bool = false,
        lastWrite: ErrorCode? = nil, _ limits: Reading...
    ) -> ZoneSample {
        var sample = ZoneSample(index: index, constraintCount: UInt8(limits.count))
        (sample.isGone, sample.enabled, sample.reading) = (gone, enabled, reading)
        (sample.isWriting, sample.lastWrite) = (writing, lastWrite)
        for position in 0..<limits.count { sample.limits[position] = limits[position] }
        return sample
    }

    /// What the vectors mean, typed by hand.
    static let messages: [(name: String, message: Message)] = [
        ("hello", Message(1, .hello(Hello(clientName: controller)))),
        ("hello-range", Message(0xFFFF, .hello(Hello(lowestVersion: 1, highestVersion: 3, clientName: name("a"))))),
        ("list-zones", Message(2, .listZones(first: 0))),
        ("list-zones-rest", Message(3, .listZones(first: 40))),
        ("read-sample", Message(3, .readSample)),
        ("acquire-control", Message(4, .acquireControl(AcquireControl(lease_ms: 30_000, previousToken: 0)))),
        ("acquire-control-resume", Message(5, .acquireControl(AcquireControl(lease_ms: 30_000, previousToken: token)))),
        ("renew", Message(6, .renew(token: token))),
        ("apply", apply(7, ApplyItem(zone: 0, constraint: 0, limit: Microwatts(60_000_000)))),
        ("apply-window", apply(8, ApplyItem(zone: 0, constraint: 0, limit: Microwatts(60_000_000), window_us: 1_000_000))),
        (
            "apply-two",
            apply(
                9, ApplyItem(zone: 0, constraint: 0, limit: Microwatts(60_000_000)),
                ApplyItem(zone: 258, constraint: 1, limit: Microwatts(72_500_001), window_us: 27_983_872))
        ),
        (
            "apply-fallback",
            apply(8, ApplyItem(zone: 0, constraint: 0, limit: Microwatts(60_000_000), fallback: Microwatts(45_000_000)))
        ),
        ("release-restore", Message(10, .release(token: token, .restore))),
        ("release-hold", Message(11, .release(token: token, .hold))),
        ("release-fallback", Message(11, .release(token: token, .fallback))),
        ("ping", Message(12, .ping)),
        (
            "welcome",
            welcome(
                [
                    .notDumpable, .noNewPrivileges, .boundingSetEmpty, .capabilitiesEmpty, .unprivilegedUser, .landlock,
                    .seccomp,
                ], .accepted)
        ),
        (
            "welcome-read-only",
            welcome(
                [.notDumpable, .noNewPrivileges, .boundingSetEmpty, .capabilitiesEmpty, .seccomp], .readOnly,
                maximum_ms: 3_600_000, .hold)
        ),
        ("welcome-state-unreadable", welcome(SandboxBits(rawValue: 0x7F), .stateUnreadable)),
        ("welcome-state-unwritable", welcome(SandboxBits(rawValue: 0x7F), .stateUnwritable)),
        ("welcome-at-fallback", welcome(SandboxBits(rawValue: 0x7F), .accepted, .fallback, .atFallback)),
        ("refused", Message(1, .refused(.noCommonVersion, text: text(Greeting.refusal)))),
        (
            "zones",
            Message(
                2,
                .zones(
                    leaseRemaining_ms: 29_500, leaseHolder: controller, total: 3,
                    [
                        zone(
                            0, "intel-rapl:0", "package-0", range: 262_143_328_850,
                            constraint(
                                0, "long_term", [.originalKnown, .hasTimeWindow, .changed, .fallbackKept], original: 150_000_000,
                                maxPower: 165_000_000, ceiling: 165_000_000, window_us: 999_424, requested: 60_000_000,
                                fallback: 45_000_000),
                            constraint(
                                1, "short_term", [.originalKnown, .hasTimeWindow], .locked, original: 180_000_000, maxPower: 0,
                                ceiling: 180_000_000, window_us: 2_440)),
                        zone(
                            1, in: 0, "intel-rapl:0:0", "dram", range: 65_712_999_613,
                            constraint(
                                0, "long_term", [.originalKnown, .hasTimeWindow], .ceilingBelowFloor, original: 0, maxPower: 0,
                                ceiling: 0,
                                window_us: 976)),
                        zone(2, "intel-rapl:1", "psys", range: 262_143_328_850),
                    ]))
        ),
        (
            "zones-nobody-in-control",
            Message(
                2,
                .zones(
                    leaseRemaining_ms: 0, leaseHolder: ZonesHeader.nobody, total: 1,
                    [zone(0, type: "intel-rapl-mmio", "intel-rapl-mmio:0", "package-0", .none, range: 0)]))
        ),
        (
            "zones-other-hardware",
            Message(
                4,
                .zones(
                    leaseRemaining_ms: 0, leaseHolder: ZonesHeader.nobody, total: 43,
                    [
                        zone(
                            40, type: "amdgpu", "amdgpu:0000:03:00.0", "0000:03:00.0", .power, range: 0,
                            constraint(
                                0, "power1_cap", [.originalKnown, .changed, .isSlow], original: 300_000_000,
                                maxPower: 300_000_000,
                                floor: 150_000_000, ceiling: 300_000_000, window_us: 0, requested: 250_000_000, step: 1_000_000)),
                        zone(
                            41, type: "i915", "i915:0000:04:00.0", "0000:04:00.0", range: 0,
                            constraint(
                                0, "power1_max", [.originalKnown, .originalDisabled, .isSlow], original: 0, maxPower: 190_000_000,
                                ceiling: 190_000_000, window_us: 0, step: 125_000)),
                        zone(
                            42, type: "power_meter", "power_meter:_SB_.PMT0", "_SB_.PMT0", .power, range: 0,
                            constraint(
                                0, "power1_cap", [.originalKnown, .isSlow], .notGoverned, original: 400_000_000,
                                maxPower: 400_000_000, floor: 100_000_000, ceiling: 400_000_000, window_us: 0, step: 1_000)),
                    ]))
        ),
        (
            "sample",
            Message(
                3,
                .sample(
                    time_ns: 86_400_123_456_789,
                    [
                        sampled(0, .yes, Reading(261_983_000_122), Reading(60_000_000), Reading(180_000_000)),
                        sampled(1, .no, Reading(1_234_567), Reading(0)),
                    ]))
        ),
        (
            "sample-unreadable",
            Message(
                3,
                .sample(
                    time_ns: 86_400_123_456_789,
                    [sampled(0, .unknown, Reading(errno: 22), Reading(60_000_000), Reading(errno: 61))]))
        ),
        (
            "sample-gone",
            Message(
                3,
                .sample(
                    time_ns: 86_400_123_456_789,
                    [
                        sampled(0, gone: true, .unknown, Reading(errno: 19), Reading(errno: 19), Reading(errno: 19)),
                        sampled(1, .yes, Reading(errno: 2)),
                    ]))
        ),
        (
            "sample-writing",
            Message(
                3,
                .sample(
                    time_ns: 86_400_123_456_789,
                    [
                        sampled(0, .unknown, Reading(231_500_000), writing: true, Reading(300_000_000)),
                        sampled(1, .unknown, Reading(errno: 61), lastWrite: .writeFailed, Reading(400_000_000)),
                    ]))
        ),
        ("control", Message(4, .control(Control(token: token, lease_ms: 30_000, resumed: false)))),
        ("control-resumed", Message(5, .control(Control(token: token, lease_ms: 30_000, resumed: true)))),
        ("renewed", Message(6, .renewed(lease_ms: 30_000))),
        ("applied", Message(7, .applied([AppliedItem(effective: Microwatts(60_000_000), effectiveWindow_us: 0)]))),
        (
            "applied-window",
            Message(8, .applied([AppliedItem(effective: Microwatts(60_000_000), effectiveWindow_us: 999_424)]))
        ),
        (
            "applied-two",
            Message(
                9,
                .applied([
                    AppliedItem(effective: Microwatts(60_000_000), effectiveWindow_us: 0),
                    AppliedItem(effective: Microwatts(72_500_000), effectiveWindow_us: 27_983_872),
                ]))
        ),
        (
            "applied-pending",
            Message(
                9,
                .applied([
                    AppliedItem(effective: Microwatts(60_000_000), effectiveWindow_us: 0),
                    AppliedItem(effective: Microwatts(300_000_000), effectiveWindow_us: 0, isPending: true),
                ]))
        ),
        ("released", Message(10, .released(Released(restored: 2)))),
        ("released-partly", Message(10, .released(Released(restored: 1, foreign: 1, failed: 1)))),
        ("released-fallback", Message(11, .released(Released(fallback: 2)))),
        ("pong", Message(12, .pong)),
        ("error-control-held", error(4, Failure(.controlHeld))),
        ("error-below-floor", error(9, Failure(.belowFloor, item: 1))),
        ("error-write-failed", error(7, Failure(.writeFailed, errno: 5, item: 0))),
        ("error-locked", error(7, Failure(.locked, errno: 61, item: 0))),
        ("error-not-in-force", error(7, Failure(.notInForce, item: 0, effective: Microwatts(150_000_000)))),
        ("error-fallback-above-limit", error(8, Failure(.fallbackAboveLimit, item: 0))),
        ("error-write-pending", error(8, Failure(.writePending, item: 0))),
    ]

    @Test func `the file and this list name the same vectors in the same order`() throws {
        #expect(try Vector.all().map(\.name) == VectorTests.messages.map(\.name))
    }

    @Test func `every type of frame has a vector`() {
        let covered = VectorTests.messages.map(\.message.opcode)
        for opcode in Opcode.allCases { #expect(covered.contains(opcode), "\(opcode.row.name)") }
    }

    @Test(arguments: try Vector.all()) func `a message encodes to exactly the vector's bytes`(_ vector: Vector) throws {
        #expect(try VectorTests.message(vector).encoded == vector.bytes)
    }

    @Test(arguments: try Vector.all()) func `a vector's bytes decode to exactly the message`(_ vector: Vector) throws {
        #expect(try Message(decoding: vector.bytes) == VectorTests.message(vector))
    }

    private static func message(_ vector: Vector) throws -> Message {
        try #require(messages.first { $0.name == vector.name }).message
    }
}
