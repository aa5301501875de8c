import PowercapProtocol

/// What the state file says: the original of every constraint and what this system last did to it. Text, so that a person
/// can put a node right with nothing but `cat`.
///
///     raplhelper-state 3
///     boot 6f1c2a0e-…
///     generation 12
///     begun at-fallback
///     constraint long_term 0 of intel-rapl:0 intel-rapl 1 package-0 original 150000000 999424 intended 60000000 999424 in-force 60000000 999424 limit fallback 50000000
///     constraint long_term 0 of intel-rapl:0:0 intel-rapl 2 package-0 dram original 30000000 976 unchanged
///     checksum 9c1f00aa52e3d1b7
///
/// A constraint's name and number; its zone's directory, control type and, counted, the names from the top down to its own.
/// Limits in µW, `disabled` where there was none; time windows in µs (0: none). The last word of a changed line says whether the limit alone or the window
/// too was changed; behind it stands the fallback limit where there is one. The line `begun` is there where this boot was begun at
/// the fallback limits.
struct SavedState {
    struct Record {
        var zone: ZoneIdentity
        var index: UInt8
        var constraintName: Name
        var original: Constraint.Setting
        var change: Constraint.Change?

        /// Whether what was in force before its fallback limit isn't known yet.
        var isUnread: Bool { original.limit == .zero && change?.inForce.limit == .zero }

        /// Whether it is of this very constraint, of today's number.
        func isOf(_ constraint: Constraint, in zone: Zone) -> Bool {
            index == constraint.index && constraintName == constraint.name && self.zone.id == zone.id
                && self.zone.isCalledLike(zone.identity)
        }

        /// Whether a zone has the names of this one, whatever its number. Of a zone that version 1 of the file doesn't name in
        /// full the number has to agree.
        func isOf(_ other: ZoneIdentity) -> Bool {
            zone.isCalledLike(other)
                || (zone.isIncomplete && zone.id == other.id && zone.name == other.name && zone.controlType == other.controlType)
        }

        func isSame(as other: Record) -> Bool {
            zone.isCalledLike(other.zone) && constraintName == other.constraintName
        }
    }

    /// Why a slot of the file can't be used.
    enum Defect: Error, Equatable { case blank, unknownVersion, garbled }

    var bootID: BootID
    var generation: UInt64
    var records: [Record]
    /// Whether every fallback limit that was saved came into force before this boot's first helper started.
    var isBegunAtFallback = false

    static let version: StaticString = "raplhelper-state 3\n"
    /// Without fallback limits.
    static let secondVersion: StaticString = "raplhelper-state 2\n"
    /// Of helper 0.1: `constraint intel-rapl:0 package-0 0 long_term original …`, without control type and parents.
    static let firstVersion: StaticString = "raplhelper-state 1\n"

    /// An upper bound of the text.
    var encodedBytes: Int {
        records.reduce(SavedState.frameBytes) {
            // Constraint, id, control type and the zones' names, each with a blank; eight numbers and the words.
            $0 + (3 + $1.zone.names.count) * (Limits.nameBytes + 1) + 9 * 21 + 74
        }
    }
    /// An upper bound of everything else.
    static let frameBytes = 180
    /// A limit that is none.
    private static let unlimited: StaticString = "disabled"
    private static let begun: StaticString = "begun at-fallback\n"

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
        if isBegunAtFallback { text.append(SavedState.begun) }
        for index in 0..<records.count { SavedState.append(records[index], to: &text) }
        let sum = Checksum.of(text.bytes.span)
        text.append("checksum ")
        text.appendHexadecimal(sum, digits: 16)
        text.append("\n")
    }

    private static func append(_ record: Record, to text: inout Message) {
        text.append("constraint ")
        text.append(record.constraintName)
        text.append(" ")
        text.append(UInt64(record.index))
        text.append(" of ")
        text.append(record.zone.id)
        text.append(" ")
        text.append(record.zone.controlType)
        text.append(" ")
        text.append(UInt64(record.zone.names.count))
        for index in 0..<record.zone.names.count {
            text.append(" ")
            text.append(record.zone.names[index])
        }
        text.append(" original ")
        append(record.original, to: &text)
        if let change = record.change {
            text.append(" intended ")
            append(change.intended, to: &text)
            text.append(" in-force ")
            append(change.inForce, to: &text)
            text.append(change.touchesWindow ? " limit-and-window" : " limit")
            if let fallback = change.fallback {
                text.append(" fallback ")
                text.append(fallback.rawValue)
            }
            text.append("\n")
        } else {
            text.append(" unchanged\n")
        }
    }

    private static func append(_ setting: Constraint.Setting, to text: inout Message) {
        if setting.limit == .unlimited { text.append(SavedState.unlimited) } else { text.append(setting.limit.rawValue) }
        text.append(" ")
        text.append(setting.window_us)
    }

    // MARK: Reading

    init(bootID: BootID, generation: UInt64, records: [Record], isBegunAtFallback: Bool = false) {
        (self.bootID, self.generation, self.records) = (bootID, generation, records)
        self.isBegunAtFallback = isBegunAtFallback
    }

    /// Decodes one slot: everything after the checksum's line must be newlines.
    init(decoding bytes: Span<UInt8>) throws(Defect) {
        var scanner = Scanner(bytes)
        if scanner.isBlank { throw .blank }
        let isFirst = scanner.literal(SavedState.firstVersion)
        let isSecond = isFirst || scanner.literal(SavedState.secondVersion)
        guard isSecond || scanner.literal(SavedState.version) else {
            throw scanner.literal("raplhelper-state ") ? .unknownVersion : .garbled
        }
        guard scanner.literal("boot "), let bootID = BootID(scanner.word()), scanner.literal("\ngeneration "),
            let generation = scanner.number(), scanner.literal("\n")
        else { throw .garbled }
        let isBegunAtFallback = !isSecond && scanner.literal(SavedState.begun)
        var records: [Record] = []
        while scanner.literal("constraint ") {
            guard let record = isFirst ? SavedState.firstRecord(&scanner, behind: records) : SavedState.record(&scanner),
                !isSecond || record.change?.fallback == nil
            else { throw .garbled }
            records.append(record)
        }
        let expected = Checksum.of(bytes.extracting(0..<scanner.offset))
        guard scanner.literal("checksum "), scanner.hexadecimal() == expected, scanner.literal("\n"), scanner.isBlank else {
            throw .garbled
        }
        self.init(bootID: bootID, generation: generation, records: records, isBegunAtFallback: isBegunAtFallback)
    }

    private static func record(_ scanner: inout Scanner) -> Record? {
        guard let constraintName = Name(scanner.word()), scanner.literal(" "), let index = index(&scanner),
            scanner.literal(" of "), let id = Name(scanner.word()), scanner.literal(" "), let controlType = Name(scanner.word()),
            scanner.literal(" "), let count = scanner.number(), 1...UInt64(ZoneIdentity.deepest) ~= count
        else { return nil }
        var names: [Name] = []
        for _ in 0..<count {
            guard scanner.literal(" "), let name = Name(scanner.word()) else { return nil }
            names.append(name)
        }
        return settings(&scanner, ZoneIdentity(controlType: controlType, id: id, names: names), index, constraintName)
    }

    /// A line of version 1. The control type and the parent are those of the id: `intel-rapl:0:0` lies in `intel-rapl:0`.
    private static func firstRecord(_ scanner: inout Scanner, behind others: [Record]) -> Record? {
        guard let id = Name(scanner.word()), scanner.literal(" "), let zoneName = Name(scanner.word()), scanner.literal(" "),
            let index = index(&scanner), scanner.literal(" "), let constraintName = Name(scanner.word())
        else { return nil }
        var names = [zoneName]
        if let parent = id.upToColon(last: true),
            let record = others.first(where: { $0.zone.id == parent })
        {
            names = record.zone.names + names
        }
        guard let controlType = id.upToColon(last: false), names.count <= ZoneIdentity.deepest else { return nil }
        return settings(&scanner, ZoneIdentity(controlType: controlType, id: id, names: names), index, constraintName)
    }

    private static func index(_ scanner: inout Scanner) -> UInt8? {
        guard let index = scanner.number(), index < UInt64(Limits.constraintsPerZone) else { return nil }
        return UInt8(index)
    }

    /// The rest of a line.
    private static func settings(
        _ scanner: inout Scanner, _ zone: ZoneIdentity, _ index: UInt8, _ constraintName: Name
    ) -> Record? {
        guard scanner.literal(" original "), let original = setting(&scanner) else { return nil }
        var record = Record(zone: zone, index: index, constraintName: constraintName, original: original, change: nil)
        if scanner.literal(" unchanged\n") { return record }
        guard scanner.literal(" intended "), let intended = setting(&scanner), scanner.literal(" in-force "),
            let inForce = setting(&scanner)
        else { return nil }
        let touchesWindow = scanner.literal(" limit-and-window")
        guard touchesWindow || scanner.literal(" limit") else { return nil }
        var fallback: Microwatts?
        if scanner.literal(" fallback ") {
            guard let limit = scanner.number() else { return nil }
            fallback = Microwatts(limit)
        }
        guard scanner.literal("\n") else { return nil }
        record.change = Constraint.Change(
            intended: intended, inForce: inForce, touchesWindow: touchesWindow, fallback: fallback)
        return record
    }

    private static func setting(_ scanner: inout Scanner) -> Constraint.Setting? {
        let limit = scanner.literal(SavedState.unlimited) ? Microwatts.unlimited.rawValue : scanner.number()
        guard let limit, scanner.literal(" "), let window = scanner.number() else { return nil }
        return Constraint.Setting(limit: Microwatts(limit), window_us: window)
    }
}

extension ZoneIdentity {
    /// Whether zones that it lies in aren't named: its id has more numbers than it has names.
    fileprivate var isIncomplete: Bool {
        var numbers = 0
        for index in 0..<id.count where id[index] == UInt8(ascii: ":") { numbers += 1 }
        return numbers > names.count
    }
}

extension Name {
    /// What is before the first or the last colon; nil where there is none.
    fileprivate func upToColon(last: Bool) -> Name? {
        var found: Int?
        for index in 0..<count where self[index] == UInt8(ascii: ":") && (last || found == nil) { found = index }
        guard let found else { return nil }
        var text = Message(capacity: found)
        for index in 0..<found { text.append(byte: self[index]) }
        return Name(text.bytes.span)
    }
}
