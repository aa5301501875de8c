internal import PowercapProtocol

extension Decision {
    /// Divides what the node is to have when its controller is lost (P18): in proportion to the packages' reference power, each at
    /// least its floor and at most its limit. What can't be changed counts against it, as it does against the node's limit.
    mutating func fallBack(to power: Microwatts, _ given: [Package], _ policy: PowerPolicy, _ minPower: Microwatts) {
        var shares: [Share] = []
        shares.reserveCapacity(given.count)
        for (package, limit) in zip(given, packages) {
            let share = package.share(floor: minPower)
            shares.append(
                Share(weight: share.weight, floor: min(share.floor, limit.longTerm), ceiling: limit.longTerm))
        }
        let (floor, ceiling) = shares.reduce((Microwatts.zero, Microwatts.zero)) { ($0.0 + $1.floor, $0.1 + $1.ceiling) }
        let total = min(max(power, floor), ceiling)
        split(total, atLeast: floor, over: &shares)
        fallback = total
        for index in packages.indices where given[index].fixed == nil {
            let longTerm = shares[index].limit
            let shortTerm = packages[index].shortTerm.flatMap { most in
                given[index].shortTermLimit(for: longTerm, policy.shortTerm, minPower: minPower).map { min($0, most) }
            }
            packages[index].fallback = PackageLimit.Fallback(longTerm: longTerm, shortTerm: shortTerm)
        }
    }
}
