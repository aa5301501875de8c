/// Where a service tells systemd how it is (sd_notify(3)): datagrams to NOTIFY_SOCKET. Without that variable nothing is sent.
public final class NotifySocket {
    private let socket: Descriptor?
    /// Whether somebody hears what is sent.
    public let isHeard: Bool
    /// Why systemd hears nothing although it asked to.
    public let problem: Errno?
    /// Half of what systemd waits for a sign of life; nil where it doesn't.
    private let interval_ns: UInt64?
    /// When the next sign of life is due, on CLOCK_MONOTONIC.
    public private(set) var nextWatchdog_ns: UInt64?

    public init() {
        var socket: Descriptor?
        var (isHeard, problem): (Bool, Errno?) = (false, nil)
        if let path = Process.environment("NOTIFY_SOCKET"), !path.utf8.isEmpty {
            do throws(Errno) {
                let connected = try Socket.connect(to: path, .datagram)
                try connected.setNonBlocking()
                socket = consume connected
                isHeard = true
            } catch { problem = error }
        }
        self.socket = consume socket
        (self.isHeard, self.problem) = (isHeard, problem)
        // A sign of life that can't be sent is nothing to wake up for.
        interval_ns =
            isHeard
            ? NotifySocket.interval_ns(
                Process.environment("WATCHDOG_USEC"), pid: Process.environment("WATCHDOG_PID"), own: Process.pid) : nil
        nextWatchdog_ns = interval_ns.map { _ in 0 }
    }

    /// - Parameter pid: which process is meant (sd_watchdog_enabled(3)); nil for whichever has the variables.
    static func interval_ns(_ microseconds: String?, pid: String?, own: Int32) -> UInt64? {
        guard let interval_us = microseconds.flatMap(wholeNumber), interval_us > 0 else { return nil }
        if let pid, wholeNumber(pid) != UInt64(own) { return nil }
        // As good as never from 12 days on.
        return min(interval_us, 1 << 40) * 1000 / 2
    }

    /// Lines of NAME=value. One that systemd has no room for is lost.
    public func send(_ lines: Span<UInt8>) { _ = try? socket?.write(lines) }

    /// Sends WATCHDOG=1 when half of the interval is over.
    public func feedWatchdog(_ now_ns: UInt64) {
        guard let interval_ns, let due = nextWatchdog_ns, due <= now_ns else { return }
        nextWatchdog_ns = now_ns + interval_ns
        let sign: StaticString = "WATCHDOG=1\n"
        // SAFETY: a static string lives for ever, and its own count bounds it.
        sign.withUTF8Buffer { unsafe send(Span(_unsafeElements: $0)) }
    }
}
