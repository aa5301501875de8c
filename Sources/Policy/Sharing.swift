internal import PowercapProtocol

/// Divides `power` by what the takers want: first their floors, then up to what they want now, then up to what they wanted lately, and what
/// nobody wants goes to all. Each level is filled in proportion to the weights, so that the whole is as near to `split` as what is wanted
/// allows. All of the power is divided, but for what is less than a step: the sum stays the same, whoever gets it.
///
/// - Parameters:
///   - power: from the sum of the floors to the sum of the ceilings.
///   - demands: for each share; nil is one of which nothing is known, which wants what it has in proportion.
///   - last: what they were given before of the same power; nil where that was another one. They stay at that unless somebody whose limit is
///     in his way gains by the move.
func share(_ power: Microwatts, by wants: [Demand?], over shares: inout [Share], last: [Microwatts]?) {
    let demands = known(wants, of: power, shares)
    var lower = shares.map(\.floor)
    for level in [\Demand.power, \Demand.lately, nil] as [KeyPath<Demand, Microwatts>?] {
        let upper = zip(shares, demands).map { share, demand in
            level.map { min(max(demand[keyPath: $0].roundedUp(to: share.step), share.floor), share.ceiling) } ?? share.ceiling
        }
        if level == nil || upper.reduce(.zero, +) >= power {
            fill(power, from: lower, to: upper, &shares)
            break
        }
        lower = upper
    }
    guard let last, shares.allow(last, upTo: power) else { return }
    let isWorthwhile = shares.indices.contains {
        demands[$0].isHeldBack && shares[$0].limit >= last[$0] + Share.deadBand
    }
    if !isWorthwhile { for index in shares.indices { shares[index].limit = last[index] } }
}

/// Whoever isn't measured is taken to want its part of the power, no more and no less: nobody gains by being unknown, nor starves.
private func known(_ wants: [Demand?], of power: Microwatts, _ shares: [Share]) -> [Demand] {
    guard wants.contains(where: { $0 == nil }) else { return wants.compactMap { $0 } }
    var parts = shares
    split(power, atLeast: .zero, over: &parts)
    return zip(wants, parts).map { $0 ?? Demand(power: $1.limit, basis: .unknown) }
}

/// - Parameter power: from the sum of `lower` to the sum of `upper`.
private func fill(_ power: Microwatts, from lower: [Microwatts], to upper: [Microwatts], _ shares: inout [Share]) {
    var level = shares.indices.map {
        Share(weight: shares[$0].weight, step: shares[$0].step, floor: lower[$0], ceiling: upper[$0])
    }
    // A share that can't be changed need not be a multiple of the step.
    let fixed = shares.reduce(Microwatts.zero) { $0 + ($1.floor == $1.ceiling ? $1.floor : .zero) }
    let finest = shares.lazy.filter { $0.floor < $0.ceiling }.map(\.step).min() ?? Microwatts(1)
    split(power, atLeast: fixed + (power - fixed).roundedDown(to: finest), over: &level)
    for index in shares.indices { shares[index].limit = level[index].limit }
}

extension Share {
    /// Limits stay where nobody would gain as much: below that a move costs more than it brings. Compared is with what is given, so that
    /// small changes add up until they are worth it.
    static let deadBand = Microwatts.watts(5)
}

extension [Share] {
    /// Whether these limits may still be given.
    fileprivate func allow(_ limits: [Microwatts], upTo power: Microwatts) -> Bool {
        limits.count == count && limits.reduce(.zero, +) <= power
            && zip(self, limits).allSatisfy { $0.floor <= $1 && $1 <= $0.ceiling }
    }
}
