import PowercapProtocol
import TestSupport
import Testing

@testable import Policy
@testable import powercap_controller

private let second: UInt64 = 1_000_000_000

struct HandoverTests {
    /// One package that went from 150 W to 50 W, with a window of 1 s.
    private static var lowered: Handover {
        var handover = Handover()
        handover.look(at: 10 * second) { _ in nil }
        handover.note(0, from: .watts(150), to: .watts(50), window_us: 1_000_000)
        return handover
    }

    private func counted(_ handover: Handover) -> Microwatts { handover.counted(0, inForce: .watts(50)) }

    @Test("P8: a package that was lowered counts as what it had until its power is seen to be within its new limit")
    func byPower() {
        var handover = Self.lowered
        #expect(counted(handover) == .watts(150))
        #expect(handover.lookAfter_ns == 0, "from the first sample on its power is measured")
        handover.look(at: 10 * second + 1) { _ in .watts(40) }
        #expect(counted(handover) == .watts(150), "what was before doesn't count")
        #expect(handover.lookAfter_ns == Handover.look_ns)
        handover.look(at: 10 * second + 1 + Handover.look_ns) { _ in Microwatts(50_000_001) }
        #expect(counted(handover) == .watts(150))
        handover.look(at: 10 * second + 2 + Handover.look_ns) { _ in .watts(50) }
        #expect(counted(handover) == .watts(150), "a moment is too short to measure")
        handover.look(at: 10 * second + 2 * Handover.look_ns) { _ in .watts(50) }
        #expect(counted(handover) == .watts(50))
        #expect(handover.lookAfter_ns == nil)
    }

    @Test(
        "P8: or until two of its time windows have passed, whatever it draws, and also where that can't be measured",
        arguments: [(1_000_000, 1_000_000), (nil, Handover.usualWindow_us), (.max, Handover.longestWindow_us)]
            as [(UInt64?, UInt64)])
    func byTime(_ window_us: UInt64?, _ waited_us: UInt64) {
        for power in [nil, Microwatts.watts(60)] {
            var handover = Handover()
            handover.note(0, from: .watts(150), to: .watts(50), window_us: window_us)
            handover.look(at: 10 * second) { _ in power }
            handover.look(at: 10 * second + 2 * waited_us * 1_000 - 1) { _ in power }
            #expect(counted(handover) == .watts(150))
            handover.look(at: 10 * second + 2 * waited_us * 1_000) { _ in power }
            #expect(counted(handover) == .watts(50))
        }
    }

    @Test("a package that is lowered once more, or raised a little, still counts as what it had; raised to that, as its limit")
    func again() {
        var handover = Self.lowered
        handover.note(0, from: .watts(50), to: .watts(40), window_us: 1_000_000)
        #expect(counted(handover) == .watts(150))
        handover.note(0, from: .watts(40), to: .watts(100), window_us: 1_000_000)
        #expect(handover.counted(0, inForce: .watts(100)) == .watts(150))
        handover.look(at: 11 * second) { _ in .watts(90) }
        handover.look(at: 12 * second) { _ in .watts(90) }
        #expect(handover.counted(0, inForce: .watts(100)) == .watts(100), "within the limit that it has now")
        var raised = Self.lowered
        raised.note(0, from: .watts(50), to: .watts(150), window_us: 1_000_000)
        #expect(raised.lookAfter_ns == nil)
    }

    @Test("a package that was raised, or whose limit wasn't known, is waited for by nobody")
    func raised() {
        var handover = Handover()
        handover.note(0, from: .watts(50), to: .watts(60), window_us: nil)
        handover.note(1, from: nil, to: .watts(60), window_us: nil)
        #expect(handover.lookAfter_ns == nil)
    }

    // MARK: With the node's limits

    private func decision(_ limits: NodeLimits, _ wanted: [UInt64], source: UInt64 = 200) -> Decision {
        decide(
            devices: limits.devices, policy: PowerPolicy(), reading: SourceReading(.watts(source)),
            workload: Workload(demands: wanted.map { Demand(power: .watts($0), basis: .atLimit) }))
    }

    /// Carries out what is admitted, as a helper does that refuses nothing: the entries and powers of long-term limits, in their order.
    private func carryOut(_ decision: Decision, _ limits: inout NodeLimits) -> [[UInt64]] {
        let changes = limits.next(limits.changes(for: decision), within: decision.nodeLimit)
        for change in changes { limits.note(change, AppliedItem(effective: change.to, effectiveWindow_us: 0)) }
        return changes.filter { !$0.isShortTerm }.map { [UInt64($0.entry), $0.to.rawValue / 1_000_000] }
    }

    private func look(_ limits: inout NodeLimits, _ now_ns: UInt64, _ watts: UInt64) {
        limits.look(at: now_ns, ["intel-rapl:0": .watts(watts), "intel-rapl:2": .watts(watts)])
    }

    @Test("P8: limits go down at once, and up when the power is free; both of a package wait together")
    func inTurn() {
        var limits = TestNode(longTerm: [100, 400, 100], shortTerm: [100, 400, 100]).limits
        limits.handover = Handover()
        #expect(carryOut(decision(limits, [200, 200]), &limits) == [[0, 100], [1, 100]])
        #expect(!limits.isWaiting)
        let moved = decision(limits, [50, 200])
        #expect(carryOut(moved, &limits) == [[0, 50]])
        #expect(limits.isWaiting)
        #expect(limits.entries[1].shortTerm?.asked == .watts(100))
        look(&limits, 10 * second, 45)
        #expect(carryOut(moved, &limits) == [])
        look(&limits, 11 * second, 45)
        #expect(carryOut(moved, &limits) == [[1, 150]])
        #expect(limits.entries[1].shortTerm?.asked == .watts(150))
        #expect(!limits.isWaiting)
        #expect(carryOut(moved, &limits) == [])
    }

    @Test("a limit that has room goes up though others settle, and a larger budget of the node is used at once")
    func room() {
        var limits = TestNode(longTerm: [100, 400, 100], shortTerm: [100, 400, 100]).limits
        limits.handover = Handover()
        _ = carryOut(decision(limits, [200, 200]), &limits)
        #expect(carryOut(decision(limits, [200, 200], source: 300), &limits) == [[0, 150], [1, 150]])
        #expect(carryOut(decision(limits, [60, 200], source: 300), &limits) == [[0, 100]])
        #expect(limits.isWaiting)
        #expect(carryOut(decision(limits, [200, 200], source: 400), &limits) == [[0, 200], [1, 200]])
        #expect(!limits.isWaiting)
    }

    @Test("P8: with a new connection nobody knows who was lowered just now, so what goes up waits for what is measured")
    func beginning() {
        var limits = TestNode(longTerm: [50, 400, 100], shortTerm: [50, 400, 100]).limits
        limits.beginHandover()
        let even = decision(limits, [200, 200])
        #expect(carryOut(even, &limits) == [[1, 100]])
        #expect(limits.isWaiting)
        look(&limits, 10 * second, 40)
        #expect(carryOut(even, &limits) == [])
        look(&limits, 11 * second, 40)
        #expect(carryOut(even, &limits) == [[0, 100]])
    }

    @Test("P8: a smaller budget of the node is in force at once")
    func fall() {
        var limits = TestNode(longTerm: [100, 400, 100], shortTerm: [100, 400, 100]).limits
        limits.handover = Handover()
        _ = carryOut(decision(limits, [200, 200]), &limits)
        #expect(carryOut(decision(limits, [20, 200], source: 80), &limits) == [[0, 20], [1, 60]])
        #expect(!limits.isWaiting)
    }

    @Test("without a handover limits go up and down in one batch, as they always did")
    func without() {
        var limits = TestNode(longTerm: [100, 400, 100], shortTerm: [100, 400, 100]).limits
        _ = carryOut(decision(limits, [200, 200]), &limits)
        #expect(carryOut(decision(limits, [50, 200]), &limits) == [[0, 50], [1, 150]])
    }

    @Test(
        "P8: what packages draw and may draw together is within the budget at any instant, however slowly their power comes down")
    func atAnyInstant() {
        for seed in UInt64(0)..<40 {
            var random = SeededGenerator(seed: seed)
            var limits = TestNode(longTerm: [100, 400, 100], shortTerm: [100, 400, 100]).limits
            limits.handover = Handover()
            _ = carryOut(decision(limits, [200, 200]), &limits)
            var drawn = [100.0, 100.0]
            var (energy, raised) = ([0.0, 0.0], 0)
            // In steps of 10 ms: each package comes down to its limit with a time constant, and is up at it at once.
            let constant_s = Double.random(in: 0.05...0.4, using: &random)
            var target = decision(limits, [200, 200])
            var (sampled, last) = (0, 0)
            for tick in 0..<6_000 {
                if tick % 200 == 0 { target = decision(limits, Bool.random(using: &random) ? [50, 200] : [200, 50]) }
                let after = limits.handover?.lookAfter_ns.map { Int($0 / 10_000_000) }
                if tick % 200 == 0 || limits.isWaiting && tick >= sampled + (after ?? 200) {
                    let seconds = Double(tick - last) / 100
                    let power = energy.map { Microwatts(UInt64($0 / max(seconds, 0.01) * 1e6)) }
                    limits.look(at: UInt64(tick) * 10_000_000, ["intel-rapl:0": power[0], "intel-rapl:2": power[1]])
                    (energy, sampled, last) = ([0, 0], tick, tick)
                    raised += carryOut(target, &limits).filter { $0[1] > 100 }.count
                }
                let inForce = limits.entries.map { Double($0.longTerm.inForce!.rawValue) / 1e6 }
                for index in 0...1 {
                    let over = drawn[index] - inForce[index]
                    drawn[index] = over > 0 ? inForce[index] + over * (1 - 0.01 / constant_s) : inForce[index]
                    if over < 1 { drawn[index] = min(drawn[index], inForce[index]) }
                    energy[index] += drawn[index] * 0.01
                }
                #expect(inForce[0] + inForce[1] <= 200, "seed \(seed), tick \(tick)")
                #expect(drawn[0] + drawn[1] <= 200, "seed \(seed), tick \(tick)")
            }
            #expect(raised > 5, "seed \(seed)")
        }
    }
}
