import Documents
import Glibc
import LinuxSystem
import PowercapProtocol
import Processes
import Testing

@Suite("P1: the system calls of a helper that serves")
struct P1SystemCallsTests {
    let tree: TemporaryTree

    init() throws { tree = try TemporaryTree() }

    @Test("the list has at most 22")
    func count() {
        #expect(SystemCalls.allowed.count <= 22)
        #expect(SystemCalls.allowed.values.allSatisfy { $0 >= 0 })
    }

    /// Below sysfs the helper listens for the kernel's uevents: where it looks for devices is there, in a mount namespace of the helper's own.
    private static let belowSysfs = [
        "unshare", "--mount", "--net", "sh", "-c",
        "mount -t sysfs sysfs /sys && mkdir -p \"$1/class/hwmon\" && mount --bind /sys/dev/block \"$1/class/hwmon\" || exit 1; "
            + "shift; exec \"$@\"", "sh",
    ]

    @Test(
        "every one on the list is used, or docs/security.md says when it would be",
        .enabled(
            if: Conditions.canMakeInterface && Conditions.has("strace"),
            "needs strace, root, mounts, and a tap interface in a network namespace (iproute2)"))
    func used() throws {
        let used = try record()
        // Start-up usually leaves memory enough for 64 connections; here glibc's malloc has none to spare (mallopt(3)).
        let usedInNeed = try record(["MALLOC_TOP_PAD_": "0", "MALLOC_MMAP_THRESHOLD_": "1024"])
        print(
            "system calls: \(SystemCalls.allowed.count) allowed (of at most 22), \(used.count) used,",
            "\(used.union(usedInNeed).count) when memory is short")

        let rows = try Document(page: "docs/security.md").table("System calls", startingWith: "system call")
        let never = Set(rows.filter { $0[2].hasPrefix("not here: ") }.map { $0[0] })
        #expect(used.union(usedInNeed).subtracting(SystemCalls.allowed.keys) == [])
        #expect(Set(SystemCalls.allowed.keys).subtracting(used).subtracting(usedInNeed).subtracting(never) == [])
    }

    /// What a helper calls from the sandbox to its end.
    private func record(_ environment: [String: String] = [:]) throws -> Set<String> {
        let record = "\(tree.directory)/calls-\(environment.count)"
        let helper = try tree.startHelper(
            ["--socket-mode", "0666", "--sysfs", "\(tree.directory)/sys"],
            through: SystemCalls.recording(in: record) + Self.belowSysfs + ["\(tree.directory)/sys"],
            environment: environment.merging(["WATCHDOG_USEC": "1000000"]) { $1 })
        try converse(with: helper)
        #expect(try helper.stop() == .exited(0))
        // strace writes on for a moment when the helper has ended.
        try wait(for: "the end of the record") { try Files.text(record).contains("\nexit_group(0) ") }
        return try SystemCalls.afterSandbox(in: record)
    }

    /// Visits everything that a helper does for its peers, its supervisor and the kernel.
    private func converse(with helper: HelperProcess) throws {
        // Strangers, silent ones, peers that break the protocol, and more of them than there is room for.
        _ = try OtherUser.connect(to: tree.socket, uid: 12345, gid: 12345)
        let broken = try WireClient(silentlyTo: tree.socket)
        try broken.send([UInt8](repeating: 0xFF, count: 8))
        #expect(try broken.isClosedSilently())
        var crowd: [WireClient] = []
        for _ in 0..<70 { crowd.append(try WireClient(tree.socket)) }

        // Every request, control that is released, and control that is lost.
        let client = try WireClient(tree.socket)
        try client.ping()
        _ = try client.sample()
        let item = try client.zones().item("intel-rapl:0", watts: 60)
        _ = try client.acquire()
        try client.renew()
        try client.apply([item])
        #expect(try failure { try client.apply([client.zones().item("intel-rapl:0", watts: 1)]) }?.code == .belowFloor)
        try client.release()
        _ = try client.acquire(lease_ms: 1000)
        try client.apply([item])
        try wait(for: "the lease's end") { try tree.limit_uw(package0) == 150_000_000 }
        crowd.removeAll()

        // A device appears.
        let arrival = try tree.spawn(
            "ip", ["nsenter", "--net=/proc/\(helper.pid)/ns/net", "ip", "tuntap", "add", "t1", "mode", "tap"])
        #expect(try arrival.waitForEnd() == .exited(0), "\(arrival.log)")
        try client.ping()
    }
}
