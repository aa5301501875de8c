internal import Fleet
internal import Policy
internal import PowercapProtocol

extension NodeLimits {
    /// What this node says of itself when it asks for a grant: sums over its devices. Never less than may be drawn: of a package's registers the governed one counts,
    /// because whoever holds another lower may let go of it at any time, and what isn't known, or not enforced, counts at the ceiling.
    /// - Parameters:
    ///   - range: the least and the most that the node's limit can be.
    ///   - fallsBack: the helper brings fallback limits into force when the controller is lost.
    ///   - demands: for each device, by the zone's id; none where it isn't known.
    func standing(
        within range: (floor: Microwatts, ceiling: Microwatts), fallsBack: Bool, bootsAtRest: Bool,
        demands: (Device, _ inForce: Microwatts) -> Microwatts
    ) -> Tenure.Standing {
        var standing = Tenure.Standing(
            inForce: .zero, rest: .zero, floor: range.floor, ceiling: .zero, demand: .zero, bootsAtRest: bootsAtRest && fallsBack)
        for entry in parts {
            let ceiling = max(
                entry.device.longTerm.ceiling, entry.device.longTerm.original ?? .zero, entry.device.fixed ?? .zero)
            let most = min(ceiling, entry.device.most)
            standing.ceiling = standing.ceiling + most
            // A package that is offline draws nothing, and may come back.
            if entry.isGone { continue }
            let isEnforced = zones.first { $0.id == entry.device.zone }?.isDisabled == false
            let inForce = isEnforced ? min(entry.longTerm.inForce ?? most, most) : most
            standing.inForce = standing.inForce + inForce
            standing.rest =
                standing.rest
                + (fallsBack ? min(entry.device.fixed == nil ? entry.longTerm.fallback ?? most : inForce, most) : most)
            standing.demand = standing.demand + demands(entry.device, inForce)
        }
        standing.ceiling = max(standing.ceiling, standing.inForce)
        standing.rest = min(standing.rest, standing.ceiling)
        standing.demand = min(standing.demand, standing.ceiling)
        return standing
    }
}
