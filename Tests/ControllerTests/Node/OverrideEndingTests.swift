import Foundation
import LinuxSystem
import PowercapProtocol
import TestSupport
import Testing

@testable import JSON
@testable import Kubernetes
@testable import Policy
@testable import powercap_controller

/// Overrides that end, in the program with a helper and an API server.
@Suite(.waiting)
struct OverrideEndingTests {
    /// Nothing is due for long, but for ends.
    private static let idle = ["SAMPLE_INTERVAL": "1h", "STABILISATION_TIME": "1h", "LEASE_TIME": "1h"]

    private func time(_ seconds: Int64) -> String { Timestamp.seconds(Clock.wall.seconds + seconds) }

    private func expect(_ watts: UInt64, at mock: Mock, _ location: SourceLocation = #_sourceLocation) throws {
        #expect(try mock.nextApply().limits["intel-rapl:0/long_term"] == .watts(watts), sourceLocation: location)
    }

    @Test(
        "an override ends by itself at its time, though nothing else is due, and log, Event and condition say that it may be removed"
    )
    func ends() throws {
        let (server, mock) = (try ApiServer(), try Mock(devices: 1))
        let controller = try RunningController(mock, server, Self.idle)
        try expect(100, at: mock)
        try controller.next("Node condition set")
        let end = Clock.wall.seconds + 6
        try server.annotate(
            "powercap.dev/limit=80W powercap.dev/limit-until=\(Timestamp.seconds(end)) 'powercap.dev/override-reason=rack 4'")
        try expect(80, at: mock)
        let changed = try controller.next("overrides changed")
        #expect(changed["limit_until"] == Timestamp.seconds(end) && changed["reason"] == "rack 4")
        try controller.next("Node condition set")
        let message = "Limits are in force; powercap.dev/limit ends at \(Timestamp.seconds(end)); the reason given is \"rack 4\""
        #expect(try server.condition()?["message"]?.text == message)
        try expect(100, at: mock)
        #expect(Clock.wall.seconds >= end)
        let ended = try controller.next("override ended")
        #expect(ended["annotation"] == "powercap.dev/limit" && ended["value"] == "80W")
        #expect(ended["until"] == Timestamp.seconds(end))
        try server.expectNode { $0.labels["rapl/pmax"] == "100000000" && $0.annotations["powercap.dev/reason"] == "source" }
        let sentence =
            "powercap.dev/limit=\"80W\" ended at \(Timestamp.seconds(end)): it isn't followed any more, and may be removed"
        let event = try server.nextEvent(.overrideEnded)
        #expect(event["note"]?.text == sentence && event["type"]?.text == "Normal")
        while try server.condition()?["message"]?.text != "Limits are in force; \(sentence)" {
            try server.nextRequest(.condition)
        }
        #expect(try server.condition()?["reason"]?.text == "LimitInForce")
        // It is the administrators' to remove.
        #expect(try server.metadata().annotations["powercap.dev/limit"] == "80W")
        try server.annotate("powercap.dev/limit- powercap.dev/limit-until- powercap.dev/override-reason-")
        while try server.condition()?["message"]?.text != "Limits are in force" { try server.nextRequest(.condition) }
        #expect(controller.count("override ended") == 1)
        #expect(try controller.stop() == 0)
    }

    @Test("who waits for the agent wakes up for the next end, and not for one that is far away or has passed")
    func wakesUp() throws {
        let server = try ApiServer()
        let agent = try RunningAgent(server.ownNode)
        try agent.start()
        // For so long libcurl waits for the watch to begin, and looks then.
        try agent.run(milliseconds: RunningAgent.patience.answer_ms + 500)
        /// Seconds until something is due, once the watch has proven itself and nothing is to be written.
        func seconds(_ annotations: String, _ limit: UInt64?) throws -> UInt64 {
            try server.annotate(annotations)
            try agent.run(until: { agent.agent.wishes.limit == limit.map { .watts($0) } })
            agent.agent.publish(.test())
            try agent.settle()
            try agent.pause()
            return (agent.agent.due_ns - min(agent.agent.due_ns, Clock.monotonic_ns)) / 1_000_000_000
        }
        #expect(try seconds("powercap.dev/limit=90W", 90) > 30)
        #expect(try seconds("powercap.dev/limit=80W powercap.dev/limit-until=\(time(20))", 80) <= 20)
        #expect(try seconds("powercap.dev/limit=70W powercap.dev/limit-until=\(time(100_000))", 70) > 30)
        #expect(try seconds("powercap.dev/limit-until=\(time(-1))", nil) > 30)
    }

    @Test("a pause ends by itself, and the limits follow the source again")
    func paused() throws {
        let (server, mock) = (try ApiServer(), try Mock(devices: 1))
        let controller = try RunningController(mock, server, Self.idle)
        try expect(100, at: mock)
        try controller.next("Node condition set")
        try server.annotate(
            "powercap.dev/paused=true powercap.dev/paused-until=\(time(8)) powercap.dev/max-source=60W")
        try server.expectNode { $0.annotations["powercap.dev/state"] == "paused" && $0.labels["rapl/pmax"] == "100000000" }
        try expect(60, at: mock)
        try server.expectNode { $0.annotations["powercap.dev/state"] == "managed" && $0.labels["rapl/pmax"] == "60000000" }
        #expect(try controller.stop() == 0)
    }

    @Test("an override ends in time while no API server answers, and counts as one change")
    func outage() throws {
        let server = try ApiServer()
        let agent = try RunningAgent(server.ownNode)
        try server.annotate("powercap.dev/limit=90W powercap.dev/limit-until=\(time(6))")
        try agent.run(until: { agent.agent.wishes.limit == .watts(90) })
        try agent.start(.test(90))
        let generation = agent.agent.generation
        try server.tell("stop")
        try agent.run(until: { agent.agent.wishes == Overrides() })
        #expect(agent.agent.generation == generation + 1)
        agent.agent.publish(.test(100))
        try server.tell("listen")
        #expect(try server.nextEvent(agent, .overrideEnded)["regarding"]?["name"]?.text == ApiServer.node)
        #expect(agent.count("override ended") == 1)
    }

    @Test("an override whose end has passed before it is read first never holds, and that is told")
    func past() throws {
        let (server, mock) = (try ApiServer(), try Mock(devices: 1))
        try server.annotate("powercap.dev/limit=80W powercap.dev/limit-until=\(time(-60))")
        let controller = try RunningController(mock, server)
        try expect(100, at: mock)
        try controller.next("override ended")
        try controller.next("Node condition set")
        #expect(try server.nextEvent(.overrideEnded)["note"]?.text?.hasPrefix("powercap.dev/limit=\"80W\" ended at ") == true)
        try mock.tell("forget")
        for _ in 0..<2 { try mock.next("ReadSample") }
        #expect(controller.count("overrides changed") == 0)
        #expect(try server.metadata().labels["rapl/pmax"] == "100000000")
        // The same order with another end is a new one.
        try server.annotate("powercap.dev/limit-until=\(time(3_600))")
        try expect(80, at: mock)
        #expect(try controller.stop() == 0)
    }

    @Test("P16: an override with a bad end holds without one, and the condition, an Event and the log say what is wrong")
    func badEnd() throws {
        let (server, mock) = (try ApiServer(), try Mock(devices: 1))
        let controller = try RunningController(mock, server, Self.idle)
        try expect(100, at: mock)
        try controller.next("Node condition set")
        try server.annotate("powercap.dev/limit=80W powercap.dev/limit-until=tomorrow")
        try expect(80, at: mock)
        let rejected = try controller.next("override not followed")
        #expect(rejected["annotation"] == "powercap.dev/limit-until" && rejected["value"] == "tomorrow")
        #expect(rejected["instead"] == "powercap.dev/limit=\"80W\" has no end until that is put right")
        while try server.condition()?["reason"]?.text != "OverrideRejected" { try server.nextRequest(.condition) }
        #expect(
            try server.condition()?["message"]?.text?.hasPrefix("powercap.dev/limit-until=\"tomorrow\" is not a point in time")
                == true)
        let note = try #require(try server.nextEvent(.overrideRejected)["note"]?.text)
        #expect(note.contains("give one in UTC or with its offset"))
        try server.annotate("powercap.dev/limit-until=\(time(-1))")
        try expect(100, at: mock)
        while try server.condition()?["reason"]?.text != "LimitInForce" { try server.nextRequest(.condition) }
        #expect(try controller.stop() == 0)
    }

    @Test("an end is the wall clock's: it is looked at anew where the clock is set, and holds over a restart")
    func clock() throws {
        let clock = try SettableClock()
        let (server, mock) = (try ApiServer(), try Mock(devices: 1))
        try server.annotate("powercap.dev/limit=80W powercap.dev/limit-until=\(time(3_600))")
        let settings = Self.idle.merging(["LEASE_TIME": "3s"]) { $1 }.merging(clock.environment) { $1 }
        let first = try RunningController(mock, server, settings)
        try expect(100, at: mock)
        try expect(80, at: mock)
        try clock.set(7_200)
        try expect(100, at: mock)
        try first.next("override ended")
        try clock.set(0)
        try expect(80, at: mock)
        try server.expectNode { $0.labels["rapl/pmax"] == "80000000" }
        first.child.kill(SIGKILL)
        let second = try RunningController(mock, server, settings)
        try second.next("overrides changed")
        #expect(second.log.allSatisfy { $0["limit_uw"] == nil || $0["limit_uw"] == "80000000" })
        // The one before it may have been killed before it was over.
        try clock.set(7_200)
        try second.next("override ended")
        try server.expectNode { $0.labels["rapl/pmax"] == "100000000" }
        #expect(try second.stop() == 0)
    }
}

extension ApiServer {
    /// Steps an agent until an Event of this reason is there.
    fileprivate func nextEvent(_ agent: RunningAgent, _ reason: NodeEvent.Reason) throws -> JSON {
        var found: JSON?
        try agent.run(until: {
            found = try eventObjects().first { $0["reason"]?.text == reason.rawValue }
            return found != nil
        })
        return try #require(found)
    }
}
