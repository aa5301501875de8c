internal import LinuxSystem
internal import Policy
internal import PowercapProtocol
internal import Text

// For programs: docs/formats.md describes both.

extension Plan {
    /// One line per moment; power in µW, times as in RFC 3339.
    func writeCSV(to output: inout Output) throws(Errno) {
        output.append("time,source_uw,signal,node_limit_uw")
        for device in devices { output.append(",\(device.name.column)_long_term_uw") }
        for device in devices { output.append(",\(device.name.column)_short_term_uw") }
        output.append(",reason")
        for device in devices { output.append(",\(device.name.column)_reason") }
        output.append("\n")
        for line in self {
            output.append(line.moment)
            output.append(",")
            output.append(line.source)
            output.append(",")
            if let signal = line.signal { output.append(signal.words) }
            output.append(",")
            output.append(line.decision.nodeLimit)
            for device in line.decision.devices {
                output.append(",")
                output.append(device.longTerm)
            }
            for device in line.decision.devices {
                output.append(",")
                if let shortTerm = device.shortTerm { output.append(shortTerm) }
            }
            output.append(",")
            output.append(line.decision.reason.rawValue)
            for device in line.decision.devices {
                output.append(",")
                output.append(device.reason.rawValue)
            }
            output.append("\n")
            try output.flushWhenFull()
        }
    }

    /// Everything that a decision says.
    func writeJSON(to output: inout Output) throws(Errno) {
        output.append("{\"format\":1,\"first_day\":\"\(first.text)\",\"days\":\(days),\"time_zone\":")
        output.append(json: timeZone)
        output.append(",\"step_s\":\(step.rawValue / 1_000),\"stabilisation_time_s\":")
        output.append(decimal(configuration.stabilisationTime.rawValue, places: 3))
        output.append(",\"assumed_package\":\(isAssumed),\"budget_of\":\"\(configuration.policy.budgetOf.rawValue)\"")
        output.append(",\"assumed_rest_uw\":")
        output.append(configuration.policy.budgetOf == .server ? "\(rest.rawValue)" : "null")
        output.append(",\"packages\":[")
        for (index, device) in devices.enumerated() {
            output.append(index == 0 ? "\n" : ",\n")
            output.append("{\"name\":")
            output.append(json: device.name.text)
            output.append(",\"zone\":")
            output.append(json: device.zone)
            output.append(",\"kind\":\"\(device.kind.rawValue)\"")
            output.append(",\"reference_uw\":\(device.reference.rawValue),\"ceiling_uw\":\(device.longTerm.ceiling.rawValue)")
            output.append(",\"writable\":\(device.fixed == nil)}")
        }
        output.append("],\"points\":[")
        var separator = "\n"
        for line in self {
            let decision = line.decision
            output.append(separator)
            separator = ",\n"
            output.append("{\"time\":\"")
            output.append(line.moment)
            output.append("\",\"source_uw\":")
            output.append(line.source)
            output.append(",\"signal\":")
            output.append(line.signal?.words ?? "null")
            output.append(",\"node_limit_uw\":")
            output.append(decision.nodeLimit)
            output.append(",\"node_floor_uw\":")
            output.append(decision.floor)
            output.append(",\"node_ceiling_uw\":")
            output.append(decision.ceiling)
            output.append(",\"reason\":\"\(decision.reason.rawValue)\",\"floors_exceed_budget\":\(decision.floorsExceedBudget)")
            output.append(",\"packages\":[")
            for (index, device) in decision.devices.enumerated() {
                output.append(index == 0 ? "{\"long_term_uw\":" : ",{\"long_term_uw\":")
                output.append(device.longTerm)
                output.append(",\"short_term_uw\":")
                if let shortTerm = device.shortTerm { output.append(shortTerm) } else { output.append("null") }
                output.append(",\"reason\":\"\(device.reason.rawValue)\"}")
            }
            output.append("]}")
            try output.flushWhenFull()
        }
        let energy = energy
        output.append("\n],\"allowed_j\":\(energy.allowed / 1_000_000_000),\"uncapped_j\":\(energy.uncapped / 1_000_000_000)}\n")
    }
}
