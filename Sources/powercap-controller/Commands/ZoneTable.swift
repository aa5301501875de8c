internal import LinuxSystem
internal import Policy
internal import PowercapProtocol
internal import Text

/// The zones with their limits, for people: 80 columns, so that a terminal shows a line as a line.
enum ZoneTable {
    private static let nameWidth = 25
    private static let powerWidth = 11

    static func write(_ zones: [ZoneState], to output: inout Output) {
        output.append(left: "ZONE", width: nameWidth)
        for title in ["ORIGINAL W", "ASKED W", "REGISTER W", "IN FORCE W", "POWER W"] {
            output.append(title, width: powerWidth)
        }
        output.append("\n")
        for zone in zones { write(zone, to: &output) }
    }

    private static func write(_ zone: ZoneState, to output: inout Output) {
        let indent = zone.parent == nil ? "" : "  "
        let type = zone.controlType == InForce.governed ? "" : " (\(zone.controlType))"
        output.append(left: "\(indent)\(zone.name)\(type)", width: nameWidth + 4 * powerWidth)
        if zone.isSuspended {
            output.append("asleep", width: powerWidth)
        } else if let error = zone.energyError, error != Errno.noEntry.name, !zone.isGone {
            output.append(error, width: powerWidth)
        } else {
            append(zone.power, to: &output)
        }
        output.append("\n")
        if zone.isGone { output.append("\(indent)  gone: its package went offline, or its driver was unloaded\n") }
        if zone.isDisabled, !zone.limits.isEmpty { output.append("\(indent)  \(Standing.disabled.words)\n") }
        for limit in zone.limits {
            output.append(left: "\(indent)  \(limit.name)", width: nameWidth)
            append(limit.original, to: &output)
            append(limit.asked, to: &output)
            if limit.register == nil {
                output.append(limit.registerError ?? "-", width: powerWidth)
            } else {
                append(limit.register, to: &output)
            }
            append(limit.inForce, to: &output)
            output.append("\n")
            if let fallback = limit.fallback {
                output.append(sentence: "\(fallback.words) when the controller is lost", behind: "\(indent)    ")
            }
            if let note = limit.note, note != Standing.disabled.words {
                output.append(sentence: note, behind: "\(indent)    ")
            }
        }
    }

    private static func append(_ power: Microwatts?, to output: inout Output) {
        if let power {
            output.append(watts: power, width: powerWidth)
        } else {
            output.append("-", width: powerWidth)
        }
    }
}
