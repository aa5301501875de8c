import Foundation
import LinuxSystem
import PowercapProtocol
import TestSupport
import Testing

@testable import Kubernetes
@testable import Policy
@testable import powercap_controller

/// A connection whose packets go nowhere, while new ones work.
@Suite(.waiting)
struct LostConnectionTests {
    private static let hasProxy = HTTP2Proxy.isInstalled

    private func expectObeyed(_ agent: RunningAgent, _ server: ApiServer, _ watts: UInt64) throws {
        try server.annotate("powercap.dev/limit=\(watts)W")
        try agent.run(until: { agent.agent.wishes.limit == .watts(watts) })
    }

    @Test(
        "over HTTP/2 one exchange without an answer ends the connection, with the watch that was on it; the next goes over another",
        .enabled(if: hasProxy, "there is no .build/tools/nghttpx (make deps)"))
    func exchange() throws {
        let server = try ApiServer()
        let proxy = try HTTP2Proxy(to: server)
        let relay = try Relay(to: proxy.url, keeping: proxy)
        let agent = try RunningAgent(relay.node(server.ownNode))
        try agent.start()
        try expectObeyed(agent, server, 90)
        try relay.poll()
        #expect(relay.lines.filter { $0 == "connection" }.count == 1)
        try relay.hold()
        let start_ns = Clock.monotonic_ns
        agent.agent.publish(.test(77))
        // The patch has a second, and then the connection is let go.
        try relay.next("released", while: agent)
        try agent.run(until: { try server.metadata().labels["rapl/pmax"] == "77000000" })
        try expectObeyed(agent, server, 91)
        #expect(Clock.monotonic_ns - start_ns < 30_000_000_000)
        #expect(agent.count("the Node can't be watched") == 0)
    }

    @Test(
        "a watch whose bookmarks stop is made anew over another connection, though the old one is kept up",
        arguments: [true, false])
    func bookmarks(_ overHTTP2: Bool) throws {
        if overHTTP2 { try #require(Self.hasProxy, "there is no .build/tools/nghttpx (make deps)") }
        let server = try ApiServer()
        let proxy = overHTTP2 ? try HTTP2Proxy(to: server) : nil
        let relay = try Relay(to: proxy?.url ?? server.url, keeping: proxy)
        var patience = RunningAgent.patience
        patience.quiet_ms = 5_000
        let agent = try RunningAgent(relay.node(server.ownNode), patience: patience)
        try agent.start()
        try expectObeyed(agent, server, 90)
        // A server that has sent none may be one that never does.
        try agent.run(milliseconds: 6_000)
        #expect(try server.count(.watch) == 1)
        try server.tell("bookmark")
        try agent.run(until: { agent.agent.watch.sendsBookmarks })
        try relay.hold()
        try server.annotate("powercap.dev/limit=91W")
        try agent.run(until: { agent.agent.wishes.limit == .watts(91) })
        #expect(try server.count(.watch) == 2)
        #expect(agent.count("the Node can't be watched") == 0)
    }

    @Test("as long as bookmarks come nothing is sent, and the watch stays")
    func quiet() throws {
        let server = try ApiServer()
        var patience = RunningAgent.patience
        patience.quiet_ms = 4_000
        let agent = try RunningAgent(server.ownNode, patience: patience)
        try agent.start()
        let before = try server.requests.count
        for _ in 0..<6 {
            try server.tell("bookmark")
            try agent.run(milliseconds: 1_000)
        }
        #expect(try server.requests.count == before)
    }

    private static let tools = ["/usr/bin/unshare", "/usr/bin/nsenter", "/usr/sbin/iptables", "/usr/sbin/ip"]
    private static let hasNamespaces = Root.isHere && tools.allSatisfy(FileManager.default.isExecutableFile)

    @Test(
        "where a connection's packets vanish, in both directions, overrides are obeyed again within 30 s",
        .enabled(if: hasNamespaces, "takes root, unshare, nsenter, ip and iptables"))
    func packets() throws {
        // A network namespace with nothing but a loopback interface, which ends with the server.
        let server = try ApiServer(
            through: ["/usr/bin/unshare", "--net", "/bin/sh", "-c", "/usr/sbin/ip link set lo up && exec \"$0\" \"$@\""])
        let inside = ["--target", "\(server.pid)", "--net"]
        let mock = try Mock(devices: 1)
        let controller = try RunningController(
            mock.socket, server.environment.merging(["LEASE_TIME": "3s"]) { $1 }, program: "/usr/bin/nsenter",
            before: inside + [Executable.url("powercap-controller").path, "run"])
        try controller.next(each: "watching the Node", "Node condition set")
        // Each connection has a port of the controller's. New ones aren't in the list.
        let sockets = try Child(
            "/usr/bin/nsenter",
            inside + ["/bin/sh", "-c", "ss -Htn state established | awk '{print $4}' | sed 's/.*://'; echo end"],
            environment: ["PATH": "/usr/sbin:/usr/bin:/sbin:/bin"], reading: .output)
        try sockets.next("end") { $0 == "end" }
        let serverPort = try #require(server.url.split(separator: ":").last.map(String.init))
        let ports = Set(sockets.lines.filter { $0 != "end" && $0 != serverPort })
        #expect(!ports.isEmpty)
        let rules = ports.map { "iptables -A INPUT -p tcp --dport \($0) -j DROP; iptables -A INPUT -p tcp --sport \($0) -j DROP" }
        let firewall = try Child(
            "/usr/bin/nsenter", inside + ["/bin/sh", "-ec", rules.joined(separator: "; ")],
            environment: ["PATH": "/usr/sbin:/usr/bin:/sbin:/bin"], reading: .errors)
        #expect(try firewall.exitStatus() == 0)
        let start_ns = Clock.monotonic_ns
        try server.annotate("powercap.dev/limit=80W")
        while try mock.nextApply().limits["intel-rapl:0/long_term"] != .watts(80) {}
        #expect(Clock.monotonic_ns - start_ns < 30_000_000_000)
        try mock.expectPunctual(renewals: 5)
        #expect(try controller.stop() == 0)
    }
}

extension Relay {
    /// Waits for a line while an agent goes on.
    func next(_ line: String, while agent: RunningAgent) throws {
        try agent.run(until: {
            try poll()
            return lines.contains(line)
        })
    }
}
