internal import LinuxSystem
internal import Policy
internal import PowercapProtocol
internal import Text

// For people: watts, and why.

extension Plan {
    /// - Parameter columns: the terminal's; nil where everything is to be written, however wide.
    func writeTable(to output: inout Output, columns: Int?) throws(Errno) {
        var form = TableForm(self)
        let left = columns.map { form.fit($0) } ?? 0
        var heading =
            "\(dates), \(timeZone) (\(form.offsets)): \(sourceWords); \(cadence)\(isAssumed ? "; assumed packages" : "")"
        if let line = first(where: { _ in true }) {
            heading += "; the node's limit is held between its floor, \(line.decision.floor.words), and its ceiling, "
            heading += line.decision.ceiling.words
            if configuration.policy.budgetOf == .server {
                heading += "; the source's power is the server's, of which \(rest.words) are assumed to be the rest's"
            }
        }
        let room = Swift.min(columns ?? textWidth, textWidth)
        output.append(wrapped(heading, width: room))
        if left > 0 {
            output.append(
                wrapped(
                    "\(left) more \(devices.allSatisfy { $0.kind == .package } ? "package" : "device")\(left == 1 ? " has" : "s have") no room in this terminal: --format csv has everything",
                    width: room))
        }
        output.append("\n")
        output.append(left: "time", width: form.time)
        if form.signal > 0 { output.append("signal", width: form.signal) }
        output.append("source W", width: form.source)
        output.append("limit W", width: form.limit)
        for (device, width) in zip(devices, form.devices) { output.append(device.name.text, width: width) }
        output.append("  reason\n")
        for line in self {
            form.append(line.moment, to: &output)
            if form.signal > 0 { output.append(line.signal.map { $0.rounded(places: 3).words } ?? "-", width: form.signal) }
            output.append(watts: line.source, width: form.source)
            output.append(watts: line.decision.nodeLimit, width: form.limit)
            for (device, width) in zip(line.decision.devices, form.devices) {
                output.append(watts: device.longTerm, width: width)
            }
            output.append("  \(line.decision.reason.rawValue)\n")
            try output.flushWhenFull()
        }
        output.append("\n")
        output.append(wrapped(energyWords, width: room))
    }
}

/// How a table's columns are written: their widths, each with the two spaces before it.
private struct TableForm {
    /// The day and the offset from UTC are in every line only where they change on the way.
    let hasDay: Bool
    let hasSeconds: Bool
    let offsets: String
    let time: Int
    /// 0 where the source says powers.
    let signal: Int
    let source: Int
    let limit: Int
    /// Of those packages that have a column.
    var devices: [Int]
    /// `  override` and its like
    private static let reason = 10

    init(_ plan: Plan) {
        let axis = TimeAxis(startSeconds: plan.startSeconds, endSeconds: plan.endSeconds, first: plan.first, days: plan.days)
        offsets = axis.offsets
        hasDay = plan.days > 1 || offsets.contains(",")
        hasSeconds = plan.step.rawValue % 60_000 != 0 || LocalTime.at(plan.startSeconds).second != 0
        time = (hasDay ? 23 : 5) + (hasSeconds ? 3 : 0)
        signal = plan.configuration.valueMap == nil ? 0 : 12
        source = TableForm.width("source W", plan.configuration.policy.maxSource)
        let ceilings = plan.devices.map { $0.fixed ?? $0.longTerm.ceiling }
        limit = TableForm.width("limit W", Microwatts(ceilings.reduce(0) { $0 + $1.rawValue }))
        devices = zip(plan.devices, ceilings).map { TableForm.width($0.name.text, $1) }
    }

    /// Leaves out the last packages that don't fit: how many.
    mutating func fit(_ columns: Int) -> Int {
        let all = devices.count
        while devices.count > 1, time + signal + source + limit + devices.reduce(0, +) + TableForm.reason > columns {
            devices.removeLast()
        }
        return all - devices.count
    }

    private static func width(_ title: String, _ highest: Microwatts) -> Int {
        2 + max(title.utf8.count, String(highest.rawValue / 1_000_000).utf8.count + 4)
    }

    func append(_ moment: Moment, to output: inout Output) {
        if hasDay {
            output.append(day: moment.local)
            output.append(" ")
        }
        output.append(clock: moment.local)
        if hasSeconds {
            output.append(":")
            output.append(moment.local.second, digits: 2)
        }
        if hasDay {
            output.append(" ")
            output.append(offset_s: moment.local.offset_s)
        }
    }
}
