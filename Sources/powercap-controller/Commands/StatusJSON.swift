internal import LinuxSystem
internal import Policy
internal import PowercapProtocol
internal import Text

/// For programs; docs/interface.md describes it. Numbers are µW; null is what isn't known, or isn't there.
extension Status {
    static let format = 1

    func writeJSON(to output: inout Output) {
        output.append("{\"format\":\(Status.format),\"helper\":{\"version\":")
        output.append(json: welcome.helperVersion.string)
        output.append(",\"writes\":")
        output.append(json: welcome.writes.words)
        output.append(",\"min_power_uw\":\(welcome.minPower.rawValue)")
        output.append(",\"sandbox\":{")
        for (number, (bit, name)) in SandboxBits.names.enumerated() {
            output.append("\(number == 0 ? "" : ",")\"\(name)\":\(welcome.sandbox.contains(bit))")
        }
        output.append("}},\"control\":")
        if zones.header.leaseRemaining_ms == 0 {
            output.append("null")
        } else {
            output.append("{\"holder\":")
            output.append(json: zones.header.leaseHolder.string)
            output.append(",\"remaining_ms\":\(zones.header.leaseRemaining_ms)}")
        }
        output.append(",\"held_limits\":\(heldLimits),\"zones\":[")
        for (number, (description, zone)) in zip(zones.zones, seen).enumerated() {
            output.append(number == 0 ? "\n" : ",\n")
            writeJSON(description, zone, to: &output)
        }
        output.append("\n]}\n")
    }

    private func writeJSON(_ description: HelperZones.Zone, _ zone: Zone, to output: inout Output) {
        output.append("{\"id\":")
        output.append(json: zone.id)
        output.append(",\"parent\":")
        append(zone.parent, to: &output)
        output.append(",\"control_type\":")
        output.append(json: zone.controlType)
        output.append(",\"name\":")
        output.append(json: zone.name)
        output.append(",\"gone\":\(zone.isGone),\"enabled\":\(zone.enabled.map { "\($0)" } ?? "null")")
        output.append(",\"power_uw\":\(number(power(of: description))),\"energy_error\":")
        append(energyError(of: description)?.name, to: &output)
        output.append(",\"constraints\":[")
        for (position, (constraint, wire)) in zip(zone.constraints, description.constraints).enumerated() {
            output.append(position == 0 ? "\n {\"name\":" : ",\n {\"name\":")
            output.append(json: constraint.name)
            output.append(",\"original_uw\":\(number(constraint.original))")
            output.append(",\"requested_uw\":\(number(wire.requested == .zero ? nil : wire.requested))")
            output.append(
                ",\"register_uw\":\(number(constraint.powerLimit)),\"in_force_uw\":\(number(inForce(constraint, of: zone)))")
            output.append(",\"held_by\":")
            append(holder(constraint, of: zone), to: &output)
            output.append(",\"floor_uw\":\(constraint.floor.rawValue),\"ceiling_uw\":\(constraint.ceiling.rawValue)")
            output.append(",\"changed\":\(wire.flags.contains(.changed)),\"obstacle\":\"\(constraint.obstacle.name)\",\"note\":")
            append(note(on: constraint, of: zone, requested: wire.requested), to: &output)
            output.append("}")
        }
        output.append("]}")
    }

    /// The control type of the register that holds what is in force.
    private func holder(_ constraint: Constraint, of zone: Zone) -> String? {
        guard inForce(constraint, of: zone) != nil else { return nil }
        guard zone.isPackage else { return zone.controlType }
        return InForce(of: constraint.name, package: zone.name, in: seen).holder?.controlType
    }

    private func number(_ power: Microwatts?) -> String { power.map { "\($0.rawValue)" } ?? "null" }

    private func append(_ text: String?, to output: inout Output) {
        if let text { output.append(json: text) } else { output.append("null") }
    }
}
