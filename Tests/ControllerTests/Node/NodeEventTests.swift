import LinuxSystem
import PowercapProtocol
import TestSupport
import Testing

@testable import JSON
@testable import Kubernetes
@testable import powercap_controller

/// Events about the Node, with a patience of a second.
@Suite(.waiting)
struct NodeEventTests {
    private let server: ApiServer
    private let agent: RunningAgent

    init() throws {
        server = try ApiServer()
        agent = try RunningAgent(server.ownNode)
    }

    private func label() throws -> String? { try server.metadata().labels["rapl/pmax"] }

    private static let event = NodeEvent(reason: .limitChanged, subject: "package-0", note: "package-0 limited to 90 W")

    @Test("what happens again and again is one Event that counts up, and is told now and then")
    func series() throws {
        try agent.start()
        let start_ns = Clock.monotonic_ns
        for _ in 0..<10 {
            agent.agent.tell(Self.event)
            try agent.run(milliseconds: 100)
        }
        try agent.run(until: { try server.eventObjects().first?["series"]?["count"]?.integer == 10 })
        try agent.settle()
        let seconds = Int((Clock.monotonic_ns - start_ns) / 1_000_000_000)
        let event = try #require(try server.eventObjects().first)
        #expect(try server.eventObjects().count == 1)
        #expect(event["reason"]?.text == "PowerLimitChanged")
        #expect(event["regarding"]?["name"]?.text == "node-a")
        #expect(try server.count(.event) == 1)
        #expect((1...2 + seconds).contains(try server.count(.series)))
        // Another package's is another series.
        agent.agent.tell(NodeEvent(reason: .limitChanged, subject: "package-1", note: "package-1 limited to 90 W"))
        try agent.run(until: { try server.eventObjects().count == 2 })
    }

    @Test("400 bad values of an annotation are two Events: the first of them, and the last")
    func manyValues() throws {
        let patient = try RunningAgent(server.ownNode, patience: Patience(patch_ms: 100, hurry_ms: 100, series_ms: 3_000))
        patient.agent.publish(.test())
        try patient.settle()
        for number in 0..<400 {
            patient.agent.tell(NodeEvent(reason: .overrideRejected, subject: "powercap.dev/limit", note: "value \(number)"))
            // The answer to the first has come.
            if number == 0 { try patient.run(until: "Event recorded") }
        }
        // The answer to the second has come, and nothing more is asked.
        try patient.run(until: "Event recorded", times: 2)
        try patient.run(milliseconds: 4_000)
        #expect(try server.count(.event) == 2)
        #expect(
            try server.eventObjects().compactMap { $0["note"]?.text }.sorted()
                == ["value 0", "value 399 (and 398 before it that read otherwise)"])
    }

    @Test("an Event that the server has forgotten is made anew, without a word")
    func forgotten() throws {
        try agent.start()
        agent.agent.tell(Self.event)
        try agent.run(until: { try server.eventObjects().count == 1 })
        let name = try #require(try server.eventObjects()[0]["metadata"]?["name"]?.text)
        try server.tell("delete \(ApiServer.events)/\(name)")
        agent.agent.tell(Self.event)
        try agent.run(until: { try server.eventObjects().count == 1 })
        try agent.run(until: { try server.eventObjects().first?["series"]?["count"]?.integer == 2 })
        #expect(agent.log.allSatisfy { $0.level != "error" })
    }

    @Test("an Event whose making was answered by nobody isn't made twice, and is no trouble then")
    func lostAnswer() throws {
        try agent.start()
        try server.tell("fault 2 create * lost")
        agent.agent.tell(Self.event)
        try agent.run(until: "Event recorded")
        #expect(try server.eventObjects().count == 1)
        #expect(agent.log.allSatisfy { $0["why"]?.contains("409") != true })
    }

    @Test("an Event that is refused for what it says is told and given up, and the others are recorded")
    func refused() throws {
        try agent.start()
        try server.tell("fault 1 create * status 422")
        agent.agent.tell(Self.event)
        agent.agent.tell(NodeEvent(reason: .zoneGone, subject: "package-1", note: "package-1 is gone"))
        try agent.run(until: { try server.eventObjects().count == 1 })
        #expect(try agent.first("an Event was refused")["reason"] == "PowerLimitChanged")
        #expect(try server.eventObjects()[0]["reason"]?.text == "PowerZoneGone")
    }

    @Test("Events that may not be recorded are told once, and don't hold up what stands on the Node")
    func forbidden() throws {
        try server.tell("fault every create * status 403")
        agent.agent.tell(Self.event)
        agent.agent.publish(.test(50))
        try agent.run(until: { try label() == "50000000" })
        try agent.run(until: "an Event can't be recorded")
        try agent.pause()
        agent.agent.publish(.test(60))
        try agent.run(until: { try label() == "60000000" })
        #expect(agent.count("an Event can't be recorded") == 1)
        #expect(try server.count(.event) == 1)
    }

    @Test("more series than are remembered replace those that were told")
    func many() throws {
        try agent.start()
        for number in 0..<70 {
            agent.agent.tell(NodeEvent(reason: .overrideRejected, subject: "\(number)", note: "note \(number)"))
            if number == 40 { try agent.run(until: { agent.agent.isSettled }) }
        }
        try agent.run(until: { try server.count(.event) == 70 })
        #expect(try server.eventObjects().count == 70)
    }
}
