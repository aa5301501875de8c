internal import LinuxSystem
internal import Logging
internal import Policy
internal import PowercapProtocol

/// Tells systemd how the controller is: that its loop runs, and in one line what it does with the limits.
final class Supervisor {
    private let socket = NotifySocket()
    private var told: String?

    init(_ log: Log) {
        if let problem = socket.problem {
            log.warning(
                "NOTIFY_SOCKET can't be reached: systemd doesn't learn that the controller runs", ("errno", .text(problem.name)))
        }
    }

    /// When the loop has to come by again.
    var due_ns: UInt64 { socket.nextWatchdog_ns ?? .max }

    /// After each step of the loop. It is ready after the first, whatever came of it: a helper that is away is waited for, and is no
    /// reason for systemd to give up on the controller.
    /// - Parameter status: put together only where somebody hears it: the loop comes by at every event.
    func step(_ status: @autoclosure () -> String, _ now_ns: UInt64) {
        guard socket.isHeard else { return }
        let status = status()
        if status != told { send((told == nil ? "READY=1\n" : "") + "STATUS=\(status)\n") }
        told = status
        socket.feedWatchdog(now_ns)
    }

    func stopping() { send("STOPPING=1\nSTATUS=giving control back\n") }

    private func send(_ lines: String) { socket.send(Array(lines.utf8).span) }
}

extension NodeState {
    /// For `systemctl status`: source and limit, and what an administrator has to know first.
    var supervisorStatus: String {
        if phase == .uncontrolled { return "no control over the limits" + (helper.problem.map { ": \($0)" } ?? "") }
        var parts: [String] = []
        if let decision { parts.append("source \(decision.decision.source.words) (\(source.name.rawValue))") }
        if let inForce { parts.append("limit \(inForce.words) in force") }
        if condition.reason != "LimitInForce" || inForce == nil { parts.append(condition.message) }
        return parts.joined(separator: ", ")
    }
}
