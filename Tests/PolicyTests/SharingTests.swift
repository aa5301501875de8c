import PowercapProtocol
import TestSupport
import Testing

@testable import Policy

private func drawn(_ watts: UInt64, lately: UInt64? = nil) -> Demand {
    Demand(power: .watts(watts), basis: .drawn, lately: lately.map { .watts($0) })
}
private func atLimit(_ watts: UInt64 = 150) -> Demand { Demand(power: .watts(watts), basis: .atLimit) }

private func decided(
    _ source: UInt64, _ demands: [Demand]?, _ devices: [Device]? = nil, isIdle: Bool = false, last: Decision? = nil,
    overrides: Overrides = Overrides(), _ change: (inout PowerPolicy) -> Void = { _ in }
) -> Decision {
    let devices = devices ?? (demands ?? []).indices.map { .test(UInt32($0), reference: 150) }
    return decide(
        devices: devices, policy: .test(change), reading: SourceReading(.watts(source)), overrides: overrides,
        workload: Workload(demands: demands, isIdle: isIdle), last: last)
}

extension Decision {
    fileprivate var watts: [UInt64] { devices.map { $0.longTerm.rawValue / 1_000_000 } }
    fileprivate var sum: Microwatts { devices.reduce(.zero) { $0 + $1.longTerm } }
}

struct SharingTests {
    @Test(
        "floors first, then what is wanted now, then what was wanted lately, and the rest to all: each in proportion",
        arguments: [
            // source, demands, parts: in watts; weights are equal, floors 10 W and ceilings 150 W
            (200, [atLimit(), drawn(50)], [150, 50]), (180, [atLimit(), drawn(50)], [130, 50]),
            (200, [atLimit(), atLimit()], [100, 100]), (100, [atLimit(), drawn(80)], [50, 50]),
            (100, [atLimit(), drawn(30)], [70, 30]), (15, [atLimit(), drawn(30)], [10, 10]),
            // One that wanted more a moment ago keeps it until somebody wants it now.
            (200, [drawn(50, lately: 150), atLimit()], [50, 150]), (200, [drawn(50, lately: 150), drawn(80)], [120, 80]),
            // What nobody wants: as near to equal parts as what is wanted allows.
            (200, [drawn(50), drawn(50)], [100, 100]), (200, [drawn(120), drawn(50)], [120, 80]),
            (290, [drawn(50), drawn(120)], [145, 145]), (400, [drawn(50), drawn(50)], [150, 150]),
        ] as [(UInt64, [Demand], [UInt64])])
    func levels(_ source: UInt64, _ demands: [Demand], _ parts: [UInt64]) {
        #expect(decided(source, demands).watts == parts)
    }

    @Test("where all want their ceilings the parts are those of the proportional split")
    func likeProportional() {
        for seed in UInt64(0)..<1_000 {
            let node = RandomNode(seed: seed)
            let demands = node.devices.map { Demand(power: node.ceiling($0), basis: .atLimit) }
            let shared = decide(
                devices: node.devices, policy: node.policy, reading: SourceReading(node.source),
                workload: Workload(demands: demands))
            for (one, other) in zip(shared.devices, node.decision.devices) {
                // What rounding leaves over is given to somebody here.
                #expect(one.longTerm >= other.longTerm && one.longTerm <= other.longTerm + .step, "seed \(seed)")
            }
        }
    }

    @Test("P8: whatever is wanted, all of the node's limit is divided, between floors and ceilings and in whole steps")
    func sum() {
        for seed in SplitTests.seeds {
            let node = RandomNode(seed: seed)
            var random = SeededGenerator(seed: seed &+ 1 << 32)
            var last: Decision?
            for _ in 0..<4 {
                let demands = node.devices.map { _ in
                    Demand(
                        power: Microwatts(.random(in: 0...500_000_000, using: &random)),
                        basis: Bool.random(using: &random) ? .atLimit : .drawn,
                        lately: Microwatts(.random(in: 0...500_000_000, using: &random)))
                }
                let decision = decide(
                    devices: node.devices, policy: node.policy, reading: SourceReading(node.source),
                    workload: Workload(demands: demands), last: last)
                #expect(decision.sum <= decision.nodeLimit, "seed \(seed)")
                #expect(decision.nodeLimit == node.decision.nodeLimit, "seed \(seed)")
                #expect(decision.sum + .step > decision.nodeLimit, "seed \(seed)")
                for (device, limit) in zip(node.devices, decision.devices) {
                    #expect(limit.longTerm >= node.floor(device) && limit.longTerm <= node.ceiling(device), "seed \(seed)")
                    #expect(device.fixed != nil || limit.longTerm == limit.longTerm.roundedDown, "seed \(seed)")
                }
                last = decision
            }
        }
    }

    @Test("limits stay unless a package whose limit is in its way gains 5 W")
    func deadBand() {
        let even = decided(200, [drawn(50), drawn(50)])
        #expect(decided(200, [drawn(120), drawn(50)], last: even).watts == [100, 100], "nobody's limit is in his way")
        let demands = [atLimit(), drawn(96)]
        #expect(decided(200, demands, last: even).watts == [100, 100], "4 W")
        let moved = decided(200, [atLimit(), drawn(95)], last: even)
        #expect(moved.watts == [105, 95])
        // Compared is with what is given: 4 W now and 4 W then are 8 W.
        let still = decided(200, [atLimit(), drawn(91)], last: moved)
        #expect(still.watts == [105, 95])
        #expect(decided(200, [atLimit(), drawn(87)], last: still).watts == [113, 87])
    }

    @Test("P8: another limit of the node, or a part that may not be given any more, is divided at once")
    func otherLimit() {
        let before = decided(200, [atLimit(), drawn(50)])
        #expect(decided(199, [drawn(60), drawn(60)], last: before).sum == .watts(199))
        #expect(decided(201, [drawn(60), drawn(60)], last: before).watts == [100, 100])
        let smaller = [Device.test(0, reference: 120), .test(1, reference: 150)]
        #expect(decided(200, [drawn(60), drawn(60)], smaller, last: before).watts[0] <= 120)
    }

    @Test("without demands, or with too few, the node's limit is divided in proportion")
    func unknown() {
        let devices = [Device.test(0), .test(1)]
        let plain = decided(100, nil, devices)
        #expect(plain.watts == [50, 50] && plain.devices.map(\.reason) == [.source, .source])
        #expect(decided(100, [atLimit()], devices) == plain)
        let before = decided(100, [atLimit(), drawn(20)], devices)
        #expect(before.watts == [80, 20] && before.devices.map(\.reason) == [.demand, .demand])
        #expect(decided(100, nil, devices, last: before) == plain, "at once")
    }

    @Test("an idle node has its floor, though the source or an override has more, and is nobody's reason to exceed either")
    func idle() {
        let devices = [Device.test(0), .test(1, original: 5)]
        let idle = decided(100, nil, devices, isIdle: true)
        #expect(idle.nodeLimit == idle.floor && idle.reason == .idle && !idle.floorsExceedBudget)
        #expect(idle.watts == [10, 5])
        #expect(decided(100, nil, devices, isIdle: true, overrides: Overrides(limit: .watts(50))).nodeLimit == idle.floor)
        let low = decided(100, nil, devices, isIdle: true, overrides: Overrides(limit: .watts(5)))
        #expect(low.reason == .floor && low.floorsExceedBudget, "it isn't idleness that decides")
        let night = decided(0, nil, devices, isIdle: true)
        #expect(night.reason == .floor && night.nodeLimit == idle.floor && night.floorsExceedBudget)
        let each = decided(100, nil, devices, isIdle: true) { $0.pmaxFunction = .max }
        #expect(each.watts == [10, 5] && each.reason == .idle)
        let little = decided(15, nil, devices, isIdle: true) { $0.pmaxFunction = .max }
        #expect(little.watts == [10, 5] && little.reason == .idle, "15 W for each, though less than the floors together")
        let paused = decided(100, nil, devices, isIdle: true, last: night, overrides: Overrides(paused: true))
        #expect(paused.reason == .paused)
    }

    @Test("P16: an idle node never has more than one with work")
    func idleIsLess() {
        for seed in UInt64(0)..<1_000 {
            let node = RandomNode(seed: seed)
            let idle = decide(
                devices: node.devices, policy: node.policy, reading: SourceReading(node.source),
                workload: Workload(isIdle: true))
            #expect(idle.nodeLimit <= node.decision.nodeLimit, "seed \(seed)")
            #expect(idle.sum <= idle.nodeLimit, "seed \(seed)")
        }
    }
}
