import Foundation
import LinuxSystem
import TestSupport
import Testing

/// P14: whoever reads the log, or doesn't.
@Suite(.waiting)
struct LogReaderTests {
    enum Kind: String, CaseIterable, Sendable { case pipe, fifo, socket, terminal }

    /// Both ends of something to write to, which is full already: with lines that are empty.
    private struct Ends {
        let reader: FileHandle
        let writer: FileHandle

        init(_ kind: Kind, in directory: TemporaryDirectory) throws {
            var ends: (Int32, Int32) = (-1, -1)
            switch kind {
            case .pipe:
                var both: [Int32] = [0, 0]
                try #require(unsafe Glibc.pipe(&both) == 0)
                ends = (both[0], both[1])
            case .fifo:
                let path = "\(directory.path)/fifo"
                try #require(unsafe mkfifo(path, 0o600) == 0)
                let reader = unsafe open(path, O_RDONLY | O_NONBLOCK)
                ends = (reader, unsafe open(path, O_WRONLY))
                _ = fcntl(reader, F_SETFL, 0)
            case .socket:
                var both: [Int32] = [0, 0]
                try #require(unsafe socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0, &both) == 0)
                ends = (both[0], both[1])
            case .terminal:
                // Swift's headers of the C library leave these out.
                typealias Call = @convention(c) (Int32) -> Int32
                typealias Name = @convention(c) (Int32) -> UnsafePointer<CChar>?
                func find<Function>(_ name: String, _: Function.Type) -> Function {
                    unsafe unsafeBitCast(dlsym(nil, name), to: Function.self)
                }
                let reader = find("posix_openpt", Call.self)(O_RDWR | O_NOCTTY)
                try #require(find("unlockpt", Call.self)(reader) == 0)
                let name = try #require(unsafe find("ptsname", Name.self)(reader).map { unsafe String(cString: $0) })
                let writer = unsafe open(name, O_RDWR | O_NOCTTY)
                var settings = termios()
                _ = unsafe tcgetattr(writer, &settings)
                unsafe cfmakeraw(&settings)
                _ = unsafe tcsetattr(writer, TCSANOW, &settings)
                ends = (reader, writer)
            }
            try #require(ends.0 >= 0 && ends.1 >= 0)
            for number in [ends.0, ends.1] { _ = fcntl(number, F_SETFD, FD_CLOEXEC) }
            // Until there is no room for one byte more. The open file is the program's, too: it is given back as it was.
            let flags = fcntl(ends.1, F_GETFL)
            _ = fcntl(ends.1, F_SETFL, flags | O_NONBLOCK)
            for size in [4096, 1] {
                let lines = [UInt8](repeating: UInt8(ascii: "\n"), count: size)
                while unsafe write(ends.1, lines, size) > 0 {}
            }
            _ = fcntl(ends.1, F_SETFL, flags)
            (reader, writer) = (
                FileHandle(fileDescriptor: ends.0, closeOnDealloc: true), FileHandle(fileDescriptor: ends.1, closeOnDealloc: true)
            )
        }
    }

    @Test(
        "P14: a log that nobody reads keeps nothing from being done; who reads again gets whole lines, and is told of those that were lost",
        arguments: Kind.allCases)
    func unread(_ kind: Kind) throws {
        let directory = try TemporaryDirectory()
        let ends = try Ends(kind, in: directory)
        // Enough to say: sixty packages.
        let mock = try Mock(devices: 60)
        let environment = [
            "SOURCE": "static", "MAX_SOURCE": "6000W", "SAMPLE_INTERVAL": "1s", "RAPLHELPER_SOCKET": mock.socket,
            "LEASE_TIME": "3s",
            "STABILISATION_TIME": "1s", "LOG_LEVEL": "debug",
        ]
        let child = try Child("powercap-controller", ["run"], environment: environment, reading: .output, errors: ends.writer)
        for _ in 0..<3 {
            try mock.outlive(renewals: 2)
            // Another controller's turn begins with all that it finds.
            try mock.tell("set intel-rapl:0 long_term 1W")
            try mock.next("Apply")
        }
        // What is open is shared with whoever started the program, and stays as it was.
        #expect(fcntl(ends.writer.fileDescriptor, F_GETFL) & O_NONBLOCK == 0)
        let reader = Descriptor(owning: dup(ends.reader.fileDescriptor))
        var text: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 1 << 16)
        let deadline_ns = Clock.monotonic_ns + Child.patience_ms * 1_000_000
        func lines() -> [LogLine] {
            String(decoding: text, as: UTF8.self).split(separator: "\n").map { LogLine(String($0)) }
        }
        while !lines().contains(where: { $0.message.hasPrefix("log lines were lost") }), Clock.monotonic_ns < deadline_ns {
            guard try reader.wait(milliseconds: 1_000) else { continue }
            text += chunk[..<(try reader.read(into: &chunk, from: 0, atMost: chunk.count))]
        }
        let whole = lines().dropLast()
        #expect(whole.allSatisfy { $0.keys.first == "time" && $0.keys.contains("msg") })
        let told = try #require(lines().first { $0.message.hasPrefix("log lines were lost") })
        #expect(told["lines"].flatMap { Int($0) }.map { $0 > 0 } == true)
        child.kill(SIGTERM)
        try mock.next("Release")
    }

    @Test("P14: a program that is to end ends, though nobody reads its log", arguments: Kind.allCases)
    func ends(_ kind: Kind) throws {
        let directory = try TemporaryDirectory()
        let ends = try Ends(kind, in: directory)
        let mock = try Mock(devices: 2)
        let environment = ["SOURCE": "static", "MAX_SOURCE": "100W", "RAPLHELPER_SOCKET": mock.socket]
        let child = try Child("powercap-controller", ["run"], environment: environment, reading: .output, errors: ends.writer)
        try mock.next("Apply")
        let start_ns = Clock.monotonic_ns
        child.kill(SIGTERM)
        try mock.next("Release")
        #expect(try child.exitStatus() == 0)
        #expect(Clock.monotonic_ns - start_ns < 3_000_000_000)
    }

    @Test("a full disk loses lines, and says so when there is room again")
    func fullDisk() throws {
        let mock = try Mock(devices: 1)
        let environment = [
            "SOURCE": "static", "MAX_SOURCE": "100W", "SAMPLE_INTERVAL": "1s", "RAPLHELPER_SOCKET": mock.socket,
            "LEASE_TIME": "3s",
        ]
        let full = try #require(FileHandle(forWritingAtPath: "/dev/full"))
        let child = try Child("powercap-controller", ["run"], environment: environment, reading: .output, errors: full)
        try mock.outlive()
        child.kill(SIGTERM)
        try mock.next("Release")
        #expect(try child.exitStatus() == 0)
    }

    @Test("a journal's stream gets the importance of each line, and no time", arguments: ["logfmt", "json"])
    func journal(_ format: String) throws {
        var both: [Int32] = [0, 0]
        try #require(unsafe socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0, &both) == 0)
        for number in both { _ = fcntl(number, F_SETFD, FD_CLOEXEC) }
        var status = stat()
        try #require(unsafe fstat(both[1], &status) == 0)
        let mock = try Mock(devices: 1)
        let environment = [
            "SOURCE": "static", "MAX_SOURCE": "100W", "RAPLHELPER_SOCKET": mock.socket, "LOG_FORMAT": format,
            "JOURNAL_STREAM": "\(status.st_dev):\(status.st_ino)", "NODE_NAME": "a", "CONTROL_SOCKET": "off",
            "METRICS_ADDRESS": "off",
        ]
        let writer = FileHandle(fileDescriptor: both[1], closeOnDealloc: true)
        let child = try Child("powercap-controller", ["run"], environment: environment, reading: .output, errors: writer)
        try mock.next("Apply")
        child.kill(SIGTERM)
        #expect(try child.exitStatus() == 0)
        try writer.close()
        let reader = Descriptor(owning: both[0])
        var (text, chunk) = ([UInt8](), [UInt8](repeating: 0, count: 1 << 16))
        while true {
            let count = try reader.read(into: &chunk, from: 0, atMost: chunk.count)
            if count == 0 { break }
            text += chunk[..<count]
        }
        let lines = String(decoding: text, as: UTF8.self).split(separator: "\n")
        #expect(lines.count > 5)
        #expect(lines.allSatisfy { $0.hasPrefix(format == "json" ? "<6>{\"level\":\"info\"," : "<6>level=info msg=") })
    }
}
