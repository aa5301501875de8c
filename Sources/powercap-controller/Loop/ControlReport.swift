internal import LinuxSystem
internal import Logging
internal import Policy
internal import PowercapProtocol

/// What a session tells of limits: in the log and, where an administrator has to know it, as Events of the Node.
extension ControlSession {
    /// What was found, when control is granted.
    func reportConnection() {
        let welcome = client.welcome
        log.info(
            "connected to the helper", ("socket", .text(path)), ("helper", .text(welcome.helperVersion.string)),
            ("sandbox", .text(welcome.sandbox.words)), ("writes", .text(welcome.writes.words)))
        log.info(
            "zones found", ("zones", .number(UInt64(zones.zones.count))),
            ("devices", .number(UInt64(limits.parts.count))),
            ("names", .text(zones.zones.map(\.description.name.string).joined(separator: ","))))
        for entry in limits.entries {
            let device = entry.device
            log.info(
                "device", ("device", .text(device.name.text)), ("zone", .text(device.zone)),
                ("reference_uw", .power(device.reference)), ("floor_uw", .power(device.longTerm.floor)),
                ("ceiling_uw", .power(device.longTerm.ceiling)), ("in_force_uw", .power(limits.inForce(entry).limit)),
                ("writable", .flag(device.ungoverned == nil && !entry.isLocked)))
            if let why = device.ungoverned {
                log.warning(
                    "device not governed: it keeps what it has, the others share the rest",
                    ("device", .text(device.name.text)), ("zone", .text(device.zone)), ("why", .text(why)))
                tell(
                    NodeEvent(
                        reason: .notGoverned, subject: device.name.text, note: "\(device.name.text) isn't governed: \(why)"))
            } else if entry.isLocked {
                reportLock(entry)
            }
        }
        reportShortTerm()
        if welcome.boot.contains(.atFallback) { log.info("this boot was begun at the fallback limits") }
        if limits.present.isEmpty, limits.servers.isEmpty {
            log.warning("no device has a power limit: there is nothing to govern here")
        }
        if !limits.missing.isEmpty {
            log.warning(
                "GOVERN names what isn't here", ("missing", .text(limits.missing.map(\.rawValue).joined(separator: ","))))
        }
        for observation in observations { report(observation) }
    }

    func reportLock(_ entry: NodeLimits.Entry) {
        let name = entry.device.name.text
        tell(
            NodeEvent(
                reason: .zoneLocked, subject: name,
                note: "\(name) is locked: its limit can't be changed, and the others share the rest"))
    }

    /// A short-term limit that can't be set is left alone.
    func reportShortTerm() {
        for zone in limits.zones
        where limits.entries.contains(where: { $0.device.zone == zone.id && $0.device.ungoverned == nil }) {
            guard let shortTerm = zone.constraint("short_term"), !shortTerm.isGovernable else { continue }
            log.warning(
                "short-term limit not governed: it is left alone", ("device", .text(zone.name)),
                ("why", .text(shortTerm.obstacleWords)))
        }
    }

    func report(_ observation: NodeLimits.Observation) {
        switch observation {
        case .gone(let device):
            tell(NodeEvent(reason: .zoneGone, subject: device.name.text, note: "\(device.name.text) is gone: it went offline"))
            log.warning(
                "zone gone: its device went offline, or its driver was unloaded", ("device", .text(device.name.text)),
                ("zone", .text(device.zone)))
        case .enabled(let device, true):
            log.info("zone enabled again", ("device", .text(device.name.text)), ("zone", .text(device.zone)))
        case .enabled(let device, false):
            let note = "\(device.name.text) is disabled: its limits are not enforced"
            tell(NodeEvent(reason: .zoneDisabled, subject: device.name.text, note: note))
            log.warning(
                "zone disabled: its limits are not enforced until somebody writes 1 to its file `enabled`",
                ("device", .text(device.name.text)), ("zone", .text(device.zone)))
        case .written(let device, let constraint, nil):
            log.debug("limit written", [("device", .text(device.name.text)), ("constraint", .text(constraint))])
        case .written(let device, let constraint, .some(let code)):
            tally.counts.refused += 1
            let note = "\(device.name.text) \(constraint): the limit was refused: \(code.explanation)"
            tell(NodeEvent(reason: .limitRefused, subject: "\(device.name.text) \(constraint)", note: note))
            log.error(
                "limit refused: the device keeps what it has, the others share the rest", ("device", .text(device.name.text)),
                ("constraint", .text(constraint)), ("why", .text("\(code.explanation)")))
        case .unreadable(let device, let constraint, 0):
            log.info("limit can be read again", ("device", .text(device.name.text)), ("constraint", .text(constraint)))
        case .unreadable(let device, let constraint, let errno):
            log.warning(
                "limit can't be read: whether another party changes it isn't known until it can",
                ("device", .text(device.name.text)), ("constraint", .text(constraint)),
                ("errno", .text(Errno(Int32(errno)).name)))
        case .steady(let device, let constraint, let count):
            let note = "\(device.name.text) \(constraint): another party changed it \(count) times, and does so no more"
            tell(NodeEvent(reason: .limitDrifted, subject: device.name.text, note: note))
            log.info(
                "another party changes the limit no more", ("device", .text(device.name.text)),
                ("constraint", .text(constraint)), ("changes", .number(UInt64(count))))
        case .lower(let device, .some(let register), _):
            let limit = register.limit?.words ?? "less"
            let note = "\(register.controlType) holds \(device.name.text) at \(limit), which is less than what is set"
            tell(NodeEvent(reason: .heldLower, subject: device.name.text, note: note))
            log.warning(
                "another register holds the device at less: the lowest is in force", ("device", .text(device.name.text)),
                ("held_by", .text(register.controlType)), ("in_force_uw", .power(register.limit)))
        case .lower(let device, nil, let count):
            log.info(
                "no other register holds the device at less any more", ("device", .text(device.name.text)),
                ("samples", .number(UInt64(count))))
        case .drift(let device, let constraint, let before, let found, let action, let count):
            tally.counts.drifts[Counts.Drift(zone: device.zone, constraint: constraint), default: 0] += 1
            // Told once, and what is left each time it moves, but not for ever; then counted until it ends.
            guard count <= (action == .leave ? 3 : 1) else { return }
            let note =
                "\(device.name.text) \(constraint): another party changed \(before.words) to \(found.words) (\(action.rawValue))"
            tell(NodeEvent(reason: .limitDrifted, subject: device.name.text, note: note))
            log.warning(
                "another party changed a limit", ("device", .text(device.name.text)), ("constraint", .text(constraint)),
                ("from_uw", .power(before)), ("found_uw", .power(found)), ("action", .text(action.rawValue)))
        }
    }

    /// It may go up and down with the limit, which is told; that it comes and goes, or isn't saved any more, is told for itself.
    func reportFallback() {
        let told = toldFallback
        toldFallback = (limits.fallback != nil, limits.isFallbackKept)
        let fields: [Log.Field] = [
            ("fallback_uw", .power(limits.fallback)), ("kept_for_next_boot", .flag(limits.isFallbackKept)),
        ]
        if let told, told == toldFallback! { return log.debug("fallback limit held by the helper", fields) }
        log.info("fallback limit held by the helper", fields)
    }

    func reportConsequences() { for observation in limits.consequences() { report(observation) } }

    func report(_ change: NodeLimits.Change, _ outcome: AppliedItem, _ decision: Decision, isMove: Bool) {
        // The same again, against another party that was told of.
        if limits[change].isRepeated || change.isOfFallbackAlone { return }
        // A step of many: their beginning and their end are told.
        let isStep = decision.shape?.isMoving == true
        var fields: [Log.Field] = [
            ("device", .text(limits.entries[change.entry].device.name.text)),
            ("constraint", .text(limits[change].name)), ("from_uw", .power(change.from)), ("asked_uw", .power(change.to)),
            ("in_force_uw", .power(limits.inForce(change))), ("reason", .text(change.reason.rawValue)),
            ("source_uw", .power(decision.source)), ("node_limit_uw", .power(decision.nodeLimit)),
        ]
        // What is in force is then the most that may be, until it is read back.
        if outcome.isPending { fields.append(("pending", .flag(true))) }
        // The node's limit is the same: nothing for an administrator, nor for the API server.
        if isMove || isStep { return log.debug("limit changed", fields) }
        log.info("limit changed", fields)
        // A successor that sets what its predecessor did changes nothing.
        if change.isShortTerm || change.from == outcome.effective { return }
        let device = limits.entries[change.entry].device.name.text
        let from = change.from.map { " from \($0.words)" } ?? ""
        let lower = limits.inForce(limits.entries[change.entry]).lower
        let held = lower.flatMap { register in
            register.limit.map { ", of which \(register.controlType) leaves \($0.words)" }
        }
        let note = "\(device) limited\(from) to \(outcome.effective.words)\(held ?? "") (\(change.reason.rawValue))"
        tell(NodeEvent(reason: .limitChanged, subject: device, note: note))
    }

    func report(_ change: NodeLimits.Change, _ failure: Failure) {
        guard limits[change].refusal != failure.code else { return }
        if failure.code == .writePending {
            return log.info(
                "limit waits: the device is still being written",
                ("device", .text(limits.entries[change.entry].device.name.text)),
                ("constraint", .text(limits[change].name)), ("asked_uw", .power(change.to)))
        }
        let device = limits.entries[change.entry].device.name.text
        if failure.code == .locked, !change.isShortTerm { reportLock(limits.entries[change.entry]) }
        let note = "\(device) \(limits[change].name): \(change.to.words) was refused: \(failure.sentence)"
        tell(NodeEvent(reason: .limitRefused, subject: "\(device) \(limits[change].name)", note: note))
        log.error(
            "limit refused: the device keeps what it has, the others share the rest",
            ("device", .text(limits.entries[change.entry].device.name.text)), ("constraint", .text(limits[change].name)),
            ("asked_uw", .power(change.to)), ("in_force_uw", .power(limits.inForce(change))),
            ("why", .text(failure.sentence)))
    }
}
