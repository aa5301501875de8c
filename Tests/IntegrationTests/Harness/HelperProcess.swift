import Foundation
import Glibc
import LinuxSystem

/// The programs under test.
enum Programs {
    /// POWERCAP_HELPER, or the ordinary build's helper beside this test bundle.
    static let helper = path(of: "raplhelper", variable: "POWERCAP_HELPER")
    static let simulator = path(of: "Simulator")

    /// - Parameter variable: of the environment; it names another build's.
    static func path(of name: String, variable: String? = nil) -> String {
        if let variable, let path = ProcessInfo.processInfo.environment[variable], !path.isEmpty { return path }
        let bundle = (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")) ?? ""
        return "\((bundle as NSString).deletingLastPathComponent)/\(name)"
    }
}

/// A real helper over a simulated tree. It tells that it is ready as it tells systemd.
final class HelperProcess {
    let process: ChildProcess
    private let notifications: NotifySocket

    /// - Parameter name: a path; the log and the notification socket get its name with an ending.
    init(_ name: String, _ arguments: [String], environment: [String: String], inheriting descriptors: [Int32]) throws {
        notifications = try NotifySocket(at: "\(name).notify")
        process = try ChildProcess(
            arguments, environment: ["NOTIFY_SOCKET": notifications.path].merging(environment) { $1 }, log: "\(name).log",
            inheriting: descriptors)
    }

    var pid: pid_t { process.pid }
    var log: String { process.log }

    struct NotReady: Error { let log: String }

    /// - Throws: with its log, when it ends instead.
    func waitUntilReady(_ deadline: Deadline = Deadline()) throws {
        while !notifications.messages.contains(where: { $0.hasPrefix("READY=1\n") }) {
            guard !deadline.isOver, try notifications.receive(orEndOf: process.outputNumber, deadline) else {
                throw NotReady(log: log)
            }
        }
    }

    /// Waits for the next message to the supervisor.
    func nextNotification(_ deadline: Deadline = Deadline()) throws -> String {
        let count = notifications.messages.count
        guard try notifications.receive(orEndOf: process.outputNumber, deadline), notifications.messages.count > count else {
            throw TimeOut(what: "a notification; log: \(log)")
        }
        return notifications.messages[count]
    }

    /// Everything that it has told its supervisor.
    func notificationsSoFar() throws -> [String] {
        while try notifications.receive(orEndOf: -1, Deadline(milliseconds: 0)) {}
        return notifications.messages
    }

    @discardableResult
    func waitForEnd(_ deadline: Deadline = Deadline()) throws -> ChildProcess.End { try process.waitForEnd(deadline) }

    /// SIGTERM, and waits for it.
    @discardableResult
    func stop() throws -> ChildProcess.End {
        process.signal(SIGTERM)
        return try waitForEnd()
    }

    /// SIGKILL, and waits for it.
    func kill() { process.kill() }

    func waitForLog(_ text: String, _ deadline: Deadline = Deadline()) throws {
        try wait(for: "\(text) in the helper's log", deadline) { log.contains(text) }
    }

    /// What its descriptors are, by number, as /proc/PID/fd has it.
    func descriptors() throws -> [Int: String] {
        var open: [Int: String] = [:]
        for name in try FileManager.default.contentsOfDirectory(atPath: "/proc/\(pid)/fd") {
            // A connection that ended may have been closed since.
            open[Int(name)!] = try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/\(pid)/fd/\(name)")
        }
        return open
    }

    /// The fields of /proc/PID/status.
    func status() throws -> [String: String] {
        var fields: [String: String] = [:]
        for line in try Files.text("/proc/\(pid)/status").split(separator: "\n") {
            let parts = line.split(separator: ":", maxSplits: 1)
            if parts.count == 2 {
                fields[String(parts[0])] = parts[1].split(whereSeparator: \.isWhitespace).joined(separator: " ")
            }
        }
        return fields
    }
}
