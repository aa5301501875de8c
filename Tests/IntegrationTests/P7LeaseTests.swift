import Foundation
import Glibc
import LinuxSystem
import PowercapProtocol
import Processes
import Testing

@Suite("P7: a controller that is silent loses control")
struct P7LeaseTests {
    let tree: TemporaryTree

    init() throws { tree = try TemporaryTree() }

    /// Caps a package under a lease of a second.
    private func cap(_ name: Name = Name(constant: "first")) throws -> WireClient {
        let client = try WireClient(tree.socket, name: name)
        _ = try client.acquire(lease_ms: 1_000)
        try client.apply([try client.zones().item("intel-rapl:0", watts: 60)])
        #expect(try tree.limit_uw(package0) == 60_000_000)
        return client
    }

    private func waitForRestore() throws { try wait(for: "the original limit") { try tree.limit_uw(package0) == 150_000_000 } }

    @Test("a connected but silent one: its limits are restored when its lease is over, not before")
    func silent() throws {
        let helper = try tree.startHelper()
        let client = try cap()
        let start = Clock.monotonic_ns
        try waitForRestore()
        // From the last sign of life; the clock here was read a moment after it.
        #expect(Clock.monotonic_ns - start > 900_000_000)
        try helper.waitForLog("reason=\"lease expired\" holder=first restored=1 foreign=0 failed=0")
        let item = try client.zones().item("intel-rapl:0", watts: 50)
        #expect(try failure { try client.apply([item]) } == Failure(.notInControl))
        #expect(try failure { try client.renew() } == Failure(.notInControl))
        #expect(try client.zones().header.leaseHolder == ZonesHeader.nobody)
        // It may come back: with a new token.
        #expect(try !client.acquire(previous: client.token).resumed)
    }

    @Test("one that died: the same")
    func dead() throws {
        try tree.startHelper()
        do { _ = try cap() }
        #expect(try tree.limit_uw(package0) == 60_000_000)
        try waitForRestore()
    }

    @Test("--on-lease-expiry hold keeps the limits, and the originals for whoever comes next")
    func hold() throws {
        let helper = try tree.startHelper(["--on-lease-expiry", "hold"])
        let client = try cap()
        #expect(client.welcome.onLeaseExpiry == .hold)
        try helper.waitForLog(
            "msg=\"control ended, limits are held until the helper stops\" reason=\"lease expired\" holder=first held=1")
        #expect(try tree.limit_uw(package0) == 60_000_000)
        let second = try WireClient(tree.socket)
        _ = try second.acquire()
        #expect(try second.zones()["intel-rapl:0"].constraints[0].original == Microwatts(150_000_000))
        #expect(try second.release() == Released(restored: 1))
        #expect(try tree.limit_uw(package0) == 150_000_000)
    }

    @Test("any request with the token is a sign of life; one without it isn't")
    func signsOfLife() throws {
        try tree.startHelper()
        let client = try cap()
        let item = try client.zones().item("intel-rapl:0", watts: 60)
        let start = Clock.monotonic_ns
        while Clock.monotonic_ns - start < 1_600_000_000 {
            try client.renew()
            usleep(150_000)
            try client.apply([item])
            usleep(150_000)
        }
        #expect(try tree.limit_uw(package0) == 60_000_000)
        // Reading, listing and pinging don't count.
        while try client.zones().header.leaseHolder != ZonesHeader.nobody {
            _ = try client.sample()
            try client.ping()
            usleep(50_000)
        }
        #expect(try tree.limit_uw(package0) == 150_000_000)
    }

    @Test("the lease is clamped to --lease-time, which Welcome tells")
    func clamped() throws {
        try tree.startHelper(["--lease-time", "7s"])
        let client = try WireClient(tree.socket)
        #expect(client.welcome.leaseMinimum_ms == 1_000 && client.welcome.leaseMaximum_ms == 7_000)
        #expect(try client.acquire(lease_ms: 3_600_000).lease_ms == 7_000)
        #expect(try client.acquire(lease_ms: 5_000, previous: client.token).lease_ms == 5_000)
        #expect(try client.renew() == 5_000)
        #expect(try client.acquire(lease_ms: 1, previous: client.token).lease_ms == 1_000)
        #expect(try failure { try client.acquire(lease_ms: 0, previous: client.token) } == Failure(.leaseOutOfRange))
    }

    @Test("one controller at a time: another may read, and is told who is in control")
    func held() throws {
        try tree.startHelper()
        let first = try WireClient(tree.socket, name: Name(constant: "first"))
        _ = try first.acquire()
        let second = try WireClient(tree.socket, name: Name(constant: "second"))
        #expect(try failure { try second.acquire() } == Failure(.controlHeld))
        #expect(try failure { try second.acquire(previous: 0x1234) } == Failure(.controlHeld))
        let header = try second.zones().header
        #expect(header.leaseHolder == Name(constant: "first"))
        #expect(1...30_000 ~= header.leaseRemaining_ms)
        #expect(try second.sample().zones.count == 4)
        try first.apply([try first.zones().item("intel-rapl:0", watts: 60)])
        try first.release()
        #expect(try !second.acquire().resumed)
        #expect(try failure { try first.acquire() } == Failure(.controlHeld))
    }

    @Test("tokens aren't to be guessed: they are random, and 0 is none of them")
    func tokens() throws {
        try tree.startHelper()
        let client = try WireClient(tree.socket)
        var tokens: Set<UInt64> = []
        for _ in 0..<100 { tokens.insert(try client.acquire().token) }
        #expect(tokens.count == 100 && !tokens.contains(0))
        // Every byte of them varies.
        for byte in 0..<8 { #expect(Set(tokens.map { $0 >> UInt64(8 * byte) & 0xFF }).count > 50) }
    }

    @Test("after a reconnect the token resumes control, and the limits have stayed")
    func resumed() throws {
        try tree.startHelper()
        let token: UInt64
        do {
            let client = try cap()
            token = client.token
        }
        let again = try WireClient(tree.socket)
        let control = try again.acquire(previous: token)
        #expect(control.resumed && control.token == token)
        #expect(try tree.limit_uw(package0) == 60_000_000)
        #expect(try again.release() == Released(restored: 1))
    }

    @Test("the token moves control from a connection that is still open")
    func moved() throws {
        try tree.startHelper()
        let old = try cap()
        let new = try WireClient(tree.socket)
        #expect(try new.acquire(previous: old.token).resumed)
        #expect(try failure { try old.renew() } == Failure(.notInControl))
        try new.renew()
    }

    @Test("without a token another takes over once the holder's connection is closed, and inherits the originals")
    func takenOver() throws {
        try tree.startHelper()
        let oldToken: UInt64
        do {
            let client = try cap()
            oldToken = client.token
        }
        let new = try WireClient(tree.socket)
        let control = try new.takeOver()
        #expect(!control.resumed && control.token != oldToken)
        #expect(try tree.limit_uw(package0) == 60_000_000)
        try new.apply([try new.zones().item("intel-rapl:0", watts: 50)])
        #expect(try new.release() == Released(restored: 1))
        #expect(try tree.limit_uw(package0) == 150_000_000)
    }

    @Test("a log that nobody reads keeps no lease from expiring")
    func fullLog() throws {
        let path = "\(tree.directory)/log"
        #expect(unsafe mkfifo(path, 0o600) == 0)
        let reader = unsafe open(path, O_RDWR | O_NONBLOCK | O_CLOEXEC)
        defer { close(reader) }
        let helper = try tree.spawnHelper(through: ["sh", "-c", "exec \"$@\" 2>'\(path)'", "sh"])
        try helper.waitUntilReady()
        // Now fill it to the last byte.
        var block = [UInt8](repeating: UInt8(ascii: "x"), count: 4096)
        for size in [4096, 1] { while unsafe write(reader, &block, size) > 0 {} }
        do { _ = try cap() }
        try waitForRestore()
        try WireClient(tree.socket).ping()
        #expect(try helper.stop() == .exited(0))
    }
}
