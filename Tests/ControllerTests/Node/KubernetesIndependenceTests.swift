import Foundation
import LinuxSystem
import PowercapProtocol
import TestSupport
import Testing

@testable import JSON
@testable import Policy
@testable import powercap_controller

/// P9: the policy needs no Kubernetes.
@Suite(.waiting)
struct KubernetesIndependenceTests {
    /// How an API server can be of no use, and how it recovers.
    struct Misery: CustomTestStringConvertible, Sendable {
        let testDescription: String
        let begin: @Sendable (ApiServer, _ authority: String) throws -> Void
        let end: @Sendable (ApiServer, _ authority: String) throws -> Void

        init(
            _ name: String, _ begin: @escaping @Sendable (ApiServer, String) throws -> Void,
            _ end: @escaping @Sendable (ApiServer, String) throws -> Void
        ) {
            (testDescription, self.begin, self.end) = (name, begin, end)
        }

        init(_ fault: String) {
            self.init(fault, { server, _ in try server.tell("fault every \(fault)") }, { server, _ in try server.tell("forget") })
        }
    }

    private static func replace(_ path: String, with other: String) throws {
        try Data(contentsOf: URL(filePath: other)).write(to: URL(filePath: path), options: .atomic)
    }

    private static let miseries = [
        Misery("refuses connections", { server, _ in try server.tell("stop") }, { server, _ in try server.tell("listen") }),
        Misery("is stopped", { server, _ in server.kill(SIGSTOP) }, { server, _ in server.kill(SIGCONT) }),
        Misery(
            "has a certificate of another authority", { try replace($1, with: $0.wrongCertificates) },
            { try replace($1, with: $0.certificates) }),
        Misery(
            "the authority's file is no certificate", { try "x".write(toFile: $1, atomically: true, encoding: .utf8) },
            { try replace($1, with: $0.certificates) }),
        Misery(
            "the authority's file is a FIFO",
            { _, authority in
                try FileManager.default.removeItem(atPath: authority)
                try #require(unsafe mkfifo(authority, 0o600) == 0)
            }, { try replace($1, with: $0.certificates) }),
        Misery(
            "the token is a FIFO",
            { server, _ in
                try FileManager.default.removeItem(atPath: server.tokenFile)
                try #require(unsafe mkfifo(server.tokenFile, 0o600) == 0)
            },
            { server, _ in
                try FileManager.default.removeItem(atPath: server.tokenFile)
                try server.tell("token")
            }),
        Misery("the token is expired", { server, _ in try server.tell("token -60") }, { server, _ in try server.tell("token") }),
        Misery(
            "the token is gone", { server, _ in try FileManager.default.removeItem(atPath: server.tokenFile) },
            { server, _ in try server.tell("token") }),
        Misery("* * freeze"), Misery("* * status 500"), Misery("* * garbage"), Misery("* * endless"), Misery("* * reset"),
        Misery("connect  freeze"), Misery("* * drip"),
    ]

    @Test(
        "P9: whatever the API server does, the first limit is set, held, renewed; then the Node is brought up to date",
        arguments: miseries)
    func independent(_ misery: Misery) throws {
        let server = try ApiServer()
        let directory = try TemporaryDirectory()
        let authority = "\(directory.path)/ca.crt"
        try Self.replace(authority, with: server.certificates)
        try misery.begin(server, authority)
        let mock = try Mock(devices: 2)
        let start_ns = Clock.monotonic_ns
        let controller = try RunningController(
            mock, server, ["KUBE_CA_FILE": authority, "LEASE_TIME": "3s"])
        #expect(try mock.nextApply().limits["intel-rapl:0/long_term"] == .watts(50))
        // What is due every second comes every second, and another party's limit is put right: six of each within 6 s and
        // some, where a single request to the API server may take 10.
        for _ in 0..<2 {
            for _ in 0..<3 { try mock.next("ReadSample") }
            try mock.next("Renew")
            try mock.tell("set intel-rapl:1 long_term 150W")
            #expect(try mock.nextApply().limits["intel-rapl:1/long_term"] == .watts(50))
        }
        #expect(Clock.monotonic_ns - start_ns < 14_000_000_000)
        try controller.expectTwoThreads()
        try misery.end(server, authority)
        try controller.next("Node updated")
        try controller.next("Node condition set")
        let node = try server.metadata()
        #expect(node.labels["rapl/pmax"] == "100000000")
        #expect(node.annotations["powercap.dev/state"] == "managed")
        #expect(try server.condition()?["status"]?.text == "True")
        #expect(try controller.stop() == 0)
        #expect(controller.count("lost control over the limits") + controller.count("lost the helper") == 0)
        try mock.next("Release")
    }

    @Test("P9: with the API away limits are kept and renewed, and what changed meanwhile is published when it is back")
    func outage() throws {
        let (server, mock) = (try ApiServer(), try Mock(devices: 2))
        let controller = try RunningController(mock, server, ["LEASE_TIME": "3s"])
        try controller.next("Node condition set")
        try server.tell("stop")
        // What was package 1's goes to package 0, and the node's limit becomes its ceiling.
        try mock.tell("gone intel-rapl:1")
        #expect(try mock.nextApply().limits["intel-rapl:0/long_term"] == .watts(100))
        try mock.tell("set intel-rapl:0 long_term 170W")
        #expect(try mock.nextApply().limits["intel-rapl:0/long_term"] == .watts(100))
        try controller.next("the Node can't be watched")
        try server.tell("compact")
        try server.tell("listen")
        try controller.next("watching the Node again")
        try server.annotate("powercap.dev/limit=80W")
        #expect(try mock.nextApply().limits["intel-rapl:0/long_term"] == .watts(80))
        try server.expectNode { $0.labels["rapl/pmax"] == "80000000" && $0.labels["rapl/max_power_uw"] == "200000000" }
        #expect(try controller.stop() == 0)
    }
}
