internal import LinuxSystem
internal import Logging
internal import Policy
internal import PowercapProtocol

/// A connection to the helper with control over its limits.
final class ControlSession {
    private let client: HelperClient
    private let path: String
    private let zones: HelperZones
    private let observations: [NodeLimits.Observation]
    private let log: Log
    private let tally: Tally
    /// Where what happens is told beside the log.
    private let tell: (NodeEvent) -> Void
    private(set) var limits: NodeLimits
    private var isDecided = false
    /// Whether the helper holds a fallback limit and saves it for the next boot, as it was last told.
    private var toldFallback: (isHeld: Bool, isKept: Bool)?
    private(set) var lastSample: HelperSample
    /// When that was read, on CLOCK_MONOTONIC.
    private(set) var sampled_ns = Clock.monotonic_ns
    /// Stands for control; 0 before it is acquired.
    private(set) var token: UInt64 = 0
    private(set) var lease_ms: UInt32 = 0
    /// When it ends unless it is renewed, on CLOCK_MONOTONIC: counted from before the helper was asked.
    private(set) var leaseEnds_ns: UInt64 = 0
    /// The average power of each zone between the last two samples, by the zone's id.
    private(set) var power: [String: Microwatts] = [:]
    /// The time between two renewals: two of them may fail before control is lost. A helper that grants no time at all is broken,
    /// and isn't asked without pause.
    var renewal_ns: UInt64 { max(UInt64(lease_ms) * 1_000_000 / 3, 100_000_000) }

    var descriptorNumber: Int32 { client.descriptorNumber }
    /// How the helper introduced itself.
    var welcome: Welcome { client.welcome }

    /// The client that had control when this one connected; nil where nobody had it.
    var holder: Name? { zones.header.leaseRemaining_ms == 0 ? nil : zones.header.leaseHolder }

    /// Connects and finds the zones. Nothing is written, control isn't asked for, and nothing is logged yet: there may be many
    /// attempts until control is granted.
    /// - Parameter isOnce: there is no other attempt.
    init(
        helper path: String, isOnce: Bool = false, log: Log, tally: Tally, tell: @escaping (NodeEvent) -> Void
    ) throws(HelperError) {
        client = try HelperClient(connecting: path, isAskedAgain: isOnce)
        (self.path, self.log, self.tally, self.tell) = (path, log, tally, tell)
        zones = try client.zones()
        lastSample = try client.sample()
        limits = NodeLimits(zones, lastSample)
        // Nothing is ours yet, so nothing has drifted.
        observations = limits.observe(lastSample, onDrift: .leave)
    }

    /// What was found, when control is granted.
    private func reportConnection() {
        let welcome = client.welcome
        log.info(
            "connected to the helper", ("socket", .text(path)), ("helper", .text(welcome.helperVersion.string)),
            ("sandbox", .text(welcome.sandbox.words)), ("writes", .text(welcome.writes.words)))
        log.info(
            "zones found", ("zones", .number(UInt64(zones.zones.count))),
            ("packages", .number(UInt64(limits.entries.count))),
            ("names", .text(zones.zones.map(\.description.name.string).joined(separator: ","))))
        for entry in limits.entries {
            let package = entry.package
            log.info(
                "package", ("package", .text(package.name.text)), ("zone", .text(package.zone)),
                ("reference_uw", .power(package.reference)), ("floor_uw", .power(package.longTerm.floor)),
                ("ceiling_uw", .power(package.longTerm.ceiling)), ("in_force_uw", .power(limits.inForce(entry).limit)),
                ("writable", .flag(package.ungoverned == nil && !entry.isLocked)))
            if let why = package.ungoverned {
                log.warning(
                    "package not governed: it keeps what it has, the others share the rest",
                    ("package", .text(package.name.text)), ("zone", .text(package.zone)), ("why", .text(why)))
                tell(
                    NodeEvent(
                        reason: .notGoverned, subject: package.name.text, note: "\(package.name.text) isn't governed: \(why)"))
            } else if entry.isLocked {
                reportLock(entry)
            }
        }
        reportShortTerm()
        if welcome.boot.contains(.atFallback) { log.info("this boot was begun at the fallback limits") }
        if limits.present.isEmpty {
            log.warning("no package has a power limit: there is nothing to govern here")
        }
        for observation in observations { report(observation) }
    }

    private func reportLock(_ entry: NodeLimits.Entry) {
        let name = entry.package.name.text
        tell(
            NodeEvent(
                reason: .zoneLocked, subject: name,
                note: "\(name) is locked: its limit can't be changed, and the others share the rest"))
    }

    /// A short-term limit that can't be set is left alone.
    private func reportShortTerm() {
        for zone in limits.zones
        where limits.entries.contains(where: { $0.package.zone == zone.id && $0.package.ungoverned == nil }) {
            guard let shortTerm = zone.constraint("short_term"), !shortTerm.isGovernable else { continue }
            log.warning(
                "short-term limit not governed: it is left alone", ("package", .text(zone.name)),
                ("why", .text(shortTerm.obstacleWords)))
        }
    }

    /// Takes control, or keeps the control that `previousToken` stands for.
    func acquire(lease: Milliseconds, previousToken: UInt64) throws(HelperError) {
        let asked_ns = Clock.monotonic_ns
        let control = try client.acquire(
            lease_ms: UInt32(min(lease.rawValue, UInt64(UInt32.max))), previousToken: previousToken)
        (token, lease_ms) = (control.token, control.lease_ms)
        leaseEnds_ns = asked_ns + UInt64(lease_ms) * 1_000_000
        tally.counts.connections += 1
        measure(since: nil)
        reportConnection()
        log.info("in control", ("lease_ms", .number(UInt64(lease_ms))), ("resumed", .flag(control.resumed)))
    }

    /// Reads everything, and reports what isn't as it should be: the observations, of which some call for a decision.
    func sample(onDrift action: DriftAction) throws(HelperError) -> [NodeLimits.Observation] {
        let before = lastSample
        lastSample = try client.sample()
        sampled_ns = Clock.monotonic_ns
        measure(since: before)
        limits.look(at: lastSample.time_ns, power)
        let observations = limits.observe(lastSample, onDrift: action)
        for observation in observations { report(observation) }
        // Where something has to be put right, what then follows is told when it is.
        if !observations.contains(where: \.callsForDecision) { reportConsequences() }
        if log.isLogged(.debug) {
            for entry in limits.entries {
                log.debug(
                    "sample",
                    [
                        ("package", .text(entry.package.name.text)), ("in_force_uw", .power(limits.inForce(entry).limit)),
                        ("power_uw", .power(power[entry.package.zone])),
                    ])
            }
        }
        return observations
    }

    private func measure(since before: HelperSample?) {
        for zone in zones.zones {
            guard let later = lastSample.zone(zone.description.index) else { continue }
            let (id, range) = (zone.description.id.string, zone.description.maxEnergyRange)
            tally.counts.energy[id, default: EnergyCounter()].note(later.energy, at: lastSample.time_ns, range: range)
            guard let before, let earlier = before.zone(zone.description.index) else { continue }
            power[id] = averagePower(
                from: earlier.energy, at: before.time_ns, to: later.energy, at: lastSample.time_ns, range: range)
        }
    }

    private func report(_ observation: NodeLimits.Observation) {
        switch observation {
        case .gone(let package):
            tell(NodeEvent(reason: .zoneGone, subject: package.name.text, note: "\(package.name.text) is gone: it went offline"))
            log.warning(
                "zone gone: its package went offline, or its driver was unloaded", ("package", .text(package.name.text)),
                ("zone", .text(package.zone)))
        case .enabled(let package, true):
            log.info("zone enabled again", ("package", .text(package.name.text)), ("zone", .text(package.zone)))
        case .enabled(let package, false):
            let note = "\(package.name.text) is disabled: its limits are not enforced"
            tell(NodeEvent(reason: .zoneDisabled, subject: package.name.text, note: note))
            log.warning(
                "zone disabled: its limits are not enforced until somebody writes 1 to its file `enabled`",
                ("package", .text(package.name.text)), ("zone", .text(package.zone)))
        case .unreadable(let package, let constraint, 0):
            log.info("limit can be read again", ("package", .text(package.name.text)), ("constraint", .text(constraint)))
        case .unreadable(let package, let constraint, let errno):
            log.warning(
                "limit can't be read: whether another party changes it isn't known until it can",
                ("package", .text(package.name.text)), ("constraint", .text(constraint)),
                ("errno", .text(Errno(Int32(errno)).name)))
        case .steady(let package, let constraint, let count):
            let note = "\(package.name.text) \(constraint): another party changed it \(count) times, and does so no more"
            tell(NodeEvent(reason: .limitDrifted, subject: package.name.text, note: note))
            log.info(
                "another party changes the limit no more", ("package", .text(package.name.text)),
                ("constraint", .text(constraint)), ("changes", .number(UInt64(count))))
        case .lower(let package, .some(let register), _):
            let limit = register.limit?.words ?? "less"
            let note = "\(register.controlType) holds \(package.name.text) at \(limit), which is less than what is set"
            tell(NodeEvent(reason: .heldLower, subject: package.name.text, note: note))
            log.warning(
                "another register holds the package at less: the lowest is in force", ("package", .text(package.name.text)),
                ("held_by", .text(register.controlType)), ("in_force_uw", .power(register.limit)))
        case .lower(let package, nil, let count):
            log.info(
                "no other register holds the package at less any more", ("package", .text(package.name.text)),
                ("samples", .number(UInt64(count))))
        case .drift(let package, let constraint, let before, let found, let action, let count):
            tally.counts.drifts[Counts.Drift(zone: package.zone, constraint: constraint), default: 0] += 1
            // Told once, and what is left each time it moves, but not for ever; then counted until it ends.
            guard count <= (action == .leave ? 3 : 1) else { return }
            let note =
                "\(package.name.text) \(constraint): another party changed \(before.words) to \(found.words) (\(action.rawValue))"
            tell(NodeEvent(reason: .limitDrifted, subject: package.name.text, note: note))
            log.warning(
                "another party changed a limit", ("package", .text(package.name.text)), ("constraint", .text(constraint)),
                ("from_uw", .power(before)), ("found_uw", .power(found)), ("action", .text(action.rawValue)))
        }
    }

    /// From now on limits go up when the power for it is free, and not before.
    func handOver() { limits.beginHandover() }

    /// Decides and applies, until what the decision asks for is in force, known to be refused, or waits for power.
    /// - Parameter isMove: nothing but the packages' parts of one and the same limit changes, which may happen often.
    func enforce(isMove: Bool = false, _ decide: ([Package]) -> Decision) throws(HelperError) -> Decision {
        var isFallbackNew = false
        while true {
            let decision = decide(limits.packages)
            let changes = Array(
                limits.next(limits.changes(for: decision), within: decision.nodeLimit).prefix(Limits.itemsPerBatch))
            if changes.isEmpty {
                // What is held is what the helper says, not what was asked of it (P4).
                if isFallbackNew {
                    limits.hold(try client.zones())
                    reportFallback()
                }
                reportConsequences()
                return decision
            }
            do throws(HelperError) {
                let applied = try client.apply(limits.items(changes), token: token)
                tally.counts.applied += UInt64(applied.count)
                for (change, outcome) in zip(changes, applied) {
                    isFallbackNew = isFallbackNew || limits.changesFallback(change)
                    limits.note(change, outcome)
                    report(change, outcome, decision, isMove: isMove)
                }
            } catch {
                guard case .failed(let failure) = error, let item = failure.item, Int(item) < changes.count else {
                    tally.counts.failed += UInt64(changes.count)
                    throw error
                }
                tally.counts.refused += 1
                tally.counts.failed += UInt64(changes.count - 1)
                report(changes[Int(item)], failure)
                limits.note(changes[Int(item)], failure)
            }
        }
    }

    /// It may go up and down with the limit, which is told; that it comes and goes, or isn't saved any more, is told for itself.
    private func reportFallback() {
        let told = toldFallback
        toldFallback = (limits.fallback != nil, limits.isFallbackKept)
        let fields: [Log.Field] = [
            ("fallback_uw", .power(limits.fallback)), ("kept_for_next_boot", .flag(limits.isFallbackKept)),
        ]
        if let told, told == toldFallback! { return log.debug("fallback limit held by the helper", fields) }
        log.info("fallback limit held by the helper", fields)
    }

    private func reportConsequences() { for observation in limits.consequences() { report(observation) } }

    /// What was refused is tried again, except right after connecting what the helper knows to be refused.
    func retryRefused() {
        if isDecided { limits.retry() }
        isDecided = true
    }

    private func report(_ change: NodeLimits.Change, _ outcome: AppliedItem, _ decision: Decision, isMove: Bool) {
        // The same again, against another party that was told of.
        if limits[change].isRepeated || change.isOfFallbackAlone { return }
        // A step of many: their beginning and their end are told.
        let isStep = decision.shape?.isMoving == true
        let fields: [Log.Field] = [
            ("package", .text(limits.entries[change.entry].package.name.text)),
            ("constraint", .text(limits[change].name)), ("from_uw", .power(change.from)), ("asked_uw", .power(change.to)),
            ("in_force_uw", .power(limits.inForce(change))), ("reason", .text(change.reason.rawValue)),
            ("source_uw", .power(decision.source)), ("node_limit_uw", .power(decision.nodeLimit)),
        ]
        // The node's limit is the same: nothing for an administrator, nor for the API server.
        if isMove || isStep { return log.debug("limit changed", fields) }
        log.info("limit changed", fields)
        // A successor that sets what its predecessor did changes nothing.
        if change.isShortTerm || change.from == outcome.effective { return }
        let package = limits.entries[change.entry].package.name.text
        let from = change.from.map { " from \($0.words)" } ?? ""
        let lower = limits.inForce(limits.entries[change.entry]).lower
        let held = lower.flatMap { register in
            register.limit.map { ", of which \(register.controlType) leaves \($0.words)" }
        }
        let note = "\(package) limited\(from) to \(outcome.effective.words)\(held ?? "") (\(change.reason.rawValue))"
        tell(NodeEvent(reason: .limitChanged, subject: package, note: note))
    }

    private func report(_ change: NodeLimits.Change, _ failure: Failure) {
        guard limits[change].refusal != failure.code else { return }
        let package = limits.entries[change.entry].package.name.text
        if failure.code == .locked, !change.isShortTerm { reportLock(limits.entries[change.entry]) }
        let note = "\(package) \(limits[change].name): \(change.to.words) was refused: \(failure.sentence)"
        tell(NodeEvent(reason: .limitRefused, subject: "\(package) \(limits[change].name)", note: note))
        log.error(
            "limit refused: the package keeps what it has, the others share the rest",
            ("package", .text(limits.entries[change.entry].package.name.text)), ("constraint", .text(limits[change].name)),
            ("asked_uw", .power(change.to)), ("in_force_uw", .power(limits.inForce(change))),
            ("why", .text(failure.sentence)))
    }

    /// Whether the helper knows fallback limits.
    var knowsFallback: Bool { client.knowsFallback }

    func renew() throws(HelperError) {
        let asked_ns = Clock.monotonic_ns
        lease_ms = try client.renew(token)
        leaseEnds_ns = asked_ns + UInt64(lease_ms) * 1_000_000
    }

    func release(_ disposal: LimitDisposal) throws(HelperError) -> Released { try client.release(token, disposal) }
}

extension SandboxBits {
    /// The names, separated by commas.
    var words: String {
        SandboxBits.names.filter { contains($0.0) }.map { "\($0.1)" }.joined(separator: ",")
    }
}
