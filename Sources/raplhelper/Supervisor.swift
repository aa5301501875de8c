import LinuxSystem

/// Tells systemd what the helper is doing, by the protocol of sd_notify(3): datagrams to NOTIFY_SOCKET. Without that
/// variable nothing is sent.
final class Supervisor {
    private let socket: Descriptor?
    private let watchdogInterval_ns: UInt64?
    private(set) var nextWatchdog_ns: UInt64?

    /// Connects before the sandbox; afterwards no address can be reached.
    init() {
        guard let path = Process.environment("NOTIFY_SOCKET"), !path.utf8.isEmpty else {
            socket = nil
            watchdogInterval_ns = nil
            return
        }
        socket = Supervisor.connect(path)
        // WATCHDOG_PID names the process that is meant (sd_watchdog_enabled(3)).
        if let text = Process.environment("WATCHDOG_USEC"), let interval_us = Supervisor.number(text), interval_us > 0,
            Process.environment("WATCHDOG_PID").map({ Supervisor.number($0) == UInt64(Process.pid) }) ?? true
        {
            // As good as never from 12 days on.
            watchdogInterval_ns = min(interval_us, 1 << 40) * 1000 / 2
            nextWatchdog_ns = 0
        } else {
            watchdogInterval_ns = nil
        }
    }

    private static func connect(_ path: String) -> Descriptor? {
        do throws(Errno) {
            let socket = try Socket.connect(to: path, .datagram)
            try socket.setNonBlocking()
            return socket
        } catch {
            Log.warning("NOTIFY_SOCKET can't be reached: systemd doesn't learn that the helper is ready", "errno=\(error)")
            return nil
        }
    }

    func ready(_ status: Message) { send("READY=1\nSTATUS=\(status)\n") }
    func stopping(_ status: Message) { send("STOPPING=1\nSTATUS=\(status)\n") }

    /// Sends WATCHDOG=1 when half of the interval is over.
    func feedWatchdog(_ now_ns: UInt64) {
        guard let interval = watchdogInterval_ns, let due = nextWatchdog_ns, due <= now_ns else { return }
        nextWatchdog_ns = now_ns + interval
        send("WATCHDOG=1\n")
    }

    private func send(_ message: Message) {
        _ = try? socket?.write(message.bytes.span)
    }

    static func number(_ text: String) -> UInt64? {
        let bytes = [UInt8](text.utf8)
        return try? Attribute.number(bytes.span)
    }
}
