import Glibc
import LinuxSystem
import PowercapProtocol
import Testing

@Suite("Connections that misbehave")
struct ConnectionTests {
    let tree: TemporaryTree

    init() throws { tree = try TemporaryTree() }

    /// A controller that is in control and must stay so.
    private func takeControl() throws -> WireClient {
        let client = try WireClient(tree.socket, name: Name(constant: "controller"))
        _ = try client.acquire()
        try client.apply([try client.zones().item("intel-rapl:0", watts: 60)])
        return client
    }

    /// The controller is still served, and so is somebody new.
    private func expectServed(_ controller: WireClient) throws {
        try controller.renew()
        #expect(try tree.limit_uw(package0) == 60_000_000)
        #expect(try WireClient(tree.socket).sample().zones.count == 4)
    }

    @Test("a thousand idle ones don't shut a controller out", arguments: [true, false])
    func idle(_ greets: Bool) throws {
        try tree.startHelper()
        let controller = try takeControl()
        var idle: [WireClient] = []
        for _ in 0..<1_000 {
            let client = try WireClient(silentlyTo: tree.socket)
            if greets { try client.greet() }
            idle.append(client)
        }
        try expectServed(controller)
        // The oldest had to go, the newest are still there.
        #expect(try idle[0].isClosedSilently())
        if greets { try idle[999].ping() }
    }

    @Test("one that sends a byte at a time holds nobody up, and has five seconds for a frame")
    func slow() throws {
        try tree.startHelper()
        let controller = try takeControl()
        let slow = try WireClient(tree.socket)
        let silent = try WireClient(silentlyTo: tree.socket)
        let start = Clock.monotonic_ns
        // A batch that never ends, a byte every 100 ms.
        var frame = slow.frame(.apply) { for _ in 0..<64 { $0.u64(1) } }
        frame = Array(frame.prefix(8)) + [UInt8](repeating: 1, count: 1_000)
        frame[0...1] = [0xF9, 0x04]
        var sent = 0
        while sent < frame.count {
            do { try slow.send([frame[sent]]) } catch { break }
            sent += 1
            try controller.ping()
            if try slow.socket.wait(milliseconds: 100) { break }
        }
        let elapsed_ms = (Clock.monotonic_ns - start) / 1_000_000
        #expect(try slow.isClosedSilently())
        #expect(4_500...8_000 ~= elapsed_ms)
        #expect(try silent.isClosedSilently())
        try expectServed(controller)
    }

    @Test("one that closes its sending half gets its answers, and is then closed")
    func halfOpen() throws {
        try tree.startHelper()
        let client = try WireClient(tree.socket)
        try client.send(client.frame(.ping) + client.frame(.readSample) + client.frame(.ping))
        #expect(shutdown(client.socket.number, Int32(SHUT_WR)) == 0)
        #expect(try client.receive()?.opcode == .pong)
        #expect(try client.receive()?.opcode == .sample)
        #expect(try client.receive()?.opcode == .pong)
        #expect(try client.isClosedSilently())
    }

    @Test("one that doesn't read its replies is closed, and holds nobody up")
    func notReading() throws {
        let helper = try tree.startHelper()
        let controller = try takeControl()
        let deaf = try WireClient(tree.socket)
        let requests = deaf.frame(.listZones) { $0.u16(0) } + deaf.frame(.readSample)
        var isClosed = false
        for _ in 0..<20_000 where !isClosed {
            do { try deaf.send(requests) } catch { isClosed = true }
        }
        #expect(isClosed)
        try expectServed(controller)
        // Nothing was kept for it.
        let resident_kB = Int(try helper.status()["VmRSS"]?.split(separator: " ").first ?? "") ?? .max
        #expect(resident_kB < 30_000)
    }

    @Test("one that sends pipelined requests gets the replies in order")
    func pipelined() throws {
        try tree.startHelper()
        let client = try WireClient(tree.socket)
        var bytes: [UInt8] = []
        for _ in 0..<200 { bytes += client.frame(.ping) }
        try client.send(bytes)
        for id in 2...201 as ClosedRange<UInt16> {
            let reply = try client.receive()
            #expect(reply?.opcode == .pong && reply?.requestID == id)
        }
    }

    /// What no client of the protocol sends.
    static let garbage: [(String, [UInt8])] = [
        ("HTTP", Array("GET / HTTP/1.1\r\nHost: x\r\n\r\n".utf8)), ("zeros", [UInt8](repeating: 0, count: 64)),
        ("ones", [UInt8](repeating: 0xFF, count: 64)), ("a ping before Hello", [4, 0, 0, 0, 8, 0, 1, 0]),
        ("a reply", [4, 0, 0, 0, 0x88, 0, 1, 0]),
        ("a Hello with another magic", [12, 0, 0, 0, 1, 0, 1, 0, 1, 2, 3, 4, 1, 1, 1, 0x78]),
        ("a Hello with a name of control characters", [12, 0, 0, 0, 1, 0, 1, 0, 0x50, 0x57, 0x52, 0x43, 1, 1, 1, 7]),
    ]

    @Test("one that doesn't speak the protocol is closed without an answer", arguments: garbage.indices)
    func gibberish(_ index: Int) throws {
        try tree.startHelper()
        let controller = try takeControl()
        let client = try WireClient(silentlyTo: tree.socket)
        try client.send(Self.garbage[index].1)
        #expect(try client.isClosedSilently(), "\(Self.garbage[index].0)")
        try expectServed(controller)
    }

    @Test("a client of other versions only is told so, then closed", arguments: [(1, 1), (4, 9)] as [(UInt8, UInt8)])
    func version(_ lowest: UInt8, _ highest: UInt8) throws {
        let helper = try tree.startHelper()
        let client = try WireClient(silentlyTo: tree.socket)
        try client.send(
            client.frame(.hello) {
                Hello(lowestVersion: lowest, highestVersion: highest, clientName: Name(constant: "other")).encode(into: &$0)
            })
        let reply = try client.receive()
        #expect(reply?.opcode == .refused && reply?.payload.first == RefusalReason.noCommonVersion.rawValue)
        let words = String(decoding: try #require(reply).payload.dropFirst(2), as: UTF8.self)
        #expect(words.contains("speaks versions 2 and 3 of the protocol"))
        #expect(try client.isClosedSilently())
        try helper.stop()
        #expect(
            helper.log.contains("other versions of the protocol") && helper.log.contains("lowest=\(lowest) highest=\(highest)"))
    }

    @Test("a second Hello ends the connection")
    func secondHello() throws {
        try tree.startHelper()
        let client = try WireClient(tree.socket)
        try client.send(client.frame(.hello) { Hello(clientName: Name(constant: "again")).encode(into: &$0) })
        #expect(try client.isClosedSilently())
    }

    @Test("random bytes after a Welcome never bring the helper down", arguments: 1...4 as ClosedRange<UInt64>)
    func random(_ seed: UInt64) throws {
        try tree.startHelper()
        let controller = try takeControl()
        var random = SplitMix(seed: seed)
        for _ in 0..<300 {
            let client = try WireClient(tree.socket)
            var bytes = (0..<Int.random(in: 1...80, using: &random)).map { _ in UInt8.random(in: 0...255, using: &random) }
            // Half of them have a header that makes sense.
            if Bool.random(using: &random), bytes.count >= 8 {
                bytes[0] = UInt8(bytes.count - 4)
                bytes[1...3] = [0, 0, 0]
                bytes[4] = .random(in: 0...9, using: &random)
                bytes[5] = 0
            }
            try? client.send(bytes)
        }
        try expectServed(controller)
    }

    @Test(
        "more than the descriptor limit allows don't make it spin, nor shut a controller out",
        .enabled(if: Conditions.isRoot, Conditions.root))
    func descriptorLimit() throws {
        let probe = try tree.startHelper()
        let used = try fileCount(probe.pid)
        try probe.stop()
        // Room for eight connections.
        let helper = try tree.startHelper(through: ["prlimit", "--nofile=\(used + 8):\(used + 8)"])
        let controller = try takeControl()
        let others = try (0..<30).map { _ in try WireClient(silentlyTo: tree.socket) }
        let before = try cpuTicks(helper.pid)
        usleep(500_000)
        #expect(try cpuTicks(helper.pid) - before < 15)
        try expectServed(controller)
        #expect(others.count == 30)
    }

    private func fileCount(_ pid: pid_t) throws -> Int {
        try Descriptor(opening: "/proc/\(pid)/fd", .directory).entries().count
    }

    /// Processor time of a process in hundredths of a second (proc(5)).
    private func cpuTicks(_ pid: pid_t) throws -> Int {
        let fields = try Files.text("/proc/\(pid)/stat").split(separator: ")").last!.split(separator: " ")
        return Int(fields[11])! + Int(fields[12])!
    }
}
