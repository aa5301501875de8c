import PowercapProtocol
import Testing

@testable import powercap_controller

private func decided(
    _ source: UInt64, _ packages: [Package], overrides: Overrides = Overrides(),
    _ change: (inout Configuration) -> Void = { _ in }
) -> Decision {
    decide(packages: packages, configuration: .test(change), reading: SourceReading(.watts(source)), overrides: overrides)
}

struct DecisionTests {
    @Test("P8: two packages share the node's budget instead of having it twice")
    func twoPackages() {
        let decision = decided(100, [.test(0), .test(1)])
        #expect(decision.nodeLimit == .watts(100))
        #expect(decision.packages.map(\.longTerm) == [.watts(50), .watts(50)])
        #expect(decision.reason == .source)
        #expect(!decision.floorsExceedBudget)
    }

    @Test(
        "the node's limit is the source between the floor and the ceiling",
        arguments: [
            (0, 20, .floor, true), (19, 20, .floor, true), (20, 20, .source, false), (21, 21, .source, false),
            (400, 400, .source, false),
            (401, 400, .ceiling, false), (1_000_000, 400, .ceiling, false),
        ] as [(UInt64, UInt64, Reason, Bool)])
    func clamped(_ source: UInt64, _ limit: UInt64, _ reason: Reason, _ floorsExceed: Bool) {
        let decision = decided(source, [.test(0), .test(1)])
        #expect(decision.nodeLimit == .watts(limit))
        #expect(decision.reason == reason)
        #expect(decision.floorsExceedBudget == floorsExceed)
        #expect(decision.floor == .watts(20))
        #expect(decision.ceiling == .watts(400))
        #expect(decision.source == .watts(source))
    }

    @Test("a package's floor is the larger of RAPL_MIN_POWER and the helper's, in whole steps upwards")
    func floors() {
        let packages = [Package.test(0, floor: 30), .test(1, floor: 5)]
        #expect(decided(0, packages).packages.map(\.longTerm) == [.watts(30), .watts(10)])
        let uneven = decided(0, packages) { $0.raplMinPower = Microwatts(10_000_001) }
        #expect(uneven.packages.map(\.longTerm) == [.watts(30), Microwatts(10_125_000)])
        #expect(uneven.nodeLimit == Microwatts(40_125_000))
    }

    @Test("the helper's ceiling holds even against a floor above it")
    func ceilingAboveAll() {
        #expect(decided(0, [.test(0, reference: 8)]).packages[0].longTerm == .watts(8))
        #expect(decided(100, [.test(0, reference: 8)]).packages[0].longTerm == .watts(8))
    }

    @Test("RAPL_LIMIT is a floor of the node's limit, in percent of the reference power")
    func percentage() {
        let packages = [Package.test(0, reference: 200), .test(1, reference: 100)]
        let decision = decided(0, packages) { $0.raplLimit = Percent(millionths: 30_000_000) }
        #expect(decision.floor == .watts(90))
        #expect(decision.packages.map(\.longTerm) == [.watts(60), .watts(30)])
        #expect(decision.packages.map(\.reason) == [.floor, .floor])
        #expect(decision.floorsExceedBudget)
        let full = percentage(100, packages)
        #expect(full.nodeLimit == .watts(300))
        #expect(percentage(2, packages).nodeLimit == .watts(20), "RAPL_MIN_POWER is the larger")
    }

    private func percentage(_ percent: UInt64, _ packages: [Package]) -> Decision {
        decided(0, packages) { $0.raplLimit = Percent(millionths: percent * 1_000_000) }
    }

    @Test(
        "the reference power comes from the packages as PMAX_FUNC says",
        arguments: [(.sum, 305), (.max, 205), (.min, 100), (.avg, 152)] as [(ReferenceFunction, UInt64)])
    func reference(_ function: ReferenceFunction, _ watts: UInt64) {
        let decision = decided(50, [.test(0, reference: 100), .test(1, reference: 205)]) { $0.pmaxFunction = function }
        #expect(decision.reference.rawValue / 1_000_000 == watts)
    }

    @Test(
        "with max, min or avg the source is each package's, and the node's limit is what they have together",
        arguments: [.max, .min, .avg] as [ReferenceFunction])
    func perPackage(_ function: ReferenceFunction) {
        let packages = [Package.test(0, reference: 40), .test(1, reference: 200, floor: 60), .test(2, reference: 200)]
        let decision = decided(50, packages) { $0.pmaxFunction = function }
        #expect(decision.packages.map(\.longTerm) == [.watts(40), .watts(60), .watts(50)])
        #expect(decision.packages.map(\.reason) == [.ceiling, .floor, .source])
        #expect(decision.nodeLimit == .watts(150))
        #expect(decision.floorsExceedBudget)
        #expect(decision.reason == .source)
        let configuration = Configuration.test { $0.pmaxFunction = function }
        let between = SourceReading(Microwatts(50_124_999))
        let uneven = decide(packages: packages, configuration: configuration, reading: between)
        #expect(uneven.packages[2].longTerm == .watts(50), "rounded down to a step")
        let night = decided(0, packages) { $0.pmaxFunction = function }
        #expect(night.packages.map(\.longTerm) == [.watts(10), .watts(60), .watts(10)])
        #expect(night.reason == .floor)
    }

    @Test("with max, min or avg RAPL_LIMIT is a floor of each package")
    func perPackagePercentage() {
        let decision = decided(0, [.test(0, reference: 100), .test(1, reference: 200)]) {
            ($0.pmaxFunction, $0.raplLimit) = (.max, Percent(millionths: 40_000_000))
        }
        #expect(decision.packages.map(\.longTerm) == [.watts(80), .watts(80)])
        #expect(decision.floor == .watts(160))
    }

    @Test("P8: a fixed package's limit counts, and the others divide the rest")
    func fixed() {
        let decision = decided(100, [.test(0, fixed: 70), .test(1), .test(2)])
        #expect(decision.nodeLimit == .watts(100))
        #expect(decision.packages.map(\.longTerm) == [.watts(70), .watts(15), .watts(15)])
        #expect(decision.packages[0] == PackageLimit(longTerm: .watts(70), shortTerm: nil, reason: .fixed))
    }

    @Test("P8: where a fixed package and the others' floors exceed the source, the node's limit says so")
    func fixedAboveSource() {
        let decision = decided(50, [.test(0, fixed: 70), .test(1)])
        #expect(decision.nodeLimit == .watts(80))
        #expect(decision.packages.map(\.longTerm) == [.watts(70), .watts(10)])
        #expect(decision.floorsExceedBudget)
        #expect(decision.reason == .floor)
    }

    @Test(
        "the short-term limit is as SHORT_TERM says, within its own floor and ceiling",
        arguments: [
            // policy, short-term ceiling, original short-term, expected; the long-term limit is 100 W of originally 200 W
            (.equal, 400, 240, 100), (.equal, 90, 240, 90), (.scaled, 400, 240, 120), (.scaled, 110, 240, 110),
            (.scaled, 400, 0, 100),
            (.scaled, 400, 120, 60), (.scaled, 400, 10, 10), (.scaled, 4095, 4_000_000, 4095), (.untouched, 400, 240, nil),
        ] as [(ShortTermPolicy, UInt64, UInt64, UInt64?)])
    func shortTerm(_ policy: ShortTermPolicy, _ ceiling: UInt64, _ original: UInt64, _ expected: UInt64?) {
        let package = Package.test(0, shortTermCeiling: ceiling, originalShortTerm: original)
        let decision = decided(100, [package]) { $0.shortTerm = policy }
        #expect(decision.packages[0].longTerm == .watts(100))
        #expect(decision.packages[0].shortTerm == expected.map { .watts($0) })
    }

    @Test("a scaled short-term limit is rounded down to a step")
    func scaledRounding() {
        let decision = decided(100, [.test(0, reference: 205, originalShortTerm: 246)]) { $0.shortTerm = .scaled }
        #expect(decision.packages[0].shortTerm == .watts(120))
        let uneven = decided(101, [.test(0, reference: 205, originalShortTerm: 247)]) { $0.shortTerm = .scaled }
        // 101 W * 247 / 205 = 121.69 W
        #expect(uneven.packages[0].shortTerm == Microwatts(121_625_000))
    }

    @Test("an override of the limit takes the source's place, between floor and ceiling")
    func limitOverride() {
        let packages = [Package.test(0), .test(1)]
        let limited = decided(100, packages, overrides: Overrides(limit: .watts(60)))
        #expect(limited.packages.map(\.longTerm) == [.watts(30), .watts(30)])
        #expect(limited.packages.map(\.reason) == [.override, .override])
        #expect(limited.reason == .override)
        #expect(limited.source == .watts(100))
        #expect(decided(100, packages, overrides: Overrides(limit: .watts(5))).reason == .floor)
        #expect(decided(100, packages, overrides: Overrides(limit: .watts(5))).nodeLimit == .watts(20))
        #expect(decided(100, packages, overrides: Overrides(limit: .watts(500))).reason == .ceiling)
        let each = decided(100, packages, overrides: Overrides(limit: .watts(60))) { $0.pmaxFunction = .max }
        #expect(each.packages.map(\.longTerm) == [.watts(30), .watts(30)], "the override is the node's whatever PMAX_FUNC says")
    }

    @Test("an override of the floor takes the place of RAPL_MIN_POWER")
    func minPowerOverride() {
        let decision = decided(0, [.test(0)], overrides: Overrides(minPower: .watts(25)))
        #expect(decision.packages[0].longTerm == .watts(25))
        #expect(decision.packages[0].shortTerm == .watts(25))
    }

    @Test("a paused node keeps the limits of the last decision, or has none written")
    func paused() {
        let packages = [Package.test(0), .test(1)]
        let last = decided(100, packages)
        let paused = decide(
            packages: packages, configuration: Configuration(), reading: SourceReading(.watts(300)),
            overrides: Overrides(paused: true),
            last: last)
        #expect(paused.packages == last.packages)
        #expect(paused.nodeLimit == last.nodeLimit)
        #expect(paused.reason == .paused)
        #expect(paused.source == .watts(300))
        #expect(paused.sameLimits(as: last))
        let others = decide(
            packages: packages + [.test(2)], configuration: Configuration(), reading: SourceReading(.watts(300)),
            overrides: Overrides(paused: true), last: last)
        #expect(others.packages.isEmpty, "the last decision was about other packages")
        let first = decided(100, packages, overrides: Overrides(paused: true))
        #expect(first.packages.isEmpty)
        #expect(first.nodeLimit == .watts(400))
    }

    @Test("limits are the same as the last when the source moved within a step or beyond a bound")
    func sameLimits() {
        let packages = [Package.test(0), .test(1)]
        let night = decided(0, packages)
        #expect(decided(10, packages).sameLimits(as: night))
        #expect(decided(10, packages) != night)
        let noon = decided(100, packages)
        #expect(!noon.sameLimits(as: night))
        let withinStep = decide(
            packages: packages, configuration: Configuration(), reading: SourceReading(Microwatts(100_249_999)))
        #expect(withinStep.sameLimits(as: noon))
        #expect(!decided(100, packages) { $0.shortTerm = .untouched }.sameLimits(as: noon))
        #expect(!decided(100, [.test(0)]).sameLimits(as: noon))
        #expect(!night.sameLimits(as: nil))
    }

    @Test("without packages there is a decision, of nothing")
    func noPackages() {
        for function in ReferenceFunction.allCases {
            let decision = decided(100, []) { $0.pmaxFunction = function }
            #expect(decision.nodeLimit == .zero)
            #expect(decision.packages.isEmpty)
        }
    }
}
