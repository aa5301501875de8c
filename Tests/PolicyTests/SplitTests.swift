import PowercapProtocol
import TestSupport
import Testing

@testable import Policy

/// A machine and a moment, from one seed.
struct RandomNode: Sendable {
    var devices: [Device] = []
    var policy = PowerPolicy()
    var source: Microwatts

    init(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        let count = Int.random(in: 1...8, using: &random)
        policy.raplMinPower = Microwatts(.random(in: 1_000_000...20_000_000, using: &random))
        if Bool.random(using: &random) {
            policy.raplLimit = Percent(millionths: .random(in: 0...100_000_000, using: &random))
        }
        for number in 0..<count {
            let floor = Microwatts(.random(in: 0...30_000_000, using: &random))
            // Above any floor by a step at least, so that it is a machine that Settings.check lets through.
            let ceiling = Microwatts(.random(in: 30_250_000...400_000_000, using: &random))
            let isFixed = Int.random(in: 0..<6, using: &random) == 0
            devices.append(
                Device(
                    name: DeviceName(package: UInt32(number)), zone: "intel-rapl:\(number)",
                    reference: Microwatts(.random(in: 1...400_000_000, using: &random)),
                    longTerm: Device.LimitRange(index: 0, floor: floor, ceiling: ceiling, original: nil), shortTerm: nil,
                    fixed: isFixed ? Microwatts(.random(in: 0...400_000_000, using: &random)) : nil))
        }
        let ceilings = devices.reduce(UInt64(0)) { $0 + $1.longTerm.ceiling.rawValue }
        source = Microwatts(.random(in: 0...ceilings + ceilings / 4, using: &random))
    }

    func floor(_ device: Device) -> Microwatts {
        device.fixed ?? max(policy.raplMinPower, device.longTerm.floor).roundedUp
    }

    func ceiling(_ device: Device) -> Microwatts { device.fixed ?? device.longTerm.ceiling.roundedDown }

    var decision: Decision { decide(devices: devices, policy: policy, reading: SourceReading(source)) }
}

struct SplitTests {
    static let seeds = UInt64(0)..<4_000

    @Test("P8: the sum of the packages' limits is at most the node's limit, whatever the packages and the source")
    func sum() {
        for seed in Self.seeds {
            let node = RandomNode(seed: seed)
            let decision = node.decision
            let sum = decision.devices.reduce(UInt64(0)) { $0 + $1.longTerm.rawValue }
            #expect(sum <= decision.nodeLimit.rawValue, "seed \(seed)")
            #expect(decision.nodeLimit <= max(node.source, decision.floor), "seed \(seed)")
            #expect(decision.nodeLimit <= decision.ceiling, "seed \(seed)")
        }
    }

    @Test("P8: every limit is a whole number of steps from its floor to its ceiling, and a fixed one is what it was")
    func ranges() {
        for seed in Self.seeds {
            let node = RandomNode(seed: seed)
            for (device, limit) in zip(node.devices, node.decision.devices) {
                if let fixed = device.fixed {
                    #expect(limit == DeviceLimit(longTerm: fixed, shortTerm: nil, reason: .fixed), "seed \(seed)")
                    continue
                }
                #expect(limit.longTerm >= node.floor(device), "seed \(seed)")
                #expect(limit.longTerm <= node.ceiling(device), "seed \(seed)")
                #expect(limit.longTerm == limit.longTerm.roundedDown, "seed \(seed)")
            }
        }
    }

    @Test("what rounding leaves over is less than a step for each package that has room")
    func nothingLeftOver() {
        for seed in Self.seeds {
            let node = RandomNode(seed: seed)
            let decision = node.decision
            let sum = decision.devices.reduce(UInt64(0)) { $0 + $1.longTerm.rawValue }
            let free = zip(node.devices, decision.devices).filter { $0.fixed == nil && $1.longTerm < node.ceiling($0) }.count
            let leftOver = decision.nodeLimit.rawValue - sum
            #expect(free == 0 ? leftOver == 0 : leftOver < UInt64(free) * Microwatts.step.rawValue, "seed \(seed)")
        }
    }

    @Test("rounding never takes the sum below the node's floor")
    func floorHolds() {
        var byPercentage = 0
        for seed in Self.seeds {
            let node = RandomNode(seed: seed)
            let decision = node.decision
            let sum = decision.devices.reduce(UInt64(0)) { $0 + $1.longTerm.rawValue }
            #expect(sum >= decision.floor.rawValue, "seed \(seed)")
            let reference = node.devices.reduce(UInt64(0)) { $0 + $1.reference.rawValue }
            let percentage = node.policy.raplLimit.of(Microwatts(reference))
            #expect(decision.floor >= min(percentage, decision.ceiling), "seed \(seed)")
            if sum == decision.floor.rawValue
                && decision.devices.contains(where: { $0.reason == .floor && $0.longTerm > .watts(31) })
            {
                byPercentage += 1
            }
        }
        #expect(byPercentage > 20, "the percentage must have decided sometimes")
    }

    @Test("nobody has more for its weight than another who could be given more")
    func proportions() {
        for seed in Self.seeds {
            let node = RandomNode(seed: seed)
            let limits = zip(node.devices, node.decision.devices).filter { $0.0.fixed == nil }
            for (rich, richLimit) in limits where richLimit.longTerm > node.floor(rich) {
                for (poor, poorLimit) in limits where poorLimit.longTerm < node.ceiling(poor) {
                    // rich / its weight <= poor / its weight, but for a step that either may have been rounded by.
                    let left = UInt128((richLimit.longTerm - .step).rawValue) * UInt128(poor.reference.rawValue)
                    let right = UInt128((poorLimit.longTerm + .step).rawValue) * UInt128(rich.reference.rawValue)
                    #expect(left <= right, "seed \(seed)")
                }
            }
        }
    }

    @Test("equal packages have equal limits")
    func equal() {
        for watts in UInt64(20)...410 {
            let decision = decide(
                devices: [.test(0, reference: 205), .test(1, reference: 205)], policy: PowerPolicy(),
                reading: SourceReading(Microwatts(watts * 1_000_000 + 77_777)))
            #expect(decision.devices[0] == decision.devices[1])
        }
    }

    @Test(
        "parts follow the weights until a floor or a ceiling holds one, and the others divide the rest",
        arguments: [
            // power, weights, floors, ceilings, parts: in watts
            (90, [1, 2], [0, 0], [100, 100], [30, 60]),
            (90, [1, 2], [40, 0], [100, 100], [40, 50]),
            (90, [1, 2], [0, 0], [100, 50], [40, 50]),
            (90, [1, 1, 1], [0, 0, 50], [100, 100, 100], [20, 20, 50]),
            // The floor of the first and the ceiling of the last pull in opposite directions, by the same amount.
            (60, [1, 1, 1], [30, 0, 0], [100, 100, 10], [30, 20, 10]),
            // Clamping the ceiling first would leave too little for the floor.
            (100, [1, 10, 89], [5, 5, 5], [100, 100, 80], [5, 15, 80]),
            (30, [1, 1, 8], [10, 10, 10], [100, 100, 100], [10, 10, 10]),
            (300, [1, 1, 8], [10, 10, 10], [100, 100, 100], [100, 100, 100]),
            (100, [1, 1], [70, 0], [70, 100], [70, 30]),
        ] as [(UInt64, [UInt64], [UInt64], [UInt64], [UInt64])])
    func waterFilling(_ power: UInt64, _ weights: [UInt64], _ floors: [UInt64], _ ceilings: [UInt64], _ parts: [UInt64]) {
        var shares = weights.indices.map {
            Share(weight: .watts(weights[$0]), step: .step, floor: .watts(floors[$0]), ceiling: .watts(ceilings[$0]))
        }
        split(.watts(power), atLeast: .zero, over: &shares)
        #expect(shares.map(\.limit) == parts.map { .watts($0) })
    }

    @Test("rounding is down to steps, and up where the sum would miss what it must reach")
    func rounding() {
        var shares = (0..<3).map { _ in Share(weight: .watts(1), step: .step, floor: .zero, ceiling: .watts(100)) }
        split(.watts(10), atLeast: .zero, over: &shares)
        #expect(shares.map(\.limit.rawValue) == [3_250_000, 3_250_000, 3_250_000])
        split(.watts(10), atLeast: .watts(10), over: &shares)
        #expect(shares.map(\.limit.rawValue) == [3_375_000, 3_375_000, 3_250_000])
        // The first part is exact, and at its ceiling.
        var uneven = [(64, 4), (49, 100), (49, 100)].map { (weight: UInt64, ceiling: UInt64) in
            Share(weight: .watts(weight), step: .step, floor: .zero, ceiling: .watts(ceiling))
        }
        split(Microwatts(10_125_000), atLeast: Microwatts(10_125_000), over: &uneven)
        #expect(uneven.map(\.limit.rawValue) == [4_000_000, 3_125_000, 3_000_000])
    }
}
