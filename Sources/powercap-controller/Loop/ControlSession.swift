internal import LinuxSystem
internal import Logging
internal import Policy
internal import PowercapProtocol

/// A connection to the helper with control over its limits.
final class ControlSession {
    let client: HelperClient
    let path: String
    let zones: HelperZones
    let observations: [NodeLimits.Observation]
    let log: Log
    let tally: Tally
    /// Where what happens is told beside the log.
    let tell: (NodeEvent) -> Void
    var limits: NodeLimits
    private var isDecided = false
    /// Whether the helper holds a fallback limit and saves it for the next boot, as it was last told.
    var toldFallback: (isHeld: Bool, isKept: Bool)?
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
                        ("package", .text(entry.device.name.text)), ("in_force_uw", .power(limits.inForce(entry).limit)),
                        ("power_uw", .power(power[entry.device.zone])),
                    ])
            }
        }
        return observations
    }

    private func measure(since before: HelperSample?) {
        for zone in zones.zones {
            guard let later = lastSample.zone(zone.description.index) else { continue }
            let (id, range) = (zone.description.id.string, zone.description.maxEnergyRange)
            tally.counts.energy[id, default: EnergyCounter()].note(later.reading, at: lastSample.time_ns, range: range)
            guard let before, let earlier = before.zone(zone.description.index) else { continue }
            power[id] = averagePower(
                from: earlier.reading, at: before.time_ns, to: later.reading, at: lastSample.time_ns, range: range)
        }
    }

    /// From now on limits go up when the power for it is free, and not before.
    func handOver() { limits.beginHandover() }

    /// Decides and applies, until what the decision asks for is in force, known to be refused, or waits for power.
    /// - Parameter isMove: nothing but the packages' parts of one and the same limit changes, which may happen often.
    func enforce(isMove: Bool = false, _ decide: ([Device]) -> Decision) throws(HelperError) -> Decision {
        var isFallbackNew = false
        while true {
            let decision = decide(limits.devices)
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

    /// What was refused is tried again, except right after connecting what the helper knows to be refused.
    func retryRefused() {
        if isDecided { limits.retry() }
        isDecided = true
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
