import Glibc
import LinuxSystem
import PowercapProtocol
import Testing

@testable import raplhelper

/// Drivers that keep their callers waiting, in the kernel and for as long as a test likes.
@Suite(.serialized, .enabled(if: Gate.isThere, "needs a kernel that lets a process answer for its threads' calls (Linux 5.5)"))
struct SilentDriverTests {
    static let (card, file) = (SlowZoneTests.card, SlowZoneTests.file)
    static let (socket, socketFile) = ("amd_hsmp_hwmon:AMDI0097:00", "devices/bus/AMDI0097:00/hwmon/hwmon6/power1_cap")

    private func threads(_ tree: SysTree, at gate: Gate) throws {
        tree.governor.slow = try gate.hold { try SlowZones(starting: tree.zones) }
    }

    /// Lets everything go on, until nothing is to be done.
    private func open(_ gate: Gate, _ tree: SysTree) throws -> Released {
        let slow = try #require(tree.governor.slow)
        let deadline_ns = Clock.monotonic_ns + 60_000_000_000
        var outcome = Released()
        while slow.isBusy || slow.zones.contains(where: \.isAtWork) {
            try #require(Clock.monotonic_ns < deadline_ns)
            try gate.open()
            if try slow.events.wait(milliseconds: 10) { outcome = outcome + tree.governor.takeSlow() }
        }
        return outcome
    }

    // MARK: Writes

    @Test func `a write that waits keeps no other limit waiting, is told when it is overdue, and counts when it ends late`()
        throws
    {
        let tree = try DriverTests.machine()
        try tree.start()
        let gate = Gate(.write)
        try threads(tree, at: gate)
        #expect(
            failure(of: tree.governor, [tree.item(Self.card, 200_000_000), tree.item(Self.socket, 250_000_000)]) == nil)
        let call = try #require(try gate.next())
        #expect(tree.governor.applied(0).isPending && !tree.governor.applied(1).isPending)
        #expect(try tree.text(Self.file) == "300000000" && tree.text(Self.socketFile) == "250000000")
        #expect(tree[Self.card].sample().isWriting && tree[Self.card].sample().limits[0] == Reading(300_000_000))
        #expect(failure(of: tree.governor, [tree.item(Self.card, 190_000_000)])?.code == .writePending)
        // Others are read meanwhile.
        let slow = try #require(tree.governor.slow)
        slow.look()
        slow.wait(60_000, while: { $0.isAtWork && $0.zone.id.string != Self.card }) { _ = tree.governor.takeSlow() }
        #expect(tree["xe:0000:05:00.0"].sample().reading == Reading(7))

        let due_ns = try #require(slow.overdueAt_ns)
        tree.governor.tellSlow(due_ns - 1)
        #expect(slow.overdueAt_ns == due_ns)
        tree.governor.tellSlow(due_ns)
        #expect(slow.overdueAt_ns == nil)
        #expect(tree[Self.card].sample().reading == Reading(errno: UInt8(ETIMEDOUT)))

        try gate.letGo(call)
        _ = try open(gate, tree)
        let sample = tree[Self.card].sample()
        #expect((sample.isWriting, sample.lastWrite == nil, sample.limits[0]) == (false, true, Reading(200_000_000)))
        #expect(sample.reading == Reading(231_500_000))
        #expect(try tree.savedChange(Self.card)?.inForce.limit == Microwatts(200_000_000))
    }

    @Test func `P6: control that ends while a write waits leaves the original in the end`() throws {
        let tree = try DriverTests.machine()
        try tree.start()
        let gate = Gate(.write)
        try threads(tree, at: gate)
        #expect(
            failure(of: tree.governor, [tree.item(Self.card, 200_000_000), tree.item(Self.socket, 250_000_000)]) == nil)
        let call = try #require(try gate.next())
        #expect(tree.governor.restore(patience_ms: 100) == Released(restored: 1, failed: 1))
        #expect(try tree.text(Self.socketFile) == "400000000")
        try gate.letGo(call)
        #expect(try open(gate, tree) == Released(restored: 1))
        #expect(try tree.text(Self.file) == "300000000")
        #expect(tree.governor.changeCount == 0)
        #expect(try tree.savedChange(Self.card) == nil)
    }

    // MARK: The start

    @Test func `a driver that says nothing keeps no start waiting: nothing is known of its zone until it answers`() throws {
        let tree = try DriverTests.machine()
        try tree.start(isAnswered: false)
        let gate = Gate(.read)
        try threads(tree, at: gate)
        tree.governor.lookAtSlow(patience_ms: 100)
        for id in [Self.card, "opal:system"] {
            #expect(tree.describe(id).obstacle == .unread)
            #expect(tree[id].sample().reading == Reading(errno: UInt8(ETIMEDOUT)))
        }
        #expect(failure(of: tree.governor, [tree.item(Self.card, 200_000_000)])?.code == .readFailed)
        #expect(failure(of: tree.governor, [tree.item(Self.socket, 250_000_000)]) == nil)
        #expect(try tree.text(Self.socketFile) == "250000000")

        _ = try open(gate, tree)
        let known = tree.describe(Self.card)
        #expect(known.obstacle == .none && known.original == Microwatts(300_000_000))
        #expect((known.floor, known.ceiling) == (Microwatts(150_000_000), Microwatts(345_000_000)))
        #expect(failure(of: tree.governor, [tree.item(Self.card, 149_000_000)])?.code == .belowFloor)
        #expect(failure(of: tree.governor, [tree.item(Self.card, 200_000_000)]) == nil)
        _ = try open(gate, tree)
        #expect(try tree.text(Self.file) == "200000000")
    }

    @Test func `P6: what a killed helper has left comes back when its driver answers, and the rest at once`() throws {
        let tree = try DriverTests.machine()
        try tree.start()
        #expect(
            failure(of: tree.governor, [tree.item(Self.card, 200_000_000), tree.item(Self.socket, 250_000_000)]) == nil)
        try tree.start(isAnswered: false)
        #expect(try tree.text(Self.socketFile) == "400000000")
        let gate = Gate(.read)
        try threads(tree, at: gate)
        tree.governor.lookAtSlow(patience_ms: 100)
        #expect(tree.governor.fallBack(patience_ms: 100) == Released(failed: 1))
        #expect(try tree.text(Self.file) == "200000000")
        #expect(try open(gate, tree) == Released(restored: 1))
        #expect(try tree.text(Self.file) == "300000000")
    }

    // MARK: The start of a boot

    /// A machine whose last boot has left a fallback limit for its card, and whose firmware has set another limit since.
    private func rebooted() throws -> SysTree {
        let tree = try DriverTests.machine()
        try tree.start(kept(tree))
        let items = [
            tree.item(Self.card, 200_000_000, fallback_uw: 160_000_000),
            tree.item(Self.socket, 250_000_000, fallback_uw: 150_000_000),
        ]
        #expect(failure(of: tree.governor, items) == nil)
        try unlink(StateFile.path(in: "\(tree.directory.path)/state"))
        try tree.file(Self.file, "320000000")
        try tree.file(Self.socketFile, "380000000")
        return tree
    }

    private func kept(_ tree: SysTree) -> [String] { ["--boot-state-dir", "\(tree.directory.path)/boot"] }

    private func boot(_ tree: SysTree) throws -> SavedBoot.Begun? {
        let options = try Options(
            parsing: ["--sysfs", tree.path, "--state-dir", "\(tree.directory.path)/state"] + kept(tree))
        return try SavedBoot(options, Rig.boot).begin(marked: true)
    }

    @Test func `P18: a boot begins at the fallback limits of slow drivers, too`() throws {
        let tree = try rebooted()
        let begun = try #require(try boot(tree))
        #expect((begun.isWhole, begun.outcome) == (true, Released(fallback: 2)))
        #expect(try tree.text(Self.file) == "160000000" && tree.text(Self.socketFile) == "150000000")
        #expect(try tree.saved(Self.card).original.limit == Microwatts(320_000_000))
        try tree.start(kept(tree))
        #expect(tree.governor.restore() == Released(restored: 2))
        #expect(try tree.text(Self.file) == "320000000")
    }

    @Test
    func `P18: a boot waits for no driver: it is said not to be begun whole, and the helper goes on when the driver answers`()
        throws
    {
        let tree = try rebooted()
        let gate = Gate(.read)
        let begun = try #require(try gate.hold { try boot(tree) })
        #expect((begun.isWhole, begun.outcome) == (false, Released(fallback: 1)))
        #expect(try tree.text(Self.file) == "320000000" && tree.text(Self.socketFile) == "150000000")
        try goesOn(tree)
    }

    @Test func `P18: so does a helper that finds a boot that nobody has begun`() throws { try goesOn(rebooted()) }

    @Test func `P6: nothing is asked of a thread before what it has said can be recorded`() throws {
        let tree = try rebooted()
        try tree.start(kept(tree), isAnswered: false)
        let slow = try #require(try SlowZones(starting: tree.zones))
        var log = LogBudget()
        slow.end(.fallback)
        let card = try #require(slow.slow(tree[Self.card]))
        while card.isAtWork {
            try #require(try slow.events.wait(milliseconds: 60_000))
            if card.isAtWork && slow.take(&log) { break }
        }
        #expect(!card.isAtWork && card.isBusy)
        #expect(tree[Self.card].constraints[0].original?.limit == Microwatts(320_000_000))
        _ = slow.proceed(&log)
        #expect(card.isAtWork)
    }

    /// The original is saved before the fallback limit is written over it.
    private func goesOn(_ tree: SysTree) throws {
        try tree.start(kept(tree), isAnswered: false)
        #expect(try tree.text(Self.socketFile) == "150000000" && tree.text(Self.file) == "320000000")
        #expect(try tree.saved(Self.card).isUnread)
        let gate = Gate(.write)
        try threads(tree, at: gate)
        #expect(tree.governor.fallBack(patience_ms: 1_000) == Released(failed: 1, fallback: 1))
        let call = try #require(try gate.next())
        #expect(try tree.saved(Self.card).original.limit == Microwatts(320_000_000))
        #expect(try tree.text(Self.file) == "320000000")
        try gate.letGo(call)
        #expect(try open(gate, tree) == Released(fallback: 1))
        #expect(try tree.text(Self.file) == "160000000")
        // And what died there comes back.
        try tree.start(kept(tree))
        #expect(tree.governor.restore() == Released(restored: 2))
        #expect(try tree.text(Self.file) == "320000000" && tree.text(Self.socketFile) == "380000000")
    }
}
