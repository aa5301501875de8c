import Foundation
import LinuxSystem
import PowercapProtocol
import TestSupport
import Testing

@testable import JSON
@testable import Kubernetes
@testable import Policy
@testable import powercap_controller

/// What is written, with a patience of a second.
@Suite(.waiting)
struct NodePublisherTests {
    private let server: ApiServer
    private let agent: RunningAgent

    init() throws {
        server = try ApiServer()
        agent = try RunningAgent(server.ownNode)
    }

    private func label() throws -> String? { try server.metadata().labels["rapl/pmax"] }

    // MARK: P10

    @Test("P10: what stands on the Node is written once, and nothing is sent again while nothing changes")
    func once() throws {
        try agent.start()
        try agent.run(until: { try server.requests.count >= 5 })
        for _ in 0..<20 {
            agent.agent.publish(.test())
            try agent.run(milliseconds: 75)
        }
        #expect(
            try server.requests.map(\.kind).sorted { $0.rawValue < $1.rawValue } == [
                .condition, .list, .metadata, .version, .watch,
            ])
        let other = try RunningAgent(server.ownNode)
        other.agent.publish(.test())
        try other.run(until: { other.agent.isSettled })
        try other.run(milliseconds: 50)
        // A controller that starts finds everything there.
        #expect(try server.count(.metadata) == 1)
        #expect(try server.count(.condition) == 1)
    }

    @Test("P10: one change is one patch, of what differs alone")
    func oneChange() throws {
        try agent.start()
        try agent.pause()
        agent.agent.publish(.test { $0.reason = "floor" })
        try agent.settle()
        #expect(try server.count(.metadata) == 2)
        #expect(try server.count(.condition) == 1)
        #expect(agent.log.last { $0.message == "Node updated" }?["changes"] == "powercap.dev/reason=floor")
        try agent.pause()
        agent.agent.publish(
            .test {
                $0.reason = "floor"
                $0.condition = .init(status: .no, reason: "LimitRefused", message: "x")
            })
        try agent.settle()
        #expect(try server.count(.metadata) == 2)
        #expect(try server.count(.condition) == 2)
    }

    @Test("changes that follow each other are one patch after the pause, with what is so then")
    func coalesced() throws {
        try agent.start(.test(50))
        let start_ns = Clock.monotonic_ns
        for watts: UInt64 in 51...90 {
            agent.agent.publish(.test(watts))
            try agent.run(milliseconds: 50)
        }
        try agent.settle()
        let seconds = Int((Clock.monotonic_ns - start_ns) / 1_000_000_000)
        #expect(try label() == "90000000")
        #expect(try server.count(.metadata) <= 2 + seconds)
        #expect(try server.count(.metadata) >= 2)
    }

    @Test("a patch is 10 s after the last, and a series of Events 5 min")
    func standard() {
        let patience = Patience()
        #expect(patience.patch_ms == 10_000)
        #expect(patience.series_ms == 300_000)
        #expect(patience.answer_ms == 10_000)
        #expect(patience.end_ms == 3_000)
    }

    @Test("the answer to an override doesn't wait for the pause")
    func hurry() throws {
        let patient = try RunningAgent(server.ownNode, patience: Patience(patch_ms: 3_600_000))
        patient.agent.publish(.test(50))
        try patient.run(until: { patient.agent.isSettled })
        patient.agent.publish(.test(60))
        try patient.run(milliseconds: 300)
        #expect(try label() == "50000000")
        try server.annotate("powercap.dev/limit=70W")
        try patient.run(until: { patient.agent.wishes.limit == .watts(70) })
        patient.agent.publish(.test(70))
        try patient.run(until: { try label() == "70000000" })
    }

    @Test("a change of state doesn't wait for the pause: the condition never says long that limits are in force which aren't")
    func stateHurries() throws {
        let patient = try RunningAgent(server.ownNode, patience: Patience(patch_ms: 3_600_000))
        patient.agent.publish(.test(50))
        try patient.run(until: { patient.agent.isSettled })
        patient.agent.publish(.uncontrolled(.constant))
        try patient.run(until: { try server.condition()?["reason"]?.text == "NoControl" })
        #expect(try server.metadata().annotations["powercap.dev/state"] == "uncontrolled")
        patient.agent.publish(.test(50))
        try patient.run(until: { try server.condition()?["status"]?.text == "True" && label() == "50000000" })
        // A state that comes and goes is told once a second.
        let (before, start_ns) = (try server.count(.condition), Clock.monotonic_ns)
        for _ in 0..<20 {
            patient.agent.publish(.uncontrolled(.constant))
            try patient.run(milliseconds: 20)
            patient.agent.publish(.test(50))
            try patient.run(milliseconds: 20)
        }
        let seconds = Int((Clock.monotonic_ns - start_ns) / 1_000_000_000)
        #expect(try server.count(.condition) <= before + 2 + seconds)
    }

    @Test("what overrides are about to change is not written before they have: the first patch is true")
    func trueWhenSent() throws {
        try server.annotate("powercap.dev/limit=77W")
        agent.agent.publish(.test(200))
        try agent.run(until: { agent.agent.wishes.limit == .watts(77) })
        try agent.run(milliseconds: 300)
        #expect(try server.count(.metadata) == 0 && server.count(.condition) == 0)
        agent.agent.publish(.test(77))
        try agent.settle()
        #expect(try server.count(.metadata) == 1)
        #expect(try label() == "77000000")
    }

    @Test("what another party removes or changes of ours is put back, with one patch; what isn't ours stays")
    func putBack() throws {
        try agent.start()
        try agent.pause()
        try server.tell("label \(ApiServer.node) rapl/pmax=1 rapl/max_power_uw- other=x")
        try server.annotate("powercap.dev/state- other=y")
        try agent.run(until: { try label() == "100000000" })
        try agent.settle()
        let node = try server.metadata()
        #expect(node.labels["rapl/max_power_uw"] == "200000000")
        #expect(node.labels["other"] == "x")
        #expect(node.annotations["powercap.dev/state"] == "managed")
        #expect(node.annotations["other"] == "y")
        #expect((2...3).contains(try server.count(.metadata)))
    }

    private static func falsified(_ conditions: [JSON]) -> [JSON] {
        conditions.map { condition in
            guard condition["type"]?.text == "PowerCapped", let members = condition.members else { return condition }
            return .object(members.map { $0.name == "status" ? .init("status", "False") : $0 })
        }
    }

    @Test(
        "a condition that another party falsifies or removes is put back, with one patch and the time of transition that it had",
        arguments: [true, false])
    func conditionPutBack(_ isRemoved: Bool) throws {
        try agent.start()
        let since = try #require(try server.condition()?["lastTransitionTime"]?.text)
        // A whole second, so that a new time would be another.
        try agent.pause()
        try agent.pause()
        for number in 2...3 {
            try server.changeConditions {
                isRemoved ? $0.filter { $0["type"]?.text != "PowerCapped" } : Self.falsified($0)
            }
            try agent.run(until: { try server.condition()?["status"]?.text == "True" })
            try agent.settle()
            #expect(try server.count(.condition) == number)
            #expect(try server.condition()?["lastTransitionTime"]?.text == since)
            #expect(try server.condition()?["message"]?.text == "Limits are in force")
            try agent.pause()
        }
        #expect(try server.count(.metadata) == 1)
    }

    @Test("one that was falsified while no controller ran is put right by the list, and one that is right is left")
    func conditionFound() throws {
        try agent.start()
        let since = try #require(try server.condition()?["lastTransitionTime"]?.text)
        try agent.pause()
        let other = try RunningAgent(server.ownNode)
        other.agent.publish(.test())
        try other.settle()
        #expect(try server.count(.condition) == 1)
        #expect(try server.condition()?["lastTransitionTime"]?.text == since)
        try server.changeConditions(Self.falsified)
        let third = try RunningAgent(server.ownNode)
        third.agent.publish(.test())
        try third.run(until: { try server.condition()?["status"]?.text == "True" })
    }

    @Test("P10: a kubelet that says that it lives, as often as it will, causes no request")
    func heartbeats() throws {
        try server.tell("node \(ApiServer.node) large")
        try agent.start()
        let before = try server.requests.count
        for second in 10..<40 {
            try server.changeConditions { conditions in
                conditions.map { condition in
                    guard condition["type"]?.text != "PowerCapped", let members = condition.members else { return condition }
                    let kept = members.filter { $0.name != "lastHeartbeatTime" }
                    return .object(kept + [.init("lastHeartbeatTime", .text("2026-11-24T05:00:\(second)Z"))])
                }
            }
            try agent.run(milliseconds: 20)
        }
        try agent.pause()
        try agent.run(milliseconds: 200)
        #expect(try server.requests.count == before)
    }

    @Test("events of the watch that tell of our own patches, or of before, cause no patch")
    func stale() throws {
        try server.tell("fault every event * delay 300")
        try agent.start(.test(50))
        for watts: UInt64 in [60, 70, 80] {
            try agent.pause()
            agent.agent.publish(.test(watts))
            try agent.settle()
        }
        try agent.pause()
        try agent.run(milliseconds: 500)
        #expect(try server.count(.metadata) == 4)
    }

    @Test("a Node that is made anew gets everything, at once")
    func newNode() throws {
        try agent.start()
        try server.tell("delete \(ApiServer.path)")
        try agent.run(until: "the API server has no Node of this name")
        try agent.run(milliseconds: 200)
        #expect(try server.count(.metadata) == 1)
        try server.tell("node \(ApiServer.node)")
        try agent.run(until: { try server.condition() != nil && label() == "100000000" })
    }

    @Test("a Node that goes while it is written to is told once, and written to when it is back")
    func goneMeanwhile() throws {
        try agent.start()
        try agent.pause()
        // The watch doesn't tell yet that the Node is gone.
        try server.tell("fault 1 event * delay 5000")
        try server.tell("delete \(ApiServer.path)")
        agent.agent.publish(.test(90))
        try agent.run(until: "the Node can't be updated")
        #expect(try agent.first("the Node can't be updated")["why"]?.contains("404") == true)
        try agent.run(until: "the API server has no Node of this name")
        try server.tell("node \(ApiServer.node)")
        try agent.run(until: { try label() == "90000000" })
        #expect(try server.requests.filter { $0.kind == .metadata && $0.status == 404 }.count == 1)
    }

    // MARK: Refusals and breakage

    @Test(
        "a patch that goes wrong is told once with the server's reason, and made again",
        arguments: [
            ("status 409", "HTTP 409"), ("status 401", "HTTP 401"), ("status 500", "HTTP 500"), ("status 503", "HTTP 503"),
            ("status 429", "HTTP 429"), ("reset", "the connection to the API server failed"),
            ("close", "the connection to the API server failed"), ("freeze", "does not answer in time"),
            ("garbage", "is not an API server"), ("body", "is not an API server"),
            ("body {}", "is not an API server"), ("body []", "is not an API server"), ("endless 16", "larger than any"),
            ("nohttp", "is not an API server"), ("redirect https://127.0.0.1:1/", "HTTP 302"),
        ])
    func goesWrong(_ fault: String, _ why: String) throws {
        try agent.run(until: "watching the Node")
        // More often than libcurl tries another connection by itself.
        try server.tell("fault 3 patch \(ApiServer.path) \(fault)")
        try agent.start()
        let message = "the Node can't be updated"
        #expect(agent.count(message) == 1)
        #expect(try agent.first(message)["why"]?.contains(why) == true)
        #expect(agent.count("the API server takes writes again") == 1)
        #expect(try label() == "100000000")
        // An answer that nobody can read is no success.
        #expect(agent.count("Node updated") == 1)
        #expect(agent.log.filter { $0.level == "error" }.count == 1)
    }

    @Test("a patch that is carried out but answered badly isn't made again", arguments: ["half", "half reset"])
    func carriedOut(_ fault: String) throws {
        try agent.run(until: "watching the Node")
        try server.tell("fault 1 patch \(ApiServer.path) \(fault)")
        try agent.start()
        try agent.run(milliseconds: 2_000)
        #expect(try agent.first("the Node can't be updated")["why"]?.hasPrefix("the connection to the API server failed") == true)
        #expect(try label() == "100000000")
        #expect(try server.count(.metadata) == 1)
    }

    @Test(
        "a refusal that somebody has to mend is told once with its reason, and not tried again soon", arguments: [400, 403, 422])
    func lasting(_ status: Int) throws {
        try server.tell("fault every patch \(ApiServer.path) status \(status)")
        agent.agent.publish(.test())
        try agent.run(until: "the Node can't be updated")
        try agent.run(until: "Node condition set")
        try agent.run(milliseconds: 2_000)
        let told = try agent.first("the Node can't be updated")
        #expect(told["why"]?.hasPrefix("HTTP \(status)") == true)
        #expect(told["why"]?.contains("the test wants \(status)") == true)
        #expect(agent.count("the Node can't be updated") == 1)
        #expect(try server.count(.metadata) == 1)
        // The condition doesn't suffer from it.
        #expect(agent.count("Node condition set") == 1)
    }

    @Test("Retry-After is waited for, also when an override asks for haste, and not longer")
    func retryAfter() throws {
        try agent.run(until: "watching the Node")
        try server.tell("fault 1 patch \(ApiServer.path) status 429 5")
        agent.agent.publish(.test())
        try agent.run(until: "the Node can't be updated")
        let start_ns = Clock.monotonic_ns
        try server.annotate("powercap.dev/limit=70W")
        try agent.run(until: { agent.agent.wishes.limit == .watts(70) })
        agent.agent.publish(.test(70))
        try agent.run(until: { try label() == "70000000" })
        let waited_ms = (Clock.monotonic_ns - start_ns) / 1_000_000
        #expect((4_000..<12_000).contains(waited_ms))
        try agent.settle()
        #expect(try server.count(.metadata) == 2)
    }

    @Test("a redirect is not followed, and the token isn't sent elsewhere")
    func redirect() throws {
        let elsewhere = try ApiServer(["--plain"])
        try server.tell("fault every * * redirect \(elsewhere.url)/")
        try agent.run(until: "the Node can't be watched")
        try agent.run(milliseconds: 1_000)
        #expect(try elsewhere.requests.isEmpty)
    }
}
