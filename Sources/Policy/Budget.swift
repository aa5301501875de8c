internal import PowercapProtocol

/// What the devices may take, and take.
struct Budget {
    private(set) var shares: [Share] = []
    /// The least and the most that the node's limit can be.
    private(set) var floor = Microwatts.zero
    private(set) var ceiling = Microwatts.zero
    /// The floors take more than was there to divide.
    private(set) var floorsExceed = false
    /// The power was divided by what the packages want.
    private(set) var isByDemand = false
    /// What the fixed packages take.
    private var fixed = Microwatts.zero
    /// For each share, the most that a floor gives it.
    private let mostByFloor: [Microwatts]

    init(_ devices: [Device], _ policy: PowerPolicy, minPower: Microwatts, reference: Microwatts) {
        let isWhole = policy.pmaxFunction == .sum
        let percentage = policy.raplLimit.of(reference)
        shares.reserveCapacity(devices.count)
        for device in devices {
            let share = device.share(floor: isWhole ? minPower : max(minPower, percentage), policy.weights)
            (floor, ceiling, fixed) = (floor + share.floor, ceiling + share.ceiling, fixed + (device.fixed ?? .zero))
            shares.append(share)
        }
        mostByFloor = zip(devices, shares).map { $0.mostByFloor($1) }
        if isWhole {
            let coarsest = shares.lazy.filter { $0.floor < $0.ceiling }.map(\.step).max() ?? Microwatts(1)
            floor = min(max(floor, fixed + (percentage - fixed).roundedUp(to: coarsest)), mostByFloor.reduce(.zero, +))
        }
    }

    /// Divides a power over the packages.
    /// - Parameters:
    ///   - demands: for each package; nil where the power is divided in proportion.
    ///   - last: what was decided before.
    mutating func divide(
        _ power: Microwatts, _ reason: Reason, by demands: [Demand?]? = nil, last: Decision? = nil
    ) -> (nodeLimit: Microwatts, Reason) {
        // Where nothing can be divided no floor takes anything.
        floorsExceed = floor > power && ceiling > fixed
        if floorsExceed {
            shares = zip(shares, mostByFloor).map { Share(weight: $0.weight, step: $0.step, floor: $0.floor, ceiling: $1) }
        }
        let limit = min(max(power, floor), ceiling)
        isByDemand = demands?.count == shares.count
        if let demands, isByDemand {
            share(limit, by: demands, over: &shares, last: last?.nodeLimit == limit ? last?.devices.map(\.longTerm) : nil)
        } else {
            split(limit, atLeast: floor, over: &shares)
        }
        return (limit, limit > power ? .floor : limit < power ? .ceiling : reason)
    }

    /// Whether a power gives anybody more than he has to be given.
    /// - Parameter isDivided: it is the node's; otherwise each package's.
    func hasMore(_ power: Microwatts, isDivided: Bool) -> Bool {
        isDivided ? power > floor : shares.contains { power > $0.floor && $0.ceiling > $0.floor }
    }

    /// Gives the packages no more than they have to be given: the node's limit is what they have together.
    mutating func giveFloors() -> Microwatts {
        shares = zip(shares, mostByFloor).map { Share(weight: $0.weight, step: $0.step, floor: $0.floor, ceiling: $1) }
        split(floor, atLeast: floor, over: &shares)
        return floor
    }

    /// Gives each package the source's power: the node's limit is what they have together.
    mutating func give(_ power: Microwatts, _ otherwise: Reason) -> (nodeLimit: Microwatts, Reason) {
        var total = Microwatts.zero
        var reason: Reason?
        for index in shares.indices {
            let share = shares[index]
            floorsExceed = floorsExceed || share.floor > power && share.ceiling > share.floor
            shares[index].limit = min(max(power.roundedDown(to: share.step), share.floor), share.ceiling)
            total = total + shares[index].limit
            let own: Reason = share.floor > power ? .floor : share.ceiling < power ? .ceiling : otherwise
            reason = reason == nil || reason == own ? own : otherwise
        }
        return (total, reason ?? otherwise)
    }
}

extension Share {
    /// Why the limit is what it is, where neither the floor nor the ceiling holds it.
    func reason(otherwise: Reason) -> Reason { limit == floor ? .floor : limit == ceiling ? .ceiling : otherwise }
}

extension ReferenceFunction {
    /// The packages' reference power.
    func reference(of devices: [Device]) -> Microwatts {
        guard var result = devices.first?.reference else { return .zero }
        for device in devices.dropFirst() {
            switch self {
            case .sum, .avg: result = result + device.reference
            case .max: result = Swift.max(result, device.reference)
            case .min: result = Swift.min(result, device.reference)
            }
        }
        return self == .avg ? Microwatts(result.rawValue / UInt64(devices.count)) : result
    }
}

extension Device {
    /// What it may take, in whole steps between the helper's bounds.
    func share(floor: Microwatts, _ weights: KindWeights) -> Share {
        let weight = weights.weight(of: self)
        if let fixed { return Share(weight: weight, step: step, floor: fixed, ceiling: fixed) }
        let range = longTerm.steps(of: step, floor: floor)
        return Share(weight: weight, step: step, floor: range.floor, ceiling: range.ceiling)
    }

    /// P3: a floor, also that of the node, raises no limit above what it was at first.
    fileprivate func mostByFloor(_ share: Share) -> Microwatts {
        guard fixed == nil, let held = longTerm.held(step) else { return share.ceiling }
        return max(share.floor, min(share.ceiling, held))
    }

    /// The short-term limit that goes with a long-term one; nil where it is left alone.
    func shortTermLimit(for longTermLimit: Microwatts, _ policy: ShortTermPolicy, minPower: Microwatts) -> Microwatts? {
        guard policy != .untouched, fixed == nil, let shortTerm else { return nil }
        let range = shortTerm.steps(of: step, floor: minPower)
        var limit = longTermLimit
        if policy == .scaled, let from = longTerm.original, from > .zero, let to = shortTerm.original, to > .zero {
            let scaled = UInt128(limit.rawValue) * UInt128(to.rawValue) / UInt128(from.rawValue)
            // Firmware's long-term limit may be a placeholder above the short-term one, which must not become the lower of the two.
            limit = max(limit, Microwatts(UInt64(min(scaled, UInt128(range.ceiling.rawValue)))))
        }
        return min(max(limit.roundedDown(to: step), range.floor), range.ceiling)
    }
}

extension Device.LimitRange {
    /// The limit that firmware holds, in whole steps; nil where it isn't known, or below a step: nobody has set that.
    fileprivate func held(_ step: Microwatts) -> Microwatts? {
        let held = original?.roundedDown(to: step) ?? .zero
        return held == .zero ? nil : held
    }

    /// In whole steps. The helper's ceiling holds against a floor above it: `Settings.check` refuses that at start. And a floor
    /// is the smaller of what is asked for and what firmware holds (P3), but not below the helper's, which has the same rule.
    fileprivate func steps(of step: Microwatts, floor: Microwatts) -> (floor: Microwatts, ceiling: Microwatts) {
        let ceiling = self.ceiling.roundedDown(to: step)
        let least = max(held(step).map { min(floor, $0) } ?? floor, self.floor)
        return (min(least.roundedUp(to: step), ceiling), ceiling)
    }
}
