internal import PowercapProtocol

extension Decision {
    /// Divides what the node is to have when its controller is lost (P18): in proportion to the devices' reference power, each at
    /// least its floor and at most its limit. What can't be changed counts against it, as it does against the node's limit.
    mutating func fallBack(to power: Microwatts, _ given: [Device], _ policy: PowerPolicy, _ minPower: Microwatts) {
        var shares: [Share] = []
        shares.reserveCapacity(given.count)
        for (device, limit) in zip(given, devices) {
            let share = device.share(floor: minPower, policy.weights)
            shares.append(
                Share(weight: share.weight, step: share.step, floor: min(share.floor, limit.longTerm), ceiling: limit.longTerm))
        }
        let (floor, ceiling) = shares.reduce((Microwatts.zero, Microwatts.zero)) { ($0.0 + $1.floor, $0.1 + $1.ceiling) }
        let total = min(max(power, floor), ceiling)
        split(total, atLeast: floor, over: &shares)
        fallback = total
        for index in devices.indices where given[index].fixed == nil {
            let longTerm = shares[index].limit
            let shortTerm = devices[index].shortTerm.flatMap { most in
                given[index].shortTermLimit(for: longTerm, policy.shortTerm, minPower: minPower).map { min($0, most) }
            }
            devices[index].fallback = DeviceLimit.Fallback(longTerm: longTerm, shortTerm: shortTerm)
        }
    }
}
