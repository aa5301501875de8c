import LinuxSystem
import PowercapProtocol

/// P6 and P18 at start: what an earlier run saved, and what that means for this one.
struct Originals {
    let options: Options
    let bootID: BootID
    private var policy = WritePolicy.accepted
    /// What the saved state says of this boot that is still in force.
    private var records: [SavedState.Record] = []
    private var unclaimed = 0
    private var boot: SavedBoot
    /// Whether this boot was begun at the fallback limits.
    private(set) var isBegunAtFallback = false

    /// Reads the saved state and deals with what it says is in force, before anything else can go wrong: the fallback limits come
    /// into force where there are some, the originals elsewhere. What the state says it says until every register has been read
    /// back: to die at any instruction of this loses nothing.
    init(restoring options: Options, bootID: BootID) {
        (self.options, self.bootID) = (options, bootID)
        boot = SavedBoot(options, bootID)
        if options.discardState {
            Log.warning("saved limits are forgotten: what is in force now counts as original", "flag=--discard-state")
            return
        }
        switch StateFile.earlier(in: options.stateDirectory, bootID: bootID) {
        case .none: beginLate()
        case .otherBoot:
            Log.info("saved limits are of another boot: firmware has set them anew since")
            beginLate()
        case .saved(let state):
            records = state.records.filter { $0.change != nil }
            isBegunAtFallback = state.isBegunAtFallback
        case .unreadable(let why):
            policy = .stateUnreadable
            Log.error(
                "the saved original limits can't be read: serving reads, refusing writes",
                "why=\"\(why)\" do=\"compare the limits with what they should be, then start once with --discard-state\"")
        }
        if records.isEmpty { return }
        if options.readOnly {
            Log.warning("limits of an earlier run are still in force and stay so", "flag=--read-only")
        } else {
            restore()
        }
    }

    /// A boot that wasn't begun at its fallback limits goes to them now: late is better than never.
    private mutating func beginLate() {
        guard let begun = boot.begin() else { return }
        records = begun.records
    }

    private mutating func restore() {
        var restoration = Restoration(of: records, in: options.places)
        restoration.carryOut()
        (records, unclaimed) = (restoration.remaining, restoration.unclaimed)
        let outcome = restoration.outcome
        let counts: Message = "\(outcome.counts) unclaimed=\(unclaimed)"
        if outcome.failed > 0 {
            Log.error("an earlier helper died with limits in force, and not all could be restored", counts)
        } else if outcome == Released(fallback: outcome.fallback) && unclaimed == 0 {
            Log.info("fallback limits are in force until control is taken or given up", counts)
        } else {
            Log.warning("an earlier helper died with limits in force", counts)
        }
        if outcome.restored == 0 && outcome.foreign == 0 && outcome.fallback == 0 { return }
        // From here on a limit that looks like ours is somebody else's.
        do throws(Errno) { _ = try file(records) } catch {
            Log.error("the saved state can't be brought up to date after restoring", "errno=\(error)")
        }
    }

    private func file(_ records: [SavedState.Record]) throws(Errno) -> StateFile {
        try StateFile(
            creatingIn: options.stateDirectory,
            SavedState(bootID: bootID, generation: 1, records: records, isBegunAtFallback: isBegunAtFallback))
    }

    /// A governor over the zones, with the originals saved.
    /// - Parameter failure: why the state directory isn't this helper's alone; nothing is saved then.
    func governor(of zones: [Zone], failure: Errno? = nil) -> Governor {
        let bounds = Bounds(minPower: options.minPower, ceilingRule: options.ceilingRule)
        if options.readOnly { return Governor(zones: zones, bounds: bounds, policy: .readOnly, stateFile: nil) }
        if policy == .stateUnreadable {
            return Governor(zones: zones, bounds: bounds, policy: policy, stateFile: nil)
        }
        adopt(into: zones)
        let file: StateFile?
        var policy = WritePolicy.accepted
        do throws(Errno) {
            if let failure { throw failure }
            file = try self.file(merged(with: zones))
        } catch {
            Log.error(
                "the original limits can't be saved: serving reads, refusing writes",
                "state_dir=\(options.stateDirectory) errno=\(error) do=\"make --state-dir a directory that the helper can write to\""
            )
            file = nil
            policy = .stateUnwritable
        }
        let bootFile = policy == .accepted ? boot.file(merged(with: zones), isBegunAtFallback: isBegunAtFallback) : nil
        return Governor(
            zones: zones, bounds: bounds, policy: policy, stateFile: file, bootFile: bootFile, unclaimed: unclaimed)
    }

    /// Gives the constraints back what is known of them: what could not be restored is tried again.
    private func adopt(into zones: [Zone]) {
        for record in records {
            for zone in zones {
                for constraint in zone.constraints where record.isOf(constraint, in: zone) {
                    // A slow one that a boot was to begin at a fallback limit, before its driver has answered.
                    constraint.original = constraint.driver.isSlow && record.isUnread ? nil : record.original
                    constraint.change = record.change
                }
            }
        }
    }

    /// A record for every constraint of today, and those changed ones whose zone isn't there now: its package may come back.
    private func merged(with zones: [Zone]) -> [SavedState.Record] {
        var merged: [SavedState.Record] = []
        for zone in zones {
            for constraint in zone.constraints where constraint.limit.isThere {
                merged.append(
                    SavedState.Record(
                        zone: zone.identity, index: constraint.index, constraintName: constraint.name,
                        original: constraint.original ?? Constraint.Setting(limit: .zero, window_us: 0),
                        change: constraint.change))
            }
        }
        for record in records {
            let isHere = zones.contains { zone in zone.constraints.contains { record.isOf($0, in: zone) } }
            if !isHere { merged.append(record) }
        }
        return merged
    }
}
