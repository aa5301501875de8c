import Glibc
import LinuxSystem
import PowercapProtocol
import Testing

@testable import Simulator
@testable import raplhelper

@Suite("Finding the zones")
struct DiscoveryTests {
    let directory: TemporaryDirectory
    var root: String { "\(directory.path)/powercap" }
    var package: String { "\(root)/intel-rapl/intel-rapl:0" }

    init() throws { directory = try TemporaryDirectory() }

    private func zones(readOnly: Bool = false) throws(raplhelper.Problem) -> [Zone] {
        try Discovery.zones(below: root, readOnly: readOnly)
    }

    /// Why there are no zones.
    private func problem() -> raplhelper.Problem? {
        do throws(raplhelper.Problem) {
            _ = try zones()
            return nil
        } catch { return error }
    }

    private func makeTree(_ machine: Machine = Machine()) throws { _ = try SimulatedTree(creatingAt: root, machine) }

    @Test("in trees of real machines: parents before children, and nothing but zones", arguments: Fixture.names)
    func fixtures(_ name: String) throws {
        try makeDirectory(root, mode: 0o755)
        let fixture = try Fixture(name)
        try fixture.write(below: root)
        let zones = try zones()
        // A zone is what has a counter in the listing.
        let expected = fixture.rows.filter { $0.path.hasSuffix("/energy_uj") }.map {
            "\(root)/\($0.path.dropLast("/energy_uj".utf8.count))"
        }
        #expect(Set(zones.map(\.path)) == Set(expected) && zones.count == expected.count)
        for zone in zones {
            #expect(zones[Int(zone.index)] === zone)
            let parent = zone.parent.map { zones[Int($0)].path } ?? "\(root)/\(zone.controlType.string)"
            #expect(zone.path == "\(parent)/\(zone.id.string)")
            #expect(zone.parent.map { $0 < zone.index } ?? true)
        }
    }

    @Test("with psys between the packages: a zone's index is no package's number")
    func psys() throws {
        try makeTree(Machine(hasPsys: true, hasDRAM: false))
        let zones = try zones()
        #expect(zones.map(\.id.string) == ["intel-rapl:0", "intel-rapl:1", "intel-rapl:2"])
        #expect(zones.map(\.name.string) == ["package-0", "psys", "package-1"])
    }

    @Test("in the order of their hexadecimal indices, intel-rapl before intel-rapl-mmio")
    func order() throws {
        try makeTree(Machine(packages: 18, hasMMIO: true, hasDRAM: false))
        let zones = try zones()
        #expect(zones.map(\.name.string) == (0..<18).map { "package-\($0)" } + (0..<18).map { "package-\($0)" })
        #expect(zones[15].id.string == "intel-rapl:f" && zones[16].id.string == "intel-rapl:10")
        #expect(zones[18].id.string == "intel-rapl-mmio:0" && zones[18].controlType.string == "intel-rapl-mmio")
    }

    @Test("up to 128 of them; what is more is left out")
    func tooMany() throws {
        try makeTree(Machine(packages: 32, hasMMIO: true, hasCore: true))
        #expect(try zones().count == 128)
        try makeDirectory("\(root)/intel-rapl/intel-rapl:ff", mode: 0o755)
        try put("psys\n", in: "\(root)/intel-rapl/intel-rapl:ff/name")
        let zones = try zones()
        #expect(zones.count == 128)
        #expect(zones.contains { $0.name.string == "psys" } && zones[127].id.string == "intel-rapl-mmio:1e")
    }

    @Test("with the constraints' names, limits, windows and maxima")
    func constraints() throws {
        try makeTree(Machine(hasPsys: true))
        let zones = try zones()
        let psys = zones.first { $0.name.string == "psys" }!
        #expect(zones[0].constraints.map(\.name.string) == ["long_term", "short_term"])
        #expect(zones[0].constraints.map(\.maxPower) == [Microwatts(150_000_000), Microwatts(300_000_000)])
        #expect(zones[0].constraints[1].original == Constraint.Setting(limit: Microwatts(180_000_000), window_us: 9_760))
        #expect(psys.constraints.map(\.maxPower) == [.zero, .zero])
        #expect(zones[0].maxEnergyRange == Microjoules(262_143_328_850))
    }

    @Test("a constraint is found by its number, whatever numbers are missing")
    func constraintGap() throws {
        try makeTree()
        for file in ["name", "power_limit_uw", "time_window_us", "max_power_uw"] {
            try rename("\(package)/constraint_1_\(file)", to: "\(package)/constraint_2_\(file)")
        }
        let zone = try zones()[0]
        #expect(zone.constraints.map(\.index) == [0, 2])
        #expect(zone.constraint(1) == nil)
        #expect(zone.constraint(2)?.name.string == "short_term")
    }

    @Test("opens nothing for writing when it mustn't")
    func readOnly() throws {
        try makeTree()
        let constraint = try zones(readOnly: true)[0].constraints[0]
        #expect(!constraint.isOpenForWriting)
        #expect(throws: Errno(9)) { try constraint.limit.writeOrAbsent(1) }
    }

    @Test("follows no symbolic link: neither to a zone nor to a control type")
    func links() throws {
        try makeTree(Machine(packages: 1, hasDRAM: false))
        #expect(unsafe symlink("intel-rapl:0", "\(root)/intel-rapl/intel-rapl:1") == 0)
        #expect(unsafe symlink("intel-rapl", "\(root)/intel-rapl-mmio") == 0)
        #expect(try zones().map(\.id.string) == ["intel-rapl:0"])
        try unlink("\(package)/constraint_0_power_limit_uw")
        #expect(unsafe symlink("/dev/null", "\(package)/constraint_0_power_limit_uw") == 0)
        #expect(try zones()[0].constraints[0].original == nil)
        #expect(try zones()[0].constraints[0].obstacle == .writeDenied)
    }

    // MARK: Files that are missing

    @Test("a directory without a name is no zone, nor is what lies in it")
    func nameless() throws {
        try makeTree()
        try unlink("\(package)/name")
        #expect(try zones().map(\.id.string) == ["intel-rapl:1", "intel-rapl:1:0"])
    }

    @Test("a zone without energy_uj or enabled says so in every sample")
    func withoutEnergy() throws {
        try makeTree()
        try unlink("\(package)/energy_uj")
        try unlink("\(package)/enabled")
        let zone = try zones()[0]
        let sample = zone.sample()
        #expect(sample.reading == Reading(errno: UInt8(Errno.noEntry.number)))
        #expect(sample.enabled == .unknown)
        #expect(sample.limits[0] == Reading(150_000_000))
    }

    @Test("a constraint without a limit file can't be set")
    func withoutLimit() throws {
        try makeTree()
        try unlink("\(package)/constraint_0_power_limit_uw")
        let zone = try zones()[0]
        let constraint = zone.constraints[0]
        #expect(constraint.original == nil)
        #expect(Bounds(minPower: Microwatts(1), ceilingRule: .maxPower).obstacle(of: constraint, in: zone) == .noLimitFile)
    }

    @Test("a constraint without a maximum or a window has none")
    func withoutMaximum() throws {
        try makeTree()
        try unlink("\(package)/constraint_0_max_power_uw")
        try unlink("\(package)/constraint_0_time_window_us")
        let constraint = try zones()[0].constraints[0]
        #expect(constraint.maxPower == .zero)
        let hasWindow = constraint.window.isThere
        #expect(!hasWindow)
        #expect(constraint.original == Constraint.Setting(limit: Microwatts(150_000_000), window_us: 0))
    }

    // MARK: Absent, denied and failed

    @Test("no directory, or one without zones, is absent")
    func absent() throws {
        #expect(problem()?.kind == .absent)
        #expect(problem()?.sentence.string.hasPrefix("no RAPL zones: there is no directory \(root). Load the driver") == true)
        try makeDirectory(root, mode: 0o755)
        #expect(problem()?.sentence.string.hasPrefix("no RAPL zones: \(root) has no zones. Load the driver") == true)
        try makeDirectory("\(root)/intel-rapl", mode: 0o755)
        try makeDirectory("\(root)/dtpm", mode: 0o755)
        try put("1\n", in: "\(root)/intel-rapl/enabled")
        #expect(problem()?.kind == .absent)
    }

    @Test(
        "absent, denied and failed are told apart, and each says what to do",
        arguments: [
            (Errno.noEntry, raplhelper.Problem.Kind.absent, "modprobe"), (.denied, .denied, "Start as root"),
            (.notPermitted, .denied, "Start as root"), (.readOnlyFileSystem, .denied, "--read-only"),
            (.inputOutput, .failed, "dmesg"), (Errno(24), .failed, "EMFILE"),
        ])
    func kinds(_ errno: Errno, _ kind: raplhelper.Problem.Kind, _ hint: String) {
        let problem = raplhelper.Problem(opening: "/x", errno)
        #expect(problem.kind == kind)
        #expect(problem.sentence.string.contains(hint) && problem.sentence.string.contains("/x"))
    }

    /// A file, and contents that no kernel shows in it.
    static let absurd: [(String, [String])] = [
        ("name", ["", "\n", "päckage\n", String(repeating: "x", count: 64) + "\n", "a\nb\n"]),
        ("constraint_0_name", ["", "läng\n"]),
        ("max_energy_range_uj", ["", "many\n", "-1\n"]),
        ("constraint_0_max_power_uw", ["TDP\n", "150000000 uW\n", "18446744073709551616\n"]),
        ("constraint_0_power_limit_uw", ["", "none\n", "1e8\n"]),
        ("constraint_0_time_window_us", ["long\n"]),
    ]

    @Test("contents that no kernel shows concern only what they are of", arguments: absurd)
    func absurdContents(_ file: String, _ texts: [String]) throws {
        try makeTree()
        for text in texts {
            try changeMode("\(package)/\(file)", 0o644)
            try put(text, in: "\(package)/\(file)")
            let zones = try zones()
            let isLeftOut = file == "name"
            #expect(
                zones.map(\.id.string)
                    == (isLeftOut ? [] : ["intel-rapl:0", "intel-rapl:0:0"]) + ["intel-rapl:1", "intel-rapl:1:0"],
                "\(file): \(text)")
            #expect(zones.last?.constraints.first?.original != nil)
            guard !isLeftOut else { continue }
            let names = zones[0].constraints.map(\.name.string)
            switch file {
            case "constraint_0_name": #expect(names == ["short_term"])
            case "max_energy_range_uj": #expect(zones[0].maxEnergyRange == Microjoules(0))
            case "constraint_0_max_power_uw": #expect(zones[0].constraints[0].maxPower == .zero)
            default: #expect(zones[0].constraints[0].original == nil && zones[0].constraints[1].original != nil)
            }
        }
    }

    @Test("a blank in a kernel's name is a hyphen: arm-scmi has a constraint `SCMI power-cap`")
    func blanks() throws {
        try makeTree()
        for (file, text) in [("name", "package 0"), ("constraint_0_name", "long term")] {
            try changeMode("\(package)/\(file)", 0o644)
            try put("\(text)\n", in: "\(package)/\(file)")
        }
        #expect(try zones()[0].name.string == "package-0")
        #expect(try zones()[0].constraints[0].name.string == "long-term")
    }

    @Test("a tree of which every zone is left out is no tree without zones")
    func nothingLeft() throws {
        try makeTree(Machine(packages: 1))
        try changeMode("\(package)/name", 0o644)
        try put("zwölf\n", in: "\(package)/name")
        #expect(problem()?.kind == .failed)
        #expect(
            problem()?.sentence.string.contains("every zone had to be left out: what=\(package) why=\"its name isn't")
                == true)
    }

    @Test("zones, and constraints, that can't be told apart by their names are monitored and not set")
    func namesakes() throws {
        try makeTree(Machine(packages: 3, hasDRAM: false))
        for file in ["\(root)/intel-rapl/intel-rapl:1/name", "\(package)/constraint_1_name"] { try changeMode(file, 0o644) }
        try put("package-2\n", in: "\(root)/intel-rapl/intel-rapl:1/name")
        try put("long_term\n", in: "\(package)/constraint_1_name")
        let zones = try zones()
        #expect(zones.map { $0.constraints.map(\.obstacle) } == Array(repeating: [.sameNames, .sameNames], count: 3))
    }

    @Test("a counter that can't be read is no reason not to start")
    func absurdEnergy() throws {
        try makeTree(Machine(packages: 1))
        try put("??\n", in: "\(package)/energy_uj")
        #expect(try zones()[0].sample().reading == Reading(errno: UInt8(Errno.badMessage.number)))
    }
}
