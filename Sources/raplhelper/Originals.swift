import LinuxSystem
import PowercapProtocol

/// P6 at start: what an earlier run saved, and what that means for this one.
struct Originals {
    let options: Options
    let bootID: BootID

    /// A governor over the zones, with the limits that an earlier run left behind restored.
    func governor(of zones: [Zone]) -> Governor {
        let bounds = Bounds(minPower: options.minPower, ceilingRule: options.ceilingRule)
        var (policy, records) = saved()
        if policy == .stateUnreadable {
            return Governor(zones: zones, bounds: bounds, policy: options.readOnly ? .readOnly : policy, stateFile: nil)
        }
        adopt(records, into: zones)
        if options.readOnly {
            if records.contains(where: { $0.change != nil }) {
                Log.warning("limits of an earlier run are still in force and stay so", "flag=--read-only")
            }
            return Governor(zones: zones, bounds: bounds, policy: .readOnly, stateFile: nil)
        }
        records = merged(records, with: zones)
        let file: StateFile?
        do throws(Errno) {
            file = try StateFile(
                creatingIn: options.stateDirectory, SavedState(bootID: bootID, generation: 1, records: records))
        } catch {
            Log.error(
                "the original limits can't be saved: serving reads, refusing writes",
                "state_dir=\(options.stateDirectory) errno=\(error) do=\"make --state-dir a directory that the helper can write to\""
            )
            file = nil
            policy = .stateUnwritable
        }
        let governor = Governor(zones: zones, bounds: bounds, policy: policy, stateFile: file)
        let outcome = governor.restore()
        if outcome != Released() {
            Log.warning(
                "an earlier helper died with limits in force",
                "restored=\(outcome.restored) foreign=\(outcome.foreign) failed=\(outcome.failed)")
        }
        return governor
    }

    private func saved() -> (WritePolicy, [SavedState.Record]) {
        if options.discardState {
            Log.warning("saved limits are forgotten: what is in force now counts as original", "flag=--discard-state")
            return (.accepted, [])
        }
        switch StateFile.earlier(in: options.stateDirectory, bootID: bootID) {
        case .none: return (.accepted, [])
        case .otherBoot:
            Log.info("saved limits are of another boot: firmware has set them anew since")
            return (.accepted, [])
        case .saved(let state): return (.accepted, state.records)
        case .unreadable(let why):
            Log.error(
                "the saved original limits can't be read: serving reads, refusing writes",
                "why=\"\(why)\" do=\"compare the limits with what they should be, then start once with --discard-state\"")
            return (.stateUnreadable, [])
        }
    }

    /// Gives the constraints back what was known of them.
    private func adopt(_ records: [SavedState.Record], into zones: [Zone]) {
        for record in records where record.change != nil {
            for zone in zones {
                for constraint in zone.constraints where record.isOf(constraint, in: zone) {
                    constraint.original = record.original
                    constraint.change = record.change
                }
            }
        }
    }

    /// A record for every constraint of today, and those changed ones whose zone isn't there now: its package may come back.
    private func merged(_ records: [SavedState.Record], with zones: [Zone]) -> [SavedState.Record] {
        var merged: [SavedState.Record] = []
        for zone in zones {
            for constraint in zone.constraints where constraint.limit.isThere {
                merged.append(
                    SavedState.Record(
                        zoneID: zone.id, zoneName: zone.name, index: constraint.index, constraintName: constraint.name,
                        original: constraint.original ?? Constraint.Setting(limit: .zero, window_us: 0),
                        change: constraint.change))
            }
        }
        for record in records where record.change != nil {
            let isHere = zones.contains { zone in zone.constraints.contains { record.isOf($0, in: zone) } }
            if !isHere { merged.append(record) }
        }
        return merged
    }
}
