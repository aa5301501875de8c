import Glibc
import LinuxSystem
import PowercapProtocol
import Testing

/// A helper that doesn't run for a while: SIGSTOP, a frozen cgroup, a paused machine. What was sent to it meanwhile waits in
/// its sockets.
@Suite("P7: a helper that was stopped and goes on")
struct P7StoppedTests {
    let tree: TemporaryTree

    init() throws { tree = try TemporaryTree() }

    private static let lease_ms: UInt32 = 1_000

    /// Caps a package, and stops the helper.
    private func capAndStop(_ helper: HelperProcess, lease_ms: UInt32 = lease_ms) throws -> (WireClient, WireClient.ZoneList) {
        let client = try WireClient(tree.socket, name: Name(constant: "first"))
        _ = try client.acquire(lease_ms: lease_ms)
        let zones = try client.zones()
        try client.apply([zones.item("intel-rapl:0", watts: 60)])
        try stop(helper)
        return (client, zones)
    }

    private func stop(_ helper: HelperProcess) throws {
        helper.process.signal(SIGSTOP)
        try wait(for: "the helper to stop") { try helper.status()["State"] == "T (stopped)" }
    }

    private func outlastLease() { Clock.sleep(milliseconds: Self.lease_ms + 100) }

    private func code(of reply: WireClient.Reply?) throws -> ErrorCode? {
        let reply = try #require(reply)
        guard reply.opcode == .failure else { return nil }
        var reader = Reader(reply.payload.span)
        return try Failure(from: &reader).code
    }

    @Test("restores before it answers what has waited longer than the lease: Renew, Apply and Release come too late")
    func tooLate() throws {
        let helper = try tree.startHelper()
        let (client, zones) = try capAndStop(helper)
        let token = client.token
        try client.send(client.frame(.renew) { $0.u64(token) })
        try client.send(client.applyFrame([zones.item("intel-rapl:1", watts: 40)]))
        try client.send(
            client.frame(.release) {
                $0.u64(token)
                $0.u8(LimitDisposal.hold.rawValue)
            })
        outlastLease()
        helper.process.signal(SIGCONT)
        for _ in 0..<3 { #expect(try code(of: client.receive()) == .notInControl) }
        #expect(try tree.settings() == tree.originals())
        try helper.waitForLog("reason=\"lease expired\" holder=first restored=1 foreign=0 failed=0")
        #expect(!helper.log.contains("reason=\"release\""))
        // As after any other silence.
        #expect(try !client.acquire(previous: token).resumed)
    }

    @Test("gives control to another that asked meanwhile, whoever wrote first", arguments: [true, false])
    func passesOn(_ holderIsFirst: Bool) throws {
        let helper = try tree.startHelper()
        let second = try WireClient(tree.socket, name: Name(constant: "second"))
        let (first, zones) = try capAndStop(helper)
        let late = first.applyFrame([zones.item("intel-rapl:0", watts: 50)])
        if holderIsFirst { try first.send(late) }
        try second.send(
            second.frame(.acquireControl) { AcquireControl(lease_ms: 30_000, previousToken: 0).encode(into: &$0) })
        if !holderIsFirst { try first.send(late) }
        outlastLease()
        helper.process.signal(SIGCONT)
        #expect(try second.receive()?.opcode == .control)
        #expect(try code(of: first.receive()) == .notInControl)
        #expect(try tree.settings() == tree.originals())
        #expect(try second.zones().header.leaseHolder == Name(constant: "second"))
    }

    @Test("keeps what was in force under --on-lease-expiry hold, and takes nothing late either")
    func holds() throws {
        let helper = try tree.startHelper(["--on-lease-expiry", "hold"])
        let (client, zones) = try capAndStop(helper)
        try client.send(client.applyFrame([zones.item("intel-rapl:0", watts: 50)]))
        outlastLease()
        helper.process.signal(SIGCONT)
        #expect(try code(of: client.receive()) == .notInControl)
        #expect(try tree.limit_uw(package0) == 60_000_000)
    }

    @Test("answers as if nothing had been where the lease isn't over")
    func inTime() throws {
        let helper = try tree.startHelper()
        let (client, zones) = try capAndStop(helper, lease_ms: 30_000)
        try client.send(client.applyFrame([zones.item("intel-rapl:0", watts: 50)]))
        helper.process.signal(SIGCONT)
        #expect(try client.receive()?.opcode == .applied)
        #expect(try tree.limit_uw(package0) == 50_000_000)
        try client.renew()
        #expect(!helper.log.contains("lease expired"))
    }

    @Test("serves a frame that began before and ends after, however long it was stopped")
    func halfAFrame() throws {
        let helper = try tree.startHelper()
        let client = try WireClient(tree.socket)
        let ping = client.frame(.ping)
        try client.send(Array(ping.prefix(3)))
        try WireClient(tree.socket).ping()
        try wait(for: "the helper to wait") { try helper.status()["State"] == "S (sleeping)" }
        // Longer than a connection may owe the rest of a frame.
        try stop(helper)
        try client.send(Array(ping.dropFirst(3)))
        Clock.sleep(milliseconds: 5_100)
        helper.process.signal(SIGCONT)
        #expect(try client.receive()?.opcode == .pong)
    }
}
