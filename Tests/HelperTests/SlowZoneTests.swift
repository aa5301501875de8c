import Foundation
import LinuxSystem
import PowercapProtocol
import Testing

@testable import raplhelper

/// Zones whose driver may let its caller wait are read and written by threads of their own: nobody waits for them.
@Suite struct SlowZoneTests {
    static let card = "amdgpu:0000:03:00.0"
    static let file = "\(DriverTests.card)/power1_cap"

    private func start(_ tree: SysTree, _ arguments: [String] = []) throws {
        try tree.start(arguments)
        tree.governor.slow = try SlowZones(starting: tree.zones)
        try settle(tree)
    }

    /// Waits until nothing is under way, and every thread has read once.
    private func settle(_ tree: SysTree) throws {
        let slow = try #require(tree.governor.slow)
        let deadline_ns = Clock.monotonic_ns + 60_000_000_000
        slow.look()
        while slow.isBusy || slow.zones.contains(where: \.isAtWork) {
            try #require(Clock.monotonic_ns < deadline_ns)
            if try slow.events.wait(milliseconds: 1_000) { _ = tree.governor.takeSlow() }
        }
    }

    @Test func `a card that says its limit is 0 W says nothing: there is no reading, and it takes none until it says another`()
        throws
    {
        let tree = try DriverTests.machine()
        try tree.file(Self.file, "0")
        try start(tree)
        #expect(tree[Self.card].sample().limits[0] == Reading(errno: UInt8(ENODATA)))
        #expect(tree.describe(Self.card).obstacle == .unread)
        try tree.file(Self.file, "300000000")
        try settle(tree)
        #expect(tree[Self.card].sample().limits[0] == Reading(300_000_000))
        #expect(tree.describe(Self.card).obstacle == .none && tree.describe(Self.card).original == Microwatts(300_000_000))
    }

    /// Else it would write into whatever has its number next.
    @Test func `what a thread has the number of stays what it is, also when nobody asks it any more`() throws {
        let tree = try DriverTests.machine()
        try start(tree)
        let number = try #require(tree.governor.slow).events.number
        tree.governor.slow = nil
        let name = try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/fd/\(number)")
        #expect(name == "anon_inode:[eventfd]")
    }

    @Test func `every driver that may wait has a thread, and no other`() throws {
        let tree = try DriverTests.machine()
        try start(tree)
        let slow = tree.zones.filter(\.isBeside).map(\.id.string)
        #expect(slow == [Self.card, "i915:0000:04:00.0", "xe:0000:05:00.0", "power_meter:_SB_.PMT0", "opal:system"])
        for zone in tree.zones { #expect(tree.describe(zone.id.string).flags.contains(.isSlow) == zone.isBeside) }
    }

    @Test func `a sample has what the thread read last, and asks for the next`() throws {
        let tree = try DriverTests.machine()
        try start(tree)
        #expect(tree[Self.card].sample().reading == Reading(231_500_000))
        #expect(tree[Self.card].sample().limits[0] == Reading(300_000_000))
        #expect(tree["i915:0000:04:00.0"].sample().limits[0] == Reading(0))
        #expect(tree["opal:system"].sample().limits[0] == Reading(3_050_000_000))
        try tree.file("\(DriverTests.card)/power1_average", "1000000")
        #expect(tree[Self.card].sample().reading == Reading(231_500_000))
        try settle(tree)
        #expect(tree[Self.card].sample().reading == Reading(1_000_000))
    }

    @Test func `P4, P6: an Apply is answered before the write, which was recorded, and a sample tells how it went`() throws {
        let tree = try DriverTests.machine()
        try start(tree)
        let items = [
            tree.item("amd_hsmp_hwmon:AMDI0097:00", 250_000_000), tree.item(Self.card, 200_900_000, fallback_uw: 160_000_000),
        ]
        #expect(failure(of: tree.governor, items) == nil)
        #expect(tree.governor.applied(0) == AppliedItem(effective: Microwatts(250_000_000), effectiveWindow_us: 0))
        // What may be in force: the larger of the two.
        #expect(
            tree.governor.applied(1)
                == AppliedItem(effective: Microwatts(300_000_000), effectiveWindow_us: 0, isPending: true))
        #expect(tree[Self.card].sample().isWriting)
        #expect(try tree.savedChange(Self.card)?.intended.limit == Microwatts(200_900_000))
        #expect(failure(of: tree.governor, [tree.item(Self.card, 190_000_000)])?.code == .writePending)
        try settle(tree)
        #expect(try tree.text(Self.file) == "200000000")
        let sample = tree[Self.card].sample()
        #expect((sample.isWriting, sample.lastWrite == nil, sample.limits[0]) == (false, true, Reading(200_000_000)))
        #expect(try tree.savedChange(Self.card)?.inForce.limit == Microwatts(200_000_000))
        #expect(try tree.savedChange(Self.card)?.fallback == Microwatts(160_000_000))
        // What is in force already isn't written again.
        #expect(failure(of: tree.governor, [tree.item(Self.card, 200_000_000)]) == nil)
        #expect(!tree.governor.applied(0).isPending && !tree[Self.card].sample().isWriting)
    }

    @Test func `P5: a slow limit isn't asked for where a fast one of its batch fails`() throws {
        let tree = try DriverTests.machine()
        try tree.start()
        // The socket's limit can't be written.
        let socket = tree["amd_hsmp_hwmon:AMDI0097:00"]
        let broken = Constraint(
            index: 0, name: socket.constraints[0].name, driver: socket.constraints[0].driver, maxPower: Microwatts(400_000_000),
            limit: Attribute(try Descriptor(opening: "\(socket.path)/power1_cap", .read)), window: nil, isOpenForWriting: true)
        broken.original = try broken.readSetting()
        var zones = tree.zones
        zones[Int(socket.index)] = Zone(
            index: socket.index, parent: nil, identity: socket.identity, path: socket.path, constraints: [broken])
        try tree.replace(zones)
        tree.governor.slow = try SlowZones(starting: zones)
        try settle(tree)
        let items = [tree.item(Self.card, 200_000_000), tree.item("amd_hsmp_hwmon:AMDI0097:00", 250_000_000)]
        #expect(failure(of: tree.governor, items)?.code == .writeFailed)
        #expect(!tree[Self.card].sample().isWriting)
        try settle(tree)
        #expect(try tree.text(Self.file) == "300000000")
        #expect(tree.governor.changeCount == 0)
    }

    @Test func `P5: a slow limit that isn't in force is told, and what this system had done before stands`() throws {
        let tree = try DriverTests.machine()
        try tree.start()
        // Writes succeed, and change nothing that is read.
        let card = tree[Self.card]
        let deaf = Constraint(
            index: 0, name: card.constraints[0].name, driver: card.constraints[0].driver, maxPower: Microwatts(345_000_000),
            limit: Attribute(try openForAppending("\(tree.path)/\(Self.file)")), window: nil, isOpenForWriting: true)
        deaf.original = try deaf.readSetting()
        var zones = tree.zones
        zones[Int(card.index)] = Zone(
            index: card.index, parent: nil, identity: card.identity, path: card.path, isSlow: true, constraints: [deaf])
        try tree.replace(zones)
        tree.governor.slow = try SlowZones(starting: zones)
        try settle(tree)
        #expect(failure(of: tree.governor, [tree.item(Self.card, 200_000_000)]) == nil)
        try settle(tree)
        let sample = tree[Self.card].sample()
        #expect((sample.isWriting, sample.lastWrite, sample.limits[0]) == (false, .notInForce, Reading(300_000_000)))
        #expect(tree.governor.changeCount == 0)
        #expect(try tree.savedChange(Self.card) == nil)
    }

    /// A sealed memory refuses writes with EPERM (fcntl(2), F_SEAL_WRITE), as a card does that is being reset; an empty one says nothing.
    @Test func `a limit that a device refuses while it is being reset has changed nothing, and nothing is put back`() throws {
        let tree = try DriverTests.machine()
        try tree.start()
        // MFD_CLOEXEC and MFD_ALLOW_SEALING; F_ADD_SEALS, F_SEAL_WRITE.
        let number = try unsafe "reset".withCString { try Gate.kernel((319, 279), Int(bitPattern: $0), 3, 0) }
        #expect(fcntl(number, 1033, 8) == 0)
        let card = tree[Self.card]
        let reset = Constraint(
            index: 0, name: card.constraints[0].name, driver: card.constraints[0].driver, maxPower: Microwatts(345_000_000),
            limit: Attribute(Descriptor(owning: number), card.constraints[0].driver.limitFormat), window: nil,
            isOpenForWriting: true)
        var zones = tree.zones
        zones[Int(card.index)] = Zone(
            index: card.index, parent: nil, identity: card.identity, path: card.path, isSlow: true, constraints: [reset])
        try tree.replace(zones)
        tree.governor.slow = try SlowZones(starting: zones)
        try settle(tree)
        // What it said before the reset.
        reset.note(Reading(300_000_000))
        #expect(failure(of: tree.governor, [tree.item(Self.card, 200_000_000)]) == nil)
        try settle(tree)
        let sample = tree[Self.card].sample()
        #expect((sample.isWriting, sample.lastWrite) == (false, .writeFailed))
        #expect(tree.governor.changeCount == 0)
        #expect(try tree.savedChange(Self.card) == nil)
        #expect(tree.governor.restore(patience_ms: 60_000) == Released())
    }

    @Test(arguments: [LimitDisposal.restore, .fallback])
    func `P6, P18: at the end of control slow limits are waited for, and told with the others`(_ disposal: LimitDisposal) throws {
        let tree = try DriverTests.machine()
        try start(tree)
        let items = [
            tree.item("amd_hsmp_hwmon:AMDI0097:00", 250_000_000), tree.item(Self.card, 200_000_000, fallback_uw: 160_000_000),
            tree.item("i915:0000:04:00.0", 100_000_000), tree.item("xe:0000:05:00.0", 90_000_000),
            tree.item("xe:0000:05:00.0", 80_000_000, constraint: 1),
        ]
        #expect(failure(of: tree.governor, items) == nil)
        // At once, while the writes are still under way.
        let isFallback = disposal == .fallback
        let released = isFallback ? tree.governor.fallBack(patience_ms: 60_000) : tree.governor.restore(patience_ms: 60_000)
        #expect(released == (isFallback ? Released(restored: 4, fallback: 1) : Released(restored: 5)))
        #expect(try tree.text(Self.file) == (isFallback ? "160000000" : "300000000"))
        #expect(try tree.text("\(DriverTests.arc)/power1_max") == "0")
        #expect(try tree.text("devices/bus/0000:05:00.0/hwmon/hwmon5/power2_max") == "150000000")
        #expect(tree.governor.changeCount == (isFallback ? 1 : 0))
    }

    @Test func `at the end of control another party's limit stays`() throws {
        let tree = try DriverTests.machine()
        try start(tree)
        #expect(failure(of: tree.governor, [tree.item(Self.card, 200_000_000)]) == nil)
        try settle(tree)
        try tree.file(Self.file, "222000000")
        #expect(tree.governor.restore(patience_ms: 60_000) == Released(foreign: 1))
        #expect(try tree.text(Self.file) == "222000000")
    }

    @Test func `P6: what a killed helper has left of slow limits comes back beside the loop`() throws {
        let tree = try DriverTests.machine()
        try start(tree)
        #expect(failure(of: tree.governor, [tree.item(Self.card, 200_000_000)]) == nil)
        try settle(tree)
        try tree.start()
        #expect(try tree.text(Self.file) == "200000000")
        #expect(tree.governor.changeCount == 1)
        tree.governor.slow = try SlowZones(starting: tree.zones)
        #expect(tree.governor.fallBack(patience_ms: 60_000) == Released(restored: 1))
        #expect(try tree.text(Self.file) == "300000000")
    }

    static let canWait = unsafe access("/dev/kmsg", R_OK) == 0

    /// /dev/kmsg lets a reader wait for the next line: no plain file does.
    @Test(.enabled(if: SlowZoneTests.canWait, "needs to read /dev/kmsg"))
    func `a zone that waits for ever keeps nobody waiting: its limit counts as failed, all others are restored`() throws {
        let tree = try DriverTests.machine()
        try tree.start()
        let number = unsafe open("/dev/kmsg", O_RDONLY | O_CLOEXEC)
        try #require(number >= 0 && lseek(number, 0, SEEK_END) >= 0)
        var zones = tree.zones
        let meter = tree["power_meter:_SB_.PMT0"]
        zones[Int(meter.index)] = Zone(
            index: meter.index, parent: nil, identity: meter.identity, path: meter.path, readingKind: .power,
            reading: Attribute(Descriptor(owning: number)), isSlow: true, constraints: meter.constraints)
        try tree.replace(zones)
        let slow = try #require(try SlowZones(starting: zones))
        tree.governor.slow = slow
        slow.look()
        #expect(
            failure(of: tree.governor, [tree.item("power_meter:_SB_.PMT0", 200_000_000), tree.item(Self.card, 200_000_000)])
                == nil)
        let released = tree.governor.restore(patience_ms: 500)
        #expect(released == Released(restored: 1, failed: 1))
        #expect(try tree.text(Self.file) == "300000000")
        #expect(tree["power_meter:_SB_.PMT0"].sample().isWriting)
    }
}
