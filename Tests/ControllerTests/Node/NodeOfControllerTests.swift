import Foundation
import LinuxSystem
import PowercapProtocol
import TestSupport
import Testing

@testable import JSON
@testable import Policy
@testable import powercap_controller

/// The program with a helper and an API server.
@Suite(.waiting)
struct NodeOfControllerTests {
    /// Waits more than a second: a watch that breaks sooner is another trouble.
    private func liveOn(_ mock: Mock) throws {
        try mock.tell("forget")
        for _ in 0..<3 { try mock.next("ReadSample") }
    }

    // MARK: P10 and the log

    @Test("P10: cycles in which nothing changes send nothing; one change is one patch of the metadata; there are two threads")
    func quiet() throws {
        let (server, mock) = (try ApiServer(), try Mock(devices: 2))
        let controller = try RunningController(mock, server, ["STABILISATION_TIME": "1s", "LEASE_TIME": "3s"])
        try controller.next("Node condition set")
        // One Event for each package.
        for _ in 0..<2 { try server.nextRequest(.event) }
        // On a slow machine what belongs to the start may still be on its way; its requests are counted below.
        var before = try server.requests.count
        for _ in 0..<10 {
            for _ in 0..<2 { try mock.next("ReadSample") }
            let now = try server.requests.count
            if now == before { break }
            before = now
        }
        for _ in 0..<5 { try mock.next("ReadSample") }
        #expect(try server.requests.count == before)
        try controller.expectTwoThreads()
        try server.annotate("powercap.dev/limit=80W")
        try server.expectNode { $0.labels["rapl/pmax"] == "80000000" }
        try controller.expectTwoThreads()
        for _ in 0..<3 { try mock.next("ReadSample") }
        #expect(try server.count(.metadata) == 2)
        #expect(try server.count(.condition) == 1)
        #expect(try server.count(.watch) == 1)
        #expect(try controller.stop() == 0)
    }

    @Test("the log tells with whom it is connected, as whom, each write with what changed, and an outage once")
    func log() throws {
        let (server, mock) = (try ApiServer(), try Mock(devices: 1))
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
        let messages = connection.map { "\($0.level) \($0.message)" }
        #expect(messages.first == "info Kubernetes is on")
        // The version and the watch are asked for at once, and either may be answered first.
        #expect(Set(messages.dropFirst().prefix(2)) == ["info connected to the API server", "info watching the Node"])
        #expect(messages.dropFirst(3) == ["error the Node can't be watched", "info watching the Node again"])
        #expect(connection[0]["because"] == "KUBE_SERVER is set")
        #expect(connection[0]["node"] == ApiServer.node)
        let connected = try #require(connection.first { $0.message == "connected to the API server" })
        #expect(connected["server"] == server.url)
        #expect(connected["version"] == "v1.36.2")
        #expect(connected["auth"] == "token")
        #expect(connected["token_expires"]?.hasSuffix("Z") == true)
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
        let mock = try Mock(devices: 1)
        let controller = try RunningController(mock.socket)
        #expect(try controller.next("Kubernetes is off")["kubernetes"] == "auto")
        #expect(try controller.stop() == 0)
    }

    @Test("the token is in no line of the log, and not among the arguments")
    func secret() throws {
        let (server, mock) = (try ApiServer(), try Mock(devices: 1))
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
        let (server, mock) = (try ApiServer(), try Mock(devices: 1))
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
        let (server, mock) = (try ApiServer(), try Mock(devices: 1))
        try server.allow(verbs: [], resources: ["nodes"])
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
        let (server, mock) = (try ApiServer(), try Mock(devices: 1))
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
        let (server, mock) = (try ApiServer(), try Mock(devices: 1))
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
        let (server, mock) = (try ApiServer(), try Mock(devices: 1))
        try server.annotate("powercap.dev/limit=80W")
        let controller = try RunningController(mock, server, ["SAMPLE_INTERVAL": "1h"])
        #expect(try mock.nextApply().limits["intel-rapl:0/long_term"] == .watts(100))
        #expect(try mock.nextApply().limits["intel-rapl:0/long_term"] == .watts(80))
        // What is published first is true: nothing says 100 W.
        try controller.next("Node condition set")
        #expect(try server.metadata().labels["rapl/pmax"] == "80000000")
        #expect(try server.count(.metadata) == 1)
        #expect(try controller.stop() == 0)
    }

    @Test("P16: an override that stands and is then misspelt holds, and the condition says so; after a restart the floor does")
    func misspelt() throws {
        let (server, mock) = (try ApiServer(), try Mock(devices: 1))
        try server.annotate("'powercap.dev/limit=60 W'")
        let settings = ["SAMPLE_INTERVAL": "1h", "STABILISATION_TIME": "1h", "RAPL_MIN_POWER": "20W"]
        let controller = try RunningController(mock, server, settings)
        try server.expectNode { $0.labels["rapl/pmax"] == "60000000" }
        try controller.next("Node condition set")
        try server.annotate("'powercap.dev/limit=60 X'")
        #expect(try controller.next("override not followed")["instead"] == "60 W holds, as before")
        try controller.next("Node condition set")
        #expect(try server.condition()?["status"]?.text == "True")
        #expect(try server.condition()?["reason"]?.text == "OverrideRejected")
        #expect(try server.condition()?["message"]?.text?.hasSuffix(": 60 W holds, as before") == true)
        let note = try #require(try server.nextEvent(.overrideRejected)["note"]?.text)
        #expect(note.hasPrefix("powercap.dev/limit=") && note.contains("has the unknown unit \"X\""), "\(note)")
        #expect(try server.metadata().labels["rapl/pmax"] == "60000000")
        controller.child.kill(SIGKILL)
        let second = try RunningController(mock, server, settings)
        try server.expectNode { $0.labels["rapl/pmax"] == "20000000" }
        #expect(
            try second.next("override not followed")["instead"] == "what stood there before isn't known, so the floor holds")
        try server.annotate("powercap.dev/limit-")
        try server.expectNode { $0.labels["rapl/pmax"] == "100000000" }
        #expect(try second.stop() == 0)
    }

    @Test("an override that is bad, or doesn't fit this node, is an Event and a warning once, and ignored")
    func badOverrides() throws {
        let (server, mock) = (try ApiServer(), try Mock(devices: 1))
        let controller = try RunningController(mock, server, ["MAX_SOURCE": "500W"])
        try controller.next("Node condition set")
        try server.annotate("powercap.dev/limit=lots powercap.dev/min-power=300W powercap.dev/max-source=90W")
        let first = try controller.next("override not followed")
        #expect(first["annotation"] == "powercap.dev/limit")
        #expect(first["value"] == "lots")
        let second = try controller.next("override not followed")
        #expect(second["annotation"] == "powercap.dev/min-power")
        #expect(second["why"]?.contains("is above the") == true)
        // The good one counts.
        try server.expectNode { $0.labels["rapl/pmax"] == "90000000" }
        try server.annotate("other=x")
        for _ in 0..<2 { try mock.next("ReadSample") }
        #expect(controller.count("override not followed") == 2)
        while try server.eventObjects().filter({ $0["reason"]?.text == "PowerOverrideRejected" }).count < 2 {
            try server.next("request POST")
        }
        // The same mistake again, after it was put right.
        try server.annotate("powercap.dev/limit-")
        for _ in 0..<2 { try mock.next("ReadSample") }
        try server.annotate("powercap.dev/limit=lots")
        try controller.next("override not followed")
        #expect(try controller.stop() == 0)
    }
}
