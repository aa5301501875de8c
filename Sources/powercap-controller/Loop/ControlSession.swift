internal import LinuxSystem
internal import Logging
internal import Policy
internal import PowercapProtocol

/// A connection to the helper with control over its limits, and with it over those of the devices that the controller sets by itself.
final class ControlSession {
    let client: HelperClient
    /// nil where there are no such devices.
    let bank: (any DeviceBank)?
    /// Of the bank's zones as they were taken.
    private var generation: UInt64
    let path: String
    private(set) var zones: HelperZones
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
    /// The time until a renewal is due, which may be late by twice as much before control is lost. One that waits for a look at the node's
    /// work comes before half of the lease is over. A helper that grants no time at all is broken, and isn't asked without pause.
    var renewal_ns: UInt64 { max(UInt64(lease_ms) * 1_000_000 / 3, 100_000_000) }

    var descriptorNumber: Int32 { client.descriptorNumber }
    /// How the helper introduced itself.
    var welcome: Welcome { client.welcome }

    /// The client that had control when this one connected; nil where nobody had it.
    var holder: Name? { zones.header.leaseRemaining_ms == 0 ? nil : zones.header.leaseHolder }

    /// Whether the last sample found other devices than before.
    private(set) var isRejoined = false

    /// Connects and finds the zones. Nothing is written, control isn't asked for, and nothing is logged yet: there may be many
    /// attempts until control is granted.
    /// - Parameters:
    ///   - policy: what it governs.
    ///   - isOnce: there is no other attempt.
    init(
        helper path: String, _ policy: PowerPolicy, bank: (any DeviceBank)? = nil, isOnce: Bool = false, log: Log, tally: Tally,
        tell: @escaping (NodeEvent) -> Void
    ) throws(HelperError) {
        client = try HelperClient(connecting: path, isAskedAgain: isOnce)
        (self.path, self.log, self.tally, self.tell) = (path, log, tally, tell)
        (self.bank, generation) = (bank, bank?.generation ?? 0)
        zones = try client.zones().joined(by: bank)
        lastSample = try client.sample().joined(by: bank)
        limits = NodeLimits(zones, lastSample, policy)
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
        isRejoined = try rejoin()
        let before = lastSample
        lastSample = try client.sample().joined(by: bank)
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
                        ("device", .text(entry.device.name.text)), ("in_force_uw", .power(limits.inForce(entry).limit)),
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
            if zone.description.reading != .energy {
                power[id] = zone.description.reading == .power ? later.reading.ifRead.map { Microwatts($0) } : nil
                continue
            }
            tally.counts.energy[id, default: EnergyCounter()].note(later.reading, at: lastSample.time_ns, range: range)
            guard let before, let earlier = before.zone(zone.description.index) else { continue }
            power[id] = averagePower(
                from: earlier.reading, at: before.time_ns, to: later.reading, at: lastSample.time_ns, range: range)
        }
    }

    /// The bank has other devices than before, or a driver has said what it hadn't when the helper started: all that is asked of any is
    /// asked again.
    private func rejoin() throws(HelperError) -> Bool {
        let isOfBank = bank.map { $0.generation != generation } ?? false
        guard isOfBank || hasAnswered else { return false }
        generation = bank?.generation ?? 0
        zones = try client.zones().joined(by: bank)
        lastSample = try client.sample().joined(by: bank)
        let isHandedOver = limits.handover != nil
        limits = NodeLimits(zones, lastSample, limits.policy)
        if isHandedOver { limits.beginHandover() }
        log.info("the devices are others than before", ("devices", .number(UInt64(limits.present.count))))
        return true
    }

    /// Whether a limit can be read now that couldn't when the zones were listed.
    private var hasAnswered: Bool {
        zones.zones.contains { zone in
            guard let now = lastSample.zone(zone.description.index) else { return false }
            return zone.constraints.indices.contains { position in
                zone.constraints[position].obstacle == .unread && position < now.constraintCount
                    && now.limits[position].ifRead != nil
            }
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
                    limits.hold(try client.zones().joined(by: bank))
                    reportFallback()
                }
                reportConsequences()
                return decision
            }
            do throws(HelperError) {
                let applied = try apply(limits.items(changes))
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
                if failure.code != .writePending { tally.counts.refused += 1 }
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

    /// So long the bank may take to put its devices' limits back, in ms.
    private static let bankPatience_ms: Int32 = 5_000

    /// The bank's devices as well: where the helper fails, too. The helper's first: the bank may take seconds, in which a lease would end.
    func release(_ disposal: LimitDisposal) throws(HelperError) -> Released {
        let helpers: Result<Released, HelperError>
        do throws(HelperError) { helpers = .success(try client.release(token, disposal)) } catch { helpers = .failure(error) }
        let own = bank?.release(disposal, patience_ms: ControlSession.bankPatience_ms)
        return try helpers.get() + (own ?? Released())
    }

    /// Sets limits of the helper's and of the bank's. The helper's first: what it lowers is lower when the bank is asked, and what the bank
    /// lowers counts at what it was until a sample shows it. So at no instant there is more than what was decided.
    private func apply(_ items: [ApplyItem]) throws(HelperError) -> [AppliedItem] {
        let own = items.indices.filter { BankIndex.isBank(items[$0].zone) }
        let helpers = items.indices.filter { !BankIndex.isBank(items[$0].zone) }
        var applied = [AppliedItem?](repeating: nil, count: items.count)
        /// The item's place among all.
        func ask(
            _ places: [Int], _ asked: ([ApplyItem]) throws(HelperError) -> [AppliedItem]
        ) throws(HelperError) {
            if places.isEmpty { return }
            do throws(HelperError) {
                for (place, outcome) in zip(places, try asked(places.map { items[$0] })) { applied[place] = outcome }
            } catch {
                guard case .failed(var failure) = error, let item = failure.item, Int(item) < places.count else { throw error }
                failure.item = UInt16(places[Int(item)])
                throw .failed(failure)
            }
        }
        try ask(helpers) { items throws(HelperError) in try client.apply(items, token: token) }
        try ask(own) { items throws(HelperError) in
            let items = items.map { item in
                var item = item
                item.zone -= BankIndex.first
                return item
            }
            do throws(Failure) { return try bank?.apply(items) ?? [] } catch { throw .failed(error) }
        }
        return applied.compactMap { $0 }
    }
}

extension SandboxBits {
    /// The names, separated by commas.
    var words: String {
        SandboxBits.names.filter { contains($0.0) }.map { "\($0.1)" }.joined(separator: ",")
    }
}
