import LinuxSystem
import PowercapProtocol
import TestSupport
import Testing

@testable import Policy
@testable import powercap_controller

extension ProcessTimeZone {
    struct NextChangeTests {
        init() { Clock.setTimeZone("UTC") }

        /// At noon, a minute before the next decision, with an hour between two.
        private func state(
            _ environment: [String: String], orders: [Order] = [], node: Overrides = Overrides(), later: [Wishes.Later] = []
        ) -> NodeState {
            var limits = TestNode().limits
            var wishes = Wishes(node: node, later: later)
            for order in orders { wishes.orders.put(order) }
            guard let settings = try? Settings(flags: [:], environment: { environment[$0] }) else {
                fatalError("\(environment) is no configuration")
            }
            let reading = powerSource(for: settings.configuration.policy).reading(at: Moment(seconds: 1_781_697_540))
            let decision = decide(
                devices: limits.devices, policy: settings.configuration.policy, reading: reading, overrides: wishes.together)
            for change in limits.changes(for: decision) {
                limits.note(change, AppliedItem(effective: change.to, effectiveWindow_us: 0))
            }
            return .test(limits, decision, wishes: wishes, environment: environment)
        }

        @Test("the source's next other value is found at the decision that will make it so")
        func source() {
            // A minute after noon it is what it was a minute before; an hour later it isn't.
            let next = state(["MAX_SOURCE": "240W", "STABILISATION_TIME": "1h"]).nextChange
            let expected: Int64 = 1_781_697_600 + 60 + 3_600
            #expect(next?.at == expected)
            // At 13:01, the solar curve between 4 and 20 h.
            let dark = state(["MAX_SOURCE": "25W", "STABILISATION_TIME": "1h", "ALPHA": "0.1"]).nextChange
            #expect(dark?.reason == .source && dark!.nodeLimit < .watts(25))
        }

        @Test("the end of an order comes between two decisions, and what then follows is the source's")
        func end() {
            let next = state(["SOURCE": "static", "MAX_SOURCE": "100W", "STABILISATION_TIME": "1h"], orders: [.limit(80)])
                .nextChange
            #expect(next == NextChange(at: 1_781_697_540 + 3_600, nodeLimit: .watts(100), reason: .source))
        }

        @Test("the ends of a Node's overrides are known beside those of orders, and the first that changes something counts")
        func nodeEnd() {
            let (base, environment) = (
                Int64(1_781_697_600), ["SOURCE": "static", "MAX_SOURCE": "100W", "STABILISATION_TIME": "1h"]
            )
            let (paused, limited) = (Overrides(paused: true, limit: .watts(80)), Overrides(limit: .watts(80)))
            let later = [Wishes.Later(at: base + 30, node: limited), Wishes.Later(at: base + 7_200, node: Overrides())]
            let next = state(environment, node: limited, later: Array(later.dropFirst())).nextChange
            #expect(next == NextChange(at: base + 7_200, nodeLimit: .watts(100), reason: .source))
            #expect(state(environment, node: paused, later: later).nextChange?.at == base + 30)
            // An order holds less until then.
            #expect(state(environment, orders: [.limit(70)], node: limited, later: later).nextChange?.nodeLimit == .watts(80))
            #expect(state(environment, orders: [.limit(70, for: nil)], node: limited, later: later).nextChange == nil)
        }

        @Test("a constant source without orders changes nothing, and an order without an end neither")
        func nothing() {
            #expect(state(["SOURCE": "static", "MAX_SOURCE": "100W"]).nextChange == nil)
            #expect(state(["SOURCE": "static", "MAX_SOURCE": "100W"], orders: [.limit(80, for: nil)]).nextChange == nil)
        }

        @Test("an order that the source is below anyway changes nothing when it ends")
        func covered() {
            #expect(state(["SOURCE": "static", "MAX_SOURCE": "100W"], orders: [.limit(100)]).nextChange == nil)
        }
    }
}
