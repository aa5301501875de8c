import PowercapProtocol

/// A constraint as the driver has it: it rounds a power down to whole steps and compares it with nothing (intel_rapl_common.c).
struct Register: Equatable {
    var index: UInt8
    let name: Name
    var limit: Microwatts
    var original: Microwatts
    var maxPower = Microwatts.zero
    /// The register's unit.
    var step = Microwatts.step
    /// The helper's, as with its `--min-power`.
    var floor = Microwatts(1_000_000)
    /// 0: it has none.
    var window_us: UInt64 = 0
    /// The hardware refuses every limit.
    var isLocked = false
    /// What is known to be in the way of a limit.
    var obstacle = Obstacle.none
    /// What becomes of writes; nil: they succeed.
    var fault: WriteFault?
    /// Instead of a limit, reads give this errno; 0: they succeed, and a driver that hadn't answered has.
    var readErrno: UInt8 = 0 {
        didSet { if readErrno == 0 && obstacle == .unread { obstacle = .none } }
    }
    /// What a client asked for, while it is in force as far as the helper knows.
    private(set) var change: Change?

    struct Change: Equatable {
        var asked: Microwatts
        var inForce: Microwatts
        /// What the limit becomes when the controller is lost.
        var fallback: Microwatts?
    }

    enum WriteFault: Equatable {
        /// The kernel says so.
        case refused(errno: UInt16)
        /// The kernel says that all is well, and nothing changes.
        case ignored
    }

    init(index: UInt8, name: Name, limit: Microwatts) {
        (self.index, self.name, self.limit, original) = (index, name, limit, limit)
    }

    /// As with the helper's `--ceiling max-power`.
    var ceiling: Microwatts { mostOfScript ?? min(max(original, maxPower), .registerMaximum) }
    /// What the script says instead.
    var mostOfScript: Microwatts?
    var reading: Reading { readErrno == 0 ? Reading(limit.rawValue) : Reading(errno: readErrno) }

    /// What another party may write.
    mutating func overwrite(_ power: Microwatts) { limit = rounded(power) }

    private func rounded(_ power: Microwatts) -> Microwatts { Microwatts(power.rawValue - power.rawValue % step.rawValue) }

    /// Why an item is refused before anything is written.
    func refusal(of item: ApplyItem) -> ErrorCode? {
        guard obstacle.takesLimits else { return .notWritable }
        if item.limit < floor { return .belowFloor }
        if item.limit > ceiling { return .aboveCeiling }
        if let fallback = item.fallback, fallback != .zero {
            if fallback > item.limit { return .fallbackAboveLimit }
            if fallback < floor { return .fallbackBelowFloor }
        }
        if let window = item.window_us {
            guard window_us > 0 else { return .noTimeWindow }
            guard 1_000...3_600_000_000 ~= window else { return .windowOutOfRange }
        }
        return nil
    }

    /// Writes and reads back. As long as nothing of the helper's is in force, the original is what is there now.
    mutating func write(_ item: ApplyItem, number: UInt16) throws(Failure) {
        let asked = item.limit
        if change == nil { original = limit }
        if limit != rounded(asked) {
            switch fault ?? (isLocked ? .refused(errno: 61) : nil) {
            case nil:
                limit = rounded(asked)
                if obstacle == .locked { obstacle = .none }
            // ENODATA and ENOSYS, as the helper has it.
            case .refused(let errno):
                throw Failure(errno == 61 || errno == 38 ? .locked : .writeFailed, errno: errno, item: number)
            case .ignored: throw Failure(.notInForce, item: number, effective: limit)
            }
        }
        let fallback = item.fallback ?? change?.fallback ?? .zero
        change = Change(asked: asked, inForce: limit, fallback: fallback == .zero ? nil : min(fallback, limit))
    }

    enum Restoration { case restored, foreign, failed, fallback }

    /// Brings the fallback limit into force where there is one and more is; puts the original back elsewhere.
    mutating func fallBack() -> Restoration? {
        guard let fallback = change?.fallback, limit == original || limit == change?.inForce else { return restore() }
        if limit > fallback {
            if fault != nil { return .failed }
            limit = rounded(fallback)
        }
        change = Change(asked: limit, inForce: limit, fallback: min(fallback, limit))
        return .fallback
    }

    /// Puts the original back, unless somebody else has changed the limit since. nil when there is nothing to put back.
    mutating func restore() -> Restoration? {
        guard let change else { return nil }
        if limit != original {
            if limit != change.inForce {
                (self.change, original) = (nil, limit)
                return .foreign
            }
            if fault != nil { return .failed }
            limit = original
        }
        self.change = nil
        return .restored
    }

    func description(isGone: Bool, takesLimits: Bool, isFallbackKept: Bool) -> ConstraintDescription {
        var flags: ConstraintDescription.Flags = []
        let isKnown = obstacle != .originalUnknown && obstacle != .unread
        if isKnown { flags.insert(.originalKnown) }
        if window_us > 0 { flags.insert(.hasTimeWindow) }
        if change != nil { flags.insert(.changed) }
        if isFallbackKept { flags.insert(.fallbackKept) }
        return ConstraintDescription(
            index: index, name: name, flags: flags,
            obstacle: isGone ? .zoneGone : obstacle == .none && !takesLimits ? .writesRefused : obstacle,
            original: isKnown ? original : .zero, maxPower: maxPower, floor: floor, ceiling: ceiling,
            originalWindow_us: window_us, requested: change?.asked ?? .zero,
            fallback: change?.fallback ?? .zero)
    }
}
