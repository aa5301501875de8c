internal import PowercapProtocol

/// A taker of a part of the power.
struct Share: Equatable, Sendable {
    /// Parts are in proportion to it; not 0.
    let weight: Microwatts
    /// Parts are multiples of it.
    let step: Microwatts
    /// Multiples of `step`, or one and the same value: then that is the part, whatever it is.
    let floor: Microwatts
    let ceiling: Microwatts
    /// The outcome.
    var limit: Microwatts
    /// The limit is settled: it is the floor or the ceiling.
    fileprivate var isBound: Bool

    init(weight: Microwatts, step: Microwatts, floor: Microwatts, ceiling: Microwatts) {
        (self.weight, self.step, self.floor, self.ceiling) = (weight, step, floor, ceiling)
        (limit, isBound) = (floor, floor == ceiling)
    }
}

/// Divides `power` in proportion to the weights; where a part would be below its floor or above its ceiling it is that, and
/// the others divide the rest. Limits are rounded down to multiples of their device's step, so their sum is at most `power`, and
/// short of it by less than a step each.
///
/// - Parameters:
///   - power: from the sum of the floors to the sum of the ceilings.
///   - least: at most `power`, and multiples of the coarsest step above the parts that are given. Where rounding would take the sum
///     below it, some are rounded up. With steps of several sizes the finer ones make up for what is left of a coarser one, as far as
///     their ceilings allow.
func split(_ power: Microwatts, atLeast least: Microwatts, over shares: inout [Share]) {
    let (rest, weights) = bindToRanges(power, &shares)
    var sum: UInt64 = 0
    for index in shares.indices {
        if !shares[index].isBound {
            let steps = UInt64(rest * shares[index].exactWeight / shares[index].unit(weights))
            shares[index].limit = Microwatts(steps * shares[index].step.rawValue)
        }
        sum += shares[index].limit.rawValue
    }
    if sum >= least.rawValue { return }
    let free = shares.indices.filter { !shares[$0].isBound }
    let isMixed = free.contains { shares[$0].step != shares[free[0]].step }
    let order = isMixed ? free.sorted { (shares[$0].step, $1) > (shares[$1].step, $0) } : free
    // Every share that lost something lost less than a step: of one size more of them did than steps are missing. None of them was at its
    // ceiling, for that is a multiple of the step.
    for index in order where sum < least.rawValue {
        let step = shares[index].step
        if rest * shares[index].exactWeight % shares[index].unit(weights) == 0 || sum + step.rawValue > power.rawValue {
            continue
        }
        shares[index].limit = shares[index].limit + step
        sum += step.rawValue
    }
    if !isMixed { return }
    for index in order where sum < least.rawValue {
        let more = min(Microwatts(least.rawValue - sum), shares[index].ceiling - shares[index].limit)
            .roundedDown(to: shares[index].step)
        shares[index].limit = shares[index].limit + more
        sum += more.rawValue
    }
}

/// Sets the shares that are at their floor or ceiling, and gives the power and the weights that the others divide.
///
/// Of the shares outside their range, those on one side can be settled at once: the floors, if clamping all of them would
/// spend more than there is, because the others will then get less still; the ceilings, if it would spend less. Then the rest
/// is looked at again. Products are compared, not quotients, so there is no rounding in it.
private func bindToRanges(_ power: Microwatts, _ shares: inout [Share]) -> (rest: Int128, weights: Int128) {
    var rest = Int128(power.rawValue)
    var weights: Int128 = 0
    for share in shares {
        if share.isBound { rest -= Int128(share.limit.rawValue) } else { weights += share.exactWeight }
    }
    while true {
        var excess: Int128 = 0
        var isOutside = false
        for share in shares where !share.isBound {
            let clamped = share.clamped(rest * share.exactWeight, weights)
            isOutside = isOutside || clamped != rest * share.exactWeight
            excess += clamped - rest * share.exactWeight
        }
        if !isOutside { return (rest, weights) }
        let (before, weightsBefore) = (rest, weights)
        for index in shares.indices where !shares[index].isBound {
            let share = shares[index]
            let exact = before * share.exactWeight
            let clamped = share.clamped(exact, weightsBefore)
            guard clamped > exact && excess >= 0 || clamped < exact && excess <= 0 else { continue }
            shares[index].limit = clamped > exact ? share.floor : share.ceiling
            shares[index].isBound = true
            rest -= Int128(shares[index].limit.rawValue)
            weights -= share.exactWeight
        }
    }
}

extension Share {
    fileprivate var exactWeight: Int128 { Int128(weight.rawValue) }

    /// By which a product has to be divided to be steps.
    fileprivate func unit(_ weights: Int128) -> Int128 { weights * Int128(step.rawValue) }

    /// `product / weights` held within the range, as a product again.
    fileprivate func clamped(_ product: Int128, _ weights: Int128) -> Int128 {
        max(Int128(floor.rawValue) * weights, min(Int128(ceiling.rawValue) * weights, product))
    }
}
