import Foundation
import TestSupport
import Testing

@testable import HTTP
@testable import Kubernetes
@testable import powercap_controller

/// The token goes to the API server, and nowhere else.
@Suite(.waiting)
struct TokenSecrecyTests {
    @Test(
        "a proxy of the environment doesn't see a request in plain text",
        arguments: ["http_proxy", "all_proxy", "ALL_PROXY", "https_proxy"])
    func plain(_ variable: String) throws {
        let (server, mock) = (try ApiServer(["--plain"]), try Mock(devices: 1))
        let relay = try Relay(to: server.url)
        let controller = try RunningController(mock, server, [variable: "http://127.0.0.1:\(relay.port)"])
        try controller.next("Node condition set")
        #expect(try controller.stop() == 0)
        #expect(!relay.lines.contains("connection"))
    }

    @Test("a proxy of the environment is asked to connect, and sees no more than that")
    func proxy() throws {
        let (server, mock) = (try ApiServer(), try Mock(devices: 1))
        // It speaks TLS to whoever connects, and CONNECT is none.
        let relay = try Relay(to: server.url)
        let controller = try RunningController(mock, server, ["https_proxy": "http://127.0.0.1:\(relay.port)"])
        try controller.next("the Node can't be watched")
        try relay.next("connection")
        #expect(try server.requests.isEmpty)
        #expect(try controller.stop() == 0)
    }

    @Test("a redirection isn't followed to another server", arguments: ["list", "watch", "patch", "get"])
    func redirection(_ verb: String) throws {
        let (server, other, mock) = (try ApiServer(), try ApiServer(["--plain"]), try Mock(devices: 1))
        try server.tell("fault every \(verb) * redirect \(other.url)/api/v1/nodes")
        let controller = try RunningController(mock, server)
        while try server.requests.filter({ $0.fault == "redirect" }).isEmpty { try server.next("request") }
        try mock.next("ReadSample")
        #expect(try controller.stop() == 0)
        #expect(try other.requests.isEmpty)
    }

    @Test(
        "no line of the log has the token in it, whatever goes wrong",
        arguments: ["status 401", "status 500", "nohttp", "reset", "redirect http://127.0.0.1:1/"])
    func log(_ fault: String) throws {
        let (server, mock) = (try ApiServer(), try Mock(devices: 1))
        try server.tell("fault every * * \(fault)")
        let controller = try RunningController(mock, server, ["LOG_LEVEL": "debug"])
        // Whoever meets it first tells of it.
        while !controller.log.contains(where: { $0.level == "error" }) {
            try mock.next("ReadSample")
            try controller.child.poll()
        }
        try server.tell("forget")
        try controller.next("Node condition set")
        #expect(try controller.stop() == 0)
        let token = try String(contentsOfFile: server.tokenFile, encoding: .utf8).trimmingCharacters(in: .whitespacesAndNewlines)
        #expect(token.count > 20)
        // Nor its signature, or its claims.
        for part in token.split(separator: ".") where part.count > 20 {
            #expect(!controller.child.lines.contains { $0.contains(part) })
        }
    }
}

/// Passes connections on to a server, and on `hold` keeps those that are open without passing anything more.
final class Relay {
    private let child: Child
    let port: UInt16
    var lines: [String] { child.lines }

    /// What has to live as long as it, such as the server.
    private let kept: AnyObject?

    init(to url: String, keeping kept: AnyObject? = nil) throws {
        self.kept = kept
        let program = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../../apiserver/relay")
        let target = try #require(url.split(separator: ":").last.map(String.init))
        child = try Child("/usr/bin/python3", [program.standardized.path, target], reading: .output)
        port = try #require(UInt16(try child.next("ready") { $0.hasPrefix("ready ") }.dropFirst(6)))
    }

    @discardableResult
    func next(_ line: String) throws -> String { try child.next(line) { $0 == line } }

    func poll() throws { try child.poll() }

    func hold() throws {
        try child.write("hold")
        try next("done hold")
    }

    /// The same server by this way.
    func node(_ own: OwnNode) throws -> OwnNode {
        let environment = [
            "KUBE_SERVER": "https://127.0.0.1:\(port)", "KUBE_CA_FILE": own.access.server.certificateFile,
            "KUBE_TOKEN_FILE": own.access.tokenFile,
            "NODE_NAME": own.name,
        ]
        return try #require(try OwnNode(Settings(flags: [:]) { environment[$0] ?? nil }))
    }
}
