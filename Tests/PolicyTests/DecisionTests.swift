import PowercapProtocol
import TestSupport
import Testing

@testable import Policy

private func decided(
    _ source: UInt64, _ devices: [Device], overrides: Overrides = Overrides(),
    _ change: (inout PowerPolicy) -> Void = { _ in }
) -> Decision {
    decide(devices: devices, policy: .test(change), reading: SourceReading(.watts(source)), overrides: overrides)
}

struct DecisionTests {
    @Test("P8: two packages share the node's budget instead of having it twice")
    func twoPackages() {
        let decision = decided(100, [.test(0), .test(1)])
        #expect(decision.nodeLimit == .watts(100))
        #expect(decision.devices.map(\.longTerm) == [.watts(50), .watts(50)])
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
        let devices = [Device.test(0, floor: 30), .test(1, floor: 5)]
        #expect(decided(0, devices).devices.map(\.longTerm) == [.watts(30), .watts(10)])
        let uneven = decided(0, devices) { $0.raplMinPower = Microwatts(10_000_001) }
        #expect(uneven.devices.map(\.longTerm) == [.watts(30), Microwatts(10_125_000)])
        #expect(uneven.nodeLimit == Microwatts(40_125_000))
    }

    @Test("the helper's ceiling holds even against a floor above it")
    func ceilingAboveAll() {
        #expect(decided(0, [.test(0, reference: 8)]).devices[0].longTerm == .watts(8))
        #expect(decided(100, [.test(0, reference: 8)]).devices[0].longTerm == .watts(8))
    }

    @Test("RAPL_LIMIT is a floor of the node's limit, in percent of the reference power")
    func percentage() {
        let devices = [Device.test(0, reference: 200), .test(1, reference: 100)]
        let decision = decided(0, devices) { $0.raplLimit = Percent(millionths: 30_000_000) }
        #expect(decision.floor == .watts(90))
        #expect(decision.devices.map(\.longTerm) == [.watts(60), .watts(30)])
        #expect(decision.devices.map(\.reason) == [.floor, .floor])
        #expect(decision.floorsExceedBudget)
        let full = percentage(100, devices)
        #expect(full.nodeLimit == .watts(300))
        #expect(percentage(2, devices).nodeLimit == .watts(20), "RAPL_MIN_POWER is the larger")
    }

    private func percentage(_ percent: UInt64, _ devices: [Device]) -> Decision {
        decided(0, devices) { $0.raplLimit = Percent(millionths: percent * 1_000_000) }
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
        let devices = [Device.test(0, reference: 40), .test(1, reference: 200, floor: 60), .test(2, reference: 200)]
        let decision = decided(50, devices) { $0.pmaxFunction = function }
        #expect(decision.devices.map(\.longTerm) == [.watts(40), .watts(60), .watts(50)])
        #expect(decision.devices.map(\.reason) == [.ceiling, .floor, .source])
        #expect(decision.nodeLimit == .watts(150))
        #expect(decision.floorsExceedBudget)
        #expect(decision.reason == .source)
        let policy = PowerPolicy.test { $0.pmaxFunction = function }
        let between = SourceReading(Microwatts(50_124_999))
        let uneven = decide(devices: devices, policy: policy, reading: between)
        #expect(uneven.devices[2].longTerm == .watts(50), "rounded down to a step")
        let night = decided(0, devices) { $0.pmaxFunction = function }
        #expect(night.devices.map(\.longTerm) == [.watts(10), .watts(60), .watts(10)])
        #expect(night.reason == .floor)
    }

    @Test("with max, min or avg RAPL_LIMIT is a floor of each package")
    func perPackagePercentage() {
        let decision = decided(0, [.test(0, reference: 100), .test(1, reference: 200)]) {
            ($0.pmaxFunction, $0.raplLimit) = (.max, Percent(millionths: 40_000_000))
        }
        #expect(decision.devices.map(\.longTerm) == [.watts(80), .watts(80)])
        #expect(decision.floor == .watts(160))
    }

    @Test("P8: a fixed package's limit counts, and the others divide the rest")
    func fixed() {
        let decision = decided(100, [.test(0, fixed: 70), .test(1), .test(2)])
        #expect(decision.nodeLimit == .watts(100))
        #expect(decision.devices.map(\.longTerm) == [.watts(70), .watts(15), .watts(15)])
        #expect(decision.devices[0] == DeviceLimit(longTerm: .watts(70), shortTerm: nil, reason: .fixed))
    }

    @Test("P8: where a fixed package and the others' floors exceed the source, the node's limit says so")
    func fixedAboveSource() {
        let decision = decided(50, [.test(0, fixed: 70), .test(1)])
        #expect(decision.nodeLimit == .watts(80))
        #expect(decision.devices.map(\.longTerm) == [.watts(70), .watts(10)])
        #expect(decision.floorsExceedBudget)
        #expect(decision.reason == .floor)
    }

    @Test(
        "the short-term limit is as SHORT_TERM says, within its own floor and ceiling",
        arguments: [
            // policy, short-term ceiling, original short-term, expected; the long-term limit is 100 W of originally 200 W
            (.equal, 400, 240, 100), (.equal, 90, 240, 90), (.scaled, 400, 240, 120), (.scaled, 110, 240, 110),
            (.scaled, 400, 0, 100),
            (.scaled, 400, 120, 100), (.scaled, 400, 10, 100), (.scaled, 90, 120, 90), (.scaled, 4095, 4_000_000, 4095),
            (.untouched, 400, 240, nil),
        ] as [(ShortTermPolicy, UInt64, UInt64, UInt64?)])
    func shortTerm(_ policy: ShortTermPolicy, _ ceiling: UInt64, _ original: UInt64, _ expected: UInt64?) {
        let device = Device.test(0, shortTermCeiling: ceiling, originalShortTerm: original)
        let decision = decided(100, [device]) { $0.shortTerm = policy }
        #expect(decision.devices[0].longTerm == .watts(100))
        #expect(decision.devices[0].shortTerm == expected.map { .watts($0) })
    }

    @Test("a scaled short-term limit is rounded down to a step")
    func scaledRounding() {
        let decision = decided(100, [.test(0, reference: 205, originalShortTerm: 246)]) { $0.shortTerm = .scaled }
        #expect(decision.devices[0].shortTerm == .watts(120))
        let uneven = decided(101, [.test(0, reference: 205, originalShortTerm: 247)]) { $0.shortTerm = .scaled }
        // 101 W * 247 / 205 = 121.69 W
        #expect(uneven.devices[0].shortTerm == Microwatts(121_625_000))
    }

    @Test("short_term is never below long_term, whatever the originals were, unless its own ceiling is")
    func shortTermProperty() {
        var random = SeededGenerator(seed: 5)
        for _ in 0..<5_000 {
            let reference = UInt64.random(in: 10...400, using: &random)
            let ceiling = UInt64.random(in: 10...800, using: &random)
            let device = Device.test(
                0, reference: reference, shortTermCeiling: ceiling, originalShortTerm: .random(in: 0...800, using: &random))
            for policy in [ShortTermPolicy.equal, .scaled] {
                let limit = decided(.random(in: 0...500, using: &random), [device]) { $0.shortTerm = policy }.devices[0]
                #expect(limit.shortTerm! >= min(limit.longTerm, .watts(ceiling)))
            }
        }
    }

    // MARK: P3: what firmware holds lower isn't raised

    /// A 15 W part that firmware holds at 9 W.
    private static let held = Device.test(0, reference: 15, floor: 9, ceiling: 15, original: 9)

    @Test("P3: a source that gives little raises no limit above its original")
    func heldByFirmware() {
        #expect(
            decided(0, [Self.held]).devices == [DeviceLimit(longTerm: .watts(9), shortTerm: .watts(10), reason: .floor)])
        #expect(decided(0, [Self.held]).floor == .watts(9))
        #expect(decided(0, [Self.held]) { $0.raplMinPower = .watts(12) }.devices[0].longTerm == .watts(9))
        #expect(decided(0, [Self.held]) { $0.raplLimit = Percent(millionths: 80_000_000) }.devices[0].longTerm == .watts(9))
        #expect(decided(0, [Self.held], overrides: Overrides(limit: .watts(1))).devices[0].longTerm == .watts(9))
        #expect(decided(0, [Self.held]) { $0.pmaxFunction = .max }.devices[0].longTerm == .watts(9))
        // A source that gives more than the floor decides by itself.
        #expect(decided(12, [Self.held]).devices[0].longTerm == .watts(12))
    }

    @Test("P3: no package is raised above its original where the floors win, however the node's floor is divided")
    func heldProperty() {
        var random = SeededGenerator(seed: 3)
        for _ in 0..<5_000 {
            let devices = (0..<UInt32.random(in: 1...4, using: &random)).map { number in
                let (ceiling, original) = (
                    UInt64.random(in: 10...300, using: &random), UInt64.random(in: 1...300, using: &random)
                )
                return Device.test(
                    number, reference: ceiling, floor: min(10, original), ceiling: max(ceiling, original), original: original)
            }
            let source = UInt64.random(in: 0...400, using: &random)
            let decision = decided(source, devices) {
                $0.raplMinPower = .watts(.random(in: 1...60, using: &random))
                $0.raplLimit = Percent(millionths: .random(in: 0...100_000_000, using: &random))
                $0.pmaxFunction = ReferenceFunction.allCases.randomElement(using: &random)!
            }
            let sum = decision.devices.reduce(Microwatts.zero) { $0 + $1.longTerm }
            #expect(sum <= decision.nodeLimit)
            for (device, limit) in zip(devices, decision.devices) {
                #expect(limit.longTerm >= device.longTerm.floor && limit.longTerm <= device.longTerm.ceiling)
                if decision.reason == .floor || decision.floorsExceedBudget && decision.devices.count == 1 {
                    #expect(limit.longTerm <= device.longTerm.original!, "\(source) \(device) \(limit)")
                }
            }
        }
    }

    @Test("an original of 0 W is a register that nobody has set: the floor is RAPL_MIN_POWER")
    func unset() {
        #expect(decided(0, [.test(0, reference: 15, floor: 10, ceiling: 15, original: 0)]).devices[0].longTerm == .watts(10))
    }

    @Test("where no package can be set the floors take nothing")
    func allFixed() {
        for function in ReferenceFunction.allCases {
            let decision = decided(20, [.test(0, fixed: 150), .test(1, fixed: 150)]) { $0.pmaxFunction = function }
            #expect(!decision.floorsExceedBudget)
            #expect(decision.devices.map(\.reason) == [.fixed, .fixed])
        }
    }

    @Test("an override of the limit takes the source's place, between floor and ceiling")
    func limitOverride() {
        let devices = [Device.test(0), .test(1)]
        let limited = decided(100, devices, overrides: Overrides(limit: .watts(60)))
        #expect(limited.devices.map(\.longTerm) == [.watts(30), .watts(30)])
        #expect(limited.devices.map(\.reason) == [.override, .override])
        #expect(limited.reason == .override)
        #expect(limited.source == .watts(100))
        #expect(decided(100, devices, overrides: Overrides(limit: .watts(5))).reason == .floor)
        #expect(decided(100, devices, overrides: Overrides(limit: .watts(5))).nodeLimit == .watts(20))
        #expect(decided(100, devices, overrides: Overrides(limit: .watts(500))).reason == .ceiling)
        let each = decided(100, devices, overrides: Overrides(limit: .watts(60))) { $0.pmaxFunction = .max }
        #expect(each.devices.map(\.longTerm) == [.watts(30), .watts(30)], "the override is the node's whatever PMAX_FUNC says")
    }

    @Test("an override of the floor takes the place of RAPL_MIN_POWER")
    func minPowerOverride() {
        let decision = decided(0, [.test(0)], overrides: Overrides(minPower: .watts(25)))
        #expect(decision.devices[0].longTerm == .watts(25))
        #expect(decision.devices[0].shortTerm == .watts(25))
    }

    @Test("a paused node keeps the limits of the last decision, or has none written")
    func paused() {
        let devices = [Device.test(0), .test(1)]
        let last = decided(100, devices)
        let paused = decide(
            devices: devices, policy: PowerPolicy(), reading: SourceReading(.watts(300)),
            overrides: Overrides(paused: true),
            last: last)
        #expect(paused.devices == last.devices)
        #expect(paused.nodeLimit == last.nodeLimit)
        #expect(paused.reason == .paused)
        #expect(paused.source == .watts(300))
        #expect(paused.sameLimits(as: last))
        let others = decide(
            devices: devices + [.test(2)], policy: PowerPolicy(), reading: SourceReading(.watts(300)),
            overrides: Overrides(paused: true), last: last)
        #expect(others.devices.isEmpty, "the last decision was about other packages")
        let first = decided(100, devices, overrides: Overrides(paused: true))
        #expect(first.devices.isEmpty)
        #expect(first.nodeLimit == .watts(400))
    }

    @Test("limits are the same as the last when the source moved within a step or beyond a bound")
    func sameLimits() {
        let devices = [Device.test(0), .test(1)]
        let night = decided(0, devices)
        #expect(decided(10, devices).sameLimits(as: night))
        #expect(decided(10, devices) != night)
        let noon = decided(100, devices)
        #expect(!noon.sameLimits(as: night))
        let withinStep = decide(
            devices: devices, policy: PowerPolicy(), reading: SourceReading(Microwatts(100_249_999)))
        #expect(withinStep.sameLimits(as: noon))
        #expect(!decided(100, devices) { $0.shortTerm = .untouched }.sameLimits(as: noon))
        #expect(!decided(100, [.test(0)]).sameLimits(as: noon))
        #expect(!night.sameLimits(as: nil))
    }

    @Test("without packages there is a decision, of nothing")
    func noPackages() {
        for function in ReferenceFunction.allCases {
            let decision = decided(100, []) { $0.pmaxFunction = function }
            #expect(decision.nodeLimit == .zero)
            #expect(decision.devices.isEmpty)
        }
    }
}
