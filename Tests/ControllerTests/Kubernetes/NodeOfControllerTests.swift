import Foundation
import LinuxSystem
import PowercapProtocol
import Testing

@testable import powercap_controller

/// The program with a helper and an API server.
@Suite(.waiting)
struct NodeOfControllerTests {
    private func events(_ server: ApiServer) throws -> [JSON] { try #require(try server.show(ApiServer.events).elements) }

    private func event(_ server: ApiServer, _ reason: NodeEvent.Reason) throws -> JSON? {
        try events(server).first { $0["reason"]?.text == reason.rawValue }
    }

    /// Waits until an Event of this reason is there.
    private func nextEvent(_ server: ApiServer, _ reason: NodeEvent.Reason) throws -> JSON {
        while true {
            if let event = try event(server, reason) { return event }
            try server.next("request POST")
        }
    }

    /// Waits more than a second: a watch that breaks sooner is another trouble.
    private func liveOn(_ mock: Mock) throws {
        try mock.tell("forget")
        for _ in 0..<3 { try mock.next("ReadSample") }
    }

    // MARK: P10 and the log

    @Test("P10: cycles in which nothing changes send nothing; one change is one patch of the metadata; there is one thread")
    func quiet() throws {
        let (server, mock) = (try ApiServer(), try Mock(packages: 2))
        let controller = try RunningController(mock, server, ["STABILISATION_TIME": "1s", "LEASE_TIME": "3s"])
        try controller.next("Node condition set")
        // One Event for each package.
        for _ in 0..<2 { try server.nextRequest(.event) }
        let before = try server.requests.count
        for _ in 0..<5 { try mock.next("ReadSample") }
        #expect(try server.requests.count == before)
        #expect(try controller.threads() == 1)
        try server.annotate("powercap.dev/limit=80W")
        try server.expectNode { $0.labels["rapl/pmax"] == "80000000" }
        #expect(try controller.threads() == 1)
        for _ in 0..<3 { try mock.next("ReadSample") }
        #expect(try server.count(.metadata) == 2)
        #expect(try server.count(.condition) == 1)
        #expect(try server.count(.watch) == 1)
        #expect(try controller.stop() == 0)
    }

    @Test("the log tells with whom it is connected, as whom, each write with what changed, and an outage once")
    func log() throws {
        let (server, mock) = (try ApiServer(), try Mock(packages: 1))
        let controller = try RunningController(mock, server)
        try controller.next("Node condition set")
        try liveOn(mock)
        try server.tell("stop")
        try controller.next("the Node can't be watched")
        for _ in 0..<3 { try mock.next("ReadSample") }
        try server.tell("compact")
        try server.tell("listen")
        try controller.next("watching the Node again")
        #expect(try controller.stop() == 0)
        func lines(_ words: String...) -> [LogLine] {
            controller.log.filter { line in words.contains { line.message.contains($0) } }
        }
        let connection = lines("Kubernetes", "API", "watch")
        #expect(
            connection.map { "\($0.level) \($0.message)" } == [
                "info Kubernetes is on", "info connected to the API server", "info watching the Node",
                "error the Node can't be watched", "info watching the Node again",
            ])
        #expect(connection[0]["because"] == "KUBE_SERVER is set")
        #expect(connection[0]["node"] == ApiServer.node)
        #expect(connection[1]["server"] == server.url)
        #expect(connection[1]["version"] == "v1.36.2")
        #expect(connection[1]["auth"] == "token")
        #expect(connection[1]["token_expires"]?.hasSuffix("Z") == true)
        #expect(connection[3]["why"]?.hasPrefix("no connection to the API server: ") == true)
        let writes = lines("Node updated", "Node condition", "can't be updated", "can't be set", "Event")
        #expect(
            writes.map { "\($0.level) \($0.message)" } == [
                "info Node updated", "info Node condition set", "info Node updated", "info Node condition set",
            ])
        #expect(writes[0]["changes"]?.contains("rapl/pmax=100000000,power-manager/initialized=true,") == true)
        #expect(writes[1]["status"] == "True")
        #expect(
            writes[2]["changes"] == "rapl/max_power_uw=,rapl/pmax=,power-manager/initialized=,powercap.dev/changed=,"
                + "powercap.dev/effective-limit=,powercap.dev/reason=,powercap.dev/source=,powercap.dev/state=stopped")
        #expect(writes[3]["reason"] == "Stopped")
    }

    @Test("without Kubernetes the log says so, and why it isn't used")
    func off() throws {
        let mock = try Mock(packages: 1)
        let controller = try RunningController(mock.socket)
        #expect(try controller.next("Kubernetes is off")["kubernetes"] == "auto")
        #expect(try controller.stop() == 0)
    }

    @Test("the token is in no line of the log, and not among the arguments")
    func secret() throws {
        let (server, mock) = (try ApiServer(), try Mock(packages: 1))
        let token = try String(contentsOfFile: server.tokenFile, encoding: .utf8)
        try server.tell("fault 2 * * status 401")
        let controller = try RunningController(mock, server, ["LOG_LEVEL": "debug"])
        try controller.next("Node condition set")
        let arguments = try String(contentsOfFile: "/proc/\(controller.child.pid)/cmdline", encoding: .utf8)
        #expect(!arguments.contains(token))
        try "\(token)\nX-Evil: 1".write(toFile: server.tokenFile, atomically: true, encoding: .utf8)
        try server.tell("drop")
        try controller.next("the Node can't be watched")
        #expect(try controller.stop() == 0)
        let parts = token.split(separator: ".")
        for line in controller.child.lines { #expect(!line.contains(parts[1]) && !line.contains(parts[2])) }
    }

    @Test("a token that was replaced on disk is used for the next request; one that is no good any more is told once")
    func rotated() throws {
        let (server, mock) = (try ApiServer(), try Mock(packages: 1))
        let controller = try RunningController(mock, server)
        try controller.next("Node condition set")
        try liveOn(mock)
        try server.tell("revoke")
        try server.tell("close")
        let problem = try controller.next("the Node can't be watched")
        #expect(
            problem["why"]
                == "HTTP 401 Unauthorized: \"Unauthorized\" (the token is expired, or not of this cluster)")
        try server.tell("token")
        try controller.next("watching the Node again")
        try server.annotate("powercap.dev/limit=80W")
        try server.expectNode { $0.labels["rapl/pmax"] == "80000000" }
        #expect(controller.count("the Node can't be watched") == 1)
        #expect(try controller.stop() == 0)
    }

    @Test("403 is told with the server's reason, once for each thing that may not be done, and limits go on")
    func forbidden() throws {
        let (server, mock) = (try ApiServer(), try Mock(packages: 1))
        try server.setRules("[]")
        let controller = try RunningController(mock, server)
        let problem = try controller.next("the Node can't be watched")
        #expect(problem["why"]?.hasPrefix("HTTP 403 Forbidden: ") == true)
        #expect(problem["why"]?.contains("cannot list resource") == true)
        #expect(problem["why"]?.hasSuffix("(see the ClusterRole and Role of the manifests)") == true)
        for _ in 0..<3 { try mock.next("ReadSample") }
        #expect(controller.count("the Node can't be watched") == 1)
        #expect(try controller.stop() == 0)
    }

    @Test("lines and bodies that go on and on cost no memory to speak of")
    func bounded() throws {
        let (server, mock) = (try ApiServer(), try Mock(packages: 1))
        let controller = try RunningController(mock, server)
        try controller.next("Node condition set")
        try server.tell("fault 1 event * endless")
        try server.tell("fault 2 list * endless")
        try server.annotate("powercap.dev/limit=80W")
        try controller.next("the Node can't be watched")
        try server.expectNode { $0.labels["rapl/pmax"] == "80000000" }
        // 64 MB were on their way, three times.
        #expect(try #require(try controller.status("VmHWM")) < 64 << 10)
        #expect(try controller.stop() == 0)
    }

    // MARK: Overrides

    @Test("overrides take effect at once, without waiting for a sample or a decision, and end when they are removed")
    func overrides() throws {
        let (server, mock) = (try ApiServer(), try Mock(packages: 1))
        let controller = try RunningController(mock, server, ["SAMPLE_INTERVAL": "1h", "STABILISATION_TIME": "1h"])
        func expectLimit(_ watts: UInt64, _ location: SourceLocation = #_sourceLocation) throws {
            #expect(try mock.nextApply().limits["intel-rapl:0/long_term"] == .watts(watts), sourceLocation: location)
        }
        try expectLimit(100)
        try controller.next("Node condition set")
        try server.annotate("powercap.dev/limit=80W")
        try expectLimit(80)
        try server.expectNode { $0.labels["rapl/pmax"] == "80000000" && $0.annotations["powercap.dev/reason"] == "override" }
        try server.annotate("powercap.dev/limit-")
        try expectLimit(100)
        try server.annotate("powercap.dev/max-source=60W")
        try expectLimit(60)
        try server.annotate("powercap.dev/min-power=50W powercap.dev/limit=20W")
        try expectLimit(50)
        try server.expectNode { $0.annotations["powercap.dev/reason"] == "floor" }
        try server.annotate("powercap.dev/paused=true powercap.dev/limit=90W powercap.dev/min-power-")
        try server.expectNode {
            $0.annotations["powercap.dev/state"] == "paused" && $0.labels["rapl/pmax"] == "50000000"
        }
        #expect(try controller.next("overrides changed")["paused"] == "false")
        try server.annotate("powercap.dev/paused-")
        try expectLimit(90)
        try server.annotate("powercap.dev/limit- powercap.dev/max-source-")
        try expectLimit(100)
        try server.expectNode { $0.labels["rapl/pmax"] == "100000000" && $0.annotations["powercap.dev/state"] == "managed" }
        #expect(try controller.stop() == 0)
    }

    @Test("an override that was there before the start counts as soon as the Node is read")
    func before() throws {
        let (server, mock) = (try ApiServer(), try Mock(packages: 1))
        try server.annotate("powercap.dev/limit=80W")
        let controller = try RunningController(mock, server, ["SAMPLE_INTERVAL": "1h"])
        #expect(try mock.nextApply().limits["intel-rapl:0/long_term"] == .watts(100))
        #expect(try mock.nextApply().limits["intel-rapl:0/long_term"] == .watts(80))
        #expect(try controller.stop() == 0)
    }

    @Test("an override that is bad, or doesn't fit this node, is an Event and a warning once, and ignored")
    func badOverrides() throws {
        let (server, mock) = (try ApiServer(), try Mock(packages: 1))
        let controller = try RunningController(mock, server, ["MAX_SOURCE": "500W"])
        try controller.next("Node condition set")
        try server.annotate("powercap.dev/limit=lots powercap.dev/min-power=300W powercap.dev/max-source=90W")
        let first = try controller.next("override ignored")
        #expect(first["annotation"] == "powercap.dev/limit")
        #expect(first["value"] == "lots")
        let second = try controller.next("override ignored")
        #expect(second["annotation"] == "powercap.dev/min-power")
        #expect(second["why"]?.contains("is above the") == true)
        // The good one counts.
        try server.expectNode { $0.labels["rapl/pmax"] == "90000000" }
        try server.annotate("other=x")
        for _ in 0..<2 { try mock.next("ReadSample") }
        #expect(controller.count("override ignored") == 2)
        while try events(server).filter({ $0["reason"]?.text == "PowerOverrideRejected" }).count < 2 {
            try server.next("request POST")
        }
        // The same mistake again, after it was put right.
        try server.annotate("powercap.dev/limit-")
        try server.annotate("powercap.dev/limit=lots")
        try controller.next("override ignored")
        #expect(try controller.stop() == 0)
    }

    // MARK: What is so

    @Test("P4: a limit that the kernel refuses is never published as applied, and is a condition and an Event")
    func refused() throws {
        let server = try ApiServer()
        let mock = try Mock([ScriptedPackage(original: 150)], "fail intel-rapl:0 long_term refused 5\n")
        let controller = try RunningController(mock, server)
        try server.expectNode { $0.labels["rapl/pmax"] == "150000000" }
        #expect(try server.metadata().annotations["powercap.dev/effective-limit"] == "150000000")
        try controller.next("Node condition set")
        #expect(try server.condition()?["status"]?.text == "False")
        #expect(try server.condition()?["reason"]?.text == "LimitRefused")
        let event = try nextEvent(server, .limitRefused)
        #expect(event["type"]?.text == "Warning")
        #expect(event["note"]?.text?.hasPrefix("package-0 long_term: 100 W was refused: the kernel refused the limit") == true)
        #expect(try controller.stop() == 0)
    }

    @Test("P4: a limit that can't be read is not published, and is a condition")
    func unreadable() throws {
        let (server, mock) = (try ApiServer(), try Mock(packages: 2))
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

    @Test("a package that firmware has locked is an Event, and counts as it is")
    func locked() throws {
        let server = try ApiServer()
        let mock = try Mock([ScriptedPackage(number: 0, original: 70, isLocked: true), ScriptedPackage(number: 1)])
        let controller = try RunningController(mock, server)
        try server.expectNode { $0.labels["rapl/pmax"] == "100000000" }
        #expect(try nextEvent(server, .zoneLocked)["note"]?.text?.hasPrefix("package-0 is locked: ") == true)
        try controller.next("Node condition set")
        #expect(try server.condition()?["message"]?.text == "Limits are in force, but locked by firmware: package-0")
        #expect(try controller.stop() == 0)
    }

    @Test("control that is lost and regained is on the Node, and two Events")
    func lostControl() throws {
        let (server, mock) = (try ApiServer(), try Mock(packages: 1))
        let controller = try RunningController(mock, server)
        try controller.next("Node condition set")
        try mock.tell("stop")
        try controller.next("lost the helper")
        // 10 s after the first patch at the latest.
        try server.expectNode {
            $0.annotations["powercap.dev/state"] == "uncontrolled" && $0.labels["rapl/pmax"] == nil
                && $0.annotations["power-manager/initialized"] == "true"
        }
        #expect(try nextEvent(server, .controlLost)["type"]?.text == "Warning")
        while try server.condition()?["reason"]?.text != "NoControl" { try server.nextRequest(.condition) }
        #expect(try server.condition()?["status"]?.text == "Unknown")
        try mock.tell("listen")
        #expect(try nextEvent(server, .controlRegained)["type"]?.text == "Normal")
        #expect(try controller.stop() == 0)
    }

    @Test("a limit that changes again and again is one Event for each package")
    func changes() throws {
        let (server, mock) = (try ApiServer(), try Mock(packages: 1))
        let controller = try RunningController(mock, server)
        try controller.next("Node condition set")
        #expect(try nextEvent(server, .limitChanged)["note"]?.text == "package-0 limited from 200 W to 100 W (source)")
        for watts in [90, 80, 70] {
            try server.annotate("powercap.dev/limit=\(watts)W")
            try server.expectNode { $0.labels["rapl/pmax"] == "\(watts)000000" }
        }
        #expect(try events(server).filter { $0["reason"]?.text == "PowerLimitChanged" }.count == 1)
        #expect(try server.count(.event) == 1)
        #expect(try server.count(.series) == 0)
        #expect(try controller.stop() == 0)
    }

    // MARK: The end

    @Test("on a clean end the Node isn't managed any more; overrides and what isn't ours stay", arguments: ["restore", "hold"])
    func end(_ onExit: String) throws {
        let (server, mock) = (try ApiServer(), try Mock(packages: 1))
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
                == NodeRecord.stopped(onExit == "hold" ? .hold : .restore).condition.message)
    }

    @Test(
        "the end waits for an API server that is slow, and not for one that is away or in trouble",
        arguments: [
            ("fault every patch * delay 700", 6_000, true), ("stop", 2_000, false),
            ("fault every patch * status 503", 2_000, false),
            ("fault every patch * status 403", 2_000, false), ("fault every patch * freeze", 6_000, false),
            ("fault every create * status 403", 2_000, true),
        ])
    func slowEnd(_ misery: String, _ longest_ms: UInt64, _ isTold: Bool) throws {
        let (server, mock) = (try ApiServer(), try Mock(packages: 1))
        let controller = try RunningController(mock, server)
        try controller.next("Node condition set")
        try server.nextRequest(.event)
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
        let (server, mock) = (try ApiServer(), try Mock(packages: 1))
        try server.tell("fault every * * freeze")
        let controller = try RunningController(mock, server)
        try mock.next("ReadSample")
        let start_ns = Clock.monotonic_ns
        #expect(try controller.stop() == 0)
        #expect(Clock.monotonic_ns - start_ns < 2_000_000_000)
    }

    // MARK: Rights

    @Test("the manifests allow what the controller does, and nothing else")
    func rights() throws {
        let (server, mock) = (try ApiServer(), try Mock(packages: 1))
        let controller = try RunningController(mock, server)
        try controller.next("Node condition set")
        try server.nextRequest(.event)
        #expect(try controller.stop() == 0)
        // A series that is counted on, as five minutes later.
        let agent = try RunningAgent(server.access)
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
