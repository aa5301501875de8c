import LinuxSystem
import Synchronization
import TestSupport
import Testing

@testable import HTTP
@testable import JSON
@testable import Kubernetes
@testable import Logging

/// Nodes and budgets at a server, followed.
@Suite(.waiting)
struct CollectionTests {
    private let server: ApiServer
    private let client: APIClient
    private let lines = Lines()
    private static let budgets = Resource(group: "powercap.dev", "v1alpha1", "powerbudgets")

    private final class Lines: Sendable {
        private let lines = Mutex<[String]>([])
        func append(_ bytes: [UInt8]) { lines.withLock { $0.append(String(decoding: bytes.dropLast(), as: UTF8.self)) } }
        var all: [LogLine] { lines.withLock { $0 }.map(LogLine.init) }
    }

    init() throws {
        server = try ApiServer(["--empty"])
        try server.allow(verbs: ["list", "watch"], resources: ["*"], groups: ["*"])
        client = try APIClient(
            server.access, userAgent: "tests", patience: Patience(answer_ms: 4_000, watch_s: 60...60))
    }

    private var log: Log {
        let lines = lines
        return Log(format: .logfmt, level: .debug, output: { lines.append($0) })
    }

    private func count(_ message: String) -> Int { lines.all.filter { $0.message == message }.count }

    /// Nodes with their labels, as metadata alone.
    private func nodes(
        pageSize: Int = 100, labelSelector: String? = nil,
        onChange: @escaping (Collection<[String: String]>.Change) -> Void = { _ in }
    ) -> Collection<[String: String]> {
        let subject = WatchSubject(
            .nodes, labelSelector: labelSelector, list: .metadata, watch: .metadata, pageSize: pageSize,
            metadata: ["labels": .all], called: "the Nodes")
        return Collection(
            client, subject, log, SharedCauses(), read: { $0["metadata"]?["labels"]?.texts ?? [:] }, onChange: onChange)
    }

    /// Budgets by their limits.
    private func budgets() -> Collection<UInt64> {
        let subject = WatchSubject(
            CollectionTests.budgets, list: .whole, watch: .whole, interest: ["spec": .members(["limitMilliwatts": .all])],
            called: "the PowerBudgets")
        return Collection(
            client, subject, log, SharedCauses(),
            read: { object throws(JSONField.Problem) in
                try JSONField(top: object).member("spec").member("limitMilliwatts").integer()
            })
    }

    /// Steps until it is so.
    private func run<Object>(
        _ collection: Collection<Object>, _ location: SourceLocation = #_sourceLocation, until isSo: () throws -> Bool
    ) throws {
        let epoll = try Epoll()
        try epoll.add(client.descriptorNumber, token: 0)
        let deadline_ns = Clock.monotonic_ns + Child.patience_ms * 1_000_000
        while try !isSo() {
            guard Clock.monotonic_ns < deadline_ns else {
                Issue.record("never so. Log:\n\(lines.all)", sourceLocation: location)
                return
            }
            client.run()
            collection.step(Clock.monotonic_ns)
            client.run()
            _ = try epoll.wait(milliseconds: 10)
        }
    }

    @Test("all Nodes are listed in pages of one moment, and then watched from there")
    func pages() throws {
        try server.tell("nodes n 7 rack=4")
        var changes: [Collection<[String: String]>.Change] = []
        let collection = nodes(pageSize: 3) { changes.append($0) }
        try run(collection) { collection.isListed }
        #expect(Set(collection.objects.keys) == Set((0..<7).map { "n\($0)" }))
        #expect(collection.objects["n3"] == ["rack": "4"])
        try run(collection) { try server.count(.watch) == 1 }
        let lists = try server.requests.filter { $0.kind == .list }
        #expect(lists.count == 3 && lists.allSatisfy { $0["limit"] == "3" })
        #expect(lists[0]["continue"] == nil && lists[1]["continue"] != nil)
        #expect(changes == [.all])
        try server.tell("label n3 rack=5")
        try server.tell("delete /api/v1/nodes/n0")
        try server.tell("nodes m 1")
        try run(collection) { collection.objects["m0"] != nil }
        #expect(collection.objects["n3"] == ["rack": "5"] && collection.objects["n0"] == nil)
        #expect(changes == [.all, .one("n3"), .one("n0"), .one("m0")])
        #expect(collection.generation == 4)
    }

    @Test("a label selector is the server's to follow: what is chosen no more is gone")
    func selected() throws {
        try server.tell("nodes n 3 rack=4")
        try server.tell("nodes m 2 rack=5")
        let collection = nodes(labelSelector: "rack=4")
        try run(collection) { try collection.isListed && server.count(.watch) == 1 }
        #expect(collection.objects.count == 3)
        try server.tell("label n1 rack=5")
        try server.tell("label m1 rack=4")
        try run(collection) { collection.objects["m1"] != nil }
        #expect(Set(collection.objects.keys) == ["n0", "n2", "m1"])
    }

    @Test("where history is lost everything is listed anew, and what has gone meanwhile is gone")
    func expired() throws {
        try server.tell("nodes n 2")
        let collection = nodes()
        try run(collection) { try server.count(.watch) == 1 }
        // A list at once after the first would look like a server that can't do better.
        let begin_ns = Clock.monotonic_ns
        try run(collection) { Clock.monotonic_ns > begin_ns + 1_100_000_000 }
        try server.tell("fault every watch * status 503")
        try server.tell("close")
        try server.tell("delete /api/v1/nodes/n0")
        try server.tell("nodes m 1")
        try server.tell("compact")
        try server.tell("forget")
        try run(collection) { collection.objects["m0"] != nil }
        #expect(collection.objects["n0"] == nil && collection.objects["n1"] != nil)
        try run(collection) { collection.why == nil }
    }

    @Test("a list whose pages are too old for the next one is begun anew")
    func oldPages() throws {
        try server.tell("nodes n 4")
        try server.tell("fault 1 list * delay 0")
        try server.tell("fault 1 list * status 410")
        let collection = nodes(pageSize: 2)
        try run(collection) { collection.isListed }
        #expect(collection.objects.count == 4)
        let lists = try server.requests.filter { $0.kind == .list }
        #expect(lists.map(\.status) == [200, 410, 200, 200])
        #expect(lists[2]["continue"] == nil)
    }

    @Test("a page that is too large is asked for again with fewer objects")
    func large() throws {
        try server.tell("nodes n 4")
        try server.tell("fault 1 list * fill items 5000")
        let collection = nodes(pageSize: 4)
        try run(collection) { collection.isListed }
        #expect(collection.objects.count == 4)
        #expect(try server.requests.filter { $0.kind == .list }.compactMap { $0["limit"] } == ["4", "2", "2"])
    }

    @Test("a list that goes on without an end is given up")
    func endless() throws {
        try server.tell(#"fault every list * body {"metadata":{"resourceVersion":"1","continue":"x"},"items":[]}"#)
        let collection = nodes()
        try run(collection) { collection.why?.contains("a list doesn't go on") == true }
        try server.tell("forget")
        try run(collection) { collection.isListed && collection.why == nil }
    }

    @Test("an object that can't be read is named with the reason, and what was read of it before counts on")
    func unreadable() throws {
        func put(_ name: String, _ limit: String) throws {
            let spec = #"{"limitMilliwatts":\#(limit),"maximumMilliwatts":5}"#
            let object =
                #"{"apiVersion":"powercap.dev/v1alpha1","kind":"PowerBudget","metadata":{"name":"\#(name)"},"spec":\#(spec)}"#
            try server.tell("put \(object)")
        }
        try put("site", "10")
        try put("row", "20")
        let collection = budgets()
        try run(collection) { try collection.isListed && server.count(.watch) == 1 }
        #expect(collection.objects == ["site": 10, "row": 20])
        let event = #"{"metadata":{"name":"site","resourceVersion":"9"},"spec":{"limitMilliwatts":"x"}}"#
        try server.tell(#"fault 1 event * body {"type":"MODIFIED","object":\#(event)}"#)
        try put("site", "11")
        try run(collection) { collection.unreadable["site"] != nil }
        #expect(collection.unreadable == ["site": "spec.limitMilliwatts is of another type"])
        #expect(collection.objects["site"] == 10)
        #expect(count("an object can't be read") == 1)
        try put("site", "12")
        try run(collection) { collection.objects["site"] == 12 }
        #expect(collection.unreadable.isEmpty)
    }

    @Test("whoever starts over knows when everything was listed afresh")
    func startOver() throws {
        try server.tell("nodes n 2")
        let collection = nodes()
        try run(collection) { try server.count(.watch) == 1 }
        collection.startOver()
        #expect(!collection.isListed && collection.objects.count == 2)
        try server.tell("delete /api/v1/nodes/n0")
        try run(collection) { collection.isListed }
        #expect(Set(collection.objects.keys) == ["n1"])
        try run(collection) { try server.count(.watch) == 2 }
    }

    @Test(
        "a role that lacks a verb, a kind that isn't there, and a server that is away are told once, and it goes on when they are over"
    )
    func trouble() throws {
        try server.allow(verbs: ["get"], resources: ["*"], groups: ["*"])
        let collection = budgets()
        try run(collection) { collection.why?.contains("HTTP 403") == true }
        #expect(count("the PowerBudgets can't be watched") == 1)
        try server.allow(verbs: ["list", "watch"], resources: ["*"], groups: ["*"])
        try run(collection) { collection.isListed }
        try run(collection) { collection.why == nil }
        #expect(count("watching the PowerBudgets again") == 1)
        try server.tell("stop")
        try run(collection) { collection.why?.contains("no connection") == true }
        try server.tell("listen")
        try run(collection) { collection.why == nil }
        #expect(collection.restarts > 0)
    }
}
