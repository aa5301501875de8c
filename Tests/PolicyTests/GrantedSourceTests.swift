import PowercapProtocol
import TestSupport
import Testing

@testable import Policy

private func decided(
    _ granted: UInt64, rest: UInt64 = 20, _ devices: [Device] = [.test(0), .test(1)], overrides: Overrides = Overrides(),
    last: Decision? = nil, _ change: (inout PowerPolicy) -> Void = { _ in }
) -> Decision {
    let policy = PowerPolicy.test {
        $0.source = .granted
        change(&$0)
    }
    let data = SourceData(.granted(Granted(limit: .watts(granted), rest: .watts(rest))))
    let reading = powerSource(for: policy, overrides, data: data).reading(at: .test(12))
    return decide(devices: devices, policy: policy, reading: reading, overrides: overrides, last: last)
}

struct GrantedSourceTests {
    @Test(
        "P17: what is granted is divided over the packages, whatever MAX_SOURCE is, and so is what it becomes without a controller"
    )
    func divided() {
        let decision = decided(150, rest: 60) { $0.maxSource = .watts(40) }
        #expect(decision.nodeLimit == .watts(150) && decision.devices.map(\.longTerm) == [.watts(75), .watts(75)])
        #expect(decision.fallback == .watts(60) && decision.devices.map(\.fallback?.longTerm) == [.watts(30), .watts(30)])
        #expect(decision.reason == .source)
    }

    @Test("P17: an order or an annotation asks for less than is granted, and never for more")
    func overrides() {
        #expect(decided(150, overrides: Overrides(limit: .watts(100))).nodeLimit == .watts(100))
        #expect(decided(150, overrides: Overrides(limit: .watts(100))).reason == .override)
        #expect(decided(150, overrides: Overrides(limit: .watts(250))).nodeLimit == .watts(150))
        #expect(decided(150, overrides: Overrides(maxSource: .watts(90))).nodeLimit == .watts(90))
        #expect(decided(150, overrides: Overrides(maxSource: .watts(900))).nodeLimit == .watts(150))
    }

    @Test("P17: a floor that asks for more than is granted gives way, down to the helper's")
    func floors() {
        let devices = [Device.test(0, floor: 5), .test(1, floor: 5)]
        for change in [
            { $0.raplMinPower = .watts(80) }, { $0.raplLimit = Percent(millionths: 50_000_000) },
        ] as [(inout PowerPolicy) -> Void] {
            let decision = decided(60, devices, change)
            #expect(decision.nodeLimit == .watts(60) && !decision.floorsExceedBudget)
            #expect(decided(4, devices, change).nodeLimit == .watts(10))
        }
        #expect(decided(60, devices, overrides: Overrides(minPower: .watts(80))).nodeLimit == .watts(60))
        // What the node is to have at least is told as it is: a coordinator may find room for it.
        #expect(decided(60, devices) { $0.raplMinPower = .watts(80) }.floor == .watts(160))
        let range = limitRange(of: devices, .test { $0.raplMinPower = .watts(80) })
        #expect(range.floor == .watts(160) && range.ceiling == .watts(400))
    }

    @Test("P17: a pause keeps limits from rising, and not from falling with what is granted")
    func paused() {
        let before = decided(150)
        let pause = Overrides(paused: true)
        let kept = decided(200, overrides: pause, last: before)
        #expect(kept.nodeLimit == .watts(150) && kept.reason == .paused && kept.devices == before.devices)
        #expect(kept.fallback == before.fallback)
        let lowered = decided(100, overrides: pause, last: before)
        #expect(lowered.nodeLimit == .watts(100) && lowered.devices.map(\.longTerm) == [.watts(50), .watts(50)])
        #expect(decided(200, overrides: pause, last: lowered).nodeLimit == .watts(100))
        // Before the first decision nobody knows what the limits are.
        #expect(decided(100, overrides: pause).nodeLimit == .watts(100))
    }

    @Test("a reading that is lowered is lowered in both: the limit, and what it becomes")
    func lowered() {
        let data = SourceData(.granted(Granted(limit: .watts(150), rest: .watts(60), cause: .grantEnded)))
        let reading = powerSource(for: .test { $0.source = .granted }, data: data).reading(at: .test(12))
        let lowered = reading.lowered(to: .watts(70), rest: .watts(50))
        #expect(lowered.power == .watts(70) && lowered.fallback == .watts(50) && lowered.lack?.cause == .grantEnded)
        #expect(reading.lowered(to: .watts(200), rest: .watts(90)) == reading)
    }
}
