import LinuxSystem
import PowercapProtocol

/// P6 at start: puts back what a helper that was killed has left. It needs nothing but the tree and the saved state: it finds the
/// zones that the state names by itself, so that nothing else about the node can keep a limit from coming back.
struct Restoration {
    /// What the state has to go on saying: changes that could not be undone, and those of zones that aren't there.
    private(set) var remaining: [SavedState.Record] = []
    private(set) var outcome = Released()
    /// Changes that no zone claims.
    private(set) var unclaimed = 0

    /// A zone that has the names of a saved one, with the constraints that were changed.
    private struct Claimant {
        let zone: Zone
        let constraint: Constraint
    }

    init(of records: [SavedState.Record], in root: String) {
        let changed = records.filter { $0.change != nil }
        if changed.isEmpty { return }
        var claimants = [[Claimant]](repeating: [], count: changed.count)
        // A tree that isn't there, or can't be listed, claims nothing; Discovery says why.
        if let tree = try? ZoneTree(opening: root) {
            try? tree.walk { identity, path, directory, parent in
                for index in 0..<changed.count where changed[index].isOf(identity) {
                    if let claimant = Restoration.claimant(changed[index], identity, path, directory) {
                        claimants[index].append(claimant)
                    }
                }
                return 0
            }
        }
        var log = LogBudget(burst: 100)
        for index in 0..<changed.count {
            let record = changed[index]
            var candidates = claimants[index]
            // Where several have the same names, the number has to agree as well.
            let isAmbiguous = candidates.count > 1 || changed.indices.contains { $0 != index && changed[$0].isSame(as: record) }
            if isAmbiguous { candidates = candidates.filter { $0.zone.id == record.zone.id } }
            guard candidates.count == 1 else {
                tell(record, &log)
                continue
            }
            undo(record, candidates[0], &log)
        }
    }

    private static func claimant(
        _ record: SavedState.Record, _ identity: ZoneIdentity, _ path: String, _ directory: borrowing Descriptor
    ) -> Claimant? {
        for number in 0..<Limits.constraintsPerZone {
            let prefix = "constraint_\(number)"
            guard case .name(let name) = NameFile.read("\(prefix)_name", in: directory), name == record.constraintName else {
                continue
            }
            // A window that wasn't changed isn't looked at.
            let touchesWindow = record.change?.touchesWindow == true
            let constraint = Constraint(
                index: UInt8(number), name: name, maxPower: .zero,
                limit: attribute("\(prefix)_power_limit_uw", in: directory),
                window: attribute("\(prefix)_time_window_us", in: directory, isWanted: touchesWindow), isOpenForWriting: true)
            constraint.original = record.original
            constraint.change = record.change
            let zone = Zone(
                index: 0, parent: nil, identity: identity, path: path, maxEnergyRange: Microjoules(0), energy: nil,
                enabled: nil, constraints: [constraint])
            return Claimant(zone: zone, constraint: constraint)
        }
        return nil
    }

    private static func attribute(_ file: String, in directory: borrowing Descriptor, isWanted: Bool = true) -> Attribute? {
        if !isWanted { return nil }
        do throws(Errno) { return Attribute(try Descriptor(opening: file, in: directory, .readWrite)) } catch {
            return Attribute(refused: error)
        }
    }

    private mutating func undo(_ record: SavedState.Record, _ claimant: Claimant, _ log: inout LogBudget) {
        outcome.count(claimant.constraint.restore(in: claimant.zone, &log))
        guard let change = claimant.constraint.change else { return }
        var record = record
        record.zone.id = claimant.zone.id
        record.index = claimant.constraint.index
        record.change = change
        remaining.append(record)
    }

    private mutating func tell(_ record: SavedState.Record, _ log: inout LogBudget) {
        unclaimed += 1
        remaining.append(record)
        log.warning(
            "no zone has these names: its original limit is kept until one has",
            "control_type=\(record.zone.controlType) zone=\(record.zone.name) id=\(record.zone.id) "
                + "constraint=\(record.constraintName) original_uw=\(record.original.limit.rawValue)")
    }
}

extension Released {
    enum Restored { case restored, foreign, failed }

    mutating func count(_ one: Restored) {
        switch one {
        case .restored: restored += 1
        case .foreign: foreign += 1
        case .failed: failed += 1
        }
    }

    /// The words that a control's end is told with follow the counts.
    var ending: (level: Log.Level, words: StaticString) {
        if failed > 0 { return (.error, "control ended, but not every original limit could be restored") }
        if foreign > 0 { return (.warning, "control ended, limits that another party set are left as they are") }
        return (.info, restored > 0 ? "control ended, original limits restored" : "control ended, no limit had to be restored")
    }

    /// The counts as fields of a log line.
    var counts: Message { "restored=\(restored) foreign=\(foreign) failed=\(failed)" }
}

extension Constraint {
    /// Puts the original back if what is in force is this system's doing.
    func restore(in zone: Zone, _ log: inout LogBudget) -> Released.Restored {
        guard let change, let original else { return .restored }
        let subject: Message = "zone=\(zone.name) id=\(zone.id) constraint=\(name)"
        do throws(Errno) {
            let now = try readSetting()
            let windowIsOurs = change.touchesWindow && now.window_us != original.window_us && change.isOurs(window: now.window_us)
            if windowIsOurs { try window.writeOrAbsent(original.window_us) }
            var isForeign = false
            if now.limit != original.limit {
                isForeign = !change.isOurs(now.limit)
                if isForeign {
                    log.warning(
                        "another party changed the limit: left as it is",
                        "\(subject) limit_uw=\(now.limit.rawValue) ours_uw=\(change.inForce.limit.rawValue) original_uw=\(original.limit.rawValue)"
                    )
                } else {
                    try writeLimit(original.limit)
                }
            }
            let after = try readSetting()
            var isRestored = true
            if !isForeign && after.limit != original.limit {
                isRestored = false
                log.error(
                    "the original limit was written but isn't in force",
                    "\(subject) limit_uw=\(after.limit.rawValue) original_uw=\(original.limit.rawValue)")
            }
            if windowIsOurs && after.window_us != original.window_us {
                isRestored = false
                log.error(
                    "the original time window was written but isn't in force",
                    "\(subject) window_us=\(after.window_us) original_us=\(original.window_us)")
                // Another attempt can't do better where the register has no such window.
                if !TimeWindow.comesBack(original.window_us) && after.limit == original.limit { self.change = nil }
            }
            guard isRestored else { return .failed }
            if isForeign { self.original = after }
            self.change = nil
            return isForeign ? .foreign : .restored
        } catch {
            log.error(
                "the original limit could not be restored",
                "\(subject) errno=\(zone.noting(error).name) original_uw=\(original.limit.rawValue)")
            return .failed
        }
    }
}

extension Constraint.Change {
    /// Whether a limit found in the hardware is this system's doing: what was read back after the last write, or what was
    /// about to be written when the process died.
    func isOurs(_ limit: Microwatts) -> Bool { limit == inForce.limit || Governor.isRounding(limit, of: intended.limit) }

    func isOurs(window: UInt64) -> Bool {
        window == inForce.window_us || (window <= intended.window_us && window > intended.window_us / 2)
    }
}
