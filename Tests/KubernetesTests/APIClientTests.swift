import Foundation
import LinuxSystem
import TestSupport
import Testing

@testable import HTTP
@testable import JSON
@testable import Kubernetes

/// Every verb on any resource: later kinds need no more than these.
@Suite(.waiting)
struct APIClientTests {
    private let server: ApiServer
    private let client: APIClient
    private let leases = Resource(group: "coordination.k8s.io", "v1", "leases", in: "powercap-system")
    private let maps = Resource("v1", "configmaps", in: "powercap-system")

    init() throws {
        server = try ApiServer()
        try server.allow(verbs: ["*"], resources: ["*"], groups: ["*"])
        client = try APIClient(
            server.access, userAgent: "tests", patience: Patience(answer_ms: 10_000, watch_s: 60...60))
    }

    /// Sends a request and waits for its answer.
    private func answer(_ request: Request, _ client: APIClient? = nil) throws -> Result<JSON, APIProblem> {
        let client = client ?? self.client
        var outcome: Result<Answer, APIProblem>?
        try client.send(request) { outcome = $0 }
        let epoll = try Epoll()
        try epoll.add(client.descriptorNumber, token: 0)
        let deadline_ns = Clock.monotonic_ns + Child.patience_ms * 1_000_000
        while outcome == nil, Clock.monotonic_ns < deadline_ns {
            _ = try epoll.wait(milliseconds: 10)
            client.run()
        }
        switch try #require(outcome) {
        case .success(let answer): return .success(try JSON(answer.body))
        case .failure(let problem): return .failure(problem)
        }
    }

    private func lease(_ holder: String, version: String? = nil) -> JSON {
        var metadata: [JSON.Member] = [.init("name", "budget"), .init("namespace", "powercap-system")]
        if let version { metadata.append(.init("resourceVersion", .text(version))) }
        return [
            "apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "metadata": .object(metadata),
            "spec": ["holderIdentity": .text(holder), "leaseDurationSeconds": .number("15")],
        ]
    }

    @Test("an object is made, read, replaced by its version, and refused by another's")
    func update() throws {
        #expect(throws: APIProblem.self) { try answer(leases.get("budget")).get() }
        let made = try answer(leases.create(lease("a"))).get()
        let version = try #require(made["metadata"]?["resourceVersion"]?.text)
        #expect(try answer(leases.create(lease("a"))).failure?.status == 409)
        #expect(try answer(leases.get("budget")).get()["spec"]?["holderIdentity"] == "a")
        #expect(try answer(leases.update("budget", lease("b", version: version))).get()["spec"]?["holderIdentity"] == "b")
        let stale = try answer(leases.update("budget", lease("c", version: version))).failure
        #expect(stale?.status == 409)
        #expect(stale?.sentence.contains("the object has been modified") == true)
        let list = try answer(leases.list()).get()
        #expect(list["items"]?.elements?.count == 1)
    }

    @Test("fields are applied, a conflict with another manager's is 409, and force takes them")
    func apply() throws {
        func node(_ value: String) -> JSON {
            ["apiVersion": "v1", "kind": "Node", "metadata": ["name": "node-a", "labels": ["rapl/pmax": .text(value)]]]
        }
        func label() throws -> String? { try server.show(ApiServer.path)["metadata"]?["labels"]?["rapl/pmax"]?.text }
        try server.tell("label node-a rapl/pmax=1")
        #expect(try answer(Resource.nodes.patch("node-a", .apply, node("2"))).failure?.status == 409)
        #expect(try label() == "1")
        _ = try answer(Resource.nodes.patch("node-a", .apply, node("2"), force: true)).get()
        #expect(try label() == "2")
    }

    @Test("an object is asked for whole or as metadata alone")
    func forms() throws {
        let whole = try answer(Resource.nodes.get("node-a")).get()
        let metadata = try answer(Resource.nodes.get("node-a", .metadata)).get()
        #expect(whole["status"] != nil)
        #expect(metadata["status"] == nil)
        #expect(metadata["kind"] == "PartialObjectMetadata")
        for member in ["uid", "resourceVersion", "labels", "annotations"] {
            #expect(whole["metadata"]?[member] == metadata["metadata"]?[member])
        }
    }

    @Test("requests at the same time are answered each on its own, and a cancelled one never")
    func concurrent() throws {
        var answered: [Int] = []
        var cancelled: [Exchange] = []
        for number in 0..<20 {
            let exchange = try client.send(Resource.nodes.get("node-a")) { _ in answered.append(number) }
            if number % 4 == 3 { cancelled.append(exchange) }
        }
        for exchange in cancelled { client.cancel(exchange) }
        let epoll = try Epoll()
        try epoll.add(client.descriptorNumber, token: 0)
        let deadline_ns = Clock.monotonic_ns + Child.patience_ms * 1_000_000
        while answered.count < 15, Clock.monotonic_ns < deadline_ns {
            _ = try epoll.wait(milliseconds: 10)
            client.run()
        }
        _ = try answer(.version)
        #expect(answered.sorted() == (0..<20).filter { $0 % 4 != 3 })
        // Once ended, an exchange can be cancelled without harm.
        for exchange in cancelled { client.cancel(exchange) }
    }

    @Test("a connection is used again, and one that the server has closed is made anew")
    func keepAlive() throws {
        for _ in 0..<5 { _ = try answer(.version).get() }
        try server.tell("drop")
        _ = try answer(.version).get()
        try server.tell("stop")
        #expect(try answer(.version).failure?.kind == "unreachable")
        try server.tell("listen")
        _ = try answer(.version).get()
    }

    @Test("what has no answer in its time ends the connections, and what else is on its way fails for the same cause")
    func givenUp() throws {
        let client = try APIClient(server.access, userAgent: "tests", patience: Patience(answer_ms: 4_000, watch_s: 60...60))
        let watch = Resource.nodes.watch(fieldSelector: "metadata.name=node-a", from: "0", seconds: 60, .metadata)
        var (isWatching, ends) = (false, [APIProblem]())
        let epoll = try Epoll()
        try epoll.add(client.descriptorNumber, token: 0)
        func run(until isSo: () -> Bool) throws {
            let deadline_ns = Clock.monotonic_ns + Child.patience_ms * 1_000_000
            while !isSo(), Clock.monotonic_ns < deadline_ns {
                _ = try epoll.wait(milliseconds: 10)
                client.run()
            }
        }
        func end(_ result: Result<Answer, APIProblem>) { if let problem = result.failure { ends.append(problem) } }
        try client.send(watch, onBytes: { _ in isWatching = true }, onEnd: end)
        try run(until: { isWatching })
        try server.tell("fault 1 get * freeze")
        try client.send(.version, onEnd: end)
        try run(until: { ends.count == 2 })
        #expect(ends == [.failed(.silent), .failed(.givenUp)])
        #expect(Set(ends.map(\.kind)).count == 1)
    }

    @Test("without a token nothing is sent")
    func noToken() throws {
        try FileManager.default.removeItem(atPath: server.tokenFile)
        #expect(throws: APIProblem.failed(.noToken(path: server.tokenFile, .file(.noEntry)))) {
            try client.send(.version) { _ in }
        }
        client.run()
        #expect(try server.requests.isEmpty)
    }
}

extension Result {
    fileprivate var failure: Failure? { if case .failure(let failure) = self { failure } else { nil } }
}
