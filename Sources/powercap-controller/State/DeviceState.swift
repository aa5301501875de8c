internal import Policy
internal import PowercapProtocol

/// A device and its limit: a part of the node's limit.
struct DeviceState: Equatable, Sendable {
    let name: String
    let kind: DeviceKind
    /// The zone's id.
    let zone: String
    let reference: Microwatts
    let floor: Microwatts
    let ceiling: Microwatts
    let original: Microwatts?
    /// What it was last told to hold; nil where it wasn't, or isn't governed.
    let asked: Microwatts?
    let inForce: Microwatts?
    /// The control type whose register that is; nil where it isn't known.
    let holder: String?
    /// The control type whose register is set.
    let controlType: String?
    /// The average between the last two samples.
    let power: Microwatts?
    /// What it wants; nil where that isn't known, or nobody asks.
    let demand: Demand?
    /// Why it was told to hold that much; nil where no decision says so.
    let reason: Reason?
    let standing: Standing
}

extension NodeState {
    /// Those that are there, in the order of their names.
    var devices: [DeviceState] {
        guard let limits else { return [] }
        return limits.present.enumerated().map { position, index in
            let entry = limits.entries[index]
            let zone = limits.zones.first { $0.id == entry.device.zone }
            let inForce = limits.inForce(entry)
            let decided = decision?.decision.devices ?? []
            return DeviceState(
                name: entry.device.name.text, kind: entry.device.kind, zone: entry.device.zone, reference: entry.device.reference,
                floor: entry.device.longTerm.floor, ceiling: entry.device.longTerm.ceiling,
                original: zone?.constraint(entry.longTerm.name)?.original, asked: entry.longTerm.asked, inForce: inForce.limit,
                holder: inForce.limit == nil ? nil : inForce.holder?.controlType, controlType: zone?.controlType,
                power: power[entry.device.zone],
                demand: work?.demands[entry.device.zone],
                reason: position < decided.count ? decided[position].reason : nil, standing: limits.standing(entry))
        }
    }
}
