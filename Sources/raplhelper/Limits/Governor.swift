import LinuxSystem
import PowercapProtocol

/// Writes limits and puts them back: P3 to P6. Everything that touches a limit file for writing is here.
final class Governor {
    let zones: [Zone]
    let bounds: Bounds
    private(set) var policy: WritePolicy
    private let ledger: Ledger
    /// Saved changes whose zones weren't there at the start.
    let unclaimed: Int
    private var planned: [Planned] = []
    /// Zones that are read and written beside the loop.
    var slow: SlowZones?
    /// A controller can repeat what fails as fast as it likes; one time through all constraints of a large node is told in full.
    var log = LogBudget(burst: 100)

    /// One item of a batch on its way through validation, writing and reading back.
    private struct Planned {
        var item: ApplyItem
        var constraint: Constraint
        var zone: Zone
        /// What the hardware held before, for putting it back.
        var before: Constraint.Setting
        /// What this system had done before, for the record of a batch that fails.
        var changeBefore: Constraint.Change?
        /// It is written by its zone's thread, and has still to be.
        var isPending = false
    }

    /// Two limits that are less than this apart may be the same one rounded down: no power unit of a RAPL register is
    /// coarser than 1 W (Intel SDM 15.10.1). Taking a stranger's limit so close below ours for ours only means that the
    /// original comes back instead of it; not knowing our own would leave the node capped.
    static let coarsestStep = Microwatts(1_000_000)

    init(
        zones: [Zone], bounds: Bounds, policy: WritePolicy, stateFile: consuming StateFile?,
        bootFile: consuming StateFile? = nil, unclaimed: Int = 0
    ) {
        self.unclaimed = unclaimed
        (self.zones, self.bounds, self.policy) = (zones, bounds, policy)
        ledger = Ledger(stateFile, boot: bootFile)
        planned.reserveCapacity(Limits.itemsPerBatch)
    }

    var allZonesAreGone: Bool {
        for zone in zones where !zone.isGone { return false }
        return true
    }

    /// How many constraints hold a limit of this system's, as far as it knows.
    var changeCount: Int {
        var count = 0
        for zone in zones { for constraint in zone.constraints where constraint.change != nil { count += 1 } }
        return count
    }

    /// Whether the originals aren't saved any more, because somebody has removed their file. This process can't make another.
    var stateIsRemoved: Bool { ledger.isRemoved }

    func zone(_ index: UInt16) -> Zone? { Int(index) < zones.count ? zones[Int(index)] : nil }

    /// What Zones says of a constraint.
    func description(of constraint: Constraint, in zone: Zone) -> ConstraintDescription {
        var description = bounds.description(of: constraint, in: zone, takesLimits: policy == .accepted)
        if ledger.isFallbackKept { description.flags.insert(.fallbackKept) }
        return description
    }

    // MARK: Applying a batch

    /// Carries a batch out as a whole: validated, recorded, written, read back; or put back and reported. `applied(_:)` then
    /// gives what is in force.
    func apply(_ items: [ApplyItem]) throws(Failure) {
        planned.removeAll(keepingCapacity: true)
        for item in items { try plan(item) }
        try announce()
        for index in 0..<planned.count where !planned[index].isPending {
            do throws(Failure) { try write(planned[index], item: UInt16(index)) } catch {
                putBack(from: index)
                throw error
            }
        }
        for entry in planned where !entry.isPending {
            guard let inForce = entry.constraint.change?.inForce.limit else { continue }
            entry.constraint.change?.fallback = Governor.fallback(after: entry).map { min($0, inForce) }
        }
        for entry in planned where entry.isPending { hand(entry) }
        // A crash before this line leaves `intended`, which is recognised as well.
        record("the state file can't be brought up to date after a write")
    }

    /// Leaves a limit to its zone's thread. What is asked for is recorded.
    private func hand(_ entry: Planned) {
        guard let slow = slow?.slow(entry.zone),
            let position = entry.zone.constraints.firstIndex(where: { $0 === entry.constraint })
        else { return }
        slow.apply(
            SlowZone.Batch(
                position: position, asked: entry.item.limit, before: entry.before.limit, changeBefore: entry.changeBefore,
                fallback: Governor.fallback(after: entry)))
    }

    /// The fallback limit that an item leads to; nil for none. What the item leaves as it is doesn't stay above the limit.
    private static func fallback(after entry: Planned) -> Microwatts? {
        guard let asked = entry.item.fallback else { return entry.changeBefore?.fallback.map { min($0, entry.item.limit) } }
        return asked == .zero ? nil : asked
    }

    /// The one that holds while the batch is on its way: the lower of the old and the new, so that a crash leaves none that is
    /// above what was agreed.
    private static func fallback(during entry: Planned) -> Microwatts? {
        guard let after = fallback(after: entry) else { return entry.changeBefore?.fallback }
        return entry.changeBefore?.fallback.map { min($0, after) } ?? after
    }

    /// What is in force for an item of the last batch, as it was read back.
    func applied(_ index: Int) -> AppliedItem {
        let entry = planned[index]
        if entry.isPending {
            return AppliedItem(
                effective: max(entry.before.limit, entry.item.limit), effectiveWindow_us: 0, isPending: true)
        }
        let now = entry.constraint.change?.inForce ?? entry.before
        return AppliedItem(effective: now.limit, effectiveWindow_us: entry.item.window_us == nil ? 0 : now.window_us)
    }

    /// Validates one item and reads what is there. Nothing is written before all of them have passed.
    private func plan(_ item: ApplyItem) throws(Failure) {
        let number = UInt16(planned.count)
        let zone = zone(item.zone)
        let constraint = zone?.constraint(item.constraint)
        if let zone, let constraint { try refresh(constraint, of: zone, item: number) }
        if let code = bounds.refusal(of: item, zone: zone, constraint: constraint) { throw Failure(code, item: number) }
        guard let zone, let constraint else { throw Failure(.unknownZone, item: number) }
        for other in planned where other.constraint === constraint { throw Failure(.duplicateItem, item: number) }
        if slow?.slow(zone)?.isBusy == true { throw Failure(.writePending, item: number) }
        let before: Constraint.Setting
        do throws(Errno) { before = try zone.setting(of: constraint) } catch { throw unreadable(error, zone, number) }
        // A batch that fails puts back what was there before it. What the driver made of a window of ours it makes again; another
        // party's may be one that can only be read.
        let isOurs = constraint.change.map { $0.touchesWindow && $0.inForce.window_us == before.window_us } ?? false
        if let window = item.window_us, window != before.window_us, !isOurs, !TimeWindow.comesBack(before.window_us) {
            throw Failure(.windowNotRestorable, item: number)
        }
        planned.append(
            Planned(
                item: item, constraint: constraint, zone: zone, before: before, changeBefore: constraint.change,
                isPending: zone.isBeside && constraint.driver.rounded(item.limit) != before.limit))
    }

    /// As long as nothing of ours is in force, the original is what is there now: somebody may have set another limit since
    /// the helper started, and that is what has to come back.
    private func refresh(_ constraint: Constraint, of zone: Zone, item: UInt16) throws(Failure) {
        guard constraint.change == nil, !zone.isGone, constraint.isOpenForWriting, constraint.limit.isThere else { return }
        do throws(Errno) { constraint.original = try zone.setting(of: constraint) } catch { throw unreadable(error, zone, item) }
    }

    private func unreadable(_ errno: Errno, _ zone: Zone, _ item: UInt16) -> Failure {
        zone.noting(errno) == .noDevice
            ? Failure(.zoneGone, errno: UInt16(errno.number), item: item)
            : Failure(.readFailed, errno: UInt16(errno.number), item: item)
    }

    /// P6: records what is about to be written, before it is.
    private func announce() throws(Failure) {
        for entry in planned {
            // Until it is read back, what is in force is what was there before. Either is then known as ours after a crash;
            // where nothing of ours was in force, the value before is the original itself.
            entry.constraint.change = Constraint.Change(
                intended: Constraint.Setting(
                    limit: entry.item.limit,
                    window_us: entry.item.window_us ?? entry.changeBefore?.intended.window_us ?? entry.before.window_us),
                inForce: entry.changeBefore?.inForce ?? entry.before,
                touchesWindow: entry.item.window_us != nil || entry.changeBefore?.touchesWindow == true,
                fallback: Governor.fallback(during: entry))
        }
        do throws(Errno) { try ledger.record(zones) } catch {
            forget()
            log.error("the state file can't be written: no limit was changed", "errno=\(error)")
            throw Failure(.stateUnwritable, errno: UInt16(error.number))
        }
        ledger.keepFallbacks(zones, &log)
    }

    private func write(_ entry: Planned, item: UInt16) throws(Failure) {
        let constraint = entry.constraint
        let wanted = entry.item
        let after: Constraint.Setting
        do throws(Errno) {
            if entry.zone.isBeside {
                after = entry.before
            } else {
                if entry.before.limit != wanted.limit { try constraint.writeLimit(wanted.limit) }
                if let window = wanted.window_us, window != entry.before.window_us { try constraint.window.writeOrAbsent(window) }
                after = try constraint.readSetting()
            }
        } catch {
            throw entry.zone.noting(error) == .noDevice
                ? Failure(.zoneGone, errno: UInt16(error.number), item: item)
                : Failure(constraint.isLocked ? .locked : .writeFailed, errno: UInt16(error.number), item: item)
        }
        // The kernel may report success and change nothing (a failing register, a locked core or dram domain).
        guard Governor.isRounding(after.limit, of: wanted.limit) else {
            throw Failure(.notInForce, item: item, effective: after.limit)
        }
        if let window = wanted.window_us, after.window_us > window || after.window_us <= window / 2 {
            throw Failure(.notInForce, item: item, effective: after.limit)
        }
        constraint.change?.inForce.limit = after.limit
        if wanted.window_us != nil { constraint.change?.inForce.window_us = after.window_us }
    }

    /// Whether `found` is what the register makes of `asked`.
    static func isRounding(_ found: Microwatts, of asked: Microwatts) -> Bool {
        found <= asked && asked - found < coarsestStep
    }

    /// P5: after item `failed` went wrong, puts back what was there before it and before those ahead of it.
    private func putBack(from failed: Int) {
        for index in (0...failed).reversed() {
            let entry = planned[index]
            if entry.zone.isBeside {
                // Its thread hasn't been asked yet.
                entry.constraint.change = entry.changeBefore
                continue
            }
            do throws(Errno) {
                let now = try entry.constraint.readSetting()
                if now.limit != entry.before.limit { try entry.constraint.putBack(entry.before.limit) }
                if entry.item.window_us != nil && now.window_us != entry.before.window_us {
                    try entry.constraint.window.writeOrAbsent(entry.before.window_us)
                }
                let after = try entry.constraint.readSetting()
                guard after.limit == entry.before.limit, entry.item.window_us == nil || after.window_us == entry.before.window_us
                else { throw .inputOutput }
                entry.constraint.change = entry.changeBefore
            } catch {
                // Its change stays known: what is in force may be ours, and its original has to come back.
                _ = entry.zone.noting(error)
                log.error(
                    "a limit of a failed batch could not be put back",
                    "zone=\(entry.zone.name) constraint=\(entry.constraint.name) errno=\(error)")
            }
        }
        for entry in planned[(failed + 1)...] { entry.constraint.change = entry.changeBefore }
        record("the state file can't be brought up to date after a failed batch")
    }

    /// Takes the batch's changes out of the record again.
    private func forget() { for entry in planned { entry.constraint.change = entry.changeBefore } }

    // MARK: The record

    /// Makes the files say what the constraints' changes are now.
    /// - Parameter failure: what to say where that can't be.
    func record(_ failure: StaticString) {
        do throws(Errno) { try ledger.record(zones) } catch { log.error(failure, "errno=\(error)") }
        ledger.keepFallbacks(zones, &log)
    }
}
