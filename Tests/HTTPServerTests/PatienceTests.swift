import LinuxSystem
import TestSupport
import Testing

/// P14: nobody who is slow, sends too much or wants too much keeps what others need.
@Suite(.waiting)
struct PatienceTests {
    /// Until the server ends the connection, in seconds.
    private func stay(_ client: RawClient, from start_ns: UInt64) throws -> UInt64 {
        _ = try client.readToEnd()
        return (Clock.monotonic_ns - start_ns) / 1_000_000_000
    }

    @Test(
        "who says nothing is cut off after 5 s",
        arguments: ["", "GET / HT", "GET / HTTP/1.1\r\nHost: x\r\n", "GET / HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\nx"])
    func silence(_ beginning: String) throws {
        let server = try RunningServer()
        let (start_ns, client) = (Clock.monotonic_ns, try server.connect())
        try client.send(beginning)
        #expect(4...8 ~= (try stay(client, from: start_ns)))
        #expect(try server.report().runs < 100)
    }

    @Test("a connection is kept for 5 s after each answer")
    func idle() throws {
        let server = try RunningServer()
        let client = try server.connect()
        var start_ns: UInt64 = 0
        for _ in 0..<3 {
            start_ns = Clock.monotonic_ns
            try client.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n")
            try client.read(until: "hello")
            #expect(try !client.isReadable(milliseconds: 3_000), "it has ended")
        }
        #expect(4...8 ~= (try stay(client, from: start_ns)))
    }

    @Test("who takes 3 s for the first line and 3 s for the rest is answered")
    func twoSteps() throws {
        let server = try RunningServer()
        let client = try server.connect()
        for part in ["GET / HT", "TP/1.1\r\nHost: x"] {
            try client.send(part)
            #expect(try !client.isReadable(milliseconds: 3_000), "it has ended")
        }
        try client.send("\r\n\r\n")
        try client.read(until: "hello")
    }

    @Test("while all connections are taken others wait, the server doesn't turn in vain, and who waited is answered")
    func full() throws {
        let server = try RunningServer()
        let clients = try (0..<32).map { _ in try server.connect() }
        for client in clients { try client.send("GET / HT") }
        _ = try server.report()
        #expect(try server.answer(to: "GET / HTTP/1.1\r\nHost: x\r\n\r\n").statuses == [200])
        #expect(try server.report().runs < 200)
        withExtendedLifetime(clients) {}
    }

    @Test("who sends a byte now and then has no more time: 5 s for the first line, and 5 s for the rest")
    func dripping() throws {
        let server = try RunningServer()
        let start_ns = Clock.monotonic_ns
        let client = try server.connect()
        var request = Array("GET / HTTP/1.1\r\nHost: \(String(repeating: "x", count: 1_000))")
        // Most of a second passes between two: each is an activity.
        let drip = { () throws in
            while !request.isEmpty {
                try client.send(String(request.removeFirst()))
                if try client.isReadable(milliseconds: 700) { return }
            }
        }
        do { try drip() } catch is Errno {}
        #expect(4...12 ~= (Clock.monotonic_ns - start_ns) / 1_000_000_000)
        #expect(try server.report().runs < 100)
    }

    @Test("who doesn't read his answer has 5 s, and what was kept for him is given back")
    func slowReader() throws {
        // What glibc keeps for itself is another matter (mallopt(3), M_MMAP_THRESHOLD).
        let server = try RunningServer(through: ["MALLOC_MMAP_THRESHOLD_=65536"])
        let before_kB = try server.memory_kB()
        let clients = try (0..<8).map { _ in try server.connect() }
        for client in clients { try client.send("GET /large HTTP/1.1\r\nHost: x\r\n\r\n") }
        #expect(try server.answer(to: "GET / HTTP/1.1\r\nHost: x\r\n\r\n").statuses == [200])
        try server.wait(until: "all answers are kept") { try server.memory_kB() > before_kB + 100 << 10 }
        // The first who is cut off was the first to ask; by then the others have had nearly as long.
        let start_ns = Clock.monotonic_ns
        try server.wait(until: "the memory is given back") { try server.memory_kB() < before_kB + 32 << 10 }
        #expect((Clock.monotonic_ns - start_ns) / 1_000_000_000 < 9)
        for client in clients { #expect(try client.readToEnd().utf8.count < 16 << 20) }
        #expect(try server.report().runs < 1_000)
    }

    @Test(
        "a body in chunks that becomes too large is refused, and one without an end isn't read to it",
        arguments: [(17, [413]), (64, [413]), (100, [])] as [(Int, [Int])])
    func chunks(_ thousands: Int, _ statuses: [Int]) throws {
        let server = try RunningServer()
        let chunk = "400\r\n\(String(repeating: "x", count: 1_024))\r\n"
        let client = try server.connect()
        // Who is cut off can't send the rest.
        do {
            try client.send("GET /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n")
            for _ in 0..<thousands { try client.send(chunk) }
            try client.send("0\r\n\r\n")
        } catch is Errno {}
        #expect(try client.read(answers: 1, haveBodies: true).statuses == statuses)
        #expect(try server.answer(to: "GET / HTTP/1.1\r\nHost: x\r\n\r\n").statuses == [200])
    }

    @Test("many answers that take long are given one in a turn, and the caller has its own turns between")
    func turns() throws {
        let server = try RunningServer()
        let clients = try (0..<20).map { _ in try server.connect() }
        // All become whole while the first is answered, which takes 100 ms as each does.
        for client in clients { try client.send("GET /busy HTTP/1.1\r\nHost: x\r\n\r") }
        _ = try server.report()
        for client in clients { try client.send("\n") }
        for client in clients { try client.read(until: "done") }
        #expect(try server.report().longest_ms < 1_000)
    }

    @Test("without descriptors the server says so once a second, waits instead of trying, and goes on when there are some")
    func noDescriptors() throws {
        let server = try RunningServer(through: ["prlimit", "--nofile=16"])
        let clients = try (0..<20).map { _ in try server.connect() }
        let start_ns = Clock.monotonic_ns
        for _ in 0..<3 { _ = try server.next("that there are none") { $0.contains("EMFILE") } }
        #expect(Clock.monotonic_ns - start_ns > 1_000_000_000)
        #expect(try server.report().runs < 200)
        for client in clients { client.finish() }
        #expect(try server.answer(to: "GET / HTTP/1.1\r\nHost: x\r\n\r\n").statuses == [200])
    }

    @Test("of 500 clients at once, some of which are slow, every other has its answer or a refusal")
    func crowd() throws {
        let server = try RunningServer()
        let script = Fixture.path("../crowd/clients.py")
        let clients = try Child("/usr/bin/env", ["python3", script, "\(server.port)"], reading: .output)
        let outcome = try clients.next("what became of them") { $0.hasPrefix("answered=") }
        let status = try clients.exitStatus()
        #expect(status == 0, "\(outcome)")
        #expect(outcome.contains("cut_off=25 "))
        let report = try server.report()
        #expect(report.longest_ms < 1_000)
        print("500 clients: \(outcome); the longest turn took \(report.longest_ms) ms")
    }
}
