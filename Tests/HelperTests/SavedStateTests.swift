import PowercapProtocol
import Testing

@testable import raplhelper

@Suite("P6: what the state file says")
struct SavedStateTests {
    private static func setting(_ limit_uw: UInt64, _ window_us: UInt64) -> Constraint.Setting {
        Constraint.Setting(limit: Microwatts(limit_uw), window_us: window_us)
    }

    private static func record(
        _ id: String, _ names: [String], type: String = "intel-rapl", _ index: UInt8, _ constraintName: String,
        change: Constraint.Change?
    ) -> SavedState.Record {
        SavedState.Record(
            zone: .sample(id, names, type: type), index: index, constraintName: Name(constraintName)!,
            original: setting(150_000_000, 999_424), change: change)
    }

    private static let longest = String(repeating: "~", count: Limits.nameBytes)

    /// States worth writing down, from empty to as large as a state can be.
    static let states: [SavedState] = {
        let change = Constraint.Change(intended: setting(60_000_000, 1), inForce: setting(59_875_000, 0), touchesWindow: false)
        let extreme = Constraint.Change(
            intended: setting(.max, .max), inForce: setting(.max, .max), touchesWindow: true)
        var largest = record(
            longest, Array(repeating: longest, count: ZoneIdentity.deepest), type: longest, 3, longest, change: extreme)
        largest.original = setting(.max, .max)
        return [
            SavedState(bootID: Rig.boot, generation: 0, records: []),
            SavedState(
                bootID: Rig.bootID("ffffffff-ffff-ffff-ffff-ffffffffffff"), generation: .max,
                records: [record("intel-rapl:0", ["package-0"], 0, "long_term", change: change)]),
            SavedState(
                bootID: Rig.bootID("0123456789abcdef0123456789abcdef"), generation: 12,
                records: [
                    record("intel-rapl:0", ["package-0"], 0, "long_term", change: nil),
                    record("intel-rapl:0", ["package-0", "dram"], 1, "short_term", change: change),
                    // Names that look like the file's own words.
                    record("of", ["original", "constraint"], type: "checksum", 2, "unchanged", change: extreme),
                ]),
            SavedState(
                bootID: Rig.boot, generation: 1,
                records: Array(repeating: largest, count: Limits.zones * Limits.constraintsPerZone)),
        ]
    }()

    private func encoded(_ state: SavedState) -> [UInt8] {
        var text = Message(capacity: 0)
        state.encode(into: &text)
        return text.bytes
    }

    private func decoded(_ bytes: [UInt8]) throws(SavedState.Defect) -> SavedState { try SavedState(decoding: bytes.span) }

    @Test("comes back as it was written, in the room that is reserved for it", arguments: states.indices)
    func roundTrip(_ index: Int) throws {
        let state = Self.states[index]
        let bytes = encoded(state)
        #expect(bytes.count <= state.encodedBytes)
        #expect(try decoded(bytes) == state)
        #expect(try decoded(bytes + Array(repeating: UInt8(ascii: "\n"), count: 100)) == state)
    }

    @Test("is text that a person can read")
    func text() {
        let state = SavedState(
            bootID: Rig.bootID("6f1c2a0e-0000-4000-8000-00000000000f"), generation: 12,
            records: [
                Self.record(
                    "intel-rapl:0", ["package-0"], 0, "long_term",
                    change: Constraint.Change(
                        intended: Self.setting(60_000_000, 999_424), inForce: Self.setting(59_875_000, 999_424),
                        touchesWindow: false)),
                Self.record("intel-rapl:1", ["package-1"], 0, "long_term", change: nil),
            ])
        let lines = String(decoding: encoded(state), as: UTF8.self).split(separator: "\n")
        #expect(
            lines.dropLast() == [
                "raplhelper-state 3", "boot 6f1c2a0e-0000-4000-8000-00000000000f", "generation 12",
                "constraint long_term 0 of intel-rapl:0 intel-rapl 1 package-0 original 150000000 999424 intended 60000000 999424 in-force 59875000 999424 limit",
                "constraint long_term 0 of intel-rapl:1 intel-rapl 1 package-1 original 150000000 999424 unchanged",
            ])
        #expect(lines.last?.wholeMatch(of: /checksum [0-9a-f]{16}/) != nil)
    }

    @Test("cut off at any byte is never read, nor taken for another state")
    func truncated() {
        let bytes = encoded(Self.states[2])
        for length in 0..<(bytes.count) {
            #expect((try? decoded(Array(bytes[..<length]))) == nil, "cut at \(length)")
            let padded = Array(bytes[..<length]) + Array(repeating: UInt8(ascii: "\n"), count: bytes.count - length)
            let isWhole = length == bytes.count - 1
            #expect((try? decoded(padded)) == (isWhole ? Self.states[2] : nil), "overwritten with newlines from \(length)")
        }
    }

    @Test("with any one byte changed is never read")
    func corrupted() {
        let bytes = encoded(Self.states[1])
        for index in bytes.indices {
            var damaged = bytes
            let values = (0..<8).map { bytes[index] ^ 1 << UInt8($0) } + [0, 10, 32, 48, 57, 97]
            for value in values where value != bytes[index] {
                damaged[index] = value
                #expect((try? decoded(damaged)) == nil, "byte \(index) is \(value)")
            }
        }
    }

    @Test("of an unknown version is told apart from a damaged one")
    func version() {
        #expect(throws: SavedState.Defect.unknownVersion) { try decoded(Array("raplhelper-state 4\nanything".utf8)) }
        #expect(throws: SavedState.Defect.unknownVersion) { try decoded(Array("raplhelper-state 10\n".utf8)) }
        #expect(throws: SavedState.Defect.garbled) { try decoded(Array("raplhelper-state".utf8)) }
    }

    private func state(version: Int, _ lines: String) -> [UInt8] {
        var bytes = Array(
            "raplhelper-state \(version)\nboot 00000000-0000-0000-0000-000000000001\ngeneration 1\n\(lines)".utf8)
        let sum = String(Checksum.of(bytes.span), radix: 16)
        bytes += Array("checksum \(String(repeating: "0", count: 16 - sum.utf8.count))\(sum)\n".utf8)
        return bytes
    }

    @Test(
        "isn't read with a line that makes no sense, even when its checksum fits",
        arguments: [
            (2, "constraint long_term 4 of intel-rapl:0 intel-rapl 1 package-0 original 1 1 unchanged\n"),
            (2, "constraint long_term 0 of intel-rapl:0 intel-rapl 1 package-0 original 1 unchanged\n"),
            (2, "constraint long_term 0 of intel-rapl:0 intel-rapl 1 package-0 original -1 1 unchanged\n"),
            (2, "constraint long_term 0 of intel-rapl:0 intel-rapl 1 package-0 original 1 1 changed\n"),
            (2, "constraint long_term 0 of intel-rapl:0 intel-rapl 1 package-0 original 1 1 intended 1 1 in-force 1 1 window\n"),
            (2, "constraint long_term 0 of intel-rapl:0 intel-rapl 0 original 1 1 unchanged\n"),
            (2, "constraint long_term 0 of intel-rapl:0 intel-rapl 2 package-0 original 1 1 unchanged\n"),
            (2, "constraint long_term 0 of intel-rapl:0 intel-rapl 7 a b c d e f g original 1 1 unchanged\n"),
            (2, "constraint intel-rapl:0 package-0 0 long_term original 1 1 unchanged\n"),
            (2, "limit intel-rapl:0 package-0 0 long_term 1\n"),
            (1, "constraint intel-rapl:0 package-0 4 long_term original 1 1 unchanged\n"),
            (1, "constraint intel-rapl package-0 0 long_term original 1 1 unchanged\n"),
            (1, "constraint intel-rapl:0  0 long_term original 1 1 unchanged\n"),
            (1, "constraint long_term 0 of intel-rapl:0 intel-rapl 1 package-0 original 1 1 unchanged\n"),
        ])
    func nonsense(_ version: Int, _ line: String) {
        #expect(throws: SavedState.Defect.garbled) { try decoded(state(version: version, line)) }
    }

    @Test("of helper 0.1 is read: the control type and the parents are those of the ids")
    func firstVersion() throws {
        let lines = """
            constraint intel-rapl:1 package-1 0 long_term original 150000000 999424 intended 60000000 999424 in-force 60000000 999424 limit
            constraint intel-rapl:1:0 dram 0 long_term original 150000000 999424 unchanged
            constraint intel-rapl-mmio:0:2 core 1 long_term original 150000000 999424 unchanged

            """
        let change = Constraint.Change(
            intended: Self.setting(60_000_000, 999_424), inForce: Self.setting(60_000_000, 999_424), touchesWindow: false)
        let state = try decoded(state(version: 1, lines))
        #expect(
            state.records == [
                Self.record("intel-rapl:1", ["package-1"], 0, "long_term", change: change),
                Self.record("intel-rapl:1:0", ["package-1", "dram"], 0, "long_term", change: nil),
                Self.record("intel-rapl-mmio:0:2", ["core"], type: "intel-rapl-mmio", 1, "long_term", change: nil),
            ])
        // Wherever package-1 is now; the core, whose package isn't named, where its number is.
        #expect(state.records[0].isOf(.sample("intel-rapl:0", ["package-1"])))
        #expect(!state.records[0].isOf(.sample("intel-rapl:1", ["package-0"])))
        #expect(state.records[1].isOf(.sample("intel-rapl:0:1", ["package-1", "dram"])))
        #expect(!state.records[1].isOf(.sample("intel-rapl:1:0", ["package-0", "dram"])))
        #expect(state.records[2].isOf(.sample("intel-rapl-mmio:0:2", ["package-0", "core"], type: "intel-rapl-mmio")))
        #expect(!state.records[2].isOf(.sample("intel-rapl-mmio:1:2", ["package-0", "core"], type: "intel-rapl-mmio")))
    }

    @Test(
        "takes a boot id of 32 digits, with hyphens or without",
        arguments: [
            ("0123456789abcdef0123456789abcdef", true), ("01234567-89ab-cdef-0123-456789abcdef", true),
            ("0123456789abcdef0123456789abcde", false), ("0123456789abcdef0123456789abcdef0", false), ("", false),
            ("0123456789ABCDEF0123456789ABCDEF", false), ("01234567_89ab_cdef_0123_456789abcdef", false),
        ])
    func boot(_ text: String, _ isValid: Bool) {
        let bytes = Array(text.utf8)
        #expect((BootID(bytes.span) != nil) == isValid)
    }
}

extension SavedState: Equatable {
    static func == (left: SavedState, right: SavedState) -> Bool {
        left.bootID == right.bootID && left.generation == right.generation && left.records == right.records
    }
}

extension SavedState.Record: Equatable {
    static func == (left: SavedState.Record, right: SavedState.Record) -> Bool {
        left.zone.id == right.zone.id && left.zone.isCalledLike(right.zone) && left.index == right.index
            && left.constraintName == right.constraintName && left.original == right.original && left.change == right.change
    }
}
