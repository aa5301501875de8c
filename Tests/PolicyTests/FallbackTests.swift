import PowercapProtocol
import TestSupport
import Testing

@testable import Policy

@Suite("P18: what the node's limit becomes when its controller is lost")
struct FallbackTests {
    private func decided(
        _ source: UInt64, fallback: UInt64?, _ devices: [Device], ofSource: UInt64? = nil, overrides: Overrides = Overrides(),
        last: Decision? = nil, _ change: (inout PowerPolicy) -> Void = { _ in }
    ) -> Decision {
        let policy = PowerPolicy.test {
            $0.fallbackLimit = fallback.map { .watts($0) }
            change(&$0)
        }
        var reading = SourceReading(.watts(source))
        reading.fallback = ofSource.map { .watts($0) }
        return decide(devices: devices, policy: policy, reading: reading, overrides: overrides, last: last)
    }

    @Test(
        "is divided over the packages by their reference power, and never above what each is limited to",
        arguments: [
            (300, 100, [50, 50]), (100, 100, [50, 50]), (80, 100, [40, 40]), (300, 20, [10, 10]),
            // Below the floors, these count.
            (300, 5, [10, 10]), (400, 1_000, [200, 200]),
        ] as [(UInt64, UInt64, [UInt64])])
    func divided(_ source: UInt64, _ fallback: UInt64, _ expected: [UInt64]) {
        let decision = decided(source, fallback: fallback, [.test(0), .test(1)])
        #expect(decision.devices.map(\.fallback?.longTerm) == expected.map { .watts($0) })
        for device in decision.devices { #expect(device.fallback!.longTerm <= device.longTerm) }
        #expect(decision.fallback == expected.reduce(Microwatts.zero) { $0 + .watts($1) })
    }

    @Test("is none where nobody says one, and the source's where that says one")
    func whose() {
        #expect(decided(100, fallback: nil, [.test(0)]).fallback == nil)
        #expect(decided(100, fallback: nil, [.test(0)]).devices[0].fallback == nil)
        #expect(decided(100, fallback: 60, [.test(0)], ofSource: 40).devices[0].fallback?.longTerm == .watts(40))
        #expect(decided(100, fallback: nil, [.test(0)], ofSource: 40).fallback == .watts(40))
    }

    @Test("counts what can't be changed, which has no fallback of its own")
    func fixed() {
        let decision = decided(300, fallback: 100, [.test(0, fixed: 70), .test(1)])
        #expect(decision.devices[0].fallback == nil)
        #expect(decision.devices[1].fallback?.longTerm == .watts(30))
        #expect(decision.fallback == .watts(100))
    }

    @Test("has a short-term part as the limit has one, at most that")
    func shortTerm() {
        #expect(decided(100, fallback: 40, [.test(0)]).devices[0].fallback?.shortTerm == .watts(40))
        let untouched = decided(100, fallback: 40, [.test(0)]) { $0.shortTerm = .untouched }
        #expect(untouched.devices[0].fallback == DeviceLimit.Fallback(longTerm: .watts(40), shortTerm: nil))
    }

    @Test("stays while the node is paused")
    func paused() {
        let before = decided(100, fallback: 40, [.test(0)])
        let paused = decided(300, fallback: 90, [.test(0)], overrides: Overrides(paused: true), last: before)
        #expect(paused.devices == before.devices && paused.fallback == .watts(40))
    }

    @Test("over many random nodes: at least the helper's floor, at most the limit, and together at most what was asked for")
    func random() {
        var random = SeededGenerator(seed: 18)
        for _ in 0..<2_000 {
            let devices = (0..<Int.random(in: 1...8, using: &random)).map { number in
                Device.test(
                    UInt32(number), reference: .random(in: 20...300, using: &random), floor: .random(in: 1...20, using: &random))
            }
            let (source, fallback) = (UInt64.random(in: 0...2_500, using: &random), UInt64.random(in: 1...2_500, using: &random))
            let decision = decided(source, fallback: fallback, devices)
            var (sum, floors) = (Microwatts.zero, Microwatts.zero)
            for (device, limit) in zip(devices, decision.devices) {
                guard let own = limit.fallback?.longTerm else { return #expect(Bool(false)) }
                #expect(own <= limit.longTerm && own >= min(device.longTerm.floor, limit.longTerm))
                (sum, floors) = (sum + own, floors + max(.watts(10), device.longTerm.floor))
            }
            #expect(sum <= max(.watts(fallback), floors), "\(source) W, \(fallback) W: \(sum.words)")
        }
    }
}
