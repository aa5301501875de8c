import PowercapProtocol

/// What the state file says: the original of every constraint and what this system last did to it. Text, so that a person
/// can put a node right with nothing but `cat`.
///
///     raplhelper-state 1
///     boot 6f1c2a0e-…
///     generation 12
///     constraint intel-rapl:0 package-0 0 long_term original 150000000 999424 intended 60000000 999424 in-force 60000000 999424 limit
///     constraint intel-rapl:1 package-1 0 long_term original 150000000 999424 unchanged
///     checksum 9c1f00aa52e3d1b7
///
/// Limits in µW, time windows in µs (0: none). The last word of a changed line says whether the limit alone or the window
/// too was changed.
struct SavedState {
    struct Record {
        var zoneID: Name
        var zoneName: Name
        var index: UInt8
        var constraintName: Name
        var original: Constraint.Setting
        var change: Constraint.Change?

        func isOf(_ constraint: Constraint, in zone: Zone) -> Bool {
            index == constraint.index && constraintName == constraint.name && zoneID == zone.id && zoneName == zone.name
        }
    }

    /// Why a slot of the file can't be used.
    enum Defect: Error, Equatable { case blank, unknownVersion, garbled }

    var bootID: BootID
    var generation: UInt64
    var records: [Record]

    static let version: StaticString = "raplhelper-state 1\n"
    /// An upper bound of a record's line: four names and seven numbers with their words.
    static let recordBytes = 4 * Limits.nameBytes + 7 * 20 + 96
    /// An upper bound of everything else.
    static let frameBytes = 160

    // MARK: Writing

    /// Encodes into `text`, whose storage must suffice: appending never allocates then.
    func encode(into text: inout Message) {
        text.removeAll()
        text.append(SavedState.version)
        text.append("boot ")
        bootID.append(to: &text)
        text.append("\ngeneration ")
        text.append(generation)
        text.append("\n")
        for index in 0..<records.count { SavedState.append(records[index], to: &text) }
        let sum = Checksum.of(text.bytes.span)
        text.append("checksum ")
        text.appendHexadecimal(sum, digits: 16)
        text.append("\n")
    }

    private static func append(_ record: Record, to text: inout Message) {
        text.append("constraint ")
        text.append(record.zoneID)
        text.append(" ")
        text.append(record.zoneName)
        text.append(" ")
        text.append(UInt64(record.index))
        text.append(" ")
        text.append(record.constraintName)
        text.append(" original ")
        append(record.original, to: &text)
        if let change = record.change {
            text.append(" intended ")
            append(change.intended, to: &text)
            text.append(" in-force ")
            append(change.inForce, to: &text)
            text.append(change.touchesWindow ? " limit-and-window\n" : " limit\n")
        } else {
            text.append(" unchanged\n")
        }
    }

    private static func append(_ setting: Constraint.Setting, to text: inout Message) {
        text.append(setting.limit.rawValue)
        text.append(" ")
        text.append(setting.window_us)
    }

    // MARK: Reading

    init(bootID: BootID, generation: UInt64, records: [Record]) {
        (self.bootID, self.generation, self.records) = (bootID, generation, records)
    }

    /// Decodes one slot: everything after the checksum's line must be newlines.
    init(decoding bytes: Span<UInt8>) throws(Defect) {
        var scanner = Scanner(bytes)
        if scanner.isBlank { throw .blank }
        guard scanner.literal(SavedState.version) else {
            throw scanner.literal("raplhelper-state ") ? .unknownVersion : .garbled
        }
        guard scanner.literal("boot "), let bootID = BootID(scanner.word()), scanner.literal("\ngeneration "),
            let generation = scanner.number(), scanner.literal("\n")
        else { throw .garbled }
        var records: [Record] = []
        while scanner.literal("constraint ") {
            guard let record = SavedState.record(&scanner) else { throw .garbled }
            records.append(record)
        }
        let expected = Checksum.of(bytes.extracting(0..<scanner.offset))
        guard scanner.literal("checksum "), scanner.hexadecimal() == expected, scanner.literal("\n"), scanner.isBlank else {
            throw .garbled
        }
        self.init(bootID: bootID, generation: generation, records: records)
    }

    private static func record(_ scanner: inout Scanner) -> Record? {
        guard let zoneID = Name(scanner.word()), scanner.literal(" "), let zoneName = Name(scanner.word()), scanner.literal(" "),
            let index = scanner.number(), index < UInt64(Limits.constraintsPerZone), scanner.literal(" "),
            let constraintName = Name(scanner.word()), scanner.literal(" original "), let original = setting(&scanner)
        else { return nil }
        var record = Record(
            zoneID: zoneID, zoneName: zoneName, index: UInt8(index), constraintName: constraintName, original: original,
            change: nil)
        if scanner.literal(" unchanged\n") { return record }
        guard scanner.literal(" intended "), let intended = setting(&scanner), scanner.literal(" in-force "),
            let inForce = setting(&scanner)
        else { return nil }
        let touchesWindow = scanner.literal(" limit-and-window\n")
        guard touchesWindow || scanner.literal(" limit\n") else { return nil }
        record.change = Constraint.Change(intended: intended, inForce: inForce, touchesWindow: touchesWindow)
        return record
    }

    private static func setting(_ scanner: inout Scanner) -> Constraint.Setting? {
        guard let limit = scanner.number(), scanner.literal(" "), let window = scanner.number() else { return nil }
        return Constraint.Setting(limit: Microwatts(limit), window_us: window)
    }
}

/// The kernel's random id of this boot (/proc/sys/kernel/random/boot_id, random(4)).
struct BootID: Equatable {
    let high: UInt64
    let low: UInt64

    /// 32 hexadecimal digits with hyphens, as the kernel prints them.
    init?(_ text: Span<UInt8>) {
        var halves: (UInt64, UInt64) = (0, 0)
        var digits = 0
        for index in 0..<text.count where text[index] != UInt8(ascii: "-") {
            guard let digit = Scanner.hexadecimalDigit(text[index]), digits < 32 else { return nil }
            halves.0 = halves.0 << 4 | halves.1 >> 60
            halves.1 = halves.1 << 4 | digit
            digits += 1
        }
        guard digits == 32 else { return nil }
        (high, low) = halves
    }

    func append(to text: inout Message) {
        text.appendHexadecimal(high >> 32, digits: 8)
        text.append("-")
        text.appendHexadecimal(high >> 16 & 0xFFFF, digits: 4)
        text.append("-")
        text.appendHexadecimal(high & 0xFFFF, digits: 4)
        text.append("-")
        text.appendHexadecimal(low >> 48, digits: 4)
        text.append("-")
        text.appendHexadecimal(low & 0xFFFF_FFFF_FFFF, digits: 12)
    }
}

/// FNV-1a, 64 bits: it tells a torn or edited file from a whole one; it doesn't guard against forgery.
enum Checksum {
    static func of(_ bytes: Span<UInt8>) -> UInt64 {
        var hash: UInt64 = 0xCBF2_9CE4_8422_2325
        for index in 0..<bytes.count { hash = (hash ^ UInt64(bytes[index])) &* 0x100_0000_01B3 }
        return hash
    }
}
