import LinuxSystem
import PowercapProtocol
import TestSupport
import Testing
import Text

@testable import Policy
@testable import powercap_controller

extension ProcessTimeZone {
    /// What a person reads at night, of limits as they are.
    struct ExplanationTests {
        init() { Clock.setTimeZone("UTC") }

        /// Two packages of 200 W under a constant source.
        private func state(
            _ watts: UInt64 = 100, wishes: Wishes = Wishes(), paused before: Bool = false,
            _ change: (inout TestNode) -> Void = { _ in }
        ) -> NodeState {
            var node = TestNode()
            var limits = node.limits
            let environment = ["SOURCE": "static", "MAX_SOURCE": "\(watts)W"]
            let policy = PowerPolicy.test { ($0.source, $0.maxSource) = (.constant, .watts(watts)) }
            let decision = decide(
                devices: limits.devices, policy: policy, reading: SourceReading(.watts(watts)), overrides: wishes.together)
            for change in limits.changes(for: decision) {
                limits.note(change, AppliedItem(effective: change.to, effectiveWindow_us: 0))
                let zone = Int(limits.entries[change.entry].zone)
                if change.isShortTerm {
                    node.shortTerm[zone] = change.to.rawValue / 1_000_000
                } else {
                    node.longTerm[zone] = change.to.rawValue / 1_000_000
                }
            }
            change(&node)
            _ = limits.observe(node.sample, onDrift: .leave)
            return .test(limits, decision, wishes: wishes, environment: environment)
        }

        private func orders(_ all: Order...) -> Wishes {
            var orders = Orders()
            for order in all { orders.put(order) }
            return Wishes(orders: orders)
        }

        @Test("the answer comes first: what is in force, as it was read back")
        func answer() {
            let explanation = state().explanation
            #expect(explanation.answer == "The node is limited to 100 W, which was read back from the hardware.")
            #expect(
                explanation.because == [
                    "Decided at 11:59:00: 100 W, as the source gives it.", "The source, static, gave 100 W at 11:59:00.",
                ])
            #expect(
                explanation.next == [
                    "The next decision is in 1 min.", "Nothing that is known today changes the limit within 24 h.",
                ])
        }

        @Test("what is to be known of the Node's overrides comes with them")
        func notes() {
            let wishes = Wishes(node: Overrides(limit: .watts(80)), notes: ["powercap.dev/limit ends at 2026-06-17T13:00:00Z"])
            let said = "Of the Node's overrides: powercap.dev/limit ends at 2026-06-17T13:00:00Z."
            #expect(state(wishes: wishes).explanation.because.filter { $0 == said }.count == 1)
        }

        @Test("an order says whose it is, since when, until when, and why; its end is the next change")
        func order() {
            let explanation = state(wishes: orders(.limit(80, uid: 1_000, reason: "maintenance"))).explanation
            #expect(explanation.because[0] == "Decided at 11:59:00: 80 W, by an operator's order on this node.")
            #expect(
                explanation.because[2]
                    == "uid 1000 ordered at most 80 W at 11:59:00, until 12:59:00, because: maintenance.")
            #expect(explanation.next[1] == "As far as is known, the limit is 100 W from 12:59:00 on (source).")
        }

        @Test(
            "beside the Node's override the lower limit counts, and it is said which",
            arguments: [
                (
                    90, "an operator's order on this node",
                    "The Node's powercap.dev/limit is 90 W: the operator's is lower, and counts."
                ),
                (70, "the Node's annotation powercap.dev/limit", "It is lower than the operator's, 80 W, and counts."),
            ] as [(UInt64, String, String)])
        func lowest(_ node: UInt64, _ holder: String, _ sentence: String) {
            var wishes = orders(.limit(80))
            wishes.node.limit = .watts(node)
            let state = state(wishes: wishes)
            #expect(state.inForce == .watts(min(node, 80)))
            #expect(state.explanation.because[0] == "Decided at 11:59:00: \(min(node, 80)) W, by \(holder).")
            #expect(state.explanation.because.contains(sentence))
        }

        @Test("a package that hasn't what it was asked for is named, with both limits and the reason")
        func held() {
            let state = state { $0.enabled[2] = .no }
            #expect(state.explanation.answer == "What is in force isn't known. Limits are set but not enforced: package-1.")
            #expect(
                state.explanation.because.suffix(2) == [
                    "package-1: 50 W was asked for, what is in force isn't known: disabled: its limits are not enforced.",
                    "PowerCapped is False: Limits are set but not enforced: package-1.",
                ])
        }

        @Test("without control the reason is the answer, and nothing is said to be in force")
        func uncontrolled() {
            let state = NodeState.test(nil) { $0.problem = "no helper answers" }
            #expect(state.explanation.answer == "There is no control over the limits: no helper answers.")
            #expect(state.explanation.next == ["Control is tried for again and again, at least every 10 s."])
            #expect(state.inForce == nil && state.devices.isEmpty && state.nextChange == nil)
            #expect(state.supervisorStatus == "no control over the limits: no helper answers")
        }

        @Test("a floor that is more than an operator allows names the operator")
        func floor() {
            let state = state(wishes: orders(.limit(8)))
            #expect(
                state.explanation.because[0]
                    == "Decided at 11:59:00: 20 W, the floor, which is more than an operator on the node allows, 8 W.")
            #expect(state.condition.reason == "FloorsExceedOverride")
        }

        @Test("the Node's annotation has the orders in at most 256 characters, with the same end at every look")
        func annotation() {
            let state = state(wishes: orders(.limit(80, uid: 7, reason: "why"), .pause()))
            #expect(state.ordersWords == "80 W until 2026-06-17T12:59:00Z by uid 7: why; paused by uid 0")
            #expect(NodeRecord(state).annotations[NodeRecord.Annotation.orders] == state.ordersWords)
            let long = self.state(wishes: orders(.limit(80, reason: String(repeating: "ü", count: 100)), .pause()))
            #expect(long.ordersWords!.utf8.count <= 256)
            #expect(NodeRecord(self.state()).annotations[NodeRecord.Annotation.orders] == .some(nil))
        }

        @Test("a reason reaches no terminal as anything but letters: not in sentences, and not on the Node")
        func hostile() {
            let state = state(wishes: orders(.limit(80, reason: "\u{1B}[2J\u{9B}31m\u{202E}\nx")))
            for text in [state.explanation.text, state.ordersWords!] {
                #expect(text.contains(#"\u{1b}[2J\u{9b}31m\u{202e}\nx"#))
                #expect(text.split(separator: "\n").allSatisfy { $0.unicodeScalars.allSatisfy(\.isPrintable) })
            }
        }
    }
}
