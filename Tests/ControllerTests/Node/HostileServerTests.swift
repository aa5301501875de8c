import Foundation
import LinuxSystem
import PowercapProtocol
import TestSupport
import Testing

@testable import HTTP
@testable import Kubernetes
@testable import Policy
@testable import powercap_controller

/// P14: what a server can make the controller do, besides nothing.
@Suite(.waiting)
struct HostileServerTests {
    /// One of each kind. MemoryTests has more fillings, and KubernetesIndependenceTests more silence.
    private static let answers = [
        "list * fill lists 520", "list * fill own 520", "list * fill text 4000", "list * headers", "list * hints",
        "list * gzip transfer", "list * trickle", "watch * headers", "watch * trickle", "watch * fill own 520", "* * hints",
        "* * freeze", "connect  freeze",
    ]

    @Test(
        "P14: whatever a server answers, renewals are punctual, memory stays small, and a good answer is followed by the next override",
        arguments: answers)
    func answer(_ fault: String) throws {
        let (server, mock) = (try ApiServer(), try Mock(devices: 2))
        try server.tell("fault every \(fault)")
        let controller = try RunningController(mock, server, ["LEASE_TIME": "3s"])
        try mock.outlive()
        try controller.expectSmall()
        try controller.expectTwoThreads()
        try server.tell("forget")
        // Some lie that there is no such Node, or have a watch going that says nothing.
        try server.tell("compact")
        try server.tell("drop")
        if controller.count("Node condition set") == 0 { try controller.next("Node condition set") }
        try server.annotate("powercap.dev/limit=80W")
        while try mock.nextApply().limits["intel-rapl:0/long_term"] != .watts(40) {}
        try controller.expectSmall()
        #expect(try controller.stop() == 0)
        try mock.expectPunctual(renewals: 4)
    }

    @Test(
        "P14: the same of an event of a watch that is established",
        arguments: ["deep", "key", "own", "same", "value"].map { "fill \($0) 520" } + [
            "trickle", "endless", "freeze",
        ])
    func event(_ fault: String) throws {
        let (server, mock) = (try ApiServer(), try Mock(devices: 2))
        let controller = try RunningController(mock, server, ["LEASE_TIME": "3s"])
        try controller.next(each: "watching the Node", "Node condition set")
        try mock.next("Renew")
        try server.tell("fault 1 event * \(fault)")
        try server.annotate("example=1")
        try mock.outlive()
        try controller.expectSmall()
        try server.tell("forget")
        // What trickles or is frozen is a watch that the server goes on with. It ends.
        try server.tell("drop")
        try server.annotate("powercap.dev/limit=80W")
        while try mock.nextApply().limits["intel-rapl:0/long_term"] != .watts(40) {}
        #expect(try controller.stop() == 0)
        try mock.expectPunctual(renewals: 4)
    }

    /// A list that is well formed and has nothing of this Node in it is followed by a watch, which has nothing to say: before the server is
    /// asked for another it has to drop the watch, and its history with something in it that this watch doesn't know.
    private func forceList(_ server: ApiServer, _ number: Int) throws {
        try server.tell("label other number=\(number)")
        try server.tell("compact")
        try server.tell("drop")
    }

    @Test("P14: one controller outlives every answer in turn, and follows an override after each")
    func inTurn() throws {
        let (server, mock) = (try ApiServer(), try Mock(devices: 2))
        let lists =
            Self.answers.filter { $0.hasPrefix("list ") }
            + ["fill lists 4000", "fill deep 2000", "endless"].map { "list * \($0)" }
        try server.tell("node other")
        let controller = try RunningController(mock, server, ["LEASE_TIME": "3s"])
        try controller.next(each: "watching the Node", "Node condition set")
        for (number, fault) in lists.enumerated() {
            // A watch that has lived for a second: what ends it is no failed attempt, after which the next would come later.
            for _ in 0..<2 { try mock.next("Renew") }
            try server.tell("fault every \(fault)")
            try forceList(server, 2 * number)
            // One that is never whole is printed when its time is over.
            while try server.nextRequest(.list).fault == nil {}
            try controller.expectSmall()
            try server.tell("forget")
            try forceList(server, 2 * number + 1)
            let watts = UInt64(40 + number)
            try server.annotate("powercap.dev/limit=\(watts * 2)W")
            while try mock.nextApply().limits["intel-rapl:0/long_term"] != .watts(watts) {}
        }
        try controller.expectTwoThreads()
        #expect(try controller.stop() == 0)
        try mock.expectPunctual(renewals: 20)
    }

    @Test("a refusal of any size is a refusal", arguments: ["numbers", "deep", "text", "own"])
    func refusal(_ filling: String) throws {
        let body = [UInt8](repeating: UInt8(ascii: filling == "deep" ? "[" : "1"), count: 1 << 20)
        let problem = APIProblem(Answer(status: 500, body: body))
        #expect(problem.sentence.utf8.count < 1_000)
    }

    /// A list, and then a watch, whose version can't be sent back.
    @Test(
        "after one bad answer the next attempt begins with a list",
        arguments: [
            String(repeating: "9", count: 200), "1 2", "1&watch=0", "\u{9B}", String(repeating: "/", count: 100), "",
        ])
    func badVersion(_ version: String) throws {
        let server = try ApiServer()
        try server.tell("fault 1 list * body {\"metadata\":{\"resourceVersion\":\"\(version)\"},\"items\":[]}")
        let agent = try RunningAgent(server.ownNode)
        try agent.run(until: { try server.count(.list) >= 2 })
        try server.annotate("powercap.dev/limit=90W")
        try agent.run(until: { agent.agent.wishes.limit == .watts(90) })
    }

    @Test(
        "a watch that comes to nothing is followed by a list, whatever was wrong with it",
        arguments: ["status 400", "status 500", "freeze", "reset"])
    func list(_ fault: String) throws {
        let server = try ApiServer()
        // Once more than libcurl tries another connection by itself, where it had one that was used before.
        try server.tell("fault 2 watch * \(fault)")
        let agent = try RunningAgent(server.ownNode)
        try agent.run(until: { try server.count(.list) >= 2 })
        try server.annotate("powercap.dev/limit=90W")
        try agent.run(until: { agent.agent.wishes.limit == .watts(90) })
    }

    // MARK: What follows from answers

    @Test(
        "of overrides that change without end one a second is followed, which is told once and counted; the first is followed at once"
    )
    func flood() throws {
        let server = try ApiServer()
        let agent = try RunningAgent(server.ownNode)
        try agent.run(until: "watching the Node")
        try agent.run(milliseconds: 1_100)
        let start_ns = Clock.monotonic_ns
        for watts in 1...60 {
            try server.annotate("powercap.dev/limit=\(watts)W")
            try agent.run(milliseconds: 50)
        }
        try agent.run(until: { agent.agent.wishes.limit == .watts(60) })
        let seconds = Int((Clock.monotonic_ns - start_ns) / 1_000_000_000)
        #expect((2...seconds + 2).contains(agent.agent.generation))
        #expect(agent.count("overrides changed") == agent.agent.generation)
        #expect(agent.count("overrides change faster than they are followed: the last one of each second counts") == 1)
    }

    @Test(
        "a server that answers each patch with another override has a few followed, and then waits for the pause between patches")
    func webhook() throws {
        let (server, mock) = (try ApiServer(), try Mock(devices: 1))
        try server.tell("fault every patch \(ApiServer.path) webhook")
        let controller = try RunningController(mock, server, ["SAMPLE_INTERVAL": "1s", "LEASE_TIME": "3s"])
        try controller.next("Node condition set")
        for _ in 0..<20 { try mock.next("Renew") }
        #expect(try server.count(.metadata) <= 14)
        #expect(try mock.batches().count <= 16)
        #expect(controller.count("limit changed") <= 32)
        // One series, at most one update of it in five minutes.
        #expect(try server.count(.event) + server.count(.series) <= 6)
        try mock.expectPunctual(renewals: 20)
        #expect(try controller.stop() == 0)
    }

    @Test("Nodes that come and go as fast as the server likes are told of now and then, and patched once a second")
    func comingAndGoing() throws {
        let server = try ApiServer(["--empty"])
        let agent = try RunningAgent(server.ownNode, patience: Patience(answer_ms: 1_000, watch_s: 60...60, patch_ms: 60_000))
        try agent.run(until: "watching the Node")
        agent.agent.publish(.test())
        for _ in 0..<40 {
            try server.tell("node node-a")
            try agent.run(milliseconds: 20)
            try server.tell("delete \(ApiServer.path)")
            try agent.run(milliseconds: 20)
        }
        #expect(agent.count("the API server has no Node of this name") <= 11)
        #expect(try server.count(.metadata) + server.count(.condition) <= 12)
    }
}
