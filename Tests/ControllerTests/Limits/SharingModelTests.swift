import Foundation
import PowercapProtocol
import TestSupport
import Testing

@testable import Policy
@testable import powercap_controller

/// A model of a day, and no measurement: packages under one budget whose loads come and go.
///
/// A package of 40 to 150 W wants 45 W for a while and 98 to 140 W for a while, about a minute each (exponentially distributed), with noise of
/// 2 W from one step of 2 s to the next. It draws what it wants or what it may, at once. There are 100 W for each. What it is given is
/// decided by the code that `run` has: meters, decision, limits, handover. It is compared with an oracle that knows what is wanted.
private struct ModelDay {
    static let step_s = 2.0
    private(set) var (drawn, possible) = (0.0, 0.0)
    /// Steps of packages that had less than nine tenths of what the oracle gives them.
    private(set) var starved = 0
    private(set) var changes = 0
    /// Moments at which limits were above the budget together.
    private(set) var over = 0
    private(set) var steps = 0
    private let count: Int
    private let budget: Double
    private let policy: PowerPolicy
    private var random: SeededGenerator
    private var (isBusy, left_s, level): ([Bool], [Double], [Double])
    private var limits: NodeLimits
    private var meters: [DemandMeter]
    private var energy_uj: [Double]
    private var (now_s, last_s) = (1.0, 1.0)
    private var before: Decision?
    private let isShared: Bool

    init(devices count: Int, seed: UInt64, isShared: Bool = true) {
        (self.count, self.isShared, budget) = (count, isShared, Double(count) * 100)
        policy = .test {
            ($0.source, $0.raplMinPower) = (.constant, .watts(40))
            $0.maxSource = .watts(UInt64(count) * 100)
        }
        random = SeededGenerator(seed: seed)
        (isBusy, left_s, level) = ([], [], [])
        let zones = ModelDay.zones(count)
        limits = NodeLimits(zones, ModelDay.sample(count))
        limits.handover = Handover()
        meters = Array(repeating: DemandMeter(), count: count)
        energy_uj = Array(repeating: 0, count: count)
        for index in 0..<count {
            isBusy.append(.random(using: &random))
            left_s.append(phase())
            level.append(isBusy[index] ? 140 : 45)
        }
        decide()
    }

    /// Exponentially distributed, 60 s on average.
    private mutating func phase() -> Double { -60 * log(1 - Double.random(in: 0..<1, using: &random)) }

    /// Normally distributed (Box and Muller).
    private mutating func noise() -> Double {
        let (first, second) = (Double.random(in: 0..<1, using: &random), Double.random(in: 0..<1, using: &random))
        return (-2 * log(1 - first)).squareRoot() * cos(2 * .pi * second)
    }

    mutating func step() {
        for index in 0..<count {
            left_s[index] -= ModelDay.step_s
            guard left_s[index] <= 0 else { continue }
            isBusy[index].toggle()
            left_s[index] = phase()
            level[index] = isBusy[index] ? 140 * .random(in: 0.7...1, using: &random) : 45
        }
        let wanted = level.map { max(30, $0 + 2 * noise()) }
        let oracle = ModelDay.oracle(budget, wanted)
        let before = energy_uj
        // Samples of a step: at once where limits have just gone down, then after a quarter of a second each until power is handed over.
        var passed_s = 0.0
        while passed_s < ModelDay.step_s {
            let after_s = limits.isWaiting ? limits.handover?.lookAfter_ns.map { Double($0) / 1e9 } : nil
            let part_s = min(after_s ?? ModelDay.step_s, ModelDay.step_s - passed_s)
            for index in 0..<count { energy_uj[index] += min(limit(index), wanted[index]) * part_s * 1e6 }
            passed_s += part_s
            now_s += part_s
            sample()
            if passed_s < ModelDay.step_s, limits.isWaiting { decide() }
        }
        for index in 0..<count {
            let power = (energy_uj[index] - before[index]) / ModelDay.step_s / 1e6
            drawn += power
            possible += oracle[index]
            if power < 0.9 * oracle[index] { starved += 1 }
            meters[index].endStep(ceiling: .watts(150), isSlowed: false)
        }
        steps += 1
        decide()
    }

    private func limit(_ index: Int) -> Double { Double(limits.entries[index].longTerm.inForce!.rawValue) / 1e6 }

    private mutating func sample() {
        var power: [String: Microwatts] = [:]
        for index in 0..<count {
            let reading = Reading(UInt64(energy_uj[index]))
            meters[index].note(
                reading, at: UInt64(now_s * 1e9), range: Microjoules(.max), limit: limits.entries[index].longTerm.inForce)
            let elapsed_s = now_s - last_s
            if elapsed_s > 0 {
                power["intel-rapl:\(index)"] = Microwatts(UInt64((energy_uj[index] - sampled[index]) / elapsed_s))
            }
        }
        limits.look(at: UInt64(now_s * 1e9), power)
        (last_s, sampled) = (now_s, energy_uj)
    }
    private lazy var sampled = Array(repeating: 0.0, count: count)

    private mutating func decide() {
        let demands = meters.compactMap(\.demand)
        let decision = Policy.decide(
            devices: limits.devices, policy: policy, reading: powerSource(for: policy).reading(at: .test(12)),
            workload: Workload(demands: isShared && demands.count == count ? demands : nil), last: before)
        before = decision
        for change in limits.next(limits.changes(for: decision), within: decision.nodeLimit) {
            if change.from.map({ $0 != change.to }) ?? false, steps > 0 { changes += 1 }
            limits.note(change, AppliedItem(effective: change.to, effectiveWindow_us: 0))
            // After each single write.
            let together = limits.entries.reduce(Microwatts.zero) { $0 + ($1.longTerm.inForce ?? .zero) }
            if steps > 0, together > policy.maxSource { over += 1 }
        }
    }

    /// Fills up what is wanted in equal parts from the floors on. What nobody wants nobody draws.
    private static func oracle(_ budget: Double, _ wanted: [Double]) -> [Double] {
        var parts = wanted.map { _ in 40.0 }
        var left = budget - parts.reduce(0, +)
        var open = parts.indices.filter { wanted[$0] > 40 }
        while left > 1e-6, !open.isEmpty {
            let part = left / Double(open.count)
            let satisfied = open.filter { min(wanted[$0], 150) - parts[$0] <= part }
            for index in satisfied.isEmpty ? open : satisfied {
                let more = satisfied.isEmpty ? part : min(wanted[index], 150) - parts[index]
                parts[index] += more
                left -= more
            }
            open.removeAll { satisfied.isEmpty || satisfied.contains($0) }
        }
        return zip(parts, wanted).map { min($0, $1) }
    }

    private static func zones(_ count: Int) -> HelperZones {
        HelperZones(
            header: ZonesHeader(leaseRemaining_ms: 0, leaseHolder: ZonesHeader.nobody, zoneCount: UInt16(count)),
            zones: (0..<count).map { index in
                HelperZones.Zone(
                    description: ZoneDescription(
                        index: UInt16(index), parent: nil, controlType: Name(constant: "intel-rapl"),
                        id: Name("intel-rapl:\(index)")!, name: Name("package-\(index)")!, maxEnergyRange: Microjoules(.max),
                        constraintCount: 1),
                    constraints: [
                        ConstraintDescription(
                            index: 0, name: Name(constant: "long_term"), flags: [.originalKnown, .hasTimeWindow], obstacle: .none,
                            original: .watts(150), maxPower: .watts(150), floor: .watts(1), ceiling: .watts(150),
                            originalWindow_us: 999_424, requested: .zero)
                    ])
            })
    }

    private static func sample(_ count: Int) -> HelperSample {
        HelperSample(
            time_ns: 0,
            zones: (0..<count).map { index in
                var zone = ZoneSample(index: UInt16(index), constraintCount: 1)
                zone.limits[0] = Reading(150_000_000)
                return zone
            })
    }

    /// Energy and starvation in percent of the oracle's and of the time; changes of a package an hour.
    var figures: (energy: Double, starved: Double, changes: Double) {
        let hours = Double(steps) * ModelDay.step_s / 3_600
        return (
            100 * drawn / possible, 100 * Double(starved) / Double(steps * count), Double(changes) / hours / Double(count)
        )
    }

    static func run(devices: Int, seed: UInt64, isShared: Bool = true) -> ModelDay {
        var day = ModelDay(devices: devices, seed: seed, isShared: isShared)
        for _ in 0..<43_200 { day.step() }
        let figures = day.figures
        print(
            String(
                format: "model day, %d packages, seed %d, %@: %.2f %% of the oracle's energy, starved %.2f %% of the time, "
                    + "%.0f changes an hour and package, %d times over the budget", devices, Int(seed),
                isShared ? "by demand" : "in proportion", figures.energy, figures.starved, figures.changes, day.over))
        return day
    }
}

struct SharingModelTests {
    @Test(
        "a model day by demand: nearly the oracle's energy, seldom starved, few changes, and P8 after each single write",
        arguments: [(2, 1, 98.5, 3.0, 150.0), (2, 2, 98.5, 3, 150), (8, 3, 98, 4, 500)] as [(Int, UInt64, Double, Double, Double)]
    )
    func byDemand(_ devices: Int, _ seed: UInt64, _ energy: Double, _ starved: Double, _ changes: Double) {
        let day = ModelDay.run(devices: devices, seed: seed)
        #expect(day.figures.energy >= energy)
        #expect(day.figures.starved <= starved)
        #expect(day.figures.changes <= changes)
        #expect(day.over == 0)
    }

    @Test("the same day in proportion is much worse, so that the model tells a difference")
    func inProportion() {
        let day = ModelDay.run(devices: 2, seed: 1, isShared: false)
        #expect(day.figures.energy < 95)
        #expect(day.figures.starved > 15)
        #expect(day.figures.changes == 0)
    }
}
