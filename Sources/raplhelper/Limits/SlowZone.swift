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
    /// Constraints that the end of control has still to see.
    private var unseen: [Int] = []
    private var outcome = Released()
    /// Whether the end of control has still something to do.
    private(set) var isEnding = false

    /// The end of control goes by a look of its own: one that was under way before it has nothing to go on with.
    private enum Step { case look, lookToEnd, write(Int), restore(Int), fallBack(Int) }

    init(_ zone: Zone, done: Int32) throws(Errno) {
        self.zone = zone
        thread = try ZoneThread(of: zone, done: done)
        zone.isBeside = true
    }

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
    func look() { if underWay == nil && tasks.isEmpty && !thread.isBusy { ask(.look) } }

    private func add(_ task: Task) {
        tasks.append(task)
        zone.isWriting = true
        if underWay == nil && !thread.isBusy { begin() }
    }

    private func ask(_ step: Step, _ limit: Microwatts = .zero) {
        underWay = step
        switch step {
        case .look, .lookToEnd: thread.look()
        case .write(let position), .restore(let position): thread.write(limit, to: position, of: zone)
        case .fallBack(let position):
            thread.write(zone.constraints[position].driver.rounded(limit), to: position, of: zone)
        }
    }

    /// Takes what the thread has done, and asks for the next.
    /// - Returns: whether a change of a limit has another outcome now, which the state has to say.
    func take(_ log: inout LogBudget) -> Bool {
        guard let step = underWay, !thread.isBusy else {
            // The thread's first sign is that it has started.
            if underWay == nil && !thread.isBusy { begin() }
            return false
        }
        underWay = nil
        note()
        var isChanged = false
        switch (step, tasks.first) {
        case (.write(let position), .apply(let batch)):
            isChanged = true
            tasks.removeFirst()
            applied(batch, position)
        case (.write(let position), .putBack(let batch)):
            isChanged = true
            tasks.removeFirst()
            putBack(batch, position, &log)
        case (.lookToEnd, .end(let disposal)): isChanged = goOn(disposal, &log)
        case (.restore(let position), .end(let disposal)), (.fallBack(let position), .end(let disposal)):
            outcome.count(ended(position, step, &log))
            isChanged = true
            _ = goOn(disposal, &log)
        default: break
        }
        if underWay == nil { begin() }
        return isChanged
    }

    private func note() {
        zone.lastReading = thread.reading(zone.readingFormat)
        for (position, constraint) in zone.constraints.enumerated() {
            let limit = thread.limit(position, of: constraint)
            if limit.errno == UInt8(Errno.noDevice.number) { _ = zone.noting(.noDevice) }
            // What a device that sleeps would say is what it said last.
            if limit.errno != UInt8(Errno.shutdown.number) { constraint.note(limit) }
        }
    }

    private func begin() {
        guard let task = tasks.first else {
            zone.isWriting = false
            return
        }
        switch task {
        case .apply(let batch):
            zone.lastWrite = nil
            ask(.write(batch.position), zone.constraints[batch.position].driver.rounded(batch.asked))
        case .putBack(let batch): ask(.write(batch.position), batch.before)
        case .end:
            unseen = zone.constraints.indices.filter { zone.constraints[$0].change != nil }
            ask(.lookToEnd)
        }
    }

    private func applied(_ batch: Batch, _ position: Int) {
        let constraint = zone.constraints[position]
        let after = constraint.lastLimit
        if thread.failure(of: constraint) == nil, let after, Governor.isRounding(after, of: batch.asked) {
            constraint.change?.inForce.limit = after
            constraint.change?.fallback = batch.fallback.map { min($0, after) }
            return
        }
        zone.lastWrite = thread.failure(of: constraint) == nil ? .notInForce : .writeFailed
        if after == batch.before {
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
            let errno = thread.failure(of: constraint)?.name ?? "EIO"
            log.error(
                "a limit of a failed batch could not be put back",
                "zone=\(zone.name) constraint=\(constraint.name) errno=\(errno)")
        }
    }

    // MARK: The end of control

    /// Looks at one constraint after the other, until something has to be written.
    /// - Returns: whether one came to its end.
    private func goOn(_ disposal: LimitDisposal, _ log: inout LogBudget) -> Bool {
        var isChanged = false
        while let position = unseen.first {
            unseen.removeFirst()
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
        isEnding = false
        return isChanged
    }

    /// What a write of the end of control came to.
    private func ended(_ position: Int, _ step: Step, _ log: inout LogBudget) -> Released.Restored {
        let constraint = zone.constraints[position]
        let errno = thread.failure(of: constraint)?.name ?? "none"
        if errno.isSame(as: "none"), let after = constraint.lastLimit {
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
            "\(subject(constraint)) limit_uw=\(constraint.lastRead.value) errno=\(errno)")
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
