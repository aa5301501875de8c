import LinuxSystem

/// Tells systemd what the helper is doing.
final class Supervisor {
    private let socket = NotifySocket()

    /// Connects before the sandbox; afterwards no address can be reached.
    init() {
        if let problem = socket.problem {
            Log.warning("NOTIFY_SOCKET can't be reached: systemd doesn't learn that the helper is ready", "errno=\(problem)")
        }
    }

    var nextWatchdog_ns: UInt64? { socket.nextWatchdog_ns }

    func ready(_ status: Message) { send("READY=1\nSTATUS=\(status)\n") }
    func stopping(_ status: Message) { send("STOPPING=1\nSTATUS=\(status)\n") }
    func feedWatchdog(_ now_ns: UInt64) { socket.feedWatchdog(now_ns) }

    private func send(_ message: Message) { socket.send(message.bytes.span) }
}
