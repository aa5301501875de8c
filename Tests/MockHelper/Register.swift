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
    /// Instead of a limit, reads give this errno; 0: they succeed.
    var readErrno: UInt8 = 0
    /// What a client asked for, while it is in force as far as the helper knows.
    private(set) var change: Change?

    struct Change: Equatable {
        let asked: Microwatts
        let inForce: Microwatts
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
        if let window = item.window_us {
            guard window_us > 0 else { return .noTimeWindow }
            guard 1_000...3_600_000_000 ~= window else { return .windowOutOfRange }
        }
        return nil
    }

    /// Writes and reads back. As long as nothing of the helper's is in force, the original is what is there now.
    mutating func write(_ asked: Microwatts, item: UInt16) throws(Failure) {
        if change == nil { original = limit }
        if limit != rounded(asked) {
            switch fault ?? (isLocked ? .refused(errno: 61) : nil) {
            case nil:
                limit = rounded(asked)
                if obstacle == .locked { obstacle = .none }
            // ENODATA and ENOSYS, as the helper has it.
            case .refused(let errno):
                throw Failure(errno == 61 || errno == 38 ? .locked : .writeFailed, errno: errno, item: item)
            case .ignored: throw Failure(.notInForce, item: item, effective: limit)
            }
        }
        change = Change(asked: asked, inForce: limit)
    }

    enum Restoration { case restored, foreign, failed }

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

    func description(isGone: Bool, takesLimits: Bool) -> ConstraintDescription {
        var flags: ConstraintDescription.Flags = []
        if obstacle != .originalUnknown { flags.insert(.originalKnown) }
        if window_us > 0 { flags.insert(.hasTimeWindow) }
        if change != nil { flags.insert(.changed) }
        return ConstraintDescription(
            index: index, name: name, flags: flags,
            obstacle: isGone ? .zoneGone : obstacle == .none && !takesLimits ? .writesRefused : obstacle,
            original: obstacle == .originalUnknown ? .zero : original, maxPower: maxPower, floor: floor, ceiling: ceiling,
            originalWindow_us: window_us, requested: change?.asked ?? .zero)
    }
}
