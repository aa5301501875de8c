import Glibc
import LinuxSystem
import PowercapProtocol
import Processes
import Testing

@Suite("The simulator program")
struct SimulatorProgramTests {
    let tree: TemporaryTree
    var root: String { "\(tree.directory)/live" }

    init() throws { tree = try TemporaryTree() }

    private func run(_ flags: [String], keepsInput: Bool = false) throws -> ChildProcess {
        try tree.spawn("simulator", [Programs.simulator, root] + flags, keepsInput: keepsInput)
    }

    private func energy_uj() throws -> UInt64 { UInt64(try Files.firstLine("\(root)/\(package0)/energy_uj"))! }

    @Test("makes the tree, says so in one line, and lets the counters run until SIGTERM")
    func runs() throws {
        let simulator = try run(["--interval-ms", "5"])
        try simulator.waitForOutput("\n")
        #expect(simulator.outputText == "ready \(root)\n")
        try wait(for: "the counter to move") { try energy_uj() > 1_000_000_000 }
        simulator.signal(SIGTERM)
        #expect(try simulator.waitForEnd() == .exited(0))
        #expect(simulator.log == "")
    }

    @Test("ends with its standard input, when that is a pipe, but not when it is /dev/null")
    func input() throws {
        let simulator = try run(["--interval-ms", "5"], keepsInput: true)
        try simulator.waitForOutput("ready")
        simulator.closeInput()
        #expect(try simulator.waitForEnd() == .exited(0))
    }

    @Test("takes another demand from its standard input, and says what is none")
    func demand() throws {
        let simulator = try run(["--interval-ms", "5"], keepsInput: true)
        try simulator.waitForOutput("ready")
        try simulator.say("demand a lot")
        try simulator.say("demand 50W,2000W")
        try simulator.waitForOutput("done demand 50W,2000W\n")
        #expect(simulator.log.hasPrefix("Simulator: demand a lot is no order"))
        let before = try energy_uj()
        // 50 W are a joule in 20 ms.
        try wait(for: "the counter to move") { try energy_uj() > before + 1_000_000 }
    }

    @Test("--once makes the tree and ends")
    func once() throws {
        let simulator = try run(["--once", "--psys"])
        #expect(try simulator.waitForEnd() == .exited(0))
        #expect(simulator.outputText == "ready \(root)\n")
        #expect(try Files.text("\(root)/\(package1)/name") == "psys\n")
    }

    @Test("refuses a directory that isn't empty and a flag that it doesn't know")
    func refuses() throws {
        let again = try tree.spawn("again", [Programs.simulator, tree.root])
        #expect(try again.waitForEnd() == .exited(1))
        #expect(again.log == "Simulator: \(tree.root) isn't empty: remove it, or name another directory\n")
        let unknown = try tree.spawn("unknown", [Programs.simulator, root, "--bogus"])
        #expect(try unknown.waitForEnd() == .exited(2))
        #expect(unknown.log == "Simulator: unknown flag --bogus; Simulator --help lists them\n")
        #expect(!Files.exists(root))
    }

    @Test("the power that a helper measures is the limit that it has set")
    func power() throws {
        let simulator = try run(["--interval-ms", "5", "--demand", "140W"])
        try simulator.waitForOutput("ready")
        try tree.startHelper(["--powercap-root", root])
        let client = try WireClient(tree.socket)
        _ = try client.acquire()
        try client.apply([try client.zones().item("intel-rapl:0", watts: 50)])
        let before = try client.sample()
        usleep(500_000)
        let after = try client.sample()
        let seconds = Double(after.header.time_ns - before.header.time_ns) / 1e9
        func watts(_ zone: Int) -> Double {
            Double(after.zones[zone].reading.value - before.zones[zone].reading.value) / 1e6 / seconds
        }
        #expect(45...55 ~= watts(0))
        #expect(125...155 ~= watts(2))
    }
}
