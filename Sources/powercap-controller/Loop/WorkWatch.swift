internal import LinuxSystem
internal import Logging
internal import Policy
internal import PowercapProtocol

/// Watches the node's work, in steps of its own, for SPLIT=demand, STRATEGY=idle-down and SOURCE=granted.
final class WorkWatch {
    private let policy: PowerPolicy
    private let log: Log
    /// By the zone's id. They outlive a connection: a helper that was away for a moment is no reason to divide in proportion.
    private var meters: [String: DemandMeter] = [:]
    private let root: String
    private var processors: ProcessorWatch
    /// nil where nobody asks.
    private var bestEffort: BestEffortWatch?
    private var idleness = Idleness()
    private var isIdle = false
    /// Steps since there was control.
    private var steps = 0
    /// It was told that the limit is divided in proportion.
    private var isToldUnknown = false
    private var unknown: [String] = []
    /// Devices that sleep, by the zone's id.
    private var asleep: Set<String> = []
    /// What was last told of hints that can't be had.
    private var toldMissing: [String] = []

    /// nil where nothing goes by the node's work.
    /// - Parameter root: in front of /proc and /sys.
    init?(_ policy: PowerPolicy, _ log: Log, root: String = "") {
        guard policy.split == .demand || policy.strategy == .idleDown || policy.source == .granted else { return nil }
        (self.policy, self.log, self.root) = (policy, log, root)
        processors = ProcessorWatch(root: root)
    }

    /// There is control, perhaps again. What was seen before a gap says nothing any more: of packages the meters know that, and a node is
    /// idle when it was so all the time.
    func begin(_ sample: HelperSample, _ limits: NodeLimits) {
        (steps, idleness, isIdle) = (0, Idleness(), false)
        processors = ProcessorWatch(root: root)
        bestEffort = policy.qosHint == .on ? BestEffortWatch(directory: "\(root)/sys/fs/cgroup") : nil
        note(sample, limits)
    }

    /// Takes a sample.
    func note(_ sample: HelperSample, _ limits: NodeLimits) {
        for entry in limits.parts {
            guard let zone = sample.zone(entry.zone), !zone.isGone else {
                meters[entry.device.zone] = nil
                continue
            }
            let (id, limit) = (entry.device.zone, limits.inForce(entry).limit)
            switch entry.reading {
            case .energy:
                meters[id, default: DemandMeter()].note(
                    zone.reading, at: sample.time_ns, range: entry.energyRange, limit: limit)
            case .power:
                // Where no limit is in force, it can't be in the way.
                meters[id, default: DemandMeter()].note(
                    power: zone.reading, at: sample.time_ns, limit: limit ?? entry.device.longTerm.ceiling)
            case .none: meters[id] = nil
            }
        }
    }

    /// Ends a step, right after a sample.
    /// - Parameter minPower: an override's floor of every limit.
    func endStep(_ limits: NodeLimits, minPower: Microwatts?, _ now_ns: UInt64) {
        processors.look()
        bestEffort?.look(now_ns)
        for index in limits.present {
            let device = limits.entries[index].device
            // A register that holds the package lower takes nothing from what others can be given.
            let most = min(limits.inForce(limits.entries[index]).lower?.limit ?? .registerMaximum, device.longTerm.ceiling)
            let isSlowed = device.name.package.map { processors.activity?.slowed.contains($0) ?? false } ?? false
            meters[device.zone]?.endStep(ceiling: most, isSlowed: isSlowed)
        }
        steps += 1
        asleep = Set(limits.parts.filter { limits.isSuspended($0) }.map(\.device.zone))
        unknown = limits.devices.filter { $0.kind == .package && $0.fixed == nil && meters[$0.zone]?.demand == nil }.map(
            \.name.text)
        idleness.note(hasWork: hasWork(limits, minPower: minPower ?? policy.raplMinPower), at: now_ns)
        let wasIdle = isIdle
        isIdle = policy.strategy == .idleDown && idleness.lasts(policy.idleAfter.nanoseconds, at: now_ns)
        tell(wasIdle: wasIdle)
    }

    /// Less busy time than this is no work, as a number of processors: what a node does to keep itself running.
    private static let leastWork = 0.5
    /// The same of all its processors, where that is more.
    private static let leastShare = 0.02

    /// nil where it can't be told.
    private func hasWork(_ limits: NodeLimits, minPower: Microwatts) -> Bool? {
        if let activity = processors.activity {
            let busy = activity.busy - (bestEffort?.busy ?? 0)
            if busy >= max(WorkWatch.leastWork, WorkWatch.leastShare * Double(activity.processors)) { return true }
            // What a GPU does no processor need have a hand in.
            return draws(limits.present.filter { limits.entries[$0].device.kind == .gpu }, limits, minPower: minPower)
        }
        return limits.present.isEmpty ? nil : draws(limits.present, limits, minPower: minPower)
    }

    /// Whether one of these draws more than fits under its floor: what does isn't slowed down there. nil where that can't be told.
    private func draws(_ indices: [Int], _ limits: NodeLimits, minPower: Microwatts) -> Bool? {
        var hasWork = false
        for index in indices {
            let device = limits.entries[index].device
            if asleep.contains(device.zone) { continue }
            guard let fits = meters[device.zone]?.fits(under: max(minPower, device.longTerm.floor)) else { return nil }
            hasWork = hasWork || !fits
        }
        return hasWork
    }

    /// As the policy takes it.
    /// - Parameter limits: of which `packages` are.
    func workload(_ limits: NodeLimits) -> Workload {
        Workload(demands: policy.split == .demand ? demands(limits) : nil, isIdle: isIdle)
    }

    /// What a package could use, for others to hear. Before anything was measured that is what it has, and where nothing can be measured all
    /// that it can have.
    func wanted(_ device: Device, inForce: Microwatts) -> Microwatts {
        if asleep.contains(device.zone) { return device.longTerm.floor }
        if let demand = meters[device.zone]?.demand { return demand.lately }
        return device.fixed ?? (steps < 2 ? inForce : device.longTerm.ceiling)
    }

    /// nil where it isn't known what a package draws: then all is divided in proportion. Of another device that isn't, its own part alone is.
    private func demands(_ limits: NodeLimits) -> [Demand?]? {
        var demands: [Demand?] = []
        for device in limits.devices {
            // What can't be changed has what it has, whatever it wants.
            let fixed = device.fixed.map { Demand(power: $0, basis: .drawn) }
            let asleep = asleep.contains(device.zone) ? Demand(power: device.longTerm.floor, basis: .suspended) : nil
            let demand = asleep ?? meters[device.zone]?.demand ?? fixed
            if demand == nil, device.kind == .package { return nil }
            demands.append(demand)
        }
        // Where nothing at all is known of any there is nothing to go by.
        return demands.contains { $0 != nil } ? demands : nil
    }

    /// As everybody sees it who asks.
    /// - Parameter isMoving: limits wait for power that is on its way between packages.
    func state(isMoving: Bool) -> WorkState {
        WorkState(
            demands: meters.compactMapValues(\.demand).filter { !asleep.contains($0.key) }, unknown: unknown,
            hasWork: idleness.hasWork, isIdle: isIdle,
            busy: processors.activity?.busy, bestEffort: bestEffort?.busy, missing: missing,
            isMoving: isMoving)
    }

    private var missing: [String] {
        var sentences: [String] = []
        if let problem = processors.problem {
            sentences.append("Processors aren't looked at: /proc/stat can't be read (\(problem.name))")
        }
        if let problem = processors.frequencyProblem, policy.split == .demand {
            sentences.append("How fast processors run isn't looked at: cpufreq can't be read (\(problem.name))")
        }
        if let problem = bestEffort?.problem {
            sentences.append(
                "Work of best effort counts as work: no kubepods slice can be read under /sys/fs/cgroup (\(problem.name))")
        }
        return sentences
    }

    // MARK: Telling, each once

    private func tell(wasIdle: Bool) {
        if policy.split == .demand, steps >= 2, unknown.isEmpty == isToldUnknown {
            isToldUnknown = !unknown.isEmpty
            if isToldUnknown {
                log.warning(
                    "it isn't known what a package draws: the limit is divided in proportion",
                    ("packages", .text(unknown.joined(separator: ","))))
            } else {
                log.info("it is known again what the packages draw: the limit is divided by that")
            }
        }
        if isIdle != wasIdle {
            log.info(
                isIdle ? "the node has no work: its floor holds" : "the node has work again",
                ("idle_after_s", .number(policy.idleAfter.rawValue / 1_000)))
        }
        let missing = missing
        if missing != toldMissing {
            for sentence in missing where !toldMissing.contains(sentence) {
                log.info("a hint can't be had", ("why", .text(sentence)))
            }
            toldMissing = missing
        }
    }
}
