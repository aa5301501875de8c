import Kubernetes
import LinuxSystem
import PowercapProtocol
import TestSupport
import Testing
import Text

@testable import JSON
@testable import Kubernetes
@testable import Policy
@testable import Text
@testable import powercap_controller

extension ProcessTimeZone {
    /// What people see of the running controller's document.
    struct StatusTableTests {
        init() { Clock.setTimeZone("UTC") }

        private func state() -> NodeState {
            var limits = TestNode().limits
            var wishes = Wishes(node: Overrides(limit: .watts(90)))
            wishes.orders.put(.limit(80, uid: 1_000, reason: "hot aisle"))
            let decision = decide(
                devices: limits.devices, policy: PowerPolicy(), reading: SourceReading(.watts(40)), overrides: wishes.together)
            for change in limits.changes(for: decision) {
                limits.note(change, AppliedItem(effective: change.to, effectiveWindow_us: 0))
            }
            let api = APIState(
                server: "https://10.96.0.1:443", node: "node-a", reason: "KUBERNETES=on", isWatching: false, isPublished: true,
                troubles: ["the Node can't be watched: the server doesn't answer"],
                requests: [APIClient.Outcome(verb: "WATCH", code: "silent"): 3, APIClient.Outcome(verb: "GET", code: "200"): 1],
                watchRestarts: 2)
            return .test(
                limits, decision, wishes: wishes, power: ["intel-rapl:0": .watts(33), "intel-rapl:2": Microwatts(39_666_000)],
                api: api)
        }

        @Test("status is the golden table, at most 80 columns wide")
        func table() throws {
            // As a client sees it.
            let document = try JSON(state().json.bytes, within: .document)
            var output = Output()
            StatusTable(document).write(to: &output)
            let text = String(decoding: output.bytes, as: UTF8.self)
            #expect(text.split(separator: "\n").allSatisfy { $0.count <= 80 })
            try Fixture.expect(text, isGolden: "run/status-controller.table")
        }

        @Test("the whole document is the golden one, and zones are read back as they were")
        func document() throws {
            let state = state()
            let document = try JSON(state.json.bytes, within: .document)
            #expect(document["zones"]?.elements?.compactMap { ZoneState($0) } == state.zones)
            let text = String(decoding: document.bytes, as: UTF8.self).replacing(
                #""version":"\#(programVersion)""#, with: #""version":"V""#)
            try Fixture.expect(
                text.replacing("},{", with: "},\n{").replacing(",\"", with: ",\n\"") + "\n",
                isGolden: "run/status-controller.json")
        }

        @Test("bars are as long as what is drawn, with a mark where the limit is")
        func bars() throws {
            for (drawn, limit, bar) in [
                (50, 80, "#####  |  "), (0, 100, "         |"), (100, 100, "#########|"), (200, nil, "##########"),
                (nil, 10, "|         "),
                (nil, nil, "          "),
            ] as [(UInt64?, UInt64?, String)] {
                #expect(TopView.bar(drawn.map { .watts($0) }, limit.map { .watts($0) }, .watts(100), width: 10) == bar)
            }
            #expect(TopView.bar(.watts(1), .watts(1), .zero, width: 3) == "   ")
            var output = Output()
            TopView(try JSON(state().json.bytes, within: .document)).writeBars(columns: 80, to: &output)
            let text = String(decoding: output.bytes, as: UTF8.self)
            #expect(text.split(separator: "\n").allSatisfy { $0.count <= 80 }, "\(text)")
            try Fixture.expect(text, isGolden: "run/top.txt")
        }
    }
}
