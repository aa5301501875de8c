internal import LinuxSystem
internal import PowercapProtocol

enum StatusFormat: String, CaseIterable, Sendable { case table, json }

enum StatusFlags {
    static let format = CommandFlag("--format", short: "-o", .choice, default: StatusFormat.table, "What to print.")
}

/// What `status` knows: the helper's zones, and two samples a second apart.
struct Status {
    let welcome: Welcome
    let zones: HelperZones
    let before: HelperSample
    let after: HelperSample

    init(helper path: String) throws(HelperError) {
        let client = try HelperClient(connecting: path)
        welcome = client.welcome
        before = try client.sample()
        // Counters move about once a millisecond; over a second the average is good to a thousandth.
        Clock.sleep(milliseconds: 1_000)
        after = try client.sample()
        zones = try client.zones()
    }

    /// The average power of a zone over the second.
    func power(of zone: HelperZones.Zone) -> Microwatts? {
        let index = zone.description.index
        guard let first = before.zone(index), let second = after.zone(index) else { return nil }
        return averagePower(
            from: first.energy, at: before.time_ns, to: second.energy, at: after.time_ns, range: zone.description.maxEnergyRange)
    }

    /// What is in force for the constraint at `position`.
    func inForce(_ zone: HelperZones.Zone, _ position: Int) -> Reading? {
        guard let sample = after.zone(zone.description.index), position < sample.constraintCount else { return nil }
        return sample.limits[position]
    }
}

/// `powercap-controller status`: the exit status.
func statusCommand(_ invocation: Invocation, settings: Settings) throws(UsageError) -> Int32 {
    let format = try StatusFlags.format.value(in: invocation)
    let status: Status
    do throws(HelperError) { status = try Status(helper: settings.configuration.helperSocket) } catch {
        complain(error.sentence)
        return 1
    }
    return printing { output in
        switch format {
        case .table: status.writeTable(to: &output)
        case .json: status.writeJSON(to: &output)
        }
    }
}

extension Status {
    func writeTable(to output: inout Output) {
        output.append("helper   \(welcome.helperVersion.string), writes \(welcome.writes.words)\n")
        output.append("sandbox  \(welcome.sandbox.words)\n")
        let missing = SandboxBits.names.filter { !welcome.sandbox.contains($0.0) }.map { "\($0.1)" }
        if !missing.isEmpty { output.append("missing  \(missing.joined(separator: ","))\n") }
        if zones.header.leaseRemaining_ms == 0 {
            output.append("control  nobody\n\n")
        } else {
            output.append("control  \(zones.header.leaseHolder.string), \(zones.header.leaseRemaining_ms) ms left\n\n")
        }
        output.append(left: "ZONE", width: 32)
        for title in ["ORIGINAL W", "REQUESTED W", "IN FORCE W", "POWER W"] { output.append(title, width: 13) }
        output.append("\n")
        for zone in zones.zones { writeRows(zone, to: &output) }
    }

    private func writeRows(_ zone: HelperZones.Zone, to output: inout Output) {
        let sample = after.zone(zone.description.index)
        let indent = zone.description.parent == nil ? "" : "  "
        let type = zone.description.controlType.string
        output.append(left: "\(indent)\(zone.description.name.string)" + (type == "intel-rapl" ? "" : " (\(type))"), width: 71)
        append(power(of: zone), to: &output)
        if sample?.isGone == true { output.append("  gone") }
        if sample?.enabled == .no && !zone.constraints.isEmpty { output.append("  disabled: limits are not enforced") }
        output.append("\n")
        for (position, constraint) in zone.constraints.enumerated() {
            output.append(left: "\(indent)  \(constraint.name.string)", width: 32)
            append(constraint.flags.contains(.originalKnown) ? constraint.original : nil, to: &output)
            append(constraint.requested == .zero ? nil : constraint.requested, to: &output)
            let reading = inForce(zone, position)
            if let value = reading?.ifRead {
                append(Microwatts(value), to: &output)
            } else {
                output.append(reading.map { Errno(Int32($0.errno)).name } ?? "-", width: 13)
            }
            output.append("\n")
        }
    }

    private func append(_ power: Microwatts?, to output: inout Output) {
        if let power { output.append(watts: power, width: 13) } else { output.append("-", width: 13) }
    }

    func writeJSON(to output: inout Output) {
        output.append("{\"helper\":{\"version\":")
        output.append(json: welcome.helperVersion.string)
        output.append(",\"writes\":")
        output.append(json: welcome.writes.words)
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
        output.append(",\"zones\":[")
        for (number, zone) in zones.zones.enumerated() {
            output.append(number == 0 ? "\n" : ",\n")
            writeJSON(zone, to: &output)
        }
        output.append("\n]}\n")
    }

    private func writeJSON(_ zone: HelperZones.Zone, to output: inout Output) {
        let sample = after.zone(zone.description.index)
        output.append("{\"id\":")
        output.append(json: zone.description.id.string)
        output.append(",\"parent\":")
        if let parent = zones.zones.first(where: { $0.description.index == zone.description.parent }) {
            output.append(json: parent.description.id.string)
        } else {
            output.append("null")
        }
        output.append(",\"control_type\":")
        output.append(json: zone.description.controlType.string)
        output.append(",\"name\":")
        output.append(json: zone.description.name.string)
        output.append(",\"gone\":\(sample?.isGone == true)")
        output.append(",\"enabled\":\(sample.map { $0.enabled == .unknown ? "null" : "\($0.enabled == .yes)" } ?? "null")")
        output.append(",\"power_uw\":\(power(of: zone).map { "\($0.rawValue)" } ?? "null"),\"constraints\":[")
        for (position, constraint) in zone.constraints.enumerated() {
            output.append(position == 0 ? "\n {\"name\":" : ",\n {\"name\":")
            output.append(json: constraint.name.string)
            let inForce = inForce(zone, position)?.ifRead.map { "\($0)" } ?? "null"
            let requested = constraint.requested == .zero ? "null" : "\(constraint.requested.rawValue)"
            let original = constraint.flags.contains(.originalKnown) ? "\(constraint.original.rawValue)" : "null"
            output.append(",\"original_uw\":\(original),\"requested_uw\":\(requested)")
            output.append(",\"in_force_uw\":\(inForce),\"floor_uw\":\(constraint.floor.rawValue)")
            output.append(",\"ceiling_uw\":\(constraint.ceiling.rawValue)")
            output.append(",\"writable\":\(constraint.obstacle == .none),\"obstacle\":\"\(constraint.obstacle.name)\"}")
        }
        output.append("]}")
    }
}
