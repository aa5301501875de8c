import PowercapProtocol
import TestSupport
import Testing

@testable import Policy

@Suite("P18: what the node's limit becomes when its controller is lost")
struct FallbackTests {
    private func decided(
        _ source: UInt64, fallback: UInt64?, _ packages: [Package], ofSource: UInt64? = nil, overrides: Overrides = Overrides(),
        last: Decision? = nil, _ change: (inout PowerPolicy) -> Void = { _ in }
    ) -> Decision {
        let policy = PowerPolicy.test {
            $0.fallbackLimit = fallback.map { .watts($0) }
            change(&$0)
        }
        var reading = SourceReading(.watts(source))
        reading.fallback = ofSource.map { .watts($0) }
        return decide(packages: packages, policy: policy, reading: reading, overrides: overrides, last: last)
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
        #expect(decision.packages.map(\.fallback?.longTerm) == expected.map { .watts($0) })
        for package in decision.packages { #expect(package.fallback!.longTerm <= package.longTerm) }
        #expect(decision.fallback == expected.reduce(Microwatts.zero) { $0 + .watts($1) })
    }

    @Test("is none where nobody says one, and the source's where that says one")
    func whose() {
        #expect(decided(100, fallback: nil, [.test(0)]).fallback == nil)
        #expect(decided(100, fallback: nil, [.test(0)]).packages[0].fallback == nil)
        #expect(decided(100, fallback: 60, [.test(0)], ofSource: 40).packages[0].fallback?.longTerm == .watts(40))
        #expect(decided(100, fallback: nil, [.test(0)], ofSource: 40).fallback == .watts(40))
    }

    @Test("counts what can't be changed, which has no fallback of its own")
    func fixed() {
        let decision = decided(300, fallback: 100, [.test(0, fixed: 70), .test(1)])
        #expect(decision.packages[0].fallback == nil)
        #expect(decision.packages[1].fallback?.longTerm == .watts(30))
        #expect(decision.fallback == .watts(100))
    }

    @Test("has a short-term part as the limit has one, at most that")
    func shortTerm() {
        #expect(decided(100, fallback: 40, [.test(0)]).packages[0].fallback?.shortTerm == .watts(40))
        let untouched = decided(100, fallback: 40, [.test(0)]) { $0.shortTerm = .untouched }
        #expect(untouched.packages[0].fallback == PackageLimit.Fallback(longTerm: .watts(40), shortTerm: nil))
    }

    @Test("stays while the node is paused")
    func paused() {
        let before = decided(100, fallback: 40, [.test(0)])
        let paused = decided(300, fallback: 90, [.test(0)], overrides: Overrides(paused: true), last: before)
        #expect(paused.packages == before.packages && paused.fallback == .watts(40))
    }

    @Test("over many random nodes: at least the helper's floor, at most the limit, and together at most what was asked for")
    func random() {
        var random = SeededGenerator(seed: 18)
        for _ in 0..<2_000 {
            let packages = (0..<Int.random(in: 1...8, using: &random)).map { number in
                Package.test(
                    UInt32(number), reference: .random(in: 20...300, using: &random), floor: .random(in: 1...20, using: &random))
            }
            let (source, fallback) = (UInt64.random(in: 0...2_500, using: &random), UInt64.random(in: 1...2_500, using: &random))
            let decision = decided(source, fallback: fallback, packages)
            var (sum, floors) = (Microwatts.zero, Microwatts.zero)
            for (package, limit) in zip(packages, decision.packages) {
                guard let own = limit.fallback?.longTerm else { return #expect(Bool(false)) }
                #expect(own <= limit.longTerm && own >= min(package.longTerm.floor, limit.longTerm))
                (sum, floors) = (sum + own, floors + max(.watts(10), package.longTerm.floor))
            }
            #expect(sum <= max(.watts(fallback), floors), "\(source) W, \(fallback) W: \(sum.words)")
        }
    }
}
