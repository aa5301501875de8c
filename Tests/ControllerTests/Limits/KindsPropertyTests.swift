import PowercapProtocol
import TestSupport
import Testing

@testable import Policy
@testable import powercap_controller

/// A machine of several kinds, from a seed: packages whose limits are written at once, and GPUs whose writes go on beside the loop and end as
/// they like. It knows what may be in force at any instant, whatever the controller believes.
private struct RandomMachine {
    struct Part {
        let isSlow: Bool
        let step: UInt64
        let (floor, ceiling): (UInt64, UInt64)
        var inForce: UInt64
        /// A write that goes on.
        var pending: UInt64?
        /// It can't be set.
        var isFixed = false

        /// The most that may be in force.
        var mayHold: UInt64 { max(inForce, pending ?? 0) }
    }

    var parts: [Part] = []
    var policy = PowerPolicy()
    var random: SeededGenerator
    private var failed: Set<Int> = []

    init(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        policy.govern = [.rapl, .gpu]
        policy.raplMinPower = .watts(.random(in: 1...20, using: &random))
        policy.weights = KindWeights(package: .random(in: 1...9, using: &random), gpu: .random(in: 1...9, using: &random))
        for _ in 0..<Int.random(in: 1...8, using: &random) {
            let isSlow = Bool.random(using: &random)
            let step: UInt64 = isSlow ? [1_000, 125_000, 1_000_000].randomElement(using: &random)! : 125_000
            let ceiling = UInt64.random(in: 60...400, using: &random) * 1_000_000
            parts.append(
                Part(
                    isSlow: isSlow, step: step, floor: 5_000_000, ceiling: ceiling,
                    inForce: .random(in: 10_000_000...ceiling, using: &random) / step * step,
                    isFixed: Int.random(in: 0..<8, using: &random) == 0))
        }
        self.random = random
    }

    var zones: HelperZones {
        HelperZones(
            header: ZonesHeader(leaseRemaining_ms: 0, leaseHolder: ZonesHeader.nobody, zoneCount: UInt16(parts.count)),
            zones: parts.enumerated().map { index, part in
                HelperZones.Zone(
                    description: ZoneDescription(
                        index: UInt16(index), parent: nil, controlType: Name(part.isSlow ? "amdgpu" : "intel-rapl")!,
                        id: Name(part.isSlow ? "amdgpu:\(index)" : "intel-rapl:\(index)")!,
                        name: Name(part.isSlow ? "gpu\(index)" : "package-\(index)")!, reading: part.isSlow ? .power : .energy,
                        maxEnergyRange: Microjoules(0), constraintCount: 1),
                    constraints: [
                        ConstraintDescription(
                            index: 0, name: Name(part.isSlow ? "power1_cap" : "long_term")!,
                            flags: part.isSlow ? [.originalKnown, .isSlow] : .originalKnown,
                            obstacle: part.isFixed ? .writeDenied : .none, original: Microwatts(part.ceiling),
                            maxPower: Microwatts(part.ceiling), floor: Microwatts(part.floor), ceiling: Microwatts(part.ceiling),
                            originalWindow_us: 0, requested: .zero, step: Microwatts(part.step))
                    ])
            })
    }

    /// Some of the writes that go on end first: with what was asked for, or with what was before.
    mutating func sample() -> HelperSample {
        var lastWrites: [Int: ErrorCode] = [:]
        for index in parts.indices {
            guard let pending = parts[index].pending, Bool.random(using: &random) else { continue }
            parts[index].pending = nil
            if Int.random(in: 0..<4, using: &random) == 0 {
                lastWrites[index] = .writeFailed
            } else {
                parts[index].inForce = pending
            }
        }
        return HelperSample(
            time_ns: 0,
            zones: parts.enumerated().map { index, part in
                var zone = ZoneSample(index: UInt16(index), constraintCount: 1)
                (zone.enabled, zone.limits[0]) = (.yes, Reading(part.inForce))
                (zone.isWriting, zone.lastWrite) = (part.pending != nil, lastWrites[index])
                return zone
            })
    }

    /// As the helper does it: one write after the other.
    mutating func apply(_ change: NodeLimits.Change, zone: Int) -> AppliedItem {
        let to = change.to.rawValue
        #expect(!parts[zone].isFixed && to % parts[zone].step == 0 && to >= parts[zone].floor && to <= parts[zone].ceiling)
        #expect(parts[zone].pending == nil, "one write in flight")
        if parts[zone].isSlow {
            parts[zone].pending = to
            return AppliedItem(effective: Microwatts(parts[zone].mayHold), effectiveWindow_us: 0, isPending: true)
        }
        parts[zone].inForce = to
        return AppliedItem(effective: change.to, effectiveWindow_us: 0)
    }

    var together: UInt64 { parts.reduce(0) { $0 + $1.mayHold } }
}

struct KindsPropertyTests {
    @Test(
        "P8: on any machine of packages and GPUs, whatever is decided and however slow writes end, no limit goes up while more than the node's limit may be in force"
    )
    func neverAbove() {
        for seed in UInt64(0)..<400 {
            var machine = RandomMachine(seed: seed)
            var limits = NodeLimits(machine.zones, machine.sample(), machine.policy)
            let isDemand = seed % 2 == 0
            if seed % 3 == 0 { limits.beginHandover() }
            for step in 0..<60 {
                let source = Microwatts(.random(in: 0...1_500_000_000, using: &machine.random))
                let demands = limits.devices.map { _ in
                    Demand(power: Microwatts(.random(in: 0...400_000_000, using: &machine.random)), basis: .drawn)
                }
                if Int.random(in: 0..<3, using: &machine.random) == 0 { limits.retry() }
                let decision = decide(
                    devices: limits.devices, policy: machine.policy, reading: SourceReading(source),
                    workload: Workload(demands: isDemand ? demands : nil))
                for change in limits.next(limits.changes(for: decision), within: decision.nodeLimit) {
                    let zone = Int(limits.entries[change.entry].zone)
                    let before = machine.parts[zone].mayHold
                    let applied = machine.apply(change, zone: zone)
                    if machine.parts[zone].mayHold > before {
                        #expect(
                            machine.together <= decision.nodeLimit.rawValue,
                            "seed \(seed), step \(step): \(machine.together) µW of \(decision.nodeLimit.rawValue)")
                    }
                    limits.note(change, applied)
                }
                let sample = machine.sample()
                limits.look(at: UInt64(step) * 1_000_000_000, [:])
                _ = limits.observe(sample, onDrift: .reassert)
            }
        }
    }

    @Test("and in the end, when every write has ended, what was decided is in force")
    func settles() {
        for seed in UInt64(0)..<200 {
            var machine = RandomMachine(seed: seed)
            var limits = NodeLimits(machine.zones, machine.sample(), machine.policy)
            let source = Microwatts(.random(in: 0...1_500_000_000, using: &machine.random))
            var last: Decision?
            for _ in 0..<60 {
                limits.retry()
                let decision = decide(devices: limits.devices, policy: machine.policy, reading: SourceReading(source))
                for change in limits.next(limits.changes(for: decision), within: decision.nodeLimit) {
                    limits.note(change, machine.apply(change, zone: Int(limits.entries[change.entry].zone)))
                }
                _ = limits.observe(machine.sample(), onDrift: .reassert)
                last = decision
            }
            let decided = last?.devices.map(\.longTerm.rawValue) ?? []
            let inForce = limits.present.map { machine.parts[Int(limits.entries[$0].zone)].inForce }
            #expect(decided == inForce, "seed \(seed)")
            #expect(!limits.isWaiting, "seed \(seed)")
        }
    }
}
