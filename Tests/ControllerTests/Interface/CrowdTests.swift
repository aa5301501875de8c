import Foundation
import TestSupport
import Testing

/// P14, of whoever asks the controller itself. One crowd at a time: other tests run beside it.
@Suite(.waiting, .serialized)
struct CrowdTests {
    /// Clients of every kind at once, again and again, as long as the object is there.
    private final class Crowd {
        private let child: Child

        init(port: Int, path: String) throws {
            let program = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../../crowd/clients.py")
                .standardized
            child = try Child(
                "/bin/sh", ["-c", "while python3 \(program.path) \(port) 500 5 \(path); do :; done"], reading: .output)
        }

        /// How many clients of a whole crowd were answered.
        func nextAnswered() throws -> Int {
            let line = try child.next("answered=") { $0.hasPrefix("answered=") }
            return try #require(Int(line.dropFirst(9).prefix { $0 != " " }))
        }
    }

    @Test(
        "P14: 500 clients at once, of whom some send half a request, keep no renewal waiting, and the others are answered",
        arguments: ["/metrics", "/", "/status"])
    func crowd(_ path: String) throws {
        let mock = try Mock(devices: 8)
        let port = Int.random(in: 20_000..<28_000)
        let controller = try RunningController(mock.socket, ["LEASE_TIME": "3s", "METRICS_ADDRESS": "127.0.0.1:\(port)"])
        try controller.next("listening")
        let crowd = try Crowd(port: port, path: path)
        #expect(try crowd.nextAnswered() > 0)
        try mock.tell("forget")
        try mock.outlive()
        try controller.expectSmall()
        // Who orders has a place of his own, and the limits are what they were.
        #expect(try mock.limits()["intel-rapl:0/long_term"] != nil)
        #expect(controller.count("lost control over the limits") == 0)
        #expect(try controller.stop() == 0)
    }

    @Test("P14: a client that reads nothing of large answers keeps no renewal waiting, and is given up")
    func unread() throws {
        let mock = try Mock(devices: 8)
        let port = Int.random(in: 20_000..<28_000)
        let controller = try RunningController(mock.socket, ["LEASE_TIME": "3s", "METRICS_ADDRESS": "127.0.0.1:\(port)"])
        try controller.next("listening")
        let script = """
            import socket, time
            held = []
            for _ in range(32):
                one = socket.socket()
                one.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1024)
                one.connect(("127.0.0.1", \(port)))
                one.sendall(b"GET /status HTTP/1.1\\r\\nHost: x\\r\\n\\r\\n" * 20)
                held.append(one)
            print("held", flush=True)
            time.sleep(60)
            """
        let client = try Child("/usr/bin/env", ["python3", "-c", script], reading: .output)
        try client.next("held") { $0 == "held" }
        try mock.tell("forget")
        try mock.outlive(renewals: 6)
        try controller.expectSmall()
        // Their places are free again.
        let answer = try Executable.run(
            ["status"], environment: ["CONTROL_SOCKET": "off", "RAPLHELPER_SOCKET": mock.socket])
        #expect(answer.status == 0)
        let curl = try Child(
            "/usr/bin/env", ["curl", "--silent", "--max-time", "20", "http://127.0.0.1:\(port)/healthz"], reading: .output)
        try curl.next("ok") { $0 == "ok" }
        #expect(try controller.stop() == 0)
    }
}

extension CrowdTests {
    @Test("without descriptors for connections that is told at most twice a minute, and limits go on")
    func withoutDescriptors() throws {
        let mock = try Mock(devices: 1)
        let port = Int.random(in: 20_000..<28_000)
        // Enough for what it has open by itself, and for few connections.
        let controller = try RunningController(
            mock.socket, ["LEASE_TIME": "3s", "METRICS_ADDRESS": "127.0.0.1:\(port)"], program: "/bin/sh",
            before: ["-c", "ulimit -n 16; exec \"$0\" \"$@\"", Executable.url("powercap-controller").path, "run"])
        try controller.next("listening")
        let script = """
            import socket, time
            held = [socket.create_connection(("127.0.0.1", \(port))) for _ in range(30)]
            print("held", flush=True)
            time.sleep(60)
            """
        let client = try Child("/usr/bin/env", ["python3", "-c", script], reading: .output)
        try client.next("held") { $0 == "held" }
        let message = "nobody can connect there at present: it is tried every second"
        try controller.next(message)
        try mock.tell("forget")
        try mock.outlive()
        #expect(1...2 ~= controller.count(message))
        #expect(try controller.stop() == 0)
    }
}
