public import PowercapProtocol

/// What the node's annotations say against the policy.
public struct Overrides: Equatable, Sendable {
    /// Limits stay as they are.
    public var paused = false
    /// The node's limit, in place of the source.
    public var limit: Microwatts?
    /// The source's peak, in place of MAX_SOURCE.
    public var maxSource: Microwatts?
    /// The floor of every limit, in place of RAPL_MIN_POWER.
    public var minPower: Microwatts?

    public init(
        paused: Bool = false, limit: Microwatts? = nil, maxSource: Microwatts? = nil, minPower: Microwatts? = nil
    ) {
        (self.paused, self.limit, self.maxSource, self.minPower) = (paused, limit, maxSource, minPower)
    }

    /// What two parties ask for at a time: of two limits the lower one, and a pause of either. A floor that both ask for is the lower
    /// one, too: nobody gets more by what another asks for.
    public func together(with other: Overrides) -> Overrides {
        func lower(_ left: Microwatts?, _ right: Microwatts?) -> Microwatts? {
            guard let left, let right else { return left ?? right }
            return min(left, right)
        }
        return Overrides(
            paused: paused || other.paused, limit: lower(limit, other.limit), maxSource: lower(maxSource, other.maxSource),
            minPower: lower(minPower, other.minPower))
    }
}

/// Why a limit is what it is.
public enum Reason: String, Sendable {
    /// The power source decides.
    case source
    /// The source says nothing of the moment: what holds then decides.
    case stale
    /// The node's override decides.
    case override
    /// The least that may be set, though the source or the override says less.
    case floor
    /// The most that may be set, though the source or the override says more.
    case ceiling
    /// The source's power is on its way here, or is held back: by RAMP_UP, RAMP_DOWN, DEAD_BAND, MIN_HOLD or LOOK_AHEAD.
    case shaped
    /// Of a device: its part of the node's limit goes by what it and the others want.
    case demand
    /// Of the devices: it is what the rest of the server leaves of its limit.
    case server
    /// The node has nothing to do, so it has its floor, though the source or the override says more.
    case idle
    /// The limit can't be changed.
    case fixed
    /// Nothing is changed while the node is paused.
    case paused
}

/// What a device is limited to.
public struct DeviceLimit: Equatable, Sendable {
    /// Of a package PL1: an average over about a second (Intel SDM, section 15.10).
    public var longTerm: Microwatts
    /// nil where the short-term limit is left alone.
    public var shortTerm: Microwatts?
    /// Why it is that much.
    public var reason: Reason
    /// What becomes of them when the controller is lost: never more than they are. nil: the originals come back.
    public var fallback: Fallback?

    /// A device's part of the node's fallback limit.
    public struct Fallback: Equatable, Sendable {
        /// Of PL1.
        public let longTerm: Microwatts
        /// Of PL2; nil where the short-term limit is left alone.
        public let shortTerm: Microwatts?

        public init(longTerm: Microwatts, shortTerm: Microwatts?) { (self.longTerm, self.shortTerm) = (longTerm, shortTerm) }
    }
}

/// The limits of a moment. Where `sameLimits` holds between two there is nothing to write.
public struct Decision: Equatable, Sendable {
    /// What the source gives: the node, or each device where PMAX_FUNC is not sum.
    public var source: Microwatts
    /// The devices' reference power as PMAX_FUNC has it.
    public var reference: Microwatts
    /// The least and the most that the node's limit can be.
    public var floor: Microwatts
    /// The most that the node's limit can be.
    public var ceiling: Microwatts
    /// The devices' limits are at most this together.
    public var nodeLimit: Microwatts
    /// Why it is that much.
    public var reason: Reason
    /// What the devices' limits are together when the controller is lost, at most; nil: the originals come back.
    var fallback: Microwatts?
    /// The floors take more than the source or the override allows.
    public var floorsExceedBudget: Bool
    /// For each device, in the order they were given. A fixed device's is what it has, and nothing is written to it. Empty
    /// when the node is paused before the first decision: nothing is limited, and the node's limit is the ceiling.
    public var devices: [DeviceLimit]
    /// From where the next decision goes on; nil where none depends on the one before.
    public var shape: Shape?
    /// What is decided for the server as a whole; nil where the node's limit isn't the server's.
    public var server: ServerDecision?

    func sameLimits(as other: Decision?) -> Bool {
        guard let other, other.devices.count == devices.count, other.server?.caps == server?.caps else { return false }
        return zip(devices, other.devices).allSatisfy {
            $0.longTerm == $1.longTerm && $0.shortTerm == $1.shortTerm && $0.fallback == $1.fallback
        }
    }
}

/// What is decided for the server as a whole (BUDGET_OF=server). The devices' limits together are then what its rest leaves.
public struct ServerDecision: Equatable, Sendable {
    /// Of the whole server, as the source or an override has it.
    public let limit: Microwatts
    /// Where that comes from.
    public let reason: Reason
    /// For each cap of the server, in the order they were given.
    public let caps: [DeviceLimit]
    /// From where the next decision goes on.
    public let loop: ServerLoop

    /// Whether it says the same: what the loop remembers is no part of that.
    public static func == (left: ServerDecision, right: ServerDecision) -> Bool {
        left.limit == right.limit && left.reason == right.reason && left.caps == right.caps
            && left.loop.budget == right.loop.budget
    }
}

/// The policy: every limit that `run` sets and that `plan` prints comes from here, and from nothing but the arguments. Time
/// acts through the source's reading, and where the policy is shaped through the time since `last`.
/// - Parameters:
///   - servers: the caps of the whole server that are set beside the devices'.
///   - server: what its meter said, where the node's limit is the server's; nil where nobody has asked it.
///   - rest: what the server is assumed to take beside its devices, where nobody has asked its meter.
///   - at_ms: in milliseconds of a clock that nobody sets, the same one as for `last`.
public func decide(
    devices: [Device], servers: [Device] = [], policy: PowerPolicy, reading: SourceReading, overrides: Overrides = Overrides(),
    workload: Workload = Workload(), server: ServerLoop? = nil, rest: Microwatts = .zero, last: Decision? = nil, at_ms: Int64 = 0
) -> Decision {
    let reference = policy.pmaxFunction.reference(of: devices)
    var minPower = overrides.minPower ?? policy.raplMinPower
    var budget = Budget(devices, policy, minPower: minPower, reference: reference)
    var decision = Decision(
        source: reading.power, reference: reference, floor: budget.floor, ceiling: budget.ceiling, nodeLimit: budget.ceiling,
        reason: .paused, floorsExceedBudget: false, devices: [])
    // A pause keeps nothing that isn't granted: then it lets limits fall, and not rise.
    let isKept = policy.source != .granted || last.map { $0.nodeLimit <= reading.power } ?? false
    if overrides.paused, isKept {
        if let last, last.devices.count == devices.count {
            (decision.nodeLimit, decision.devices) = (last.nodeLimit, last.devices)
            decision.fallback = last.fallback
            decision.shape = last.shape.map { $0.set($0.power, at: at_ms) }
            decision.server = last.server
        }
        return decision
    }
    // What isn't granted belongs to others: a floor that asks for more gives way, down to the helper's.
    if policy.source == .granted, budget.floor > reading.power {
        var bare = policy
        (bare.raplLimit, minPower) = (Percent(millionths: 0), .zero)
        budget = Budget(devices, bare, minPower: minPower, reference: reference)
    }
    var given: (power: Microwatts, reason: Reason)
    if let limit = overrides.limit, policy.source != .granted || limit <= reading.power {
        given = (limit, .override)
        if policy.isShaped {
            let each = policy.pmaxFunction == .sum ? 1 : UInt64(max(devices.count, 1))
            let power = PowerRange(budget, policy).holding(Microwatts(limit.rawValue / each))
            decision.shape = last?.shape?.set(power, at: at_ms) ?? Shape(power, at_ms: at_ms)
        }
    } else {
        let found = shaped(reading, within: budget, policy, last?.shape, at_ms)
        (given, decision.shape) = ((found.power, found.reason), found.shape)
    }
    if policy.budgetOf == .server {
        let whole = given
        if var loop = server {
            given = (loop.divide(whole.power, floor: budget.floor, ceiling: budget.ceiling, at: at_ms), .server)
            decision.server = ServerDecision(whole, servers, policy, minPower: minPower, loop)
        } else {
            if rest > .zero { given = (whole.power - rest, .server) }
            decision.server = ServerDecision(whole, servers, policy, minPower: minPower, ServerLoop())
        }
    }
    // A node without work has its floor whatever is on its way, and with the first sign of work what that has come to.
    let isDivided = overrides.limit != nil || policy.pmaxFunction == .sum
    if workload.isIdle, budget.hasMore(given.power, isDivided: isDivided) {
        (decision.nodeLimit, decision.reason) = (budget.giveFloors(), .idle)
    } else if isDivided {
        (decision.nodeLimit, decision.reason) = budget.divide(given.power, given.reason, by: workload.demands, last: last)
    } else {
        (decision.nodeLimit, decision.reason) = budget.give(given.power, given.reason)
    }
    decision.floorsExceedBudget = budget.floorsExceed
    let ofDevice: Reason = budget.isByDemand ? .demand : decision.reason
    decision.devices.reserveCapacity(devices.count)
    for (device, share) in zip(devices, budget.shares) {
        decision.devices.append(
            DeviceLimit(
                longTerm: share.limit,
                shortTerm: device.shortTermLimit(for: share.limit, policy.shortTerm, minPower: minPower),
                reason: device.fixed == nil ? share.reason(otherwise: ofDevice) : .fixed))
    }
    if let fallback = reading.fallback ?? policy.fallbackLimit {
        // Of a server's, the devices have what its rest leaves at its largest.
        let rest = decision.server?.loop.mostRest ?? .zero
        decision.fallBack(to: fallback - rest, devices, policy, minPower)
    }
    return decision
}

extension ServerDecision {
    fileprivate init(
        _ whole: (power: Microwatts, reason: Reason), _ servers: [Device], _ policy: PowerPolicy, minPower: Microwatts,
        _ loop: ServerLoop
    ) {
        let caps = servers.map { server in
            let share = server.share(floor: minPower, policy.weights)
            let limit = min(max(whole.power.roundedDown(to: server.step), share.floor), share.ceiling)
            var cap = DeviceLimit(longTerm: limit, reason: server.fixed == nil ? whole.reason : .fixed)
            cap.fallback = policy.fallbackLimit.map { fallback in
                DeviceLimit.Fallback(
                    longTerm: min(max(fallback.roundedDown(to: server.step), share.floor), limit), shortTerm: nil)
            }
            return cap
        }
        self.init(limit: whole.power, reason: whole.reason, caps: caps, loop: loop)
    }
}

/// The least and the most that the limit of a node can be.
public func limitRange(
    of devices: [Device], _ policy: PowerPolicy, _ overrides: Overrides = Overrides()
) -> (floor: Microwatts, ceiling: Microwatts) {
    let reference = policy.pmaxFunction.reference(of: devices)
    let budget = Budget(devices, policy, minPower: overrides.minPower ?? policy.raplMinPower, reference: reference)
    return (budget.floor, budget.ceiling)
}

/// What there is to divide of what the source gives, and why it is that much.
private func shaped(
    _ reading: SourceReading, within budget: Budget, _ policy: PowerPolicy, _ last: Shape?, _ at_ms: Int64
) -> (power: Microwatts, reason: Reason, shape: Shape?) {
    let reason: Reason = reading.lack == nil ? .source : .stale
    guard policy.isShaped else { return (reading.power, reason, nil) }
    let range = PowerRange(budget, policy)
    let (source, foreseen) = (range.holding(reading.power), (reading.foresight?.power).map(range.holding))
    let shape: Shape
    if let last {
        shape = last.within(range).next(source, foreseen: foreseen, at: at_ms, policy)
    } else {
        let first = min(source, foreseen ?? source)
        shape = Shape(first, at_ms: at_ms, cause: first == source ? nil : .lookAhead)
    }
    // Below the floor, or above the ceiling, it is the range that decides, as ever.
    return shape.power == source ? (reading.power, reason, shape) : (shape.power, .shaped, shape)
}
