import PowercapProtocol

/// P3: between which limits a constraint may be written, whatever a controller asks.
struct Bounds {
    let floor: Microwatts
    let ceilingRule: Options.CeilingRule

    /// The highest limit: the larger of the original and `max_power_uw`, or the original alone, always within the register.
    /// Zero when neither is known.
    func ceiling(of constraint: Constraint) -> Microwatts {
        let original = constraint.original?.limit ?? .zero
        let ceiling =
            switch ceilingRule {
            case .maxPower: max(original, constraint.maxPower)
            case .original: original
            }
        return min(ceiling, .registerMaximum)
    }

    /// A constraint without a known original can't be restored, and one whose ceiling is under the floor (core and uncore
    /// read 0 and have no `max_power_uw`) has no limit that would be safe.
    func isWithinReach(_ constraint: Constraint) -> Bool {
        constraint.limit.isThere && constraint.original != nil && ceiling(of: constraint) >= floor
    }

    /// Whether this process takes limits for it.
    func isWritable(_ constraint: Constraint) -> Bool { constraint.isOpenForWriting && isWithinReach(constraint) }

    /// Time windows that make sense; beyond an hour the register's 2^Y(1+F/4) wraps around.
    static let windows_us: ClosedRange<UInt64> = 1_000...3_600_000_000

    /// What is wrong with one item of a batch, or nil. Nothing is read or written.
    func refusal(of item: ApplyItem, zone: Zone?, constraint: Constraint?) -> ErrorCode? {
        guard let zone else { return .unknownZone }
        if zone.isGone { return .zoneGone }
        guard let constraint else { return .unknownConstraint }
        guard isWritable(constraint) else { return .notWritable }
        if item.limit < floor { return .belowFloor }
        if item.limit > ceiling(of: constraint) { return .aboveCeiling }
        if let window = item.window_us {
            guard constraint.window.isThere else { return .noTimeWindow }
            guard Bounds.windows_us.contains(window) else { return .windowOutOfRange }
        }
        return nil
    }

    func description(of constraint: Constraint) -> ConstraintDescription {
        var flags: ConstraintDescription.Flags = []
        if isWritable(constraint) { flags.insert(.writable) }
        if constraint.window.isThere { flags.insert(.hasTimeWindow) }
        if constraint.change != nil { flags.insert(.changed) }
        return ConstraintDescription(
            index: constraint.index, name: constraint.name, flags: flags, original: constraint.original?.limit ?? .zero,
            maxPower: constraint.maxPower, floor: floor, ceiling: ceiling(of: constraint),
            originalWindow_us: constraint.original?.window_us ?? 0, requested: constraint.change?.intended.limit ?? .zero)
    }
}
