import LinuxSystem
import PowercapProtocol

/// What is to be done to the limits of a zone that has a thread of its own, one thing after the other.
final class SlowZone {
    /// A limit of a batch on its way.
    struct Batch {
        let position: Int
        let asked: Microwatts
        /// What the hardware held, and what this system had done, for putting it back.
        let before: Microwatts
        let changeBefore: Constraint.Change?
        let fallback: Microwatts?
    }

    private enum Task {
        case apply(Batch)
        /// P5: a limit of a batch that came to nothing.
        case putBack(Batch)
        case end(LimitDisposal)
    }

    let zone: Zone
    private let thread: ZoneThread
    private var tasks: [Task] = []
    /// What the thread was asked last; nil while it rests.
    private var underWay: Step?
    /// When it was asked.
    private var asked_ns: UInt64 = 0
    /// Whether it has been asked for longer than its patience, which was told.
    private var isOverdue = false
    private var hasLooked = false
    /// Constraints that the end of control has still to see; nil where it has yet to look.
    private var unseen: [Int]?
    private var outcome = Released()
    /// Whether the end of control has still something to do.
    private(set) var isEnding = false

    /// The end of control goes by a look of its own: one that was under way before it has nothing to go on with.
    private enum Step { case look, lookToEnd, write(Int), restore(Int), fallBack(Int) }

    init(_ zone: Zone, done: Int32, apart: Bool) throws(Errno) {
        self.zone = zone
        thread = try ZoneThread(of: zone, done: done, apart: apart)
        zone.isBeside = true
    }

    /// How long a driver may take before it is told, and its reading is none.
    static let patience_ns: UInt64 = 10_000_000_000

    /// Whether something is still to be done to a limit.
    var isBusy: Bool { !tasks.isEmpty }

    func apply(_ batch: Batch) { add(.apply(batch)) }

    /// Whether the thread is at work.
    var isAtWork: Bool { underWay != nil }

    /// The end of control: `takeOutcome` has what became of it when `isEnding` is false again.
    func end(_ disposal: LimitDisposal) {
        (outcome, isEnding) = (Released(), true)
        add(.end(disposal))
    }

    /// What became of the limits at the end of control, told once.
    func takeOutcome() -> Released {
        if isEnding { return Released() }
        defer { outcome = Released() }
        return outcome
    }

    var changeCount: Int {
        var count = 0
        for constraint in zone.constraints where constraint.change != nil { count += 1 }
        return count
    }

    /// Reads everything again, where nothing else is under way.
    func look() { if underWay == nil && tasks.isEmpty { ask(.look) } }

    /// When what is under way is overdue; nil where nothing is, or where that was told.
    var overdueAt_ns: UInt64? { underWay == nil || isOverdue ? nil : asked_ns + SlowZone.patience_ns }

    /// Tells of a driver that lets its thread wait: what it has read last is old by now.
    func tell(_ now_ns: UInt64, _ log: inout LogBudget) {
        guard let overdueAt_ns, overdueAt_ns <= now_ns else { return }
        isOverdue = true
        zone.lastReading = Zone.unanswered
        log.warning(
            "a driver doesn't answer: its zone waits for it, and nothing else does",
            "zone=\(zone.name) id=\(zone.id) for_s=\(SlowZone.patience_ns / 1_000_000_000)")
    }

    private func add(_ task: Task) {
        tasks.append(task)
        zone.isWriting = true
        begin()
    }

    private func ask(_ step: Step, _ limit: Microwatts = .zero) {
        underWay = step
        asked_ns = Clock.monotonic_ns
        switch step {
        case .look, .lookToEnd:
            // Who governs a device has to know its limit, and wakes it once; nobody else does.
            thread.look(wakes: !hasLooked && zone.constraints.contains { $0.isOpenForWriting })
        case .write(let position), .restore(let position): thread.write(limit, to: position, of: zone)
        case .fallBack(let position):
            thread.write(zone.constraints[position].driver.rounded(limit), to: position, of: zone)
        }
    }

    /// Takes what the thread has done.
    /// - Returns: whether the state has to say something else, before anything is asked of the thread (`proceed`).
    func take(_ log: inout LogBudget) -> Bool {
        guard let step = underWay, !thread.isBusy else { return false }
        underWay = nil
        hasLooked = true
        if isOverdue {
            isOverdue = false
            log.info("a driver answers again", "zone=\(zone.name) id=\(zone.id)")
        }
        let isKnown = note()
        switch (step, tasks.first) {
        case (.write(let position), .apply(let batch)):
            tasks.removeFirst()
            applied(batch, position)
        case (.write(let position), .putBack(let batch)):
            tasks.removeFirst()
            putBack(batch, position, &log)
        case (.lookToEnd, .end):
            unseen = zone.constraints.indices.filter { zone.constraints[$0].change != nil }
            return isKnown
        case (.restore(let position), .end), (.fallBack(let position), .end): outcome.count(ended(position, step, &log))
        default: return isKnown
        }
        return true
    }

    /// Asks for what comes next, where nothing is under way.
    /// - Returns: whether the state has to say something else.
    func proceed(_ log: inout LogBudget) -> Bool {
        var isChanged = false
        if underWay == nil, unseen != nil, case .end(let disposal) = tasks.first { isChanged = goOn(disposal, &log) }
        begin()
        return isChanged
    }

    private func note() -> Bool {
        zone.lastReading = thread.reading(zone.readingFormat)
        var isKnown = false
        for (position, constraint) in zone.constraints.enumerated() {
            let limit = thread.limit(position, of: constraint)
            if limit.errno == UInt8(Errno.noDevice.number) { _ = zone.noting(.noDevice) }
            // What a device that sleeps would say is what it said last.
            if limit.errno == UInt8(Errno.shutdown.number) { continue }
            if constraint.note(limit) { isKnown = true }
            if constraint.isUnread && constraint.lastLimit != nil {
                constraint.note(bounds: thread.bounds(position, of: constraint))
            }
        }
        return isKnown
    }

    private func begin() {
        if underWay != nil { return }
        switch tasks.first {
        case nil: zone.isWriting = false
        case .apply(let batch):
            zone.lastWrite = nil
            ask(.write(batch.position), zone.constraints[batch.position].driver.rounded(batch.asked))
        case .putBack(let batch): ask(.write(batch.position), batch.before)
        case .end: ask(.lookToEnd)
        }
    }

    private func applied(_ batch: Batch, _ position: Int) {
        let constraint = zone.constraints[position]
        let (after, failure) = (constraint.lastLimit, thread.failure(of: constraint))
        if failure == nil, let after, Governor.isRounding(after, of: batch.asked) {
            constraint.change?.inForce.limit = after
            constraint.change?.fallback = batch.fallback.map { min($0, after) }
            return
        }
        zone.lastWrite = failure == nil ? .notInForce : .writeFailed
        // What has gone takes its limit with it. If it comes back as it was, its original has to come back, too.
        if zone.isGone { return }
        // A device that is suspended or being reset refuses at the door (EPERM), and can't be read either: nothing has changed.
        if after == batch.before || after == nil && failure == .notPermitted {
            constraint.change = batch.changeBefore
        } else {
            tasks.insert(.putBack(batch), at: 0)
        }
    }

    private func putBack(_ batch: Batch, _ position: Int, _ log: inout LogBudget) {
        let constraint = zone.constraints[position]
        if constraint.lastLimit == batch.before {
            constraint.change = batch.changeBefore
        } else {
            // Its change stays known: what is in force may be ours, and its original has to come back.
            log.error(
                "a limit of a failed batch could not be put back",
                "zone=\(zone.name) constraint=\(constraint.name) errno=\(why(constraint))")
        }
    }

    /// Why a write isn't in force.
    private func why(_ constraint: Constraint) -> Errno {
        thread.failure(of: constraint) ?? (constraint.lastLimit == nil ? Errno(Int32(constraint.lastRead.errno)) : .inputOutput)
    }

    // MARK: The end of control

    /// Looks at one constraint after the other, until something has to be written.
    /// - Returns: whether one came to its end.
    private func goOn(_ disposal: LimitDisposal, _ log: inout LogBudget) -> Bool {
        var isChanged = false
        while let position = unseen?.first {
            unseen?.removeFirst()
            let constraint = zone.constraints[position]
            guard let now = constraint.lastLimit else {
                log.error(
                    "the original limit could not be restored",
                    "\(subject(constraint)) errno=\(Errno(Int32(constraint.lastRead.errno)).name)")
                outcome.count(.failed)
                continue
            }
            switch constraint.ending(disposal, now, subject(constraint), &log) {
            case .write(let limit, .fallback):
                ask(.fallBack(position), limit)
                return isChanged
            case .write(let limit, _):
                ask(.restore(position), limit)
                return isChanged
            case .done(let one):
                outcome.count(one)
                isChanged = true
            }
        }
        tasks.removeFirst()
        (unseen, isEnding) = (nil, false)
        return isChanged
    }

    /// What a write of the end of control came to.
    private func ended(_ position: Int, _ step: Step, _ log: inout LogBudget) -> Released.Restored {
        let constraint = zone.constraints[position]
        if thread.failure(of: constraint) == nil, let after = constraint.lastLimit {
            switch step {
            case .fallBack:
                if let fallback = constraint.change?.fallback, Governor.isRounding(after, of: fallback) {
                    constraint.change?.inForce.limit = after
                    constraint.change?.fallback = min(fallback, after)
                    return .fallback
                }
            default:
                if after == constraint.original?.limit {
                    constraint.change = nil
                    return .restored
                }
            }
        }
        log.error(
            "the limit was written at the end of control but isn't in force",
            "\(subject(constraint)) limit_uw=\(constraint.lastRead.value) errno=\(why(constraint))")
        return .failed
    }

    private func subject(_ constraint: Constraint) -> Message { "zone=\(zone.name) id=\(zone.id) constraint=\(constraint.name)" }
}

extension Constraint {
    /// What has to be done to a limit at the end of control.
    enum Ending { case write(Microwatts, as: Released.Restored), done(Released.Restored) }

    /// As `restore` and `fallBack` do it, of a limit that is read and written by others.
    fileprivate func ending(
        _ disposal: LimitDisposal, _ now: Microwatts, _ subject: Message, _ log: inout LogBudget
    ) -> Ending {
        guard let change, let original else { return .done(.restored) }
        let isOurs = change.isOurs(now)
        if disposal == .fallback, let fallback = change.fallback, now == original.limit || isOurs {
            self.change?.inForce.limit = now
            self.change?.intended.limit = min(fallback, now)
            if now > fallback { return .write(fallback, as: .fallback) }
            self.change?.fallback = min(fallback, now)
            return .done(.fallback)
        }
        if now != original.limit && isOurs { return .write(original.limit, as: .restored) }
        self.change = nil
        if now == original.limit { return .done(.restored) }
        log.warning(
            "another party changed the limit: left as it is",
            "\(subject) limit_uw=\(now.rawValue) ours_uw=\(change.inForce.limit.rawValue) original_uw=\(original.limit.rawValue)")
        self.original = Setting(limit: now, window_us: 0)
        return .done(.foreign)
    }
}
