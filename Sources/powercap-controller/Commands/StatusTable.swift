internal import LinuxSystem
internal import Policy
internal import PowercapProtocol
internal import Text

/// For people: 80 columns, so that a terminal shows a line as a line.
extension Status {
    private static let nameWidth = 25
    private static let powerWidth = 11

    func writeTable(to output: inout Output) {
        output.append("helper   \(welcome.helperVersion.string), writes \(welcome.writes.words)\n")
        output.append("floor    \(welcome.minPower.words) (the helper's --min-power)")
        if raplMinPower < welcome.minPower { output.append(", above RAPL_MIN_POWER, \(raplMinPower.words): it counts") }
        output.append("\n")
        let missing = SandboxBits.names.filter { !welcome.sandbox.contains($0.0) }.map { "\($0.1)" }
        output.append("sandbox  " + (missing.isEmpty ? "complete" : "without \(missing.joined(separator: ", "))") + "\n")
        output.append("control  ")
        if zones.header.leaseRemaining_ms == 0 {
            output.append("nobody\n")
        } else {
            output.append("\(zones.header.leaseHolder.string), \(zones.header.leaseRemaining_ms) ms left\n")
        }
        switch heldLimits {
        case 0: break
        case 1: output.append("held     1 limit of a controller that is gone, until the helper stops\n")
        case let count: output.append("held     \(count) limits of a controller that is gone, until the helper stops\n")
        }
        output.append("\n")
        output.append(left: "ZONE", width: Status.nameWidth)
        for title in ["ORIGINAL W", "ASKED W", "REGISTER W", "IN FORCE W", "POWER W"] {
            output.append(title, width: Status.powerWidth)
        }
        output.append("\n")
        for (description, zone) in zip(zones.zones, seen) { writeRows(description, zone, to: &output) }
    }

    private func writeRows(_ description: HelperZones.Zone, _ zone: Zone, to output: inout Output) {
        let indent = zone.parent == nil ? "" : "  "
        let type = zone.controlType == InForce.governed ? "" : " (\(zone.controlType))"
        output.append(left: "\(indent)\(zone.name)\(type)", width: Status.nameWidth + 4 * Status.powerWidth)
        if let error = energyError(of: description), error != .noEntry, !zone.isGone {
            output.append(error.name, width: Status.powerWidth)
        } else {
            append(power(of: description), to: &output)
        }
        output.append("\n")
        if zone.isGone { output.append("\(indent)  gone: its package went offline, or its driver was unloaded\n") }
        if zone.isDisabled, !zone.constraints.isEmpty { output.append("\(indent)  disabled: its limits are not enforced\n") }
        for (constraint, wire) in zip(zone.constraints, description.constraints) {
            output.append(left: "\(indent)  \(constraint.name)", width: Status.nameWidth)
            append(constraint.original, to: &output)
            append(wire.requested == .zero ? nil : wire.requested, to: &output)
            if let limit = constraint.powerLimit {
                append(limit, to: &output)
            } else {
                let name = constraint.readErrno == 0 ? "-" : Errno(Int32(constraint.readErrno)).name
                output.append(name, width: Status.powerWidth)
            }
            append(inForce(constraint, of: zone), to: &output)
            output.append("\n")
            if !zone.isGone, let note = note(on: constraint, of: zone, requested: wire.requested), note != Standing.disabled.words
            {
                output.append(wrapped: note, indent: indent.utf8.count + 4)
            }
        }
    }

    private func append(_ power: Microwatts?, to output: inout Output) {
        if let power {
            output.append(watts: power, width: Status.powerWidth)
        } else {
            output.append("-", width: Status.powerWidth)
        }
    }
}

extension Output {
    /// Words in lines of at most 80 columns, each behind `indent` blanks.
    mutating func append(wrapped text: String, indent: Int) {
        var column = 0
        for word in text.split(separator: " ") {
            if column > 0, column + 1 + word.count > 80 {
                append("\n")
                column = 0
            }
            if column == 0 { appendSpaces(indent) } else { append(" ") }
            append(String(word))
            column = column == 0 ? indent + word.count : column + 1 + word.count
        }
        append("\n")
    }
}
