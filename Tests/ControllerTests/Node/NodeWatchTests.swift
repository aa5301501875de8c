import LinuxSystem
import PowercapProtocol
import TestSupport
import Testing

@testable import HTTP
@testable import JSON
@testable import Kubernetes
@testable import Policy
@testable import powercap_controller

/// The watch of one Node, with a patience of a second.
@Suite(.waiting)
struct NodeWatchTests {
    private let server: ApiServer
    private let agent: RunningAgent

    init() throws {
        server = try ApiServer()
        agent = try RunningAgent(server.ownNode)
    }

    private func limit() -> Microwatts? { agent.agent.wishes.limit }

    /// An override is seen: the watch works.
    private func expectWatching(_ watts: UInt64) throws {
        try server.annotate("powercap.dev/limit=\(watts)W")
        try agent.run(until: { limit() == .watts(watts) })
    }

    @Test("a list counts also where the server's versions went back: its data was restored from a backup")
    func restored() throws {
        try agent.run(until: "watching the Node")
        try expectWatching(90)
        let uid = try server.metadata().uid
        let node =
            "{\"metadata\":{\"name\":\"node-a\",\"uid\":\"\(uid)\",\"resourceVersion\":\"1\","
            + "\"annotations\":{\"powercap.dev/limit\":\"77W\"}}}"
        try server.tell("fault every list * body {\"metadata\":{\"resourceVersion\":\"1\"},\"items\":[\(node)]}")
        // The double's own versions haven't gone back: what it would tell from there on is another story.
        try server.tell("fault every watch * status 503")
        try server.tell("expire")
        try agent.run(until: { limit() == .watts(77) })
    }

    @Test("the Node is listed once, by its name and whole, and then its metadata is watched from where the list ended")
    func listAndWatch() throws {
        try server.tell("node \(ApiServer.node) large")
        try agent.run(until: "watching the Node")
        try expectWatching(90)
        try agent.run(until: { try server.count(.list) + server.count(.watch) == 2 })
        let (list, watch) = (try server.first(.list), try server.first(.watch))
        #expect(list.path == "/api/v1/nodes?fieldSelector=metadata.name%3Dnode-a")
        #expect(watch["fieldSelector"] == "metadata.name%3Dnode-a")
        #expect(watch["allowWatchBookmarks"] == "true")
        #expect(watch["resourceVersion"] == (try agent.first("watching the Node"))["resource_version"])
        #expect(try server.count(.list) == 1)
        #expect(try server.count(.watch) == 1)
        // It shows the conditions, which no watch of metadata does.
        #expect(list.bytes.sent > 10_000)
    }

    @Test("a watch is asked for 300 to 600 s, at random")
    func randomTimeout() throws {
        let patience = Patience()
        #expect(patience.watch_s == 300...600)
        let other = try RunningAgent(server.ownNode, patience: patience)
        var seen: Set<String> = []
        for number in 1...3 {
            try other.run(until: { try server.count(.watch) == number })
            let seconds = try server.nextRequest(.watch)["timeoutSeconds"]
            #expect(seconds.flatMap { UInt64($0) }.map(patience.watch_s.contains) == true)
            seen.insert(try #require(seconds))
            try other.run(milliseconds: 1_050)
            try server.tell("close")
        }
        #expect(seen.count > 1)
    }

    @Test("a watch that the server ends is resumed where it was, without a list, and is no trouble")
    func cleanEnd() throws {
        try agent.run(until: "watching the Node")
        try expectWatching(90)
        let version = try server.metadata().resourceVersion
        try agent.run(milliseconds: 1_100)
        try server.tell("close")
        try agent.run(until: "watch of the Node resumed")
        #expect(try agent.first("watch of the Node resumed")["resource_version"] == version)
        try expectWatching(91)
        #expect(try server.count(.list) == 1)
        #expect(agent.log.allSatisfy { $0.level != "error" && $0.level != "warning" })
    }

    @Test("a bookmark moves the place where the watch is resumed")
    func bookmark() throws {
        try agent.run(until: "watching the Node")
        try server.tell("node other")
        try server.tell("label other a=b")
        let version = try #require(try server.show("/api/v1/nodes/other")["metadata"]?["resourceVersion"]?.text)
        try server.tell("bookmark")
        try agent.run(until: { agent.agent.watch.sendsBookmarks })
        try agent.run(milliseconds: 1_100)
        try server.tell("close")
        try agent.run(until: "watch of the Node resumed")
        #expect(try agent.first("watch of the Node resumed")["resource_version"] == version)
        // The history is gone up to there, and the watch doesn't need it.
        #expect(try server.count(.list) == 1)
    }

    @Test("410 in a watch leads to a list at once, and is no trouble", arguments: ["expire", "compact"])
    func expired(_ how: String) throws {
        try agent.run(until: "watching the Node")
        try server.tell("node other")
        try agent.run(milliseconds: 1_100)
        // An ERROR within a watch, or in answer to one that is resumed.
        try server.tell(how)
        if how == "compact" { try server.tell("drop") }
        try agent.run(until: "watch of the Node resumed")
        try expectWatching(92)
        try agent.run(until: { try server.count(.list) == 2 })
        #expect(agent.count("listing the Node anew") == 1)
        #expect(agent.log.allSatisfy { $0.level != "error" && $0.level != "warning" })
    }

    @Test(
        "a server that refuses every list or watch is asked ever less often, and that is told once",
        arguments: [
            ("list", "status 410", "HTTP 410"), ("list", "status 504", "HTTP 504"), ("list", "status 500", "HTTP 500"),
            ("watch", "status 410", "HTTP 410"), ("watch", "status 504", "HTTP 504"), ("watch", "status 503", "HTTP 503"),
            ("watch", "status 409", "HTTP 409"), ("list", "body", "is not an API server"),
            ("list", "garbage", "is not an API server"),
            ("list", "body {\"items\":[]}", "is not an API server"), ("list", "redirect https://127.0.0.1:1/", "HTTP 302"),
            ("list", "nohttp", "is not an API server"), ("list", "reset", "the connection to the API server failed"),
            ("list", "close", "the connection to the API server failed"),
            ("list", "half", "the connection to the API server failed"),
            ("list", "half reset", "the connection to the API server failed"),
            ("list", "lost", "the connection to the API server failed"), ("watch", "body", "the watch ended at once"),
            ("watch", "reset", "the connection to the API server failed"),
            ("watch", "close", "the connection to the API server failed"),
            ("watch", "garbage", "is not an API server"), ("watch", "body {}", "is not an API server"),
            ("watch", "body {\"type\":\"ADDED\",\"object\":{}}", "is not an API server"),
            ("watch", "nohttp", "is not an API server"),
        ])
    func noLoop(_ verb: String, _ fault: String, _ why: String) throws {
        try server.tell("fault every \(verb) * \(fault)")
        func tries() throws -> Int { try server.requests.filter { $0.fault != nil && $0.kind != .version }.count }
        try agent.run(until: "the Node can't be watched")
        let start_ns = Clock.monotonic_ns
        try agent.run(until: { try tries() >= 2 })
        try agent.run(milliseconds: 1_300)
        #expect(try agent.first("the Node can't be watched")["why"]?.contains(why) == true)
        #expect(agent.count("the Node can't be watched") == 1)
        // 0.25, 0.75 and 1.75 s later at the earliest; libcurl may send once more on another connection.
        let seconds = Int((Clock.monotonic_ns - start_ns) / 1_000_000_000)
        #expect((2...8 + seconds).contains(try tries()))
        try server.tell("forget")
        try agent.run(until: { agent.count("watching the Node again") == 1 })
        try expectWatching(93)
        #expect(agent.count("the Node can't be watched") == 1)
    }

    @Test("a server that is silent is given up after its time, for a list as for a watch", arguments: ["list", "watch"])
    func frozen(_ verb: String) throws {
        try server.tell("fault 2 \(verb) * freeze")
        try agent.run(until: "the Node can't be watched")
        #expect(try agent.first("the Node can't be watched")["why"] == APIProblem.failed(.silent).sentence)
        try agent.run(until: "watching the Node again")
        try expectWatching(94)
        #expect(agent.count("the Node can't be watched") == 1)
    }

    @Test("a refusal of a watch that never ends is given up after its time, too")
    func frozenRefusal() throws {
        try server.allow(verbs: ["list"], resources: ["nodes"])
        try server.tell("fault 1 watch * half freeze")
        try agent.run(until: "the Node can't be watched")
        #expect(try agent.first("the Node can't be watched")["why"] == APIProblem.failed(.silent).sentence)
    }

    @Test("a watch that the server forgets is ended after its own time, and resumed")
    func forgotten() throws {
        let patience = Patience(answer_ms: 4_000, watch_s: 1...1, patch_ms: 1_000, series_ms: 1_000, end_ms: 1_000)
        let agent = try RunningAgent(server.ownNode, patience: patience)
        // The head comes, and then nothing: no event, and no end.
        try server.tell("fault 1 watch * half freeze")
        try agent.run(until: "watch of the Node resumed")
        #expect(try agent.first("the watch of the Node was interrupted")["why"] == APIProblem.failed(.silent).sentence)
        #expect(try server.count(.list) == 1)
        #expect(agent.count("the Node can't be watched") == 0)
    }

    @Test("P14: a server that keeps a watch up with blanks alone doesn't keep it beyond the time that was asked for")
    func trickle() throws {
        let agent = try RunningAgent(server.ownNode, patience: Patience(answer_ms: 4_000, watch_s: 1...1))
        try server.tell("fault 1 watch * trickle")
        try agent.run(until: "watching the Node")
        try server.annotate("powercap.dev/limit=97W")
        try agent.run(until: { agent.agent.wishes.limit == .watts(97) })
        #expect(agent.count("the Node can't be watched") == 0)
    }

    @Test(
        "a watch that breaks after a while is resumed at once and silently",
        arguments: ["drop", "fault 1 event * half reset", "fault 1 event * half", "fault 1 event * nohttp"])
    func broken(_ how: String) throws {
        try agent.run(until: "watching the Node")
        try agent.run(milliseconds: 1_100)
        try server.tell(how)
        try server.annotate("powercap.dev/limit=95W")
        try agent.run(until: { limit() == .watts(95) })
        #expect(try server.count(.list) == 1)
        #expect(agent.log.allSatisfy { $0.level != "error" && $0.level != "warning" })
    }

    @Test(
        "an event that can't be read is passed over by listing the Node anew",
        arguments: ["garbage", "body {}", "body {\"type\":\"MODIFIED\"}", "endless 8"])
    func badEvent(_ fault: String) throws {
        try agent.run(until: "watching the Node")
        try agent.run(milliseconds: 1_100)
        try server.tell("fault 1 event * \(fault)")
        try server.annotate("powercap.dev/limit=96W")
        try agent.run(until: { limit() == .watts(96) })
        // The server prints a request when it has answered it.
        try agent.run(until: { try server.count(.list) == 2 })
        try expectWatching(97)
    }

    @Test("events that come in pieces or many at a time are all taken")
    func pieces() throws {
        try agent.run(until: "watching the Node")
        try server.tell("fault 1 event * drip")
        for watts in 1...20 { try server.annotate("powercap.dev/limit=\(watts)W") }
        try agent.run(until: { limit() == .watts(20) })
        #expect(try server.count(.list) == 1)
    }

    @Test("a Node that is absent is told of once, and taken when it comes; one that is deleted is missed, and taken again")
    func absent() throws {
        let server = try ApiServer(["--empty"])
        let agent = try RunningAgent(server.ownNode)
        let missing = "the API server has no Node of this name"
        try agent.run(until: missing)
        #expect(try agent.first(missing)["node"] == "node-a")
        try agent.run(until: "watching the Node")
        try server.tell("node node-a")
        try server.annotate("powercap.dev/limit=90W")
        try agent.run(until: { agent.agent.wishes.limit == .watts(90) })
        try server.tell("delete \(ApiServer.path)")
        try agent.run(until: missing, times: 2)
        try agent.run(until: { agent.agent.wishes == Overrides() })
        try server.tell("node node-a")
        try server.annotate("powercap.dev/limit=91W")
        try agent.run(until: { agent.agent.wishes.limit == .watts(91) })
        #expect(try server.count(.list) == 1)
    }

    @Test("an answer to a write that is older than what the watch told changes nothing")
    func lateAnswer() throws {
        try agent.run(until: "watching the Node")
        try server.tell("fault 1 patch \(ApiServer.path) delay 700")
        agent.agent.publish(.test())
        try server.expectWritten(by: agent, "rapl/pmax")
        // The patch is carried out, and its answer on the way.
        try server.annotate("powercap.dev/limit=98W")
        try agent.run(until: { limit() == .watts(98) })
        try agent.run(until: "Node updated")
        #expect(limit() == .watts(98))
        #expect(agent.count("overrides changed") == 1)
    }
}

extension ApiServer {
    /// Steps an agent until its label stands on the Node.
    func expectWritten(by agent: RunningAgent, _ label: String) throws {
        try agent.run(until: { try metadata().labels[label] != nil })
    }
}
