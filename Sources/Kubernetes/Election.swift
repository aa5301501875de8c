/// One candidate's part in an election by a Lease: which request comes next, and how long this candidate leads. There is no I/O in it and no
/// clock: every time is given, on one clock of the candidate's own that goes on while the machine is asleep (CLOCK_BOOTTIME).
///
/// Nobody trusts anybody else's clock. Who wants the Lease watches it for its whole duration, and takes it where nothing at all was written
/// meanwhile; a write names the state that was seen, so that the server refuses it where somebody else was faster. Who has it counts from the
/// *sending* of his last write that succeeded, and a little less: before anybody can have seen his last write for a whole duration, he has
/// stopped. That is the algorithm of client-go (tools/leaderelection), but for three things: the end counts from the sending; a Lease that
/// isn't there is made for nobody, and waited for like one that somebody has; and a write that changed nothing is no sign of life.
struct Election {
    /// How long everything takes.
    struct Timing: Equatable, Sendable {
        /// For so long after each sign of life others leave the Lease alone, s.
        var lease_s: UInt64 = 8
        /// Between two signs of life, and between two looks at somebody else's.
        var renew_ns: UInt64 = 2_000_000_000
        /// Before the next attempt after one that failed.
        var retry_ns: UInt64 = 500_000_000
        /// For an answer. Then the connection is given up.
        var answer_ns: UInt64 = 2_500_000_000

        /// What a Lease may say of its duration, s: one that says more would keep everybody out for good.
        static let longest_s: UInt64 = 60
    }

    /// What is sent.
    enum Step: Equatable {
        case read
        case create(Lease.Spec)
        case update(Lease, Lease.Spec)
    }

    /// What became of it.
    enum Outcome: Equatable {
        /// As it stands there: read, or the answer to a write.
        case found(Lease)
        case absent
        /// Somebody else was faster.
        case conflict
        case failed
    }

    /// Unlike any other candidate's, and unlike this one's before it was started again: what an earlier process was granted isn't this one's.
    let identity: String
    let timing: Timing

    /// The Lease as it was last seen; nil before that, and where there is none.
    private(set) var lease: Lease?
    /// Since when it has been seen as it is, or missed; nil before anything is known.
    private var unchanged_ns: UInt64?
    /// Until when this candidate leads; 0 where it doesn't.
    private(set) var validUntil_ns: UInt64 = 0
    /// The highest number of transitions that was ever seen: it never goes back, though the Lease may be gone.
    private(set) var epoch: UInt64 = 0
    /// When `next` has something.
    private(set) var due_ns: UInt64 = 0
    private var sent: (step: Step, at_ns: UInt64)?
    private(set) var isReleasing = false

    init(identity: String, timing: Timing = Timing()) { (self.identity, self.timing) = (identity, timing) }

    /// Whose a Lease is that was just made. (An empty holder is one who gave it back.)
    static let nobody = "nobody-yet"

    /// The candidate has the Lease, as far as is known; it may not lead by it any more.
    var isHolder: Bool { lease?.spec.holder == identity }
    /// Nothing more is to be sent.
    var isOver: Bool { isReleasing && sent == nil && due_ns == .max }

    /// Whether this candidate leads: nobody else does.
    func leads(at now_ns: UInt64) -> Bool { now_ns < validUntil_ns }

    // MARK: What is sent

    /// The request that is due, if any. `took` says what became of it, before there is another one.
    /// - Parameter time: the wall clock's, for people.
    mutating func next(_ now_ns: UInt64, at time: String) -> Step? {
        guard sent == nil, now_ns >= due_ns else { return nil }
        let step = step(now_ns, at: time)
        sent = (step, now_ns)
        return step
    }

    private func step(_ now_ns: UInt64, at time: String) -> Step {
        if isReleasing, let lease, isHolder {
            var spec = lease.spec
            // Anybody may have it at once. A Lease has a duration of at least a second.
            (spec.holder, spec.duration_s, spec.renewed) = ("", 1, time)
            return .update(lease, spec)
        }
        var spec = Lease.Spec(
            holder: identity, duration_s: timing.lease_s, transitions: epoch + 1, acquired: time, renewed: time)
        if lease == nil, unchanged_ns != nil {
            // Somebody may have deleted it, and whom it belonged to leads for a while yet. And no version is named by which the server could
            // tell that this comes late: so it gives nobody anything.
            (spec.holder, spec.transitions) = (Election.nobody, epoch)
            return .create(spec)
        }
        guard let lease, isHolder || isFree(now_ns) else { return .read }
        if isHolder { (spec.transitions, spec.acquired) = (lease.spec.transitions, lease.spec.acquired) }
        return .update(lease, spec)
    }

    /// Nobody can lead by the Lease as it was seen.
    private func isFree(_ now_ns: UInt64) -> Bool { free_ns.map { now_ns >= $0 } ?? false }

    /// From when on nobody can; nil where that isn't known.
    private var free_ns: UInt64? {
        guard let unchanged_ns, let lease else { return nil }
        if lease.spec.holder.isEmpty { return 0 }
        let told_s = min(lease.spec.duration_s, Timing.longest_s)
        // A holder of another version may have another duration. The longer one counts.
        return unchanged_ns.addingSaturated(max(told_s, timing.lease_s) * 1_000_000_000)
    }

    // MARK: What became of it

    /// - Parameter wait_ns: how long the server asks to be left alone, or how long an attempt would be in vain.
    mutating func took(_ outcome: Outcome, _ now_ns: UInt64, wait_ns: UInt64 = 0) {
        guard let (step, at_ns) = sent else { return }
        sent = nil
        // Its namespace isn't there.
        var isInVain = outcome == .absent && lease == nil && step != .read
        switch outcome {
        case .found(let found):
            isInVain = step != .read && found.version == lease?.version
            learn(found, now_ns)
            // A write that changed nothing has shown nothing to anybody.
            if step != .read, !isInVain, isHolder, !isReleasing {
                let length_ns = timing.lease_s * 1_000_000_000
                validUntil_ns = max(validUntil_ns, at_ns.addingSaturated(length_ns - length_ns / 100))
            }
        case .absent: learn(nil, now_ns)
        // What stands there has to be seen before anything else is written.
        case .conflict: (lease, unchanged_ns) = (nil, nil)
        case .failed: break
        }
        due_ns = isReleasing ? nextOfRelease(outcome, now_ns) : next(outcome, isInVain, at_ns, now_ns, wait_ns)
    }

    private mutating func learn(_ found: Lease?, _ now_ns: UInt64) {
        if unchanged_ns == nil || found?.version != lease?.version { unchanged_ns = now_ns }
        lease = found
        epoch = max(epoch, found?.spec.transitions ?? 0)
        // Whoever has it, even by somebody's hand: this candidate has not.
        if let found, ![identity, Election.nobody].contains(found.spec.holder) { validUntil_ns = 0 }
    }

    /// When the next request is due.
    private func next(_ outcome: Outcome, _ isInVain: Bool, _ at_ns: UInt64, _ now_ns: UInt64, _ wait_ns: UInt64) -> UInt64 {
        switch outcome {
        case .failed: return now_ns.addingSaturated(max(timing.retry_ns, wait_ns))
        // Without a pause two programs, or a server and this one, could chase each other.
        case .conflict: return now_ns.addingSaturated(Election.conflict_ns)
        case .found where isInVain, .absent where isInVain: return now_ns.addingSaturated(timing.retry_ns)
        // It has the Lease since an answer that was lost or late, or has it still: another sign of life.
        case .found where isHolder && !leads(at: now_ns): return now_ns
        case .absent: return now_ns
        case .found where isHolder: return max(now_ns, at_ns.addingSaturated(timing.renew_ns))
        case .found: return max(now_ns, min(at_ns.addingSaturated(timing.renew_ns), free_ns ?? .max))
        }
    }

    /// What can't be told now ends by itself.
    private func nextOfRelease(_ outcome: Outcome, _ now_ns: UInt64) -> UInt64 {
        switch outcome {
        case .failed: .max
        case .conflict: now_ns
        case .found, .absent: isHolder ? now_ns : .max
        }
    }

    private static let conflict_ns: UInt64 = 100_000_000

    /// Gives the Lease back, so that nobody has to wait: from now on this candidate doesn't lead. What is on its way comes to nothing, or the
    /// server refuses it for having been sent before.
    mutating func release(_ now_ns: UInt64) {
        guard !isReleasing else { return }
        (isReleasing, validUntil_ns, sent) = (true, 0, nil)
        due_ns = isHolder ? now_ns : .max
    }
}

extension UInt64 {
    fileprivate func addingSaturated(_ other: UInt64) -> UInt64 {
        let (sum, isOver) = addingReportingOverflow(other)
        return isOver ? .max : sum
    }
}
