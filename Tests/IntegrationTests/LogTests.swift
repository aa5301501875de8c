import Foundation
import Glibc
import LinuxSystem
import PowercapProtocol
import Processes
import Testing

@testable import Simulator

/// What the helper's standard error may be, and that nothing waits for whoever should read it.
@Suite("P14: a log that nobody reads")
struct LogTests {
    let tree: TemporaryTree

    init() throws { tree = try TemporaryTree() }

    /// A full stream: the end that the test reads, and how a shell makes the other the helper's standard error.
    private struct Stream {
        let reader: Int32
        let redirection: String
        var inherited: [Int32] = []
    }

    private func fill(_ number: Int32) {
        #expect(fcntl(number, F_SETFL, fcntl(number, F_GETFL) | O_NONBLOCK) == 0)
        let chunk = [UInt8](repeating: UInt8(ascii: "."), count: 512)
        // A terminal hands on what it has taken, which makes room once more.
        var quiet = 0
        while quiet < 20 {
            var taken = 0
            for size in [512, 1] { while unsafe write(number, chunk, size) > 0 { taken += 1 } }
            quiet = taken > 0 ? 0 : quiet + 1
            usleep(2_000)
        }
        #expect(errno == EAGAIN)
    }

    private func stream(_ kind: String) throws -> Stream {
        switch kind {
        case "FIFO":
            let path = "\(tree.directory)/fifo"
            #expect(unsafe mkfifo(path, 0o600) == 0)
            let reader = unsafe open(path, O_RDWR | O_CLOEXEC)
            fill(reader)
            return Stream(reader: reader, redirection: "2>'\(path)'")
        case "terminal":
            let reader = unsafe open("/dev/ptmx", O_RDWR | O_NOCTTY | O_CLOEXEC)
            // unlockpt(3) and ptsname(3), which Swift's Glibc leaves out (ioctl_tty(2): TIOCSPTLCK, TIOCGPTN).
            var (no, number): (Int32, Int32) = (0, -1)
            #expect(unsafe ioctl(reader, 0x4004_5431, &no) == 0 && ioctl(reader, 0x8004_5430, &number) == 0)
            let path = "/dev/pts/\(number)"
            let writer = unsafe open(path, O_RDWR | O_NOCTTY | O_CLOEXEC)
            fill(writer)
            // Kept open: a terminal whose last writer closes it loses what it holds.
            return Stream(reader: reader, redirection: "2>'\(path)'", inherited: [writer])
        case "pipe":
            var ends: [Int32] = [-1, -1]
            #expect(unsafe pipe(&ends) == 0)
            fill(ends[1])
            #expect(fcntl(ends[1], F_SETFL, fcntl(ends[1], F_GETFL) & ~O_NONBLOCK) == 0)
            return Stream(reader: ends[0], redirection: "2>&3", inherited: [ends[1]])
        default:
            var ends: [Int32] = [-1, -1]
            #expect(unsafe socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0, &ends) == 0)
            fill(ends[1])
            #expect(fcntl(ends[1], F_SETFL, fcntl(ends[1], F_GETFL) & ~O_NONBLOCK) == 0)
            return Stream(reader: ends[0], redirection: "2>&3", inherited: [ends[1]])
        }
    }

    /// Everything that comes until a text is there.
    private func read(_ stream: Stream, until text: String, _ deadline: Deadline = Deadline()) throws -> String {
        #expect(fcntl(stream.reader, F_SETFL, fcntl(stream.reader, F_GETFL) | O_NONBLOCK) == 0)
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 65_536)
        try wait(for: "\(text) in the log", deadline) {
            let count = unsafe Glibc.read(stream.reader, &buffer, buffer.count)
            if count > 0 { bytes += buffer[..<count] }
            return String(decoding: bytes, as: UTF8.self).contains(text)
        }
        return String(decoding: bytes, as: UTF8.self)
    }

    @Test(
        "it starts, serves and lets leases end while nobody reads; what was lost is counted and told",
        arguments: ["pipe", "FIFO", "terminal", "socket"])
    func unread(_ kind: String) throws {
        let stream = try stream(kind)
        defer { for number in stream.inherited + [stream.reader] { close(number) } }
        let helper = try tree.startHelper(
            ["--lease-seconds", "1"], through: ["sh", "-c", "exec \"$@\" \(stream.redirection) 3>&-", "sh"],
            inheriting: stream.inherited)
        let client = try WireClient(tree.socket)
        _ = try client.acquire(lease_ms: 1_000)
        try client.apply([try client.zones().item("intel-rapl:0", watts: 60)])
        try wait(for: "the end of the lease") { try tree.limit_uw(package0) == 150_000_000 }
        try client.ping()
        // Now somebody reads: the next line tells of those that are lost.
        _ = try drain(stream)
        helper.process.signal(SIGTERM)
        let text = try self.read(stream, until: "reason=\"SIGTERM\"")
        let dropped = try #require(
            text.firstMatch(of: /level=warning msg="log lines were dropped: nobody read them" dropped=(\d+)/)
        ).1
        #expect((Int(dropped) ?? 0) >= 3)
        #expect(try helper.waitForEnd() == .exited(0))
    }

    /// Empties the stream.
    private func drain(_ stream: Stream) throws -> Int {
        #expect(fcntl(stream.reader, F_SETFL, fcntl(stream.reader, F_GETFL) | O_NONBLOCK) == 0)
        var buffer = [UInt8](repeating: 0, count: 65_536)
        var all = 0
        var quiet = 0
        while quiet < 20 {
            let count = unsafe Glibc.read(stream.reader, &buffer, buffer.count)
            if count > 0 {
                all += count
                quiet = 0
            } else {
                quiet += 1
                usleep(1_000)
            }
        }
        return all
    }
}
