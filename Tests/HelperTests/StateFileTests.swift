import Glibc
import LinuxSystem
import PowercapProtocol
import Testing

@testable import raplhelper

@Suite("P6: the state file")
struct StateFileTests {
    let directory: TemporaryDirectory
    var path: String { StateFile.path(in: directory.path) }

    init() throws { directory = try TemporaryDirectory() }

    /// What `StateFile.earlier` found, in a form that can be compared.
    enum Found: Equatable { case none, otherBoot, saved(UInt64), unreadable }

    private func found(boot: BootID = Rig.boot) -> Found {
        switch StateFile.earlier(in: directory.path, bootID: boot) {
        case .none: .none
        case .otherBoot: .otherBoot
        case .saved(let state): .saved(state.generation)
        case .unreadable: .unreadable
        }
    }

    private func why() -> String {
        if case .unreadable(let why) = StateFile.earlier(in: directory.path, bootID: Rig.boot) { why.string } else { "" }
    }

    /// A file of two good slots, with generations 6 and 7.
    private func writeTwoSlots() throws -> [UInt8] {
        let record = SavedState.Record(
            zone: .sample("intel-rapl:0", ["package-0"]), index: 0,
            constraintName: Name(constant: "long_term"),
            original: Constraint.Setting(limit: Microwatts(150_000_000), window_us: 999_424),
            change: Constraint.Change(
                intended: Constraint.Setting(limit: Microwatts(60_000_000), window_us: 999_424),
                inForce: Constraint.Setting(limit: Microwatts(60_000_000), window_us: 999_424), touchesWindow: true))
        var file = try StateFile(creatingIn: directory.path, SavedState(bootID: Rig.boot, generation: 6, records: [record]))
        #expect(found() == .saved(6))
        try file.record([])
        #expect(found() == .saved(7))
        return try contents(path)
    }

    @Test("has two slots: the newer one counts, wherever it is")
    func newerSlot() throws {
        let bytes = try writeTwoSlots()
        let half = bytes.count / 2
        try put(Array(bytes[half...] + bytes[..<half]), in: path)
        #expect(found() == .saved(7))
    }

    @Test("an update leaves the slot before it alone")
    func alternates() throws {
        var file = try StateFile(creatingIn: directory.path, SavedState(bootID: Rig.boot, generation: 6, records: []))
        var before = try contents(path)
        for generation in 7...20 as ClosedRange<UInt64> {
            try file.record([])
            let after = try contents(path)
            let half = after.count / 2
            let spared = generation % 2 == 0 ? half..<after.count : 0..<half
            #expect(after[spared] == before[spared], "generation \(generation)")
            #expect(found() == .saved(generation))
            before = after
        }
    }

    @Test("an update that is cut short at any byte leaves the state before it")
    func torn() throws {
        let before = try writeTwoSlots()
        let half = before.count / 2
        // What the next update would write over the older slot.
        let next = SavedState(bootID: Rig.boot, generation: 8, records: try saved().records)
        var text = Message(capacity: half)
        next.encode(into: &text)
        let length = text.bytes.count
        text.pad(to: half, with: UInt8(ascii: "\n"))
        let written = text.bytes
        for cut in 0..<half where cut < length + 10 || cut % 53 == 0 {
            var torn = before
            torn.replaceSubrange(0..<cut, with: written[..<cut])
            // Past the end of the new text only padding is missing, and the old text of the slot was no longer.
            try put(torn, in: path)
            #expect(found() == .saved(cut >= length - 1 ? 8 : 7), "cut at \(cut)")
        }
    }

    private func saved() throws -> SavedState {
        guard case .saved(let state) = StateFile.earlier(in: directory.path, bootID: Rig.boot) else { throw Errno.badMessage }
        return state
    }

    @Test("with one byte changed gives the older slot's state or none, never a wrong one")
    func corrupted() throws {
        let bytes = try writeTwoSlots()
        let half = bytes.count / 2
        for index in bytes.indices where index % half < 350 || index % 97 == 0 {
            var damaged = bytes
            for value in [bytes[index] ^ 1, UInt8(ascii: " ")] where value != bytes[index] {
                damaged[index] = value
                try put(damaged, in: path)
                // Generation 7 is odd, so it is the second slot.
                #expect(found() == .saved(index < half ? 7 : 6), "byte \(index) is \(value)")
            }
        }
    }

    @Test("cut off anywhere gives one of its states or none, never a wrong one")
    func truncated() throws {
        let bytes = try writeTwoSlots()
        for length in (0..<bytes.count).reversed() where length < 600 || length % 61 == 0 || length > bytes.count - 3 {
            #expect(unsafe truncate(path, length) == 0)
            #expect([.saved(6), .saved(7), .unreadable].contains(found()), "cut at \(length)")
        }
        #expect(found() == .unreadable)
    }

    @Test("damaged in both slots is unreadable, and says so")
    func bothDamaged() throws {
        var bytes = try writeTwoSlots()
        bytes[30] ^= 1
        bytes[bytes.count / 2 + 30] ^= 1
        try put(bytes, in: path)
        #expect(why() == "\(path) is damaged (no slot's checksum fits)")
    }

    @Test("is of another boot when the boot id says so, and only then")
    func otherBoot() throws {
        _ = try writeTwoSlots()
        #expect(found(boot: Rig.bootID("00000000-0000-0000-0000-000000000002")) == .otherBoot)
    }

    @Test("of another version is unreadable, and says so")
    func otherVersion() throws {
        let slot = "raplhelper-state 4\n\(String(repeating: " ", count: 100))"
        try put(slot + slot, in: path)
        #expect(why() == "\(path) was written by another version")
    }

    @Test(
        "that isn't two slots is unreadable",
        arguments: [
            [], Array("x".utf8), Array("\n\n".utf8), Array(repeating: 0, count: 8192), Array(repeating: 10, count: 1 << 20),
        ]
            as [[UInt8]])
    func notSlots(_ bytes: [UInt8]) throws {
        try put(bytes, in: path)
        #expect(found() == .unreadable)
    }

    @Test("that isn't there is none; one that can't be opened is unreadable")
    func cannotBeOpened() throws {
        #expect(found() == .none)
        try makeDirectory(path, mode: 0o755)
        #expect(found() == .unreadable)
    }

    @Test("is never read or written through a symbolic link")
    func link() throws {
        try put("untouched", in: "\(directory.path)/elsewhere")
        #expect(unsafe symlink("elsewhere", path) == 0)
        #expect(found() == .unreadable)
        #expect(unsafe symlink("elsewhere", "\(path).new") == 0)
        _ = try StateFile(creatingIn: directory.path, SavedState(bootID: Rig.boot, generation: 1, records: []))
        #expect(found() == .saved(1))
        #expect(try contents("\(directory.path)/elsewhere") == Array("untouched".utf8))
    }

    @Test("is replaced as a whole: what a dead helper left half-written doesn't matter")
    func leftover() throws {
        _ = try writeTwoSlots()
        try put("half", in: "\(path).new")
        _ = try StateFile(creatingIn: directory.path, SavedState(bootID: Rig.boot, generation: 1, records: []))
        #expect(found() == .saved(1))
        #expect(try fileKind(of: "\(path).new") == .absent)
    }

    @Test("makes its directory")
    func directoryIsMade() throws {
        let inner = "\(directory.path)/run"
        _ = try StateFile(creatingIn: inner, SavedState(bootID: Rig.boot, generation: 1, records: []))
        #expect(try fileKind(of: "\(inner)/state") == .regular)
    }

    @Test("that can't be created says why and leaves the earlier one alone")
    func cannotBeCreated() throws {
        let before = try writeTwoSlots()
        // Where the temporary file goes, there is a directory.
        try makeDirectory("\(path).new", mode: 0o755)
        var refused: Errno?
        do throws(Errno) {
            _ = try StateFile(creatingIn: directory.path, SavedState(bootID: Rig.boot, generation: 1, records: []))
        } catch { refused = error }
        #expect(refused == .exists)
        #expect(try contents(path) == before)
    }
}
