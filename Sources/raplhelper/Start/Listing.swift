import LinuxSystem
import PowercapProtocol

/// What `--list` prints.
enum Listing {
    /// How long drivers are waited for, together.
    static let patience_ms: UInt64 = 5_000

    /// What the helper that serves has saved of fallback limits, where its state can be read: nothing in sysfs says it.
    static func addFallbacks(to zones: [Zone], _ options: Options) {
        guard let bootID = try? Start.bootID(),
            case .saved(let state) = StateFile.earlier(in: options.stateDirectory, bootID: bootID)
        else { return }
        for zone in zones {
            for constraint in zone.constraints {
                for record in state.records where record.isOf(constraint, in: zone) { constraint.change = record.change }
            }
        }
    }

    /// For people: one line per zone and one per constraint.
    static func table(_ zones: [Zone], _ bounds: Bounds) -> Message {
        var text: Message = ""
        for zone in zones {
            let sample = zone.sample()
            let indent = zone.parent == nil ? "" : "  "
            text += "\(indent)\(zone.name)  (\(zone.id), \(zone.controlType))"
            text += "  enabled: \(enabled(sample))"
            text += "  \(reading(sample.reading, of: zone))\n"
            if zone.constraints.isEmpty { text += "\(indent)  no constraints: it can be monitored, not limited\n" }
            for (position, constraint) in zone.constraints.enumerated() {
                let limit = sample.limits[position]
                text += "\(indent)  \(constraint.name)"
                text += "  limit: \(limit == Reading(0) && constraint.driver.takesLimitsAway ? "disabled" : value(limit, "W"))"
                if let window = try? constraint.window.readOrAbsent() {
                    text += "  window: \(time(window))"
                }
                let maxPower: Message = constraint.maxPower == .zero ? "not given" : "\(watts(constraint.maxPower)) W"
                text += "  max_power: \(maxPower)"
                if !constraint.driver.roundsDown { text += "  step: \(watts(constraint.driver.step)) W" }
                if let fallback = constraint.change?.fallback { text += "  fallback: \(watts(fallback)) W" }
                text += "  \(reach(of: constraint, in: zone, bounds))\n"
            }
        }
        return text
    }

    /// The table as a terminal with so many columns shows it best: whole where it has room, else at most 80 columns wide, each line
    /// broken between its fields.
    static func fitted(_ table: Message, to columns: Int) -> Message {
        var lines: [Message] = []
        var line: Message = ""
        var widest = 0
        for byte in table.bytes {
            guard byte == UInt8(ascii: "\n") else {
                line.append(byte: byte)
                continue
            }
            widest = max(widest, line.bytes.count)
            lines.append(line)
            line = ""
        }
        if widest <= columns { return table }
        var fitted: Message = ""
        for line in lines {
            var (indent, words): (Message, Message) = ("", "")
            for byte in line.bytes {
                if words.isEmpty && byte == UInt8(ascii: " ") { indent.append(byte: byte) } else { words.append(byte: byte) }
            }
            let start = indent.bytes.count
            fitted += indent
            fitted.append(words, gap: 2, column: start, indent: start + 4, width: min(columns, 80))
            fitted += "\n"
        }
        return fitted
    }

    /// Between which limits a constraint may be set, or why it may not.
    private static func reach(of constraint: Constraint, in zone: Zone, _ bounds: Bounds) -> Message {
        let (floor, ceiling) = (watts(bounds.floor(of: constraint)), watts(bounds.ceiling(of: constraint)))
        let obstacle = bounds.obstacle(of: constraint, in: zone)
        return switch obstacle {
        case .none: "may be set from \(floor) to \(ceiling) W"
        case .ceilingBelowFloor:
            "not governed: its ceiling, \(ceiling) W, is below the helper's floor, \(watts(bounds.minPower)) W (--min-power)"
        default: "not governed: \(obstacle.explanation)"
        }
    }

    /// For programs, `powercap-controller plan --zones` among them. The numbers are those of sysfs.
    static func json(_ zones: [Zone], _ bounds: Bounds, root: String) -> Message {
        var text: Message = "{\"format\":1,\"helper\":\"\(Release.version)\",\"powercap_root\":\(quoted(root))"
        text += ",\"min_power_uw\":\(bounds.minPower.rawValue),\"zones\":["
        for (number, zone) in zones.enumerated() {
            let sample = zone.sample()
            text += number == 0 ? "\n" : ",\n"
            text += "{\"id\":\(quoted(zone.id.string))"
            let parent: Message = if let parent = zone.parent { "\(quoted(zones[Int(parent)].id.string))" } else { "null" }
            text += ",\"parent\":\(parent)"
            text += ",\"control_type\":\(quoted(zone.controlType.string)),\"name\":\(quoted(zone.name.string))"
            text += ",\"enabled\":\(sample.enabled == .unknown ? "null" : sample.enabled == .yes ? "true" : "false")"
            let error: Message = sample.reading.ifRead == nil ? "\"\(Errno(Int32(sample.reading.errno)).name)\"" : "null"
            let isPower = zone.readingKind == .power
            text += ",\"energy_uj\":\(json(isPower ? nil : sample.reading.ifRead))"
            text += ",\"energy_error\":\(isPower ? "\"ENOENT\"" : error)"
            text += ",\"power_uw\":\(json(isPower ? sample.reading.ifRead : nil))"
            text += ",\"power_error\":\(isPower ? error : "\"ENOENT\"")"
            text += ",\"max_energy_range_uj\":\(zone.maxEnergyRange.rawValue)"
            text += ",\"constraints\":["
            for (position, constraint) in zone.constraints.enumerated() {
                text += position == 0 ? "\n" : ",\n"
                text += " {\"index\":\(constraint.index),\"name\":\(quoted(constraint.name.string))"
                text += ",\"power_limit_uw\":\(json(sample.limits[position].ifRead))"
                text += ",\"time_window_us\":\(json(try? constraint.window.readOrAbsent()))"
                text += ",\"max_power_uw\":\(json(constraint.maxPower == .zero ? nil : constraint.maxPower.rawValue))"
                text +=
                    ",\"floor_uw\":\(bounds.floor(of: constraint).rawValue),\"ceiling_uw\":\(bounds.ceiling(of: constraint).rawValue)"
                text += ",\"step_uw\":\(constraint.driver.step.rawValue)"
                let isDisabled = constraint.driver.takesLimitsAway && sample.limits[position] == Reading(0)
                text += ",\"disabled\":\(isDisabled ? "true" : "false")"
                if let fallback = constraint.change?.fallback { text += ",\"fallback_uw\":\(fallback.rawValue)" }
                let obstacle = bounds.obstacle(of: constraint, in: zone)
                text += ",\"writable\":\(obstacle == .none ? "true" : "false"),\"obstacle\":\"\(obstacle.name)\"}"
            }
            text += "]}"
        }
        return text + "\n]}\n"
    }

    private static func json(_ value: UInt64?) -> Message { value.map { "\($0)" } ?? "null" }

    private static func enabled(_ sample: ZoneSample) -> StaticString {
        switch sample.enabled {
        case .no: "no"
        case .yes: "yes"
        case .unknown: "unknown"
        }
    }

    /// Microseconds in the unit that shows all of them, or three decimals of a second.
    private static func time(_ time_us: UInt64) -> Message {
        switch time_us {
        case 0: "0 s"
        case ..<1_000: "\(time_us) µs"
        case ..<1_000_000: "\(watts(Microwatts(time_us * 1_000))) ms"
        default: "\(watts(Microwatts(time_us))) s"
        }
    }

    /// A millionth's decimal with three places; µW as W, µJ as J, µs as s.
    private static func watts(_ value: Microwatts) -> Message {
        let decimals = value.rawValue % 1_000_000 / 1_000
        let zeros: StaticString = decimals < 10 ? "00" : decimals < 100 ? "0" : ""
        return "\(value.rawValue / 1_000_000).\(zeros)\(decimals)"
    }

    private static func reading(_ reading: Reading, of zone: Zone) -> Message {
        if Errno(Int32(reading.errno)) == .shutdown { return "asleep" }
        switch zone.readingKind {
        case .power: return "power: \(value(reading, "W"))"
        case .none where zone.constraints.first?.driver.place == .opal: return "not measured"
        case .energy, .none: return "energy: \(value(reading, "J"))"
        }
    }

    private static func value(_ reading: Reading, _ unit: StaticString) -> Message {
        if let value = reading.ifRead { "\(watts(Microwatts(value))) \(unit)" } else { unreadable(reading) }
    }

    private static func quoted(_ text: String) -> Message {
        var quoted: Message = ""
        quoted.append(json: [UInt8](text.utf8).span)
        return quoted
    }

    private static func unreadable(_ reading: Reading) -> Message {
        let errno = Errno(Int32(reading.errno))
        return errno == .noEntry ? "no such file" : "unreadable (\(errno.name))"
    }
}
