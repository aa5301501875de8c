import JSON
import LinuxSystem
import PowercapProtocol
import TestSupport
import Testing

@testable import Policy
@testable import powercap_controller

extension ProcessTimeZone {
    /// What every view says of the node's work.
    struct WorkStateTests {
        init() { Clock.setTimeZone("UTC") }

        /// Two packages of 200 W that share 200 W.
        private func state(
            _ work: WorkState?, _ environment: [String: String] = ["SPLIT": "demand"], isIdle: Bool = false, inForce: UInt64 = 100
        ) -> NodeState {
            let limits = TestNode(longTerm: [inForce, 400, 100]).limits
            let demands = [Demand(power: .watts(50), basis: .drawn), Demand(power: .watts(150), basis: .atLimit)]
            let decision = decide(
                devices: limits.devices, policy: PowerPolicy(), reading: SourceReading(.watts(200)),
                workload: Workload(demands: demands, isIdle: isIdle))
            let all = ["SOURCE": "static", "MAX_SOURCE": "200W"].merging(environment) { $1 }
            var state = NodeState.test(limits, decision, environment: all)
            state.work = work
            return state
        }

        private static let shared = WorkState(demands: [
            "intel-rapl:0": Demand(power: .watts(50), basis: .drawn, lately: .watts(80)),
            "intel-rapl:2": Demand(power: .watts(150), basis: .atLimit),
        ])

        @Test("explain says of each package what it wants, and why")
        func demands() {
            let because = state(Self.shared).explanation.because
            #expect(because.contains("package-0: it wants 50 W by what it draws, and wanted 80 W a moment ago."))
            #expect(because.contains("package-1: it draws all that it may, so it wants its ceiling, 150 W."))
            #expect(!because.contains { $0.contains("on its way") })
            var moving = Self.shared
            moving.isMoving = true
            #expect(state(moving).explanation.because.contains("Power is on its way from one device to another."))
        }

        @Test("where it isn't known what a package draws, that is the reason for equal parts")
        func unknown() {
            var work = Self.shared
            work.unknown = ["package-1"]
            let because = state(work).explanation.because
            #expect(because.contains("The limit is divided in proportion, because it isn't known what package-1 draws."))
            #expect(!because.contains { $0.hasPrefix("package-0: it wants") })
        }

        @Test(
            "whether the node has work is said where the limit goes by it",
            arguments: [
                (true, false, "The node has work."), (false, false, "The node has no work, but for less than 1 min."),
                (false, true, "The node has had no work for 1 min and more."),
                (nil, false, "Whether the node has work can't be told, which is taken for work."),
            ] as [(Bool?, Bool, String)])
        func work(_ hasWork: Bool?, _ isIdle: Bool, _ sentence: String) {
            let work = WorkState(hasWork: hasWork, isIdle: isIdle)
            #expect(state(work, ["STRATEGY": "idle-down"]).explanation.because.contains(sentence))
            #expect(!state(work).explanation.because.contains(sentence))
        }

        @Test("an idle node says so, and expects no other limit as long as it is idle")
        func idle() {
            let state = state(WorkState(hasWork: false, isIdle: true), ["STRATEGY": "idle-down"], isIdle: true)
            #expect(
                state.explanation.because.first
                    == "Decided at 11:59:00: 20 W, the floor, because the node has no work (STRATEGY=idle-down).")
            #expect(state.nextChange == nil)
            #expect(NodeRecord(state).reason == "idle")
        }

        @Test("hints that can't be had are sentences, and JSON has all of it")
        func document() throws {
            var work = Self.shared
            (work.busy, work.missing) = (1.5, ["Processors aren't looked at"])
            let state = state(work)
            #expect(state.explanation.because.contains("Processors aren't looked at."))
            let json = state.json
            #expect(json["work"]?["busy_processors"] == .number("1.5"))
            #expect(json["work"]?["missing"] == [.text("Processors aren't looked at")])
            let devices = try #require(json["packages"]?.elements)
            #expect(devices.map { $0["wants_uw"]?.power } == [.watts(50), .watts(150)])
            #expect(devices.map { $0["wants_because"]?.text } == ["drawn", "at-limit"])
            #expect(devices.map { $0["reason"]?.text } == ["demand", "demand"])
        }

        @Test("the page has a column of what packages want where the limit goes by it")
        func page() {
            func text(_ state: NodeState) -> String {
                String(decoding: powercap_controller.page(state, History()), as: UTF8.self)
            }
            #expect(text(state(Self.shared)).contains("150 W<br><small>at-limit"))
            #expect(!text(state(nil, [:])).contains(">wants"))
        }

        @Test("P10: while power is on its way the Node keeps the limit that it shows, and then has what is in force")
        func published() {
            let before = NodeRecord(state(Self.shared))
            #expect(before.effectiveLimit == .watts(200))
            var work = Self.shared
            work.isMoving = true
            #expect(NodeRecord(state(work, inForce: 50), after: before) == before)
            #expect(NodeRecord(state(work, inForce: 50), after: nil).effectiveLimit == .watts(150))
            #expect(NodeRecord(state(Self.shared, inForce: 50), after: before).effectiveLimit == .watts(150))
        }

        @Test("P4: what has become of the limits meanwhile for another reason is told at once, with what is in force")
        func publishedMeanwhile() {
            var before = NodeRecord(state(Self.shared))
            before.condition = Condition(status: .no, reason: "LimitRefused", message: "The limit was refused: package-0")
            var work = Self.shared
            work.isMoving = true
            #expect(NodeRecord(state(work, inForce: 50), after: before).effectiveLimit == .watts(150))
        }
    }
}
