internal import LinuxSystem
internal import PowercapProtocol

extension Plan {
    /// One line per moment; power in µW, times as in RFC 3339.
    func writeCSV(to output: inout Output) throws(Errno) {
        output.append("time,source_uw,node_limit_uw")
        for package in packages { output.append(",\(package.name.text)_uw") }
        output.append("\n")
        for (moment, decision) in self {
            output.append(moment)
            output.append(",")
            output.append(decision.source)
            output.append(",")
            output.append(decision.nodeLimit)
            for package in decision.packages {
                output.append(",")
                output.append(package.longTerm)
            }
            output.append("\n")
            try output.flushWhenFull()
        }
    }

    /// For people: watts, and why.
    func writeTable(to output: inout Output) throws(Errno) {
        let widths = packages.map { Swift.max(10, $0.name.text.utf8.count) }
        output.append("\(dates), \(timeZone): \(sourceWords)\(isAssumed ? "; one assumed package" : "")\n")
        if let decision = first(where: { _ in true })?.decision {
            output.append("the node's limit is held between its floor, \(decision.floor.words), and its ceiling, ")
            output.append("\(decision.ceiling.words)\n\n")
        }
        output.append("time                       source W  node limit W")
        for (package, width) in zip(packages, widths) { output.append("  " + package.name.text, width: width + 2) }
        output.append("  decided by\n")
        for (moment, decision) in self {
            output.append(day: moment.local)
            output.append(" ")
            output.append(clock: moment.local)
            output.append(" ")
            output.append(offset: moment.local)
            output.append(watts: decision.source, width: 12)
            output.append(watts: decision.nodeLimit, width: 14)
            for (package, width) in zip(decision.packages, widths) { output.append(watts: package.longTerm, width: width + 2) }
            output.append("  \(decision.reason.rawValue)\n")
            try output.flushWhenFull()
        }
    }

    /// Everything that a decision says.
    func writeJSON(to output: inout Output) throws(Errno) {
        output.append("{\"format\":1,\"first_day\":\"\(first.text)\",\"days\":\(days),\"time_zone\":")
        output.append(json: timeZone)
        output.append(",\"step_s\":\(step.rawValue / 1_000),\"assumed_package\":\(isAssumed),\"packages\":[")
        for (index, package) in packages.enumerated() {
            output.append(index == 0 ? "\n" : ",\n")
            output.append("{\"name\":\"\(package.name.text)\",\"zone\":")
            output.append(json: package.zone)
            output.append(",\"reference_uw\":\(package.reference.rawValue),\"ceiling_uw\":\(package.longTerm.ceiling.rawValue)")
            output.append(",\"writable\":\(package.fixed == nil)}")
        }
        output.append("],\"points\":[")
        var separator = "\n"
        for (moment, decision) in self {
            output.append(separator)
            separator = ",\n"
            output.append("{\"time\":\"")
            output.append(moment)
            output.append("\",\"source_uw\":")
            output.append(decision.source)
            output.append(",\"node_limit_uw\":")
            output.append(decision.nodeLimit)
            output.append(",\"node_floor_uw\":")
            output.append(decision.floor)
            output.append(",\"node_ceiling_uw\":")
            output.append(decision.ceiling)
            output.append(",\"reason\":\"\(decision.reason.rawValue)\",\"floors_exceed_budget\":\(decision.floorsExceedBudget)")
            output.append(",\"packages\":[")
            for (index, package) in decision.packages.enumerated() {
                output.append(index == 0 ? "{\"long_term_uw\":" : ",{\"long_term_uw\":")
                output.append(package.longTerm)
                output.append(",\"short_term_uw\":")
                if let shortTerm = package.shortTerm { output.append(shortTerm) } else { output.append("null") }
                output.append(",\"reason\":\"\(package.reason.rawValue)\"}")
            }
            output.append("]}")
            try output.flushWhenFull()
        }
        output.append("\n]}\n")
    }
}
