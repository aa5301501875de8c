import Foundation
import LinuxSystem
import Policy
import PowercapProtocol
import TestSupport
import Testing

@testable import JSON
@testable import powercap_controller

/// `kubectl powercap`, as an administrator runs it.
struct Plugin {
    private static let repository = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../../..").standardized
    static let kubectl = [repository.appending(path: ".build/tools/kubectl").path, "/usr/local/bin/kubectl", "/usr/bin/kubectl"]
        .first { FileManager.default.isExecutableFile(atPath: $0) }

    private let directory: TemporaryDirectory

    init(_ server: ApiServer) throws {
        directory = try TemporaryDirectory()
        let configuration: JSON = [
            "apiVersion": "v1", "kind": "Config", "current-context": "test",
            "clusters": [
                ["name": "test", "cluster": ["server": .text(server.url), "certificate-authority": .text(server.certificates)]]
            ],
            "users": [["name": "test", "user": ["token": .text(server.adminToken)]]],
            "contexts": [["name": "test", "context": ["cluster": "test", "user": "test"]]],
        ]
        try Data(configuration.bytes).write(to: URL(filePath: "\(directory.path)/config"))
    }

    /// Runs it: the exit status and its lines.
    func run(_ arguments: String...) throws -> (status: Int32, lines: [String]) {
        let kubectl = try #require(Plugin.kubectl)
        let child = try Child(
            kubectl, ["powercap"] + arguments,
            environment: [
                "PATH": "\(Plugin.repository.appending(path: "deploy/kubectl").path):/usr/bin:/bin", "KUBECTL": kubectl,
                "KUBECONFIG": "\(directory.path)/config", "HOME": directory.path,
            ], reading: .output)
        return (try child.exitStatus(), child.lines)
    }
}

@Suite(.waiting)
struct PluginTests {
    @Test(
        "what kubectl powercap sets the controller follows, until it ends, and the plugin shows what the controller says of it",
        .enabled(if: Plugin.kubectl != nil, "there is no kubectl, and no .build/tools/kubectl (make deps)"))
    func conversation() throws {
        let (server, mock) = (try ApiServer(), try Mock(devices: 1))
        let plugin = try Plugin(server)
        let controller = try RunningController(
            mock, server, ["SAMPLE_INTERVAL": "1h", "STABILISATION_TIME": "1h", "LEASE_TIME": "1h"])
        func expect(_ watts: UInt64, _ location: SourceLocation = #_sourceLocation) throws {
            #expect(try mock.nextApply().limits["intel-rapl:0/long_term"] == .watts(watts), sourceLocation: location)
        }
        try expect(100)
        try controller.next("Node condition set")
        #expect(
            try plugin.run("explain", ApiServer.node).lines.first == "node-a is limited to 100 W of 200 W, by its source (static)"
        )
        #expect(try plugin.run("set", ApiServer.node, "80 W", "--for", "10s", "--reason", "rack 4").status == 0)
        try expect(80)
        #expect(try controller.next("overrides changed")["reason"] == "rack 4")
        try expect(100)
        try controller.next("override ended")
        while try server.condition()?["message"]?.text?.contains("ended at") != true { try server.nextRequest(.condition) }
        let table = try plugin.run("nodes").lines
        #expect(
            table.last?.split(separator: " ", omittingEmptySubsequences: true).prefix(3).joined(separator: " ") == "node-a 100 W")
        #expect(table.last?.contains("LimitInForce   80 W ended   ") == true, "\(table)")
        _ = try server.nextEvent(.overrideEnded)
        #expect(
            try plugin.run("explain", ApiServer.node).lines.contains { $0.contains("PowerOverrideEnded: powercap.dev/limit=") })
        #expect(try plugin.run("unset", ApiServer.node).status == 0)
        while try server.condition()?["message"]?.text != "Limits are in force" { try server.nextRequest(.condition) }
        #expect(try plugin.run("pause", ApiServer.node, "--for", "ever").status == 0)
        try server.expectNode { $0.annotations["powercap.dev/state"] == "paused" }
        #expect(try plugin.run("resume", ApiServer.node).status == 0)
        try server.expectNode { $0.annotations["powercap.dev/state"] == "managed" }
        #expect(try controller.stop() == 0)
        // Nothing is in force any more.
        #expect(try plugin.run("explain", ApiServer.node).status == 1)
    }
}
