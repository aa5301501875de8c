import PowercapProtocol

/// P3: between which limits a constraint may be written, whatever a controller asks.
struct Bounds {
    /// `--min-power`.
    let minPower: Microwatts
    let ceilingRule: Options.CeilingRule

    /// The lowest limit: `--min-power`, or the original where firmware holds less, in the driver's steps; the driver's own least limit
    /// where that is more. An original below one step is what a register reads that nobody has set, and lowers nothing.
    func floor(of constraint: Constraint) -> Microwatts {
        let original = constraint.original.map { $0.limit.rawValue - $0.limit.rawValue % constraint.driver.step.rawValue } ?? 0
        let floor = original == 0 ? minPower : min(minPower, Microwatts(original))
        return constraint.driver.roundedUp(max(floor, constraint.minPower))
    }

    /// The highest limit: the larger of the original and the driver's most, or the original alone, always within the register.
    /// Zero when neither is known.
    func ceiling(of constraint: Constraint) -> Microwatts {
        var original = constraint.original?.limit ?? .zero
        let most = constraint.driver.registerMaximum ?? .unlimited
        // Where there was no limit, the most that the device is made for; any is lower than what was there.
        if original == .unlimited { original = constraint.maxPower == .zero ? most : constraint.maxPower }
        return switch ceilingRule {
        case .maxPower: min(max(original, constraint.maxPower), most)
        case .original: min(original, most)
        }
    }

    /// What is in the way of limits for a constraint. One without a known original can't be restored, and one whose ceiling is
    /// under `--min-power` (core and uncore read 0 and have no `max_power_uw`) has no limit that would be safe.
    /// - Parameter takesLimits: whether this process takes any.
    func obstacle(of constraint: Constraint, in zone: Zone, takesLimits: Bool = true) -> Obstacle {
        if zone.isGone { return .zoneGone }
        if !constraint.limit.isThere { return .noLimitFile }
        if constraint.isUnread { return .unread }
        if constraint.original == nil { return .originalUnknown }
        if ceiling(of: constraint) < max(minPower, constraint.minPower) { return .ceilingBelowFloor }
        if let obstacle = constraint.obstacle { return obstacle }
        if constraint.isLocked { return .locked }
        return takesLimits ? .none : .writesRefused
    }

    /// Time windows that make sense; beyond an hour the register's 2^Y(1+F/4) wraps around.
    static let windows_us: ClosedRange<UInt64> = 1_000...3_600_000_000

    /// What is wrong with one item of a batch, or nil. Nothing is read or written.
    func refusal(of item: ApplyItem, zone: Zone?, constraint: Constraint?) -> ErrorCode? {
        guard let zone else { return .unknownZone }
        if zone.isGone { return .zoneGone }
        guard let constraint else { return .unknownConstraint }
        guard obstacle(of: constraint, in: zone, takesLimits: constraint.isOpenForWriting).takesLimits else {
            return .notWritable
        }
        if item.limit < floor(of: constraint) { return .belowFloor }
        if item.limit > ceiling(of: constraint) { return .aboveCeiling }
        if let fallback = item.fallback, fallback != .zero {
            if fallback > item.limit { return .fallbackAboveLimit }
            if fallback < floor(of: constraint) { return .fallbackBelowFloor }
        }
        if let window = item.window_us {
            guard constraint.hasWindow else { return .noTimeWindow }
            guard Bounds.windows_us.contains(window) else { return .windowOutOfRange }
            // What is there now is fine: nothing is written.
            if let original = constraint.original?.window_us, window != original, !TimeWindow.comesBack(original) {
                return .windowNotRestorable
            }
        }
        return nil
    }

    func description(of constraint: Constraint, in zone: Zone, takesLimits: Bool) -> ConstraintDescription {
        var flags: ConstraintDescription.Flags = []
        if constraint.original != nil { flags.insert(.originalKnown) }
        if constraint.hasWindow { flags.insert(.hasTimeWindow) }
        if constraint.change != nil { flags.insert(.changed) }
        if constraint.driver.isSlow { flags.insert(.isSlow) }
        let isUnlimited = constraint.original?.limit == .unlimited
        if isUnlimited { flags.insert(.originalDisabled) }
        return ConstraintDescription(
            index: constraint.index, name: constraint.name, flags: flags,
            obstacle: obstacle(of: constraint, in: zone, takesLimits: takesLimits),
            original: isUnlimited ? .zero : constraint.original?.limit ?? .zero, maxPower: constraint.maxPower,
            floor: floor(of: constraint),
            ceiling: ceiling(of: constraint),
            originalWindow_us: constraint.original?.window_us ?? 0, requested: constraint.change?.intended.limit ?? .zero,
            fallback: constraint.change?.fallback ?? .zero, step: constraint.driver.step)
    }
}
