import Foundation
import JSON
import LinuxSystem
import PowercapProtocol
import TestSupport
import Testing

@testable import JSON
@testable import Policy
@testable import powercap_controller

/// An operator's orders where there is a Node, and another clock.
@Suite(.waiting)
struct OperatorOnNodeTests {
    @Test(
        "an order is on the Node while it stands, an Event tells of it and of its end, and cycles in between send nothing (P10)")
    func shown() throws {
        let (server, mock, desk) = (try ApiServer(), try Mock(devices: 2), try Desk())
        let controller = try desk.controller(mock, server.environment)
        try controller.next("Node condition set")
        #expect(try desk.run("set", "80W", "--reason", "hot aisle").status == 0)
        try server.expectNode { $0.annotations["powercap.dev/operator"]?.hasSuffix("Z by uid \(getuid()): hot aisle") == true }
        try server.expectNode { $0.labels["rapl/pmax"] == "80000000" }
        let event = try server.nextEvent(.operatorOrdered)
        #expect(event["note"]?.text == "An operator's limit of 80 W (uid \(getuid())) was ordered: hot aisle")
        // Nothing of it changes by itself.
        for _ in 0..<2 { try mock.next("ReadSample") }
        let before = try server.count(.metadata)
        for _ in 0..<4 { try mock.next("ReadSample") }
        #expect(try server.count(.metadata) == before)
        #expect(try desk.run("unset").status == 0)
        try server.expectNode { $0.annotations["powercap.dev/operator"] == nil && $0.labels["rapl/pmax"] == "100000000" }
        #expect(try controller.stop() == 0)
    }

    @Test("beside the Node's override the lower limit counts, whichever comes first")
    func lowest() throws {
        let (server, mock, desk) = (try ApiServer(), try Mock(devices: 2), try Desk())
        let controller = try desk.controller(mock, server.environment)
        try controller.next("Node condition set")
        try server.annotate("powercap.dev/limit=60W")
        try controller.next("overrides changed")
        #expect(try desk.run("set", "80W").output.contains("The node is limited to 60 W"))
        #expect(try desk.run("explain").output.contains("It is lower than the operator's, 80 W, and counts."))
        #expect(try desk.status()["overrides"]?["limit_by"]?.text == "node")
        try server.annotate("powercap.dev/limit=90W")
        try server.expectNode { $0.labels["rapl/pmax"] == "80000000" }
        #expect(try desk.status()["overrides"]?["limit_by"]?.text == "operator")
        #expect(try controller.stop() == 0)
    }

    @Test("an order's end is when its time is over, whatever is done to the wall clock meanwhile", arguments: [86_400, -86_400])
    func clock(_ seconds: Int) throws {
        let (mock, desk, clock) = (try Mock(devices: 1), try Desk(), try SettableClock())
        let controller = try desk.controller(mock, clock.environment.merging(["LEASE_TIME": "1s"]) { $1 })
        let start_ns = Clock.monotonic_ns
        #expect(try desk.run("set", "80W", "--for", "4s").status == 0)
        try clock.set(seconds)
        try controller.next("the clock was set, or the node was asleep: deciding anew")
        #expect(controller.count("an operator's order has ended") == 0)
        try controller.next("an operator's order has ended")
        let passed_ns = Clock.monotonic_ns - start_ns
        #expect(passed_ns >= 4_000_000_000)
        #expect(try controller.stop() == 0)
    }

    @Test("a port that another program has is named in the log and the state, and limits don't depend on it")
    func takenPort() throws {
        let (mock, desk) = (try Mock(devices: 1), try Desk())
        let port = Int.random(in: 20_000..<28_000)
        let script = """
            import socket
            one = socket.socket(); one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            one.bind(("127.0.0.1", \(port))); one.listen(); print("ready", flush=True); input()
            """
        let other = try Child("/usr/bin/env", ["python3", "-c", script], reading: .output)
        try other.next("ready") { $0 == "ready" }
        let controller = try desk.controller(mock, ["METRICS_ADDRESS": "127.0.0.1:\(port)"])
        #expect(try controller.next("can't be asked there: limits don't depend on it")["why"]?.contains("is taken") == true)
        let metrics = try #require(try desk.status()["listeners"]?.elements?.first { $0["name"]?.text == "metrics" })
        #expect(metrics["problem"]?.text?.contains("is taken") == true)
        #expect(try desk.status()["node"]?["in_force_uw"]?.power == .watts(100))
        #expect(try controller.stop() == 0)
    }
}
