public import PowercapProtocol

/// What there is to divide while it follows the source: the node's power, or each package's where PMAX_FUNC isn't sum. It goes to where the
/// source is, as fast and as soon as RAMP_UP, RAMP_DOWN, DEAD_BAND, MIN_HOLD and LOOK_AHEAD say.
public struct Shape: Equatable, Sendable {
    /// Why the power isn't what the source gives.
    public enum Cause: String, Sendable {
        /// It rises as fast as RAMP_UP says.
        case rampUp
        /// It falls as fast as RAMP_DOWN says: for now it is more than the source gives.
        case rampDown
        /// The rise is smaller than DEAD_BAND.
        case deadBand
        /// The last change is less than MIN_HOLD ago.
        case minHold
        /// A fall is known (LOOK_AHEAD).
        case lookAhead
    }

    /// What there is now.
    public let power: Microwatts
    /// Where it is going, or what it is.
    public let goal: Microwatts
    /// nil where the power is what the source gives, as far as that can be set.
    public let cause: Cause?
    /// When it is that, in milliseconds of a clock that nobody sets.
    let at_ms: Int64
    /// When the power was last another; nil where it never was.
    let changed_ms: Int64?

    /// It is on its way.
    public var isMoving: Bool { power != goal }

    /// When it is another though the source stays what it is; nil where it then stays, too. A way is gone in steps of a second at least.
    public func nextMove(_ policy: PowerPolicy) -> Int64? {
        if power < goal { return at_ms + min(1_000, policy.rampUp.map { time_ms(goal - power, $0) } ?? 0) }
        if power > goal { return at_ms + min(1_000, policy.rampDown.map { time_ms(power - goal, $0) } ?? 0) }
        guard cause == .minHold, let changed_ms else { return nil }
        return max(changed_ms + Int64(clamping: policy.minHold.rawValue), at_ms + 1)
    }

    /// When it will be at its goal, on the same clock; nil where it is.
    public func arrival(_ policy: PowerPolicy) -> Int64? {
        guard let rate = power < goal ? policy.rampUp : power > goal ? policy.rampDown : nil else { return nil }
        return at_ms + time_ms(power < goal ? goal - power : power - goal, rate)
    }
}

extension Shape {
    /// Nothing is known of before: there is no way to go.
    init(_ power: Microwatts, at_ms: Int64, cause: Cause? = nil) {
        self.init(power: power, goal: power, cause: cause, at_ms: at_ms, changed_ms: nil)
    }

    /// Set to a power by somebody, or kept at it: at once, and from there on.
    func set(_ power: Microwatts, at now_ms: Int64) -> Shape {
        Shape(
            power: power, goal: power, cause: nil, at_ms: max(now_ms, at_ms),
            changed_ms: power == self.power ? changed_ms : max(now_ms, at_ms))
    }

    /// The packages may be others than before.
    func within(_ range: PowerRange) -> Shape {
        Shape(power: range.holding(power), goal: range.holding(goal), cause: cause, at_ms: at_ms, changed_ms: changed_ms)
    }

    /// - Parameters:
    ///   - source: what the source gives now, within what can be set.
    ///   - foreseen: what is to be headed for because of falls that are known, within what can be set; nil where nothing is.
    func next(_ source: Microwatts, foreseen: Microwatts?, at given_ms: Int64, _ policy: PowerPolicy) -> Shape {
        let now_ms = max(given_ms, at_ms)
        var (power, changed_ms) = moved(to: now_ms, policy)
        let target = min(source, foreseen ?? source)
        // Whatever was to be gone of a rise since: not beyond what there is now.
        let most = max(target, self.power)
        if power > most { (power, changed_ms) = (most, most == self.power ? self.changed_ms : now_ms) }
        var (goal, refused): (Microwatts, Cause?) = (target, nil)
        // A fall is followed to the microwatt; so is what a rise that is under way becomes.
        if target > power, self.goal <= power {
            if target.rawValue - power.rawValue < policy.deadBand.rawValue {
                refused = .deadBand
            } else if let changed_ms, now_ms - changed_ms < Int64(clamping: policy.minHold.rawValue) {
                refused = .minHold
            }
            if refused != nil { goal = power }
        }
        if goal < power ? policy.rampDown == nil : policy.rampUp == nil, goal != power { (power, changed_ms) = (goal, now_ms) }
        let cause: Cause? =
            if power > source { .rampDown } else if power == source { nil } else if power < goal { .rampUp } else {
                refused ?? .lookAhead
            }
        return Shape(power: power, goal: goal, cause: cause, at_ms: now_ms, changed_ms: changed_ms)
    }

    /// What has been gone of the way by now.
    private func moved(to now_ms: Int64, _ policy: PowerPolicy) -> (power: Microwatts, changed_ms: Int64?) {
        guard let arrival_ms = arrival(policy), now_ms > at_ms else { return (power, changed_ms) }
        if now_ms >= arrival_ms { return (goal, arrival_ms) }
        let rate = UInt128((power < goal ? policy.rampUp : policy.rampDown)?.rawValue ?? 0)
        let way = Microwatts(UInt64(rate * UInt128(now_ms - at_ms) / 1_000))
        return (power < goal ? min(power + way, goal) : max(power - way, goal), now_ms)
    }
}

/// Between what the packages' powers can be set.
struct PowerRange: Equatable, Sendable {
    let floor: Microwatts
    let ceiling: Microwatts

    /// The node's, or each package's where PMAX_FUNC isn't sum.
    init(_ devices: [Device], _ policy: PowerPolicy, _ overrides: Overrides) {
        let reference = policy.pmaxFunction.reference(of: devices)
        self.init(
            Budget(devices, policy, minPower: overrides.minPower ?? policy.raplMinPower, reference: reference), policy)
    }

    init(_ budget: Budget, _ policy: PowerPolicy) {
        // What the devices can be set to is no bound of a whole server.
        if policy.budgetOf == .server {
            (floor, ceiling) = (.zero, .mostOfDevice)
            return
        }
        let isWhole = policy.pmaxFunction == .sum
        floor = isWhole ? budget.floor : budget.shares.map(\.floor).min() ?? .zero
        ceiling = isWhole ? budget.ceiling : budget.shares.map(\.ceiling).max() ?? .zero
    }

    func holding(_ power: Microwatts) -> Microwatts { min(max(power, floor), ceiling) }
}
