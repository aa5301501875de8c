import PowercapProtocol
import TestSupport
import Testing

@testable import Policy

/// BUDGET_OF=server in a decision: what is left to the devices, the server's own caps, and what becomes of both.
struct ServerDecisionTests {
    private let devices = [Device.test(0, reference: 300, floor: 20), .test(1, reference: 300, floor: 20)]

    /// A cap of the whole server.
    private func cap(floor: UInt64 = 100, ceiling: UInt64 = 900, fixed: UInt64? = nil) -> Device {
        Device(
            name: DeviceName("power_meter:0"), kind: .server, zone: "power_meter:0", constraint: "power1_cap",
            reference: .watts(ceiling), step: .watts(10),
            longTerm: Device.LimitRange(index: 0, floor: .watts(floor), ceiling: .watts(ceiling), original: nil), shortTerm: nil,
            fixed: fixed.map { .watts($0) })
    }

    private func policy(_ change: (inout PowerPolicy) -> Void = { _ in }) -> PowerPolicy {
        .test {
            $0.govern = [.rapl, .powerMeter]
            $0.budgetScope = .server
            change(&$0)
        }
    }

    /// The meter shows a rest of 150 W beside 450 W of devices that draw what they may.
    private var loop: ServerLoop {
        var loop = ServerLoop()
        loop.note(meter: .watts(600), drawn: .watts(450), inForce: .watts(450), at: 0)
        return loop
    }

    private func decision(
        _ watts: UInt64, servers: [Device] = [], _ policy: PowerPolicy, last: Decision? = nil, at_ms: Int64 = 0
    ) -> Decision {
        decide(
            devices: devices, servers: servers, policy: policy, reading: SourceReading(.watts(watts)),
            server: last?.server?.loop ?? loop,
            last: last, at_ms: at_ms)
    }

    @Test("the devices have what the rest of the server leaves of its limit, and the loop goes on from there")
    func budget() {
        let decision = decision(500, policy())
        // 105 W less than 600 W: the limit less 1 %.
        #expect(decision.nodeLimit == .watts(345))
        #expect(decision.reason == .server && decision.devices.map(\.reason) == [.server, .server])
        #expect(decision.devices.map(\.longTerm).reduce(.zero, +) <= .watts(345))
        #expect(decision.server?.limit == .watts(500) && decision.server?.reason == .source)
        #expect(decision.server?.loop.budget == .watts(345) && decision.server?.loop.rest == .watts(150))
        let next = self.decision(400, policy(), last: decision, at_ms: 2_000)
        #expect(next.nodeLimit == .watts(246), "the meter's reading hasn't seen the first cut: it counts once")
    }

    @Test("P8: the rest is taken off before floors: they win over it, and that is told")
    func floors() {
        let decision = decision(100, policy())
        #expect(decision.nodeLimit == .watts(40) && decision.floorsExceedBudget == false)
        #expect(decision.devices.map(\.longTerm) == [.watts(20), .watts(20)])
        #expect(decision.server?.loop.budget == .watts(40), "nothing is wound up below the floor")
    }

    @Test(
        "a cap of the server is the server's limit in its own steps and bounds, whatever the devices have; one that is fixed says so"
    )
    func caps() {
        func cap(_ watts: UInt64, _ cap: Device) -> DeviceLimit? { decision(watts, servers: [cap], policy()).server?.caps.first }
        #expect(cap(505, self.cap())?.longTerm == .watts(500))
        #expect(cap(2_000, self.cap())?.longTerm == .watts(900))
        #expect(cap(50, self.cap())?.longTerm == .watts(100))
        #expect(cap(505, self.cap())?.reason == .source)
        #expect(cap(505, self.cap(fixed: 700))?.reason == .fixed)
        #expect(cap(505, self.cap(fixed: 700))?.longTerm == .watts(700))
    }

    @Test(
        "P18: of a server's fallback limit the devices have what the largest rest leaves, and its cap all of it, never more than it has"
    )
    func fallback() {
        let decision = decision(500, servers: [cap()], policy { $0.fallbackLimit = .watts(400) })
        let parts = decision.devices.compactMap(\.fallback?.longTerm)
        #expect(parts.count == 2 && parts.reduce(.zero, +) <= .watts(250))
        #expect(parts.reduce(.zero, +) > .watts(240))
        #expect(decision.server?.caps.first?.fallback?.longTerm == .watts(400))
        let lower = self.decision(300, servers: [cap()], policy { $0.fallbackLimit = .watts(400) })
        #expect(lower.server?.caps.first?.fallback?.longTerm == .watts(300))
    }

    @Test("where nobody has asked the meter, the rest is what is assumed: all of the limit where that is nothing")
    func assumed() {
        func decision(_ rest: Microwatts) -> Decision {
            decide(devices: devices, policy: policy(), reading: SourceReading(.watts(500)), rest: rest)
        }
        #expect(decision(.zero).nodeLimit == .watts(500) && decision(.zero).reason == .source)
        #expect(decision(.watts(120)).nodeLimit == .watts(380) && decision(.watts(120)).reason == .server)
        #expect(decision(.watts(600)).nodeLimit == .watts(40) && decision(.watts(600)).reason == .floor)
        let devicesOnly = decide(
            devices: devices, policy: .test { $0.budgetScope = .devices }, reading: SourceReading(.watts(500)), rest: .watts(120))
        #expect(devicesOnly.nodeLimit == .watts(500), "nobody's rest is taken off a limit that is the devices' own")
    }
}
