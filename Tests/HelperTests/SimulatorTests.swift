import LinuxSystem
import Testing

@testable import Simulator

@Suite("The simulator")
struct SimulatorTests {
    let directory: TemporaryDirectory
    var root: String { "\(directory.path)/powercap" }

    init() throws { directory = try TemporaryDirectory() }

    // MARK: The tree

    /// A file as both the simulator and a fixture name it; what differs from moment to moment is left out.
    private struct File: Hashable {
        let path: String
        let mode: UInt32
        let contents: String

        init(_ path: String, _ mode: UInt32, _ contents: String) {
            (self.path, self.mode) = (path, mode)
            self.contents = path.hasSuffix("/energy_uj") || path.hasSuffix("/enabled") ? "" : contents
        }
    }

    static let machines: [(String, Machine)] = [
        ("server-two-packages", Machine()), ("psys-in-the-middle", Machine(hasPsys: true, hasCore: true)),
        ("monitor-only", Machine(hasDRAM: false, isMonitorOnly: true)),
    ]

    @Test("shows the files of a real machine: names, modes and contents", arguments: machines)
    func fixture(_ name: String, _ machine: Machine) throws {
        let real = try Fixture(name).rows.filter { $0.kind == .file }.map { File($0.path, $0.mode, $0.contents) }
        let layout = Layout(of: machine)
        var simulated = layout.controlTypes.map { File("\($0)/enabled", 0o644, "1") }
        for zone in layout.zones { simulated += zone.files.map { File("\(zone.path)/\($0.name)", $0.mode, $0.contents) } }
        #expect(Set(simulated).symmetricDifference(real) == [])
    }

    @Test("shows the MMIO zones of a real machine")
    func mmio() throws {
        let real = try Fixture("mmio-and-peak-power").rows.filter {
            $0.kind == .file && $0.path.hasPrefix("intel-rapl-mmio/intel")
        }
        var simulated: [File] = []
        for zone in Layout(of: Machine(hasMMIO: true)).zones where zone.path.hasPrefix("intel-rapl-mmio/") {
            simulated += zone.files.map { File("\(zone.path)/\($0.name)", $0.mode, $0.contents) }
        }
        #expect(Set(simulated) == Set(real.map { File($0.path, $0.mode, $0.contents) }))
    }

    @Test("writes that tree, with the links and directories that aren't zones")
    func created() throws {
        _ = try SimulatedTree(creatingAt: root, Machine(hasCore: true))
        #expect(try firstLine("\(root)/intel-rapl/intel-rapl:0/intel-rapl:0:1/name") == "dram")
        #expect(try fileKind(of: "\(root)/intel-rapl/intel-rapl:0/intel-rapl:0:1/device") == .link)
        #expect(try fileKind(of: "\(root)/intel-rapl/intel-rapl:0/power") == .directory)
        #expect(try contents("\(root)/intel-rapl/intel-rapl:1/energy_uj") == Array("1000000000\n".utf8))
    }

    @Test("never writes into a directory that holds something")
    func notEmpty() throws {
        try put("mine", in: "\(directory.path)/file")
        #expect(throws: Simulator.Problem(sentence: "\(directory.path) isn't empty: remove it, or name another directory")) {
            try SimulatedTree(creatingAt: directory.path, Machine())
        }
    }

    // MARK: The load

    /// Files to change before a second passes, and the powers that the counters must show in it.
    struct LoadCase: CustomTestStringConvertible {
        let testDescription: String
        let machine: Machine
        let files: [(String, String)]
        let watts: [String: UInt64]

        init(
            _ what: String, on machine: Machine = Machine(), writing files: [(String, String)] = [], draws watts: [String: UInt64]
        ) {
            (testDescription, self.machine, self.files, self.watts) = (what, machine, files, watts)
        }
    }

    private static let package0 = "intel-rapl/intel-rapl:0"
    private static let package1 = "intel-rapl/intel-rapl:1"

    private static let mmio0 = "intel-rapl-mmio/intel-rapl-mmio:0"
    private static let pl1 = "constraint_0_power_limit_uw"
    private static let pl2 = "constraint_1_power_limit_uw"

    static let loads = [
        LoadCase("the demand, where no limit is lower", draws: [package0: 120, package1: 120, "\(package0)/intel-rapl:0:0": 12]),
        LoadCase(
            "a demand of its own for each package", on: Machine(packages: 3, demand_uw: [50_000_000, 90_000_000]),
            draws: [package0: 50, package1: 90, "intel-rapl/intel-rapl:2": 90]),
        LoadCase("PL1", writing: [("\(package0)/\(pl1)", "60000000\n")], draws: [package0: 60, package1: 120]),
        LoadCase("PL2 where it is lower", writing: [("\(package0)/\(pl2)", "55000000\n")], draws: [package0: 55]),
        LoadCase("0 W, which is a limit", writing: [("\(package0)/\(pl1)", "0\n")], draws: [package0: 0]),
        LoadCase("by the first line alone", writing: [("\(package0)/\(pl1)", "90000000\n0\n")], draws: [package0: 90]),
        LoadCase(
            "without the limit of a disabled zone",
            writing: [("\(package0)/\(pl1)", "60000000\n"), ("\(package0)/enabled", "0\n")], draws: [package0: 120]),
        LoadCase(
            "the lower of MSR and MMIO, on one counter", on: Machine(hasMMIO: true),
            writing: [("\(package0)/\(pl1)", "80000000\n"), ("\(mmio0)/\(pl1)", "70000000\n")],
            draws: [package0: 70, mmio0: 70, "intel-rapl-mmio/intel-rapl-mmio:1": 120]),
        LoadCase(
            "the lower of MSR and MMIO, whichever it is", on: Machine(hasMMIO: true),
            writing: [("\(package0)/\(pl1)", "70000000\n"), ("\(mmio0)/\(pl1)", "80000000\n")], draws: [package0: 70, mmio0: 70]),
        LoadCase(
            "without a limit where the file holds no number", writing: [("\(package0)/\(pl1)", "lots\n")], draws: [package0: 120]),
        LoadCase(
            "dram's own limit, once it is enabled",
            writing: [("\(package0)/intel-rapl:0:0/\(pl1)", "5000000\n"), ("\(package0)/intel-rapl:0:0/enabled", "1\n")],
            draws: ["\(package0)/intel-rapl:0:0": 5, package0: 120]),
        LoadCase(
            "psys over everything", on: Machine(hasPsys: true, hasCore: true),
            writing: [("\(package0)/\(pl1)", "60000000\n")],
            draws: [package0: 60, "\(package0)/intel-rapl:0:0": 42, package1: 60 + 120 + 12 + 12 + 15]),
    ]

    @Test("draws", arguments: loads)
    func load(_ row: LoadCase) throws {
        let tree = try SimulatedTree(creatingAt: root, row.machine)
        for (path, text) in row.files { try put(text, in: "\(root)/\(path)") }
        for _ in 0..<10 { try tree.advance(by: 100_000_000) }
        for (zone, watts) in row.watts {
            #expect(try firstLine("\(root)/\(zone)/energy_uj") == "\(1_000_000_000 + watts * 1_000_000)", "\(zone)")
        }
    }

    @Test("counters wrap at their range, and the file then starts with the new number")
    func wrap() throws {
        let start = Layout.packageRange_uj - 1_000_000
        let tree = try SimulatedTree(
            creatingAt: root, Machine(packages: 1, hasDRAM: false, demand_uw: [3_000_000], energyStart_uj: start))
        try tree.advance(by: 1_000_000_000)
        #expect(try firstLine("\(root)/\(Self.package0)/energy_uj") == "2000000")
    }

    @Test("counters lose nothing to rounding, however short the steps")
    func steps() {
        var (coarse, fine) = (EnergyCounter(range_uj: 1_000, start_uj: 999), EnergyCounter(range_uj: 1_000, start_uj: 999))
        coarse.add(7, for: 1_000_000_000_000)
        for _ in 0..<1_000 { fine.add(7, for: 1_000_000_000) }
        #expect(coarse.value_uj == (999 + 7_000) % 1_000)
        #expect(fine.value_uj == coarse.value_uj)
        var tiny = EnergyCounter(range_uj: 1_000, start_uj: 0)
        for _ in 0..<1_000_000 { tiny.add(333, for: 1_000) }
        #expect(tiny.value_uj == 333)
    }

    @Test("says once which file holds no number")
    func complaint() throws {
        var complaints: [String] = []
        let tree = try SimulatedTree(creatingAt: root, Machine(packages: 1)) { complaints.append($0) }
        let file = "\(root)/\(Self.package0)/constraint_0_power_limit_uw"
        try put("?\n", in: file)
        for _ in 0..<3 { try tree.advance(by: 1_000) }
        #expect(complaints == ["\(file) doesn't hold a number: it limits nothing until it does"])
        try put("1\n", in: file)
        try tree.advance(by: 1_000)
        try put("?\n", in: file)
        try tree.advance(by: 1_000)
        #expect(complaints.count == 2)
    }

    // MARK: The command line

    private func refusal(_ arguments: [String]) -> String? {
        do throws(Arguments.UsageError) {
            _ = try Arguments(parsing: arguments)
            return nil
        } catch { return error.sentence }
    }

    @Test("takes every flag of its usage")
    func flags() throws {
        let arguments = try Arguments(parsing: [
            "--packages", "4", "--psys", "/tmp/x", "--mmio", "--pp0", "--no-dram", "--demand", "120W,80500mW,3", "--energy-start",
            "7",
            "--max-power-zero", "--monitor-only", "--once", "--interval-ms", "50",
        ])
        #expect(arguments.directory == "/tmp/x" && arguments.once && arguments.interval_ms == 50)
        let machine = arguments.machine
        #expect(machine.packages == 4 && machine.hasPsys && machine.hasMMIO && machine.hasCore && !machine.hasDRAM)
        #expect(machine.demand_uw == [120_000_000, 80_500_000, 3] && machine.energyStart_uj == 7)
        #expect(machine.maxPowerIsZero && machine.isMonitorOnly)
        #expect(machine.demand_uw(ofPackage: 1) == 80_500_000 && machine.demand_uw(ofPackage: 3) == 3)
        for word in Arguments.usage.split(whereSeparator: { " \n".contains($0) })
        where word.hasPrefix("--") && word != "--powercap-root" {
            #expect(refusal(["/x", String(word)])?.hasPrefix("unknown") != true, "\(word)")
        }
    }

    @Test(
        "refuses what it doesn't understand",
        arguments: [
            ([], "which directory? usage: Simulator DIR [flags]"), (["/a", "/b"], "one directory only: /a and /b"),
            (["/a", "--psis"], "unknown flag --psis; Simulator --help lists them"),
            (["/a", "--packages"], "--packages needs a value"),
            (["/a", "--packages", "0"], "--packages 0 isn't valid: give a whole number from 1 to 32"),
            (["/a", "--packages", "33"], "--packages 33 isn't valid: give a whole number from 1 to 32"),
            (["/a", "--packages", "-1"], "--packages -1 isn't valid: give a whole number from 1 to 32"),
            (["/a", "--interval-ms", "+5"], "--interval-ms +5 isn't valid: give a whole number from 1 to 60000"),
            (
                ["/a", "--demand", "120w"],
                "--demand 120w isn't valid: give powers up to 4000W with commas between, such as 120W,80W"
            ),
            (
                ["/a", "--demand", "1W,"],
                "--demand 1W, isn't valid: give powers up to 4000W with commas between, such as 120W,80W"
            ),
            (
                ["/a", "--demand", "5000W"],
                "--demand 5000W isn't valid: give powers up to 4000W with commas between, such as 120W,80W"
            ),
            (["/a", "--energy-start", "1e9"], "--energy-start 1e9 isn't valid: give a whole number from 0 to 262143328850"),
        ] as [([String], String)])
    func refuses(_ arguments: [String], _ sentence: String) { #expect(refusal(arguments) == sentence) }
}
