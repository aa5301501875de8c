import LinuxSystem
import PowercapProtocol

/// P6 and P18 at start: deals with what an earlier helper has left. It needs nothing but the tree and the saved state: it finds the
/// zones that the state names by itself, so that nothing else about the node can keep a limit from coming back.
struct Restoration {
    /// What the state has to go on saying: changes that could not be undone, and those of zones that aren't there.
    private(set) var remaining: [SavedState.Record] = []
    private(set) var outcome = Released()
    /// Changes of zones that are there, until they are dealt with.
    private var claimed: [Claimed] = []
    /// Changes that no zone claims.
    private(set) var unclaimed = 0

    /// A zone that has the names of a saved one, with the constraints that were changed.
    private struct Claimant {
        let zone: Zone
        let constraint: Constraint
    }

    private struct Claimed {
        var record: SavedState.Record
        let claimant: Claimant
    }

    /// Finds the zones of the records that have a change, and writes nothing.
    init(of records: [SavedState.Record], in places: ZonePlaces) {
        let changed = records.filter { $0.change != nil }
        if changed.isEmpty { return }
        var log = LogBudget(burst: 100)
        var claimants = [[Claimant]](repeating: [], count: changed.count)
        // A tree that isn't there, or can't be listed, claims nothing; Discovery says why.
        _ = places.walk(leavingOut: Omissions()) { found, directory, parent in
            for index in 0..<changed.count where changed[index].isOf(found.identity) {
                if let claimant = Restoration.claimant(changed[index], found, directory) { claimants[index].append(claimant) }
            }
            return 0
        }
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
            claimed.append(Claimed(record: Restoration.today(record, candidates[0]), claimant: candidates[0]))
        }
    }

    /// What the state has to say of those that are claimed and of the others.
    var records: [SavedState.Record] { remaining + claimed.map { $0.record } }

    /// The zones that are claimed, one for each constraint.
    var zones: [Zone] { claimed.map { $0.claimant.zone } }

    /// Brings the fallback limits into force where there are some, and puts the originals back elsewhere.
    /// - Parameters:
    ///   - slow: the threads of what may take long, of which the state says what was in force. Without it, and where a driver hasn't
    ///     answered, that is left to who serves, as what remains: no driver keeps a start waiting.
    ///   - patience_ms: how long these are waited for, together.
    mutating func carryOut(slow: SlowZones? = nil, patience_ms: UInt64 = 0) {
        var log = LogBudget(burst: 100)
        if let slow {
            for one in slow.zones where one.changeCount > 0 && one.zone.constraints[0].original?.limit != .zero {
                one.end(.fallback)
            }
        }
        for one in claimed where !one.claimant.constraint.driver.isSlow {
            outcome.count(one.claimant.constraint.fallBack(in: one.claimant.zone, &log))
        }
        if let slow {
            slow.wait(patience_ms, while: { $0.isBusy }) {
                _ = slow.take(&log)
                _ = slow.proceed(&log)
            }
            outcome = outcome + slow.takeOutcome()
            outcome.failed += slow.unfinished
        }
        for one in claimed {
            var record = one.record
            record.change = one.claimant.constraint.change
            if record.change != nil { remaining.append(record) }
        }
        claimed = []
    }

    /// Makes the records those of a boot that has just begun, whose limits are firmware's: what is in force now is the original,
    /// and nothing has been changed but what a fallback limit lowers. Those of zones that aren't there are forgotten.
    /// - Returns: whether every zone is there and can be read.
    mutating func beginBoot() -> Bool {
        var isWhole = unclaimed == 0
        (remaining, unclaimed) = ([], 0)
        var lowered: [Claimed] = []
        for one in claimed {
            let constraint = one.claimant.constraint
            guard let fallback = one.record.change?.fallback else { continue }
            do throws(Errno) {
                // What a slow driver hasn't answered is asked again by who serves.
                let isUnread = constraint.driver.isSlow && constraint.lastLimit == nil
                let now =
                    isUnread ? Constraint.Setting(limit: .zero, window_us: 0) : try one.claimant.zone.setting(of: constraint)
                // What is lower stays as it is, and is nobody's but firmware's.
                if now.limit <= fallback && !isUnread { continue }
                if isUnread {
                    isWhole = false
                    Log.warning(
                        "a driver hasn't answered yet: the helper that serves sets its fallback limit",
                        "zone=\(one.record.zone.name) id=\(one.record.zone.id) constraint=\(one.record.constraintName)")
                }
                constraint.original = now
                constraint.change = Constraint.Change(intended: now, inForce: now, touchesWindow: false, fallback: fallback)
            } catch {
                isWhole = false
                Log.error(
                    "the limit can't be read, so its fallback isn't set",
                    "zone=\(one.record.zone.name) id=\(one.record.zone.id) constraint=\(one.record.constraintName) errno=\(error)"
                )
                continue
            }
            var new = one
            new.record.original = constraint.original!
            new.record.change = constraint.change
            lowered.append(new)
        }
        claimed = lowered
        return isWhole
    }

    private static func today(_ record: SavedState.Record, _ claimant: Claimant) -> SavedState.Record {
        var record = record
        record.zone.id = claimant.zone.id
        record.index = claimant.constraint.index
        return record
    }

    private static func claimant(
        _ record: SavedState.Record, _ found: ZonePlaces.Found, _ directory: borrowing Descriptor
    ) -> Claimant? {
        for files in FoundLimit.all(of: found, in: directory, leavingOut: Omissions()) where files.name == record.constraintName {
            // A window that wasn't changed isn't looked at.
            let touchesWindow = record.change?.touchesWindow == true
            let constraint = Constraint(
                index: files.index, name: files.name, driver: found.driver, maxPower: .zero,
                limit: attribute(files.limit, in: directory, found.driver.limitFormat),
                window: attribute(files.window, in: directory, isWanted: touchesWindow), isOpenForWriting: true)
            constraint.original = record.original
            constraint.change = record.change
            let zone = Zone(
                index: 0, parent: nil, identity: found.identity, path: found.path, isSlow: found.driver.isSlow,
                constraints: [constraint])
            return Claimant(zone: zone, constraint: constraint)
        }
        return nil
    }

    private static func attribute(
        _ file: String, in directory: borrowing Descriptor, _ format: Attribute.Format = Attribute.Format(), isWanted: Bool = true
    ) -> Attribute? {
        if !isWanted || file.utf8.isEmpty { return nil }
        do throws(Errno) { return Attribute(try Descriptor(opening: file, in: directory, .readWrite), format) } catch {
            return Attribute(refused: error)
        }
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
