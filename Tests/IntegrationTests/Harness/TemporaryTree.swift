import Foundation
import Glibc
import LinuxSystem
import Testing

@testable import Simulator

/// A directory of a test's own: a simulated powercap tree, the paths of a helper over it, and the processes that the test
/// starts. Keep it in a property of the suite: with its last reference the processes are killed and the directory is removed.
final class TemporaryTree {
    let directory: String
    private(set) var machine: Machine
    private var processes: [ChildProcess] = []
    private var helpers = 0

    var root: String { "\(directory)/powercap" }
    var socket: String { "\(directory)/socket" }
    var stateDirectory: String { "\(directory)/state" }
    var statePath: String { "\(stateDirectory)/state" }

    /// - Parameter machine: what to simulate. Time stands still in it.
    init(_ machine: Machine = Machine()) throws {
        // Helpers are killed in the middle of a request, and then writing to them must be an error and no signal.
        LinuxSystem.Process.ignoreBrokenPipes()
        directory = "\(NSTemporaryDirectory())pc-\(UUID().uuidString.prefix(13))"
        self.machine = machine
        try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
        // Others may look for the socket in it: whether they may connect is for the socket's mode to say.
        try changeMode(directory, 0o755)
        _ = try SimulatedTree(creatingAt: root, machine)
    }

    deinit {
        for process in processes { process.kill() }
        try? FileManager.default.removeItem(atPath: directory)
    }

    /// Starts again with another machine.
    func replace(by machine: Machine) throws {
        try FileManager.default.removeItem(atPath: root)
        self.machine = machine
        _ = try SimulatedTree(creatingAt: root, machine)
    }

    // MARK: Processes

    /// Starts a helper over this tree; it isn't waited for.
    /// - Parameters:
    ///   - flags: besides those that name the tree, the socket and the state directory.
    ///   - wrapper: a program with arguments that executes the helper, for example `setpriv`.
    func spawnHelper(
        _ flags: [String] = [], through wrapper: [String] = [], environment: [String: String] = [:],
        inheriting descriptors: [Int32] = []
    ) throws -> HelperProcess {
        helpers += 1
        let hiding = Conditions.sandboxIsHidden ? Intruder.hiding(["landlock_create_ruleset", "seccomp"]) : []
        let helper = try HelperProcess(
            "\(directory)/helper-\(helpers)",
            hiding + wrapper + [
                Programs.helper, "--powercap-root", root, "--socket", socket, "--state-dir", stateDirectory,
                "--govern", "intel-rapl,intel-rapl-mmio",
            ] + flags,
            environment: environment, inheriting: descriptors)
        processes.append(helper.process)
        return helper
    }

    /// Starts a helper over this tree and waits until it is ready.
    @discardableResult
    func startHelper(
        _ flags: [String] = [], through wrapper: [String] = [], environment: [String: String] = [:],
        inheriting descriptors: [Int32] = []
    ) throws -> HelperProcess {
        let helper = try spawnHelper(flags, through: wrapper, environment: environment, inheriting: descriptors)
        try helper.waitUntilReady()
        // Where its lines go elsewhere, others see what it says.
        let isSaid = ["missing=seccomp", #""missing":"seccomp""#].contains { helper.log.contains($0) }
        #expect(!Conditions.sandboxIsHidden || isSaid || helper.log.isEmpty)
        return helper
    }

    /// Starts any other program, with its log in this directory.
    func spawn(_ name: String, _ arguments: [String], environment: [String: String] = [:], keepsInput: Bool = false) throws
        -> ChildProcess
    {
        let process = try ChildProcess(
            arguments, environment: environment, log: "\(directory)/\(name).log", keepsInput: keepsInput)
        processes.append(process)
        return process
    }

    // MARK: Files

    func path(_ zone: String, _ file: String) -> String { "\(root)/\(zone)/\(file)" }

    func limit_uw(_ zone: String, _ index: Int = 0) throws -> UInt64? {
        UInt64(try Files.firstLine(path(zone, "constraint_\(index)_power_limit_uw")))
    }

    /// Another party sets a limit.
    func setLimit_uw(_ zone: String, _ index: Int = 0, _ limit_uw: UInt64) throws {
        try Files.overwrite(path(zone, "constraint_\(index)_power_limit_uw"), "\(limit_uw)\n")
    }

    /// Every limit and window of the tree, by path.
    func settings() throws -> [String: String] {
        var settings: [String: String] = [:]
        for zone in Layout(of: machine).zones {
            for file in zone.files where file.name.hasSuffix("_limit_uw") || file.name.hasSuffix("_window_us") {
                settings["\(zone.path)/\(file.name)"] = try Files.firstLine("\(root)/\(zone.path)/\(file.name)")
            }
        }
        return settings
    }

    /// The settings of the tree as it was made.
    func originals() -> [String: String] {
        var settings: [String: String] = [:]
        for zone in Layout(of: machine).zones {
            for file in zone.files where file.name.hasSuffix("_limit_uw") || file.name.hasSuffix("_window_us") {
                settings["\(zone.path)/\(file.name)"] = file.contents
            }
        }
        return settings
    }
}

/// The packages of the default machine, as paths in the tree.
let package0 = "intel-rapl/intel-rapl:0"
let package1 = "intel-rapl/intel-rapl:1"
