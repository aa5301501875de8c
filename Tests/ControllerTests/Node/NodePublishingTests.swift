import Foundation
import LinuxSystem
import PowercapProtocol
import TestSupport
import Testing

@testable import JSON
@testable import powercap_controller

/// What the program, with a helper and an API server, makes known of what is so, and of its end.
@Suite(.waiting)
struct NodePublishingTests {
    @Test("P4: a limit that the kernel refuses is never published as applied, and is a condition and an Event")
    func refused() throws {
        let server = try ApiServer()
        let mock = try Mock([ScriptedPackage(original: 150)], "fail intel-rapl:0 long_term refused 5\n")
        let controller = try RunningController(mock, server)
        try server.expectNode { $0.labels["rapl/pmax"] == "150000000" }
        #expect(try server.metadata().annotations["powercap.dev/effective-limit"] == "150 W")
        try controller.next("Node condition set")
        #expect(try server.condition()?["status"]?.text == "False")
        #expect(try server.condition()?["reason"]?.text == "LimitRefused")
        let event = try server.nextEvent(.limitRefused)
        #expect(event["type"]?.text == "Warning")
        #expect(event["note"]?.text?.hasPrefix("package-0 long_term: 100 W was refused: the kernel refused the limit") == true)
        #expect(try controller.stop() == 0)
    }

    @Test("P4: a limit that can't be read is not published, and is a condition")
    func unreadable() throws {
        let (server, mock) = (try ApiServer(), try Mock(devices: 2))
        let controller = try RunningController(mock, server)
        try controller.next("Node condition set")
        try mock.tell("unreadable intel-rapl:1 long_term 61")
        // 10 s after the first patch at the latest.
        try server.expectNode { $0.labels["rapl/pmax"] == nil && $0.annotations["powercap.dev/effective-limit"] == nil }
        #expect(try server.metadata().labels["rapl/max_power_uw"] == "400000000")
        while try server.condition()?["reason"]?.text != "LimitUnreadable" { try server.nextRequest(.condition) }
        #expect(try server.condition()?["status"]?.text == "Unknown")
        #expect(try controller.stop() == 0)
    }

    @Test("P13: what is published is the lowest register's limit, and the condition names who holds it")
    func lowerRegister() throws {
        let server = try ApiServer()
        let mock = try Mock(
            "zone intel-rapl:0 package-0\nconstraint intel-rapl:0 long_term 175W max=55W\n"
                + "zone intel-rapl-mmio:0 package-0 type=intel-rapl-mmio\nconstraint intel-rapl-mmio:0 long_term 45W max=55W\n")
        let controller = try RunningController(mock, server, ["MAX_SOURCE": "110W"])
        try server.expectNode {
            $0.labels["rapl/pmax"] == "45000000" && $0.annotations["powercap.dev/effective-limit"]?.hasPrefix("45") == true
        }
        try controller.next("Node condition set")
        #expect(try server.condition()?["reason"]?.text == "HeldLower")
        #expect(
            try server.condition()?["message"]?.text
                == "Another register holds less than what is set: package-0 at 45 W by intel-rapl-mmio")
        #expect(
            try server.nextEvent(.heldLower)["note"]?.text
                == "intel-rapl-mmio holds package-0 at 45 W, which is less than what is set")
        #expect(try controller.stop() == 0)
    }

    @Test("a package that firmware has locked is an Event, and counts as it is")
    func locked() throws {
        let server = try ApiServer()
        let mock = try Mock([ScriptedPackage(number: 0, original: 70, isLocked: true), ScriptedPackage(number: 1)])
        let controller = try RunningController(mock, server)
        try server.expectNode { $0.labels["rapl/pmax"] == "100000000" }
        #expect(try server.nextEvent(.zoneLocked)["note"]?.text?.hasPrefix("package-0 is locked: ") == true)
        try controller.next("Node condition set")
        #expect(try server.condition()?["message"]?.text == "Limits are in force, but locked by firmware: package-0")
        #expect(try controller.stop() == 0)
    }

    @Test("control that is lost and regained is on the Node, and two Events")
    func lostControl() throws {
        let (server, mock) = (try ApiServer(), try Mock(devices: 1))
        let controller = try RunningController(mock, server)
        try controller.next("Node condition set")
        try mock.tell("stop")
        try controller.next("lost the helper")
        // 10 s after the first patch at the latest.
        try server.expectNode {
            $0.annotations["powercap.dev/state"] == "uncontrolled" && $0.labels["rapl/pmax"] == nil
                && $0.annotations["power-manager/initialized"] == "true"
        }
        #expect(try server.nextEvent(.controlLost)["type"]?.text == "Warning")
        while try server.condition()?["reason"]?.text != "NoControl" { try server.nextRequest(.condition) }
        #expect(try server.condition()?["status"]?.text == "Unknown")
        try mock.tell("listen")
        #expect(try server.nextEvent(.controlRegained)["type"]?.text == "Normal")
        #expect(try controller.stop() == 0)
    }

    @Test("a limit that changes again and again is one Event for each package")
    func changes() throws {
        let (server, mock) = (try ApiServer(), try Mock(devices: 1))
        let controller = try RunningController(mock, server)
        try controller.next("Node condition set")
        #expect(try server.nextEvent(.limitChanged)["note"]?.text == "package-0 limited from 200 W to 100 W (source)")
        for watts in [90, 80, 70] {
            try server.annotate("powercap.dev/limit=\(watts)W")
            try server.expectNode { $0.labels["rapl/pmax"] == "\(watts)000000" }
        }
        #expect(try server.eventObjects().filter { $0["reason"]?.text == "PowerLimitChanged" }.count == 1)
        #expect(try server.count(.event) == 1)
        #expect(try server.count(.series) == 0)
        #expect(try controller.stop() == 0)
    }

    @Test("a restart after SIGKILL that changes nothing tells and writes nothing, and the condition's time of transition is kept")
    func restart() throws {
        let (server, mock) = (try ApiServer(), try Mock(devices: 1))
        let controller = try RunningController(mock, server)
        try controller.next("Node condition set")
        _ = try server.nextEvent(.limitChanged)
        let since = try #require(try server.condition()?["lastTransitionTime"]?.text)
        let writes = try server.requests.filter { $0.method != "GET" }.count
        controller.child.kill(SIGKILL)
        let second = try RunningController(mock, server)
        try second.next("watching the Node")
        for _ in 0..<3 { try mock.next("ReadSample") }
        #expect(try server.requests.filter { $0.method != "GET" }.count == writes)
        #expect(try server.condition()?["lastTransitionTime"]?.text == since)
        // It does write, once there is something to tell.
        try server.annotate("powercap.dev/limit=80W")
        try server.expectNode { $0.labels["rapl/pmax"] == "80000000" }
        #expect(try server.nextEvent(.limitChanged)["regarding"]?["name"]?.text == "node-a")
        #expect(try server.condition()?["lastTransitionTime"]?.text == since)
        #expect(try second.stop() == 0)
    }

    // MARK: The end

    @Test("on a clean end the Node isn't managed any more; overrides and what isn't ours stay", arguments: ["restore", "hold"])
    func end(_ onExit: String) throws {
        let (server, mock) = (try ApiServer(), try Mock(devices: 1))
        try server.annotate("powercap.dev/limit=80W other=x")
        let controller = try RunningController(mock, server, ["ON_EXIT": onExit])
        try server.expectNode { $0.labels["rapl/pmax"] == "80000000" }
        #expect(try controller.stop() == 0)
        let node = try server.metadata()
        #expect(node.labels.keys.allSatisfy { !$0.hasPrefix("rapl/") })
        #expect(node.annotations["powercap.dev/state"] == "stopped")
        #expect(node.annotations["power-manager/initialized"] == nil)
        #expect(node.annotations["powercap.dev/limit"] == "80W")
        #expect(node.annotations["other"] == "x")
        #expect(try server.condition()?["status"]?.text == "False")
        #expect(try server.condition()?["reason"]?.text == "Stopped")
        #expect(
            try server.condition()?["message"]?.text
                == NodeRecord.stopped(onExit == "hold" ? .held : .restored).condition.message)
    }

    @Test("at the end the Node doesn't say that the original limits are back where another party's are")
    func foreignEnd() throws {
        let (server, mock) = (try ApiServer(), try Mock(devices: 1))
        let controller = try RunningController(mock, server, ["ON_DRIFT": "leave", "SAMPLE_INTERVAL": "1h"])
        try controller.next("Node condition set")
        try mock.tell("set intel-rapl:0 long_term 150W")
        #expect(try controller.stop() == 0)
        #expect(
            try server.condition()?["message"]?.text
                == "The controller has ended: limits that another party set are left as they are")
    }

    @Test(
        "the end waits for an API server that is slow, and not for one that is away or in trouble",
        arguments: [
            // It is waited for 3 s; a machine that is busy needs its time as well.
            ("fault every patch * delay 200", 8_000, true), ("stop", 3_000, false),
            ("fault every patch * status 503", 3_000, false),
            ("fault every patch * status 403", 3_000, false), ("fault every patch * freeze", 8_000, false),
            ("fault every create * status 403", 8_000, true),
        ])
    func slowEnd(_ misery: String, _ longest_ms: UInt64, _ isTold: Bool) throws {
        let (server, mock) = (try ApiServer(), try Mock(devices: 1))
        let controller = try RunningController(mock, server)
        try controller.next("Node condition set")
        try server.nextRequest(.event)
        // A write that is still due would be tried once more at the end, for as long as it is waited for.
        while try server.condition()?["message"]?.text != "Limits are in force" { try server.nextRequest(.condition) }
        try server.tell(misery)
        let start_ns = Clock.monotonic_ns
        #expect(try controller.stop() == 0)
        #expect((Clock.monotonic_ns - start_ns) / 1_000_000 < longest_ms)
        try mock.next("Release")
        #expect(try server.metadata().annotations["powercap.dev/state"] == (isTold ? "stopped" : "managed"))
        #expect(controller.count("the Node could not be told of the end") == (isTold ? 0 : 1))
    }

    @Test("a Node that was never known isn't waited for")
    func neverKnown() throws {
        let (server, mock) = (try ApiServer(), try Mock(devices: 1))
        try server.tell("fault every * * freeze")
        let controller = try RunningController(mock, server)
        try mock.next("ReadSample")
        let start_ns = Clock.monotonic_ns
        #expect(try controller.stop() == 0)
        #expect(Clock.monotonic_ns - start_ns < 3_000_000_000)
    }

    // MARK: Rights

    @Test("the manifests allow what the controller does, and nothing else")
    func rights() throws {
        let (server, mock) = (try ApiServer(), try Mock(devices: 1))
        let controller = try RunningController(mock, server)
        try controller.next("Node condition set")
        try server.nextRequest(.event)
        #expect(try controller.stop() == 0)
        // A series that is counted on, as five minutes later.
        let agent = try RunningAgent(server.ownNode)
        agent.agent.tell(NodeEvent(reason: .zoneGone, subject: "", note: "x"))
        try agent.run(until: "Event recorded")
        agent.agent.tell(NodeEvent(reason: .zoneGone, subject: "", note: "x"))
        try agent.run(until: "Event recorded", times: 2)
        #expect(try server.requests.allSatisfy { $0.status != 403 })
        var allowed: Set<String> = []
        let path = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../../apiserver/rules.json").standardized
        for thing in try #require(try JSON(Array(Data(contentsOf: path))).elements) {
            for rule in thing["rules"]?.elements ?? [] {
                func texts(_ name: String) -> [String] { rule[name]?.elements?.compactMap(\.text) ?? [] }
                for group in texts("apiGroups") {
                    for resource in texts("resources") {
                        for verb in texts("verbs") {
                            allowed.insert("\(group) \(resource) \(verb) \(thing["metadata"]?["namespace"]?.text ?? "")")
                        }
                    }
                }
            }
        }
        // Every account may read the version.
        #expect(try server.rulesUsed().subtracting([" /version get "]) == allowed)
    }
}
