internal import Policy
internal import PowercapProtocol

/// Power on its way from one device to another. A lower limit is in force as soon as it is read back, but what the device draws comes down
/// within its time window: until then the power isn't there for anybody else. So that the devices never have more together than their
/// node's limit, at any instant (P8), limits go down first, and others up when the power is seen to be free.
///
/// It is driven by samples, and knows no clock but theirs: nothing waits. Whoever loses control in between leaves limits that are lower than
/// they might be, never higher.
struct Handover: Equatable, Sendable {
    /// A package whose limit went down, and that may still draw more than that.
    private struct Settling: Equatable, Sendable {
        /// It counts as this much.
        let from: Microwatts
        var to: Microwatts
        let window_ns: UInt64
        /// The first sample since its limit went down; nil before that.
        var since_ns: UInt64?
    }

    /// By the entry's index.
    private var settling: [Int: Settling] = [:]
    /// When the last sample was read.
    private var last_ns: UInt64 = 0

    /// How soon after one sample the next one is to come while a package settles.
    static let look_ns: UInt64 = 250_000_000
    /// Counters move once a millisecond, in steps: what is measured over less than this says nothing of the power.
    static let shortest_ns: UInt64 = 100_000_000
    /// For a package that doesn't say its own: the longest time window that firmware usually sets, that of desktops.
    static let usualWindow_us: UInt64 = 28_000_000
    /// No package is waited for longer than twice this, whatever its register says.
    static let longestWindow_us: UInt64 = 128_000_000

    /// How soon a sample would tell something new; nil where no package settles. The first one at once: from there on its power is measured.
    var lookAfter_ns: UInt64? {
        if settling.isEmpty { return nil }
        return settling.values.contains { $0.since_ns == nil } ? 0 : Handover.look_ns
    }

    /// A limit was written and read back.
    /// - Parameters:
    ///   - from: what was in force before; nil where that isn't known.
    ///   - window_us: the limit's time window; nil where it isn't known.
    mutating func note(_ entry: Int, from: Microwatts?, to: Microwatts, window_us: UInt64?) {
        let counted = max(settling[entry]?.from ?? .zero, from ?? .zero)
        if to >= counted {
            settling[entry] = nil
        } else if let from, to < from {
            let window_us = min(window_us ?? Handover.usualWindow_us, Handover.longestWindow_us)
            settling[entry] = Settling(from: counted, to: to, window_ns: window_us * 1_000)
        } else {
            settling[entry]?.to = to
        }
    }

    /// A sample was read.
    /// - Parameters:
    ///   - time_ns: when, by the helper's clock.
    ///   - power: of an entry since the sample before; nil where it isn't known, or there is no such entry any more.
    mutating func look(at time_ns: UInt64, _ power: (Int) -> Microwatts?) {
        let elapsed_ns = time_ns - min(last_ns, time_ns)
        last_ns = time_ns
        for (entry, device) in settling {
            guard let since_ns = device.since_ns else {
                settling[entry]?.since_ns = time_ns
                continue
            }
            let isBelow = elapsed_ns >= Handover.shortest_ns && (power(entry).map { $0 <= device.to } ?? false)
            // Two windows after the limit went down the average is within it, as far as the package obeys at all.
            if isBelow || (time_ns - min(since_ns, time_ns)) / 2 >= device.window_ns { settling[entry] = nil }
        }
    }

    /// What a package has to be taken for.
    func counted(_ entry: Int, inForce: Microwatts) -> Microwatts { max(settling[entry]?.from ?? .zero, inForce) }
}

extension NodeLimits {
    /// From now on limits go up when there is power for it. What was before nobody here has seen: a device may have been lowered just now.
    mutating func beginHandover() {
        var begun = Handover()
        for index in present {
            guard let inForce = entries[index].longTerm.inForce else { continue }
            let range = entries[index].device.longTerm
            begun.note(index, from: range.ceiling, to: inForce, window_us: range.window_us)
        }
        handover = begun
    }

    /// A limit is written and read back, and not noted yet.
    mutating func settle(_ change: Change, _ effective: Microwatts) {
        if change.isShortTerm { return }
        settle(change.entry, from: self[change].inForce, to: effective)
    }

    /// A limit is what it was asked to be, now or, where its write went on beside the loop, at last.
    mutating func settle(_ entry: Int, from before: Microwatts?, to effective: Microwatts) {
        guard entries[entry].role == .part else { return }
        handover?.note(entry, from: before, to: effective, window_us: entries[entry].device.longTerm.window_us)
    }

    /// A sample was read.
    /// - Parameter power: since the sample before, by the zone's id.
    mutating func look(at time_ns: UInt64, _ power: [String: Microwatts]) {
        let entries = entries
        handover?.look(at: time_ns) { power[entries[$0].device.zone] }
    }

    /// What of these is to be written now. The rest waits, for power that isn't free yet.
    mutating func next(_ changes: [Change], within nodeLimit: Microwatts) -> [Change] {
        let admitted = admitted(changes, within: nodeLimit)
        isWaiting = admitted.count < changes.count
        return admitted
    }

    /// Of what has to be written that for which there is room: a limit goes up when the devices have no more together than the node's limit
    /// even so. Those that settle count as what they had, and those whose write is under way at the most that may be in force meanwhile.
    private func admitted(_ changes: [Change], within nodeLimit: Microwatts) -> [Change] {
        // What is written at once is written in this order, and read back before the next: then nothing has to wait.
        let isSlow = present.contains { entries[$0].longTerm.isSlow }
        if handover == nil, !isSlow { return changes }
        func counted(_ index: Int) -> Microwatts {
            let tracked = entries[index].longTerm
            let inForce = tracked.inForce ?? tracked.asked ?? entries[index].device.longTerm.ceiling
            return handover?.counted(index, inForce: inForce) ?? inForce
        }
        var together = present.reduce(Microwatts.zero) { $0 + counted($1) }
        let parts = changes.filter { !$0.isShortTerm && entries[$0.entry].role == .part }
        if handover == nil {
            for change in parts where !change.isIncrease && !self[change].isSlow {
                together = together - (counted(change.entry) - change.to)
            }
        }
        var waiting: Set<Int> = []
        for change in parts where change.isIncrease {
            let more = change.to - counted(change.entry)
            if together + more <= nodeLimit { together = together + more } else { waiting.insert(change.entry) }
        }
        return changes.filter { !($0.isIncrease && waiting.contains(lead(of: $0.entry))) }
    }

    /// The entry whose part of the node's limit another register has, too.
    private func lead(of entry: Int) -> Int {
        if case .mirror(let lead) = entries[entry].role { lead } else { entry }
    }
}

extension NodeLimits.Change {
    /// More than is in force.
    var isIncrease: Bool { from.map { to > $0 } ?? false }
}
