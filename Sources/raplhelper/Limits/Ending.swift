import LinuxSystem
import PowercapProtocol

// What becomes of a constraint's limit when control ends: its original comes back (P6), or its fallback limit into force (P18).

extension Released {
    enum Restored { case restored, foreign, failed, fallback }

    mutating func count(_ one: Restored) {
        switch one {
        case .restored: restored += 1
        case .foreign: foreign += 1
        case .failed: failed += 1
        case .fallback: fallback += 1
        }
    }

    /// The words that a control's end is told with follow the counts.
    var ending: (level: Log.Level, words: StaticString) {
        if failed > 0 && fallback > 0 { return (.error, "control ended, but not every fallback or original limit could be set") }
        if failed > 0 { return (.error, "control ended, but not every original limit could be restored") }
        if foreign > 0 { return (.warning, "control ended, limits that another party set are left as they are") }
        if fallback > 0 { return (.warning, "control ended, fallback limits are in force until control is taken or given up") }
        return (.info, restored > 0 ? "control ended, original limits restored" : "control ended, no limit had to be restored")
    }

    /// The counts as fields of a log line.
    var counts: Message {
        let counts: Message = "restored=\(restored) foreign=\(foreign) failed=\(failed)"
        return fallback == 0 ? counts : "\(counts) fallback=\(fallback)"
    }
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

extension Constraint {
    /// Brings the fallback limit into force if what is in force is this system's doing and above it; nothing is ever raised. Where
    /// there is none, the original comes back.
    ///
    /// Nothing has to be recorded before: the state has the fallback limit since it was given, and it counts as ours. The original
    /// stays known, for the day when control is given up on purpose; a time window of ours stays until then, too.
    func fallBack(in zone: Zone, _ log: inout LogBudget) -> Released.Restored {
        guard let change, let fallback = change.fallback, let original else { return restore(in: zone, &log) }
        let subject: Message = "zone=\(zone.name) id=\(zone.id) constraint=\(name)"
        do throws(Errno) {
            let now = try readSetting()
            // The original is no stranger's: hardware that was reset has it again.
            if now.limit != original.limit && !change.isOurs(now.limit) { return restore(in: zone, &log) }
            self.change?.inForce.limit = now.limit
            self.change?.intended.limit = min(fallback, now.limit)
            var after = now
            if now.limit > fallback {
                try writeLimit(fallback)
                after = try readSetting()
                guard Governor.isRounding(after.limit, of: fallback) else {
                    log.error(
                        "the fallback limit was written but isn't in force",
                        "\(subject) limit_uw=\(after.limit.rawValue) fallback_uw=\(fallback.rawValue)")
                    return .failed
                }
            }
            self.change?.inForce.limit = after.limit
            self.change?.fallback = min(fallback, after.limit)
            return .fallback
        } catch {
            log.error(
                "the fallback limit could not be set",
                "\(subject) errno=\(zone.noting(error).name) fallback_uw=\(fallback.rawValue)")
            return .failed
        }
    }
}

extension Constraint.Change {
    /// Whether a limit found in the hardware is this system's doing: what was read back after the last write, or what was
    /// about to be written when the process died.
    func isOurs(_ limit: Microwatts) -> Bool {
        if let fallback, Governor.isRounding(limit, of: fallback) { return true }
        return limit == inForce.limit || Governor.isRounding(limit, of: intended.limit)
    }

    func isOurs(window: UInt64) -> Bool {
        window == inForce.window_us || (window <= intended.window_us && window > intended.window_us / 2)
    }
}
