import Foundation
import LinuxSystem
import PowercapProtocol
import TestSupport
import Testing

@testable import Policy
@testable import powercap_controller

private func zone(
    _ id: String, _ name: String, controlType: String = "intel-rapl", parent: String? = nil, _ constraints: [Constraint]
) -> Zone {
    Zone(id: id, parent: parent, controlType: controlType, name: name, constraints: constraints)
}

private func constraint(
    _ name: String = "long_term", limit: UInt64? = 100, max: UInt64? = 120, original: UInt64? = 100, ceiling: UInt64 = 120,
    obstacle: Obstacle = .none
) -> Constraint {
    Constraint(
        index: 0, name: name, powerLimit: limit.map { .watts($0) }, maxPower: max.map { .watts($0) },
        original: original.map { .watts($0) }, floor: .watts(1), ceiling: .watts(ceiling), obstacle: obstacle)
}

struct PackageTests {
    @Test(
        "a package is known by its name",
        arguments: [
            ("package-0", PackageName(package: 0)), ("package-17", PackageName(package: 17)),
            ("package-1-die-0", PackageName(package: 1, die: 0)), ("psys", nil), ("psys-0", nil), ("core", nil), ("dram", nil),
            ("package", nil), ("package-", nil), ("package-x", nil), ("package-+1", nil), ("package-0-die", nil),
            ("package-0-die-", nil), ("package-0-core-1", nil), ("package-99999999999", nil), ("Package-0", nil),
        ] as [(String, PackageName?)])
    func names(_ text: String, _ name: PackageName?) {
        #expect(PackageName(text) == name)
        if let name { #expect(name.text == text) }
    }

    @Test("packages are in the order of their numbers, whatever the order of the zones")
    func order() {
        let names = ["package-10", "package-2", "package-1-die-1", "package-0", "package-1-die-0"]
        let zones = names.enumerated().map { zone("intel-rapl:\($0.offset)", $0.element, [constraint()]) }
        #expect(
            Device.all(in: zones).map(\.name.text) == [
                "package-0", "package-1-die-0", "package-1-die-1", "package-2", "package-10",
            ])
    }

    @Test("mmio, psys, subzones and zones without a long-term limit are not packages")
    func others() {
        let zones = [
            zone("intel-rapl-mmio:0", "package-0", controlType: "intel-rapl-mmio", [constraint()]),
            zone("intel-rapl:1", "psys", [constraint()]),
            zone("intel-rapl:0:0", "package-3", parent: "intel-rapl:0", [constraint()]),
            zone("intel-rapl:2", "package-2", []),
            zone("intel-rapl:3", "package-4", [constraint("short_term")]),
        ]
        #expect(Device.all(in: zones).isEmpty)
        #expect(Device.all(in: zones + [zone("intel-rapl:0", "package-0", [constraint()])]).map(\.zone) == ["intel-rapl:0"])
    }

    @Test(
        "the reference power is the maximum, or the original limit where there is none",
        arguments: [(120, 100, 120), (0, 100, 100), (nil, 100, 100), (nil, nil, 90), (0, 0, 90)] as [(UInt64?, UInt64?, UInt64)])
    func reference(_ max: UInt64?, _ original: UInt64?, _ expected: UInt64) {
        let device = Device(
            zone: zone("intel-rapl:0", "package-0", [constraint(max: max, original: original, ceiling: 90)]), in: [])
        #expect(device?.reference == .watts(expected))
    }

    @Test("a package with no power at all in its zone still has a weight")
    func noPower() {
        let device = Device(zone: zone("intel-rapl:0", "package-0", [constraint(max: 0, original: 0, ceiling: 0)]), in: [])
        #expect(device?.reference == .step)
    }

    @Test("a locked long-term limit is fixed at what is in force, and counts as its ceiling where that can't be read")
    func locked() {
        let locked = Device(
            zone: zone("intel-rapl:0", "package-0", [constraint(limit: 80, obstacle: .ceilingBelowFloor)]), in: [])
        #expect(locked?.fixed == .watts(80))
        let unreadable = Device(
            zone: zone("intel-rapl:0", "package-0", [constraint(limit: nil, obstacle: .ceilingBelowFloor)]), in: [])
        #expect(unreadable?.fixed == .watts(120))
        #expect(Device(zone: zone("intel-rapl:0", "package-0", [constraint()]), in: [])?.fixed == nil)
    }

    @Test("a locked short-term limit is left alone")
    func lockedShortTerm() {
        let short = constraint("short_term", obstacle: .ceilingBelowFloor)
        #expect(Device(zone: zone("intel-rapl:0", "package-0", [constraint(), short]), in: [])?.shortTerm == nil)
        #expect(
            Device(zone: zone("intel-rapl:0", "package-0", [constraint(), constraint("short_term")]), in: [])?.shortTerm != nil)
    }

    @Test("no bound is above what the register holds")
    func register() throws {
        let huge = Constraint(
            index: 0, name: "long_term", powerLimit: Microwatts(.max), maxPower: Microwatts(.max), original: Microwatts(.max),
            floor: Microwatts(.max), ceiling: Microwatts(.max), obstacle: .ceilingBelowFloor)
        let device = try #require(Device(zone: zone("intel-rapl:0", "package-0", [huge]), in: []))
        #expect(device.reference == .registerMaximum)
        #expect(device.longTerm.ceiling == .registerMaximum)
        #expect(device.longTerm.floor == .registerMaximum)
        #expect(device.fixed == .registerMaximum)
    }
}

struct ZoneFileTests {
    @Test("a list of the helper is read whole")
    func twoSockets() throws {
        let zones = try ZoneFile.read(Fixture.path("zones/two-sockets-psys.json"))
        #expect(zones.map(\.id) == ["intel-rapl:0", "intel-rapl:0:0", "intel-rapl:1", "intel-rapl:2", "intel-rapl-mmio:0"])
        #expect(zones[1].parent == "intel-rapl:0")
        #expect(zones[1].enabled == false)
        #expect(zones[2].energy == nil)
        #expect(zones[0].energy == Microjoules(114_523_678_123))
        #expect(zones[0].maxEnergyRange == Microjoules(262_143_328_850))
        #expect(
            zones[0].constraint("short_term")
                == Constraint(
                    index: 1, name: "short_term", powerLimit: .watts(246), timeWindowMicroseconds: 7_808, maxPower: .watts(395),
                    original: .watts(246), floor: .watts(1), ceiling: .watts(395), obstacle: .none))
        let devices = Device.all(in: zones)
        #expect(devices.map(\.zone) == ["intel-rapl:0", "intel-rapl:2"])
        #expect(devices.map(\.reference) == [.watts(205), .watts(165)])
    }

    static let header = "{\"format\":1,\"helper\":\"0.1.0\",\"powercap_root\":\"/sys\",\"zones\":"
    static let measured =
        header
        + "[{\"id\":\"intel-rapl:0\",\"parent\":null,\"control_type\":\"intel-rapl\",\"name\":\"package-0\",\"enabled\":null,"
        + "\"energy_uj\":1,\"max_energy_range_uj\":2,\"constraints\":[]}]}"

    @Test(
        "P11: what is no list of zones is refused, and it is said why",
        arguments: [
            ("", .notJSON), ("zones", .notJSON), ("{\"format\":1", .notJSON), ("\u{0}\u{1}", .notJSON),
            ("[]", .notAList("the top is of another type")), ("{}", .notAList("format is missing")),
            ("{\"format\":\"1\"}", .notAList("format is of another type")), ("{\"format\":2,\"zones\":[]}", .unknownFormat(2)),
            ("{\"format\":1}", .notAList("zones is missing")), (header + "[]}", .noPackages),
            (measured, .onlyMeasured("package-0")),
            (header + "[{}]}", .notAList("zones[0].id is missing")),
            (
                header + "[{\"id\":\"a\",\"control_type\":\"b\",\"name\":\"c\",\"constraints\":[{\"index\":300}]}]}",
                .notAList("zones[0].constraints[0].index is out of range")
            ),
            (
                header + "[{\"id\":\"a\",\"control_type\":\"b\",\"name\":\"c\",\"constraints\":[{\"index\":0,\"name\":null}]}]}",
                .notAList("zones[0].constraints[0].name is null")
            ),
        ] as [(String, ZoneFileProblem)])
    func refused(_ text: String, _ problem: ZoneFileProblem) {
        #expect(throws: problem) { try ZoneFile.parse(Array(text.utf8)) }
    }

    @Test("of a machine of several kinds the devices are those that GOVERN names, with the steps of their drivers")
    func kinds() throws {
        let path = Fixture.path("machines/everything-at-once.json")
        let policy = PowerPolicy.test { $0.govern = [.rapl, .gpu] }
        let devices = Device.all(in: try ZoneFile.read(path, policy), policy)
        #expect(Set(devices.map(\.kind)) == [.package, .gpu])
        #expect(devices.contains { $0.step == .watts(1) })
        #expect(throws: ZoneFileProblem.nothingNamed("gpu")) {
            try ZoneFile.read(Fixture.path("zones/two-sockets-psys.json"), .test { $0.govern = [.gpu] })
        }
        let radeons = Fixture.path("machines/radeon-pair.json")
        #expect(throws: ZoneFileProblem.onlyMeasured("package-0")) { try ZoneFile.read(radeons) }
        #expect(try !ZoneFile.read(radeons, .test { $0.govern = [.gpu] }).isEmpty)
    }

    @Test("P11: a file that is too large is refused, and what is no file isn't waited for", .timeLimit(.minutes(10)))
    func noFile() throws {
        let directory = try TemporaryDirectory()
        let (large, fifo) = ("\(directory.path)/large", "\(directory.path)/fifo")
        try Data(count: ZoneFile.largest + 1).write(to: URL(filePath: large))
        #expect(throws: ZoneFileProblem.tooLarge) { try ZoneFile.read(large) }
        try #require(unsafe mkfifo(fifo, 0o600) == 0)
        #expect(throws: ZoneFileProblem.notAFile) { try ZoneFile.read(fifo) }
    }

    @Test("P11: a file that is absent, denied or a directory is each told apart")
    func unreadable() {
        #expect(throws: ZoneFileProblem.absent) { try ZoneFile.read("/nonexistent/zones.json") }
        #expect(throws: ZoneFileProblem.unreadable(Errno(21))) { try ZoneFile.read("/") }
        #expect(throws: ZoneFileProblem.notAFile) { try ZoneFile.read("/dev/zero") }
        #expect(ZoneFileProblem(.failed(.denied)) == .denied)
        #expect(ZoneFileProblem.denied.words == "may not be read by this user: change its mode or its owner")
        #expect(ZoneFileProblem(.failed(Errno(21))).words == "can't be read: Is a directory (EISDIR)")
    }
}
