import Foundation
import LinuxSystem
import PowercapProtocol
import TestSupport
import Testing

@testable import Logging
@testable import powercap_controller

/// systemd's end of sd_notify(3).
private final class Notifications {
    let directory: TemporaryDirectory
    private let socket: Descriptor
    private(set) var messages: [String] = []

    var path: String { "\(directory.path)/notify" }

    init() throws {
        directory = try TemporaryDirectory()
        socket = Descriptor(owning: Glibc.socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue | SOCK_CLOEXEC.rawValue), 0))
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        let bytes = Array("\(directory.path)/notify".utf8)
        unsafe withUnsafeMutableBytes(of: &address.sun_path) { unsafe $0.copyBytes(from: bytes) }
        let result = unsafe withUnsafePointer(to: address) { pointer in
            unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                unsafe bind(socket.number, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
        guard result == 0 else { throw Errno(errno) }
    }

    /// Waits for the next message.
    func next() throws -> String {
        guard try socket.wait(milliseconds: 30_000) else { throw Child.Missing(description: "no message after \(messages)") }
        var storage = InlineArray<4096, UInt8>(repeating: 0)
        var buffer = storage.mutableSpan
        let count = try socket.read(into: &buffer)
        messages.append(String(decoding: (0..<count).map { storage[$0] }, as: UTF8.self))
        return messages.last!
    }

    /// Waits for a message that holds this line, and passes over those before it.
    func next(_ line: String) throws {
        while try !next().split(separator: "\n").contains(Substring(line)) {}
    }
}

@Suite(.waiting)
struct SupervisorTests {
    private let notifications: Notifications

    init() throws { notifications = try Notifications() }

    @Test("it says once that it is ready, what source and limit are, and that it stops")
    func life() throws {
        let mock = try Mock(devices: 2)
        let controller = try RunningController(mock.socket, ["NOTIFY_SOCKET": notifications.path])
        #expect(try notifications.next() == "READY=1\nSTATUS=source 100 W (static), limit 100 W in force\n")
        // Some samples, which change nothing.
        for _ in 0..<3 { try mock.next("ReadSample") }
        #expect(try controller.stop() == 0)
        #expect(try notifications.next() == "STOPPING=1\nSTATUS=giving control back\n")
    }

    @Test("it is ready without a helper, says why it has no control, and then that it has")
    func withoutHelper() throws {
        let directory = try TemporaryDirectory()
        let controller = try RunningController("\(directory.path)/none.sock", ["NOTIFY_SOCKET": notifications.path])
        let first = try notifications.next()
        #expect(first.hasPrefix("READY=1\nSTATUS=no control over the limits: "), "\(first)")
        #expect(first.contains("none.sock"))
        #expect(first.filter { $0 == "\n" }.count == 2)
        #expect(try controller.stop() == 0)
    }

    @Test("what it says changes with the limits and with the loss of the helper, and only then")
    func changes() throws {
        let mock = try Mock(devices: 1)
        let controller = try RunningController(mock.socket, ["NOTIFY_SOCKET": notifications.path, "ON_DRIFT": "leave"])
        try notifications.next("STATUS=source 100 W (static), limit 100 W in force")
        try mock.tell("set intel-rapl:0 long_term 70W")
        try notifications.next("STATUS=source 100 W (static), limit 70 W in force, Another party's limit is left: package-0")
        mock.kill(SIGKILL)
        #expect(try notifications.next().hasPrefix("STATUS=no control over the limits: "))
        _ = try controller.stop()
        #expect(notifications.messages.count <= 5, "\(notifications.messages)")
    }

    @Test("its loop feeds the watchdog at half of the interval, with a helper and without", arguments: [true, false])
    func watchdog(_ hasHelper: Bool) throws {
        let mock = try Mock(devices: 1)
        let socket = hasHelper ? mock.socket : "\(notifications.directory.path)/none.sock"
        let controller = try RunningController(
            socket, ["NOTIFY_SOCKET": notifications.path, "WATCHDOG_USEC": "1000000", "SAMPLE_INTERVAL": "1h"])
        let start = Clock.monotonic_ns
        for _ in 0..<5 { try notifications.next("WATCHDOG=1") }
        // The first comes at once; four intervals of half a second follow.
        #expect(Clock.monotonic_ns - start >= 1_800_000_000)
        #expect(try controller.stop() == 0)
    }

    @Test(
        "a watchdog of another process is not fed, and no number of the environment brings it down",
        arguments: [
            ["WATCHDOG_USEC": "20000", "WATCHDOG_PID": "1"], ["WATCHDOG_USEC": "0"], ["WATCHDOG_USEC": "18446744073709551615"],
            ["WATCHDOG_USEC": "99999999999999999999"], ["WATCHDOG_USEC": "-1"],
        ])
    func otherWatchdog(_ environment: [String: String]) throws {
        let mock = try Mock(devices: 1)
        let controller = try RunningController(
            mock.socket, ["NOTIFY_SOCKET": notifications.path].merging(environment) { $1 })
        for _ in 0..<2 { try mock.next("ReadSample") }
        #expect(try controller.stop() == 0)
        try notifications.next("STOPPING=1")
        #expect(notifications.messages.filter { $0 == "WATCHDOG=1\n" }.count <= 1)
    }

    @Test("a supervisor that can't be reached is no reason not to run")
    func unreachable() throws {
        let mock = try Mock(devices: 1)
        let controller = try RunningController(mock.socket, ["NOTIFY_SOCKET": "/nonexistent/notify"])
        try controller.next("NOTIFY_SOCKET can't be reached: systemd doesn't learn that the controller runs")
        try controller.next("limit changed", of: "package-0", "short_term")
        #expect(try controller.stop() == 0)
    }

    @Test("a hand-over is no end: systemd is told of none")
    func handOver() throws {
        let mock = try Mock(devices: 1)
        let controller = try RunningController(mock.socket, ["NOTIFY_SOCKET": notifications.path])
        _ = try notifications.next()
        #expect(try controller.stop(SIGHUP) == 75)
        #expect(notifications.messages.count == 1)
    }
}

struct NoSupervisorTests {
    @Test(
        "where nobody hears it no status is put together, and nothing wakes the loop",
        .enabled(if: ProcessInfo.processInfo.environment["NOTIFY_SOCKET"] == nil, "a supervisor hears these tests themselves"))
    func unheard() {
        let supervisor = Supervisor(Log(format: .logfmt, level: .error, output: { _ in }))
        var asked = 0
        func status() -> String {
            asked += 1
            return "status"
        }
        for now_ns: UInt64 in 0..<3 { supervisor.step(status(), now_ns) }
        #expect(asked == 0)
        #expect(supervisor.due_ns == .max)
    }
}
