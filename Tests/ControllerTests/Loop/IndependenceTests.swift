import Foundation
import TestSupport
import Testing

@Suite(.waiting)
struct IndependenceTests {
    private static let strace = "/usr/bin/strace"

    @Test(
        "P9: with nothing but a helper limits are set, and the helper's is the only socket that is ever made",
        .enabled(if: FileManager.default.isExecutableFile(atPath: strace), "strace isn't installed"))
    func onlySocket() throws {
        let mock = try Mock(devices: 1)
        let environment = [
            "SOURCE": "static", "MAX_SOURCE": "100W", "SAMPLE_INTERVAL": "1s", "LEASE_TIME": "3s", "CONTROL_SOCKET": "off",
            "METRICS_ADDRESS": "off",
        ]
        let path = "\(mock.socket).strace"
        let child = try Child(
            Self.strace,
            [
                "-f", "-e", "trace=%network", "-o", path, Executable.url("powercap-controller").path, "run", "--helper-socket",
                mock.socket,
            ], environment: environment, reading: .errors)
        // Each line starts with the process's number. strace leaves it running when strace itself is killed.
        func pid() throws -> Int32 {
            try #require(Int32(String(contentsOfFile: path, encoding: .utf8).prefix { $0.isNumber }))
        }
        var isEnded = false
        defer { if !isEnded, let pid = try? pid() { _ = kill(pid, SIGKILL) } }
        try mock.next("Apply")
        try mock.next("Renew")
        _ = kill(try pid(), SIGTERM)
        #expect(try child.exitStatus() == 0)
        isEnded = true
        let calls = try String(contentsOfFile: path, encoding: .utf8).split(separator: "\n")
        #expect(calls.filter { $0.contains("socket(") }.count == 1)
        #expect(calls.filter { $0.contains("socket(AF_UNIX") }.count == 1)
        #expect(calls.filter { $0.contains("connect(") }.count == 1)
        #expect(calls.filter { $0.contains("connect(") }.allSatisfy { $0.contains("sun_path=\"\(mock.socket)\"") })
        #expect(!calls.contains { $0.contains("bind(") || $0.contains("listen(") })
    }

    @Test("P9: a running controller has one socket open, the helper's")
    func oneSocket() throws {
        let mock = try Mock(devices: 1)
        try mock.tell("stop")
        let controller = try RunningController(mock.socket)
        try controller.next("no control over the limits")
        // Foundation leaves a socket of its own to a process that it starts.
        let before = try sockets(of: controller.child.pid)
        try mock.tell("listen")
        try mock.next("Apply")
        try mock.next("ReadSample")
        #expect(try sockets(of: controller.child.pid).subtracting(before).count == 1)
        #expect(try controller.stop() == 0)
    }

    private func sockets(of pid: Int32) throws -> Set<String> {
        let directory = "/proc/\(pid)/fd"
        let targets = try FileManager.default.contentsOfDirectory(atPath: directory).map {
            try FileManager.default.destinationOfSymbolicLink(atPath: "\(directory)/\($0)")
        }
        return Set(targets.filter { $0.hasPrefix("socket:") })
    }
}
