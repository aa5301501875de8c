import Foundation
import TestSupport
import Testing

/// `powercap-controller run`, as it was built beside these tests.
final class RunningController {
    let child: Child
    let files: FileMemory
    /// Every line that it logged so far.
    var log: [LogLine] { child.lines.map(LogLine.init) }

    /// With a constant source of 100 W, sampled every second.
    /// - Parameters:
    ///   - program: what becomes the controller in the end, where it isn't started by itself.
    ///   - before: what `program` is given before the controller's own arguments.
    init(
        _ socket: String, _ environment: [String: String] = [:], arguments: [String] = [],
        program: String = "powercap-controller",
        before: [String] = ["run"]
    ) throws {
        var all = ["SOURCE": "static", "MAX_SOURCE": "100W", "SAMPLE_INTERVAL": "1s", "RAPLHELPER_SOCKET": socket]
        // Tests run beside each other, and beside whatever runs on this machine.
        all["CONTROL_SOCKET"] = "off"
        all["METRICS_ADDRESS"] = "off"
        all.merge(environment) { $1 }
        child = try Child(program, before + arguments, environment: all, reading: .errors)
        files = FileMemory(of: child.pid)
    }

    /// Waits for the next line with this message, and passes over those before it.
    @discardableResult
    func next(_ message: String) throws -> LogLine {
        LogLine(try child.next(message) { LogLine($0).message == message })
    }

    /// Waits for the next line with this message about a package's constraint.
    @discardableResult
    func next(_ message: String, of device: String, _ constraint: String) throws -> LogLine {
        while true {
            let line = try next(message)
            if line["device"] == device && line["constraint"] == constraint { return line }
        }
    }

    /// Waits until each of these was logged, in whichever order: what goes on at the same time ends in any.
    func next(each messages: String...) throws {
        var missing = Set(messages)
        while !missing.isEmpty {
            let line = LogLine(try child.next(missing.sorted().joined(separator: ", ")) { missing.contains(LogLine($0).message) })
            missing.remove(line.message)
        }
    }

    /// How often a message was logged so far.
    func count(_ message: String) -> Int { log.filter { $0.message == message }.count }

    /// Stops it: the exit status.
    func stop(_ signal: Int32 = SIGTERM) throws -> Int32 {
        child.kill(signal)
        return try child.exitStatus()
    }
}

extension RunningController {
    /// With Kubernetes.
    convenience init(_ mock: Mock, _ server: ApiServer, _ environment: [String: String] = [:]) throws {
        try self.init(mock.socket, server.environment.merging(environment) { $1 })
    }

    /// The loop's, and the one that waits for whoever reads the log, by name (proc_pid_comm(5): 15 bytes).
    func expectTwoThreads(_ location: SourceLocation = #_sourceLocation) throws {
        let tasks = "/proc/\(child.pid)/task"
        let names = try FileManager.default.contentsOfDirectory(atPath: tasks).map {
            try String(contentsOfFile: "\(tasks)/\($0)/comm", encoding: .utf8)
        }
        #expect(names.sorted() == ["powercap-contro\n", "powercap-log\n"], sourceLocation: location)
    }

    /// A number of /proc/PID/status.
    func status(_ field: String) throws -> Int? {
        try FileMemory.status(field, of: child.pid)
    }
}
