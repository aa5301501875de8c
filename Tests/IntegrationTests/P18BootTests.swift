import Foundation
import Glibc
import LinuxSystem
import PowercapProtocol
import Processes
import Testing

@testable import Simulator

@Suite("P18: a boot begins at the fallback limits of the last")
struct P18BootTests {
    let tree: TemporaryTree

    init() throws { tree = try TemporaryTree(Machine(hasMMIO: true)) }

    private var bootDirectory: String { "\(tree.directory)/boot" }
    private var kept: [String] { ["--boot-state-dir", bootDirectory] }

    private func cap(_ watts: Double = 60, fallback: Double = 45) throws -> WireClient {
        let client = try WireClient(tree.socket)
        _ = try client.takeOver()
        let zones = try client.zones()
        try client.apply([
            zones.item("intel-rapl:0", watts: watts, fallback: fallback), zones.item("intel-rapl:1", watts: watts),
        ])
        return client
    }

    /// What a reboot does to the node: /run is empty and firmware has set its limits.
    private func reboot() throws {
        try? FileManager.default.removeItem(atPath: tree.stateDirectory)
        try tree.replace(by: tree.machine)
    }

    private func boot(through wrapper: [String] = []) throws -> (end: ChildProcess.End, log: String) {
        let process = try tree.spawn(
            "boot-\(UUID().uuidString.prefix(4))",
            wrapper + [Programs.helper, "--boot", "--powercap-root", tree.root, "--state-dir", tree.stateDirectory] + kept)
        return (try process.waitForEnd(), process.log)
    }

    private func expectFallback(_ log: String) throws {
        var expected = tree.originals()
        expected["\(package0)/constraint_0_power_limit_uw"] = "45000000"
        #expect(try tree.settings() == expected, "\(log)")
    }

    @Test("and the helper that starts later knows the originals, and says how the boot began")
    func begun() throws {
        let first = try tree.startHelper(kept)
        let client = try cap()
        #expect(client.welcome.boot == [])
        #expect(try client.zones()["intel-rapl:0"].constraints[0].flags.contains(.fallbackKept))
        first.kill()
        try reboot()

        let (end, log) = try boot()
        #expect(end == .exited(0), "\(log)")
        #expect(log.contains("this boot is begun at its fallback limits"))
        try expectFallback(log)
        #expect(try boot().log.contains("has begun already"))

        for _ in 0..<2 {
            let helper = try tree.startHelper(kept)
            try expectFallback(helper.log)
            #expect(!helper.log.contains("level=error") && !helper.log.contains("level=warning msg=\"an earlier"))
            let welcome = try WireClient(tree.socket).welcome
            #expect(welcome?.boot == .atFallback)
            #expect(try WireClient(tree.socket).zones()["intel-rapl:0"].constraints[0].original == Microwatts(150_000_000))
            helper.kill()
        }
        try tree.startHelper(kept)
        let next = try WireClient(tree.socket)
        _ = try next.acquire()
        #expect(try next.release() == Released(restored: 1))
        #expect(try tree.settings() == tree.originals())

        // Control was given up on purpose: the next boot has nothing to begin at.
        try reboot()
        #expect(try boot().log.contains("no fallback limit is saved"))
        #expect(try tree.settings() == tree.originals())
    }

    @Test("an original that is lower stays, and is the original")
    func lowerOriginal() throws {
        try tree.startHelper(kept).kill()
        let first = try tree.startHelper(kept)
        _ = try cap()
        first.kill()
        try reboot()
        try tree.setLimit_uw(package0, 0, 40_000_000)
        #expect(try boot().end == .exited(0))
        #expect(try tree.limit_uw(package0) == 40_000_000)
        try tree.startHelper(kept)
        let constraint = try WireClient(tree.socket).zones()["intel-rapl:0"].constraints[0]
        #expect(constraint.original == Microwatts(40_000_000) && !constraint.flags.contains(.changed))
    }

    @Test("they belong to names: numbers that have changed places don't matter")
    func renumbered() throws {
        let first = try tree.startHelper(kept)
        _ = try cap()
        first.kill()
        try reboot()
        try rename("\(tree.root)/\(package0)", to: "\(tree.root)/aside")
        try rename("\(tree.root)/\(package1)", to: "\(tree.root)/\(package0)")
        try rename("\(tree.root)/aside", to: "\(tree.root)/\(package1)")
        #expect(try boot().end == .exited(0))
        #expect(try tree.limit_uw(package1) == 45_000_000)
        #expect(try tree.limit_uw(package0) == 150_000_000)
        try tree.startHelper(kept)
        let zones = try WireClient(tree.socket).zones()
        #expect(zones["intel-rapl:1"].constraints[0].original == Microwatts(150_000_000))
        #expect(zones["intel-rapl:1"].constraints[0].fallback == Microwatts(45_000_000))
    }

    @Test("a file that can't be read is no empty one: nothing is written, and it is told what to do")
    func garbage() throws {
        let first = try tree.startHelper(kept)
        _ = try cap()
        first.kill()
        try reboot()
        try Files.put("\(bootDirectory)/state", String(repeating: "x", count: 8192))
        let (end, log) = try boot()
        #expect(end == .exited(1))
        #expect(log.contains("damaged") && log.contains("--discard-state"), "\(log)")
        #expect(try tree.settings() == tree.originals())
        #expect(!Files.exists(tree.statePath))
        // The helper serves all the same, and leaves it to the operator.
        let helper = try tree.startHelper(kept)
        #expect(helper.log.contains("the fallback limits aren't saved for the next boot"))
        #expect(try !cap().zones()["intel-rapl:0"].constraints[0].flags.contains(.fallbackKept))
        #expect(try Files.text("\(bootDirectory)/state").hasPrefix("xxx"))
        try helper.stop()
        try tree.startHelper(kept + ["--discard-state"])
        #expect(try cap().zones()["intel-rapl:0"].constraints[0].flags.contains(.fallbackKept))
    }

    @Test("a package that isn't there, or whose limit can't be set, is an exit status, and the boot isn't called begun at them")
    func incomplete() throws {
        let first = try tree.startHelper(kept)
        _ = try cap()
        first.kill()
        try reboot()
        try rename("\(tree.root)/\(package0)", to: "\(tree.directory)/offline")
        #expect(try boot().end == .exited(1))
        try rename("\(tree.directory)/offline", to: "\(tree.root)/\(package0)")
        try tree.startHelper(kept)
        #expect(try WireClient(tree.socket).welcome.boot == [])
    }

    @Test("where nobody began it so, the first helper does, and doesn't call it begun at them")
    func late() throws {
        let first = try tree.startHelper(kept)
        _ = try cap()
        first.kill()
        try reboot()
        let second = try tree.startHelper(kept)
        #expect(second.log.contains("this boot wasn't begun at its fallback limits"))
        try expectFallback(second.log)
        #expect(try WireClient(tree.socket).welcome.boot == [])
        let client = try WireClient(tree.socket)
        _ = try client.acquire()
        #expect(try client.release() == Released(restored: 1))
        #expect(try tree.settings() == tree.originals())
    }

    @Test("what the next boot begins at is saved before an Apply that lowers it is answered")
    func saved() throws {
        try tree.startHelper(kept)
        for fallback in [45.0, 30, 50] {
            let client = try cap(60, fallback: fallback)
            #expect(try Files.text("\(bootDirectory)/state").contains(" fallback \(UInt64(fallback))000000\n"))
            #expect(try client.release(.hold) == Released())
        }
        // Who removes the directory is told, and so is the client.
        try FileManager.default.removeItem(atPath: bootDirectory)
        #expect(try !cap().zones()["intel-rapl:0"].constraints[0].flags.contains(.fallbackKept))
    }

    @Test("without a file, and without --boot-state-dir, nothing happens")
    func nothing() throws {
        #expect(try boot().end == .exited(0))
        #expect(try tree.settings() == tree.originals())
        let process = try tree.spawn("none", [Programs.helper, "--boot", "--powercap-root", tree.root])
        #expect(try process.waitForEnd() == .exited(1))
        #expect(process.log.contains("--boot needs --boot-state-dir"))
    }

    // MARK: At every write

    @Test(
        "killed before each of its writes in turn: no original is lost, and the next helper brings the fallback limits",
        .enabled(if: Conditions.has("strace"), "needs strace, which can deliver SIGKILL at the Nth system call"))
    func everyWrite() throws {
        let first = try tree.startHelper(kept)
        _ = try cap()
        first.kill()
        var kills = 0
        for number in 1...50 {
            try reboot()
            let strace = [
                "strace", "-D", "-qq", "-o", "/dev/null", "-e", "trace=pwrite64", "-e",
                "inject=pwrite64:signal=SIGKILL:when=\(number)",
            ]
            let (end, log) = try boot(through: strace)
            if end == .exited(0) {
                #expect(kills >= 5)
                return
            }
            #expect(end == .killed(SIGKILL), "write \(number): \(log)")
            kills += 1
            let helper = try tree.startHelper(kept)
            try expectFallback("killed before write \(number): \(helper.log)")
            #expect(!helper.log.contains("level=error"), "killed before write \(number): \(helper.log)")
            #expect(
                try WireClient(tree.socket).zones()["intel-rapl:0"].constraints[0].original == Microwatts(150_000_000),
                "killed before write \(number): \(helper.log)")
            helper.kill()
        }
        Issue.record("it writes without end")
    }
}
