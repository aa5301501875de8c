internal import PowercapProtocol

/// A taker of a part of the power.
struct Share: Equatable, Sendable {
    /// Parts are in proportion to it; not 0.
    let weight: Microwatts
    /// Multiples of `Microwatts.step`, or one and the same value: then that is the part, whatever it is.
    let floor: Microwatts
    let ceiling: Microwatts
    /// The outcome.
    var limit: Microwatts
    /// The limit is settled: it is the floor or the ceiling.
    fileprivate var isBound: Bool

    init(weight: Microwatts, floor: Microwatts, ceiling: Microwatts) {
        (self.weight, self.floor, self.ceiling) = (weight, floor, ceiling)
        (limit, isBound) = (floor, floor == ceiling)
    }
}

/// Divides `power` in proportion to the weights; where a part would be below its floor or above its ceiling it is that, and
/// the others divide the rest. Limits are rounded down to multiples of the hardware's step, so their sum is at most `power`, and
/// short of it by less than a step each.
///
/// - Parameters:
///   - power: from the sum of the floors to the sum of the ceilings.
///   - least: at most `power`, and multiples of the step above the parts that are given. Where rounding would take the sum
///     below it, some are rounded up.
func split(_ power: Microwatts, atLeast least: Microwatts, over shares: inout [Share]) {
    let (rest, weights) = bindToRanges(power, &shares)
    let unit = weights * Int128(Microwatts.step.rawValue)
    var sum: UInt64 = 0
    for index in shares.indices {
        if !shares[index].isBound {
            let steps = UInt64(rest * shares[index].exactWeight / unit)
            shares[index].limit = Microwatts(steps * Microwatts.step.rawValue)
        }
        sum += shares[index].limit.rawValue
    }
    if sum >= least.rawValue { return }
    // Every share that lost something lost less than a step: more of them did than steps are missing. None of them was at its
    // ceiling, for that is a multiple of the step.
    for index in shares.indices where sum < least.rawValue && !shares[index].isBound {
        if rest * shares[index].exactWeight % unit == 0 { continue }
        shares[index].limit = shares[index].limit + .step
        sum += Microwatts.step.rawValue
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

    /// `product / weights` held within the range, as a product again.
    fileprivate func clamped(_ product: Int128, _ weights: Int128) -> Int128 {
        max(Int128(floor.rawValue) * weights, min(Int128(ceiling.rawValue) * weights, product))
    }
}
