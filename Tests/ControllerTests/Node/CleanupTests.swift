import Foundation
import TestSupport
import Testing

@testable import JSON
@testable import powercap_controller

@Suite(.waiting)
struct CleanupTests {
    private func cleanup(_ environment: [String: String]) throws -> Executable.Outcome {
        try Executable.run(["cleanup"], environment: environment)
    }

    /// The order of members means nothing.
    private func object(_ json: JSON?) throws -> NSDictionary? {
        try JSONSerialization.jsonObject(with: Data(#require(json).bytes)) as? NSDictionary
    }

    @Test("cleanup removes all that the controller ever wrote on its Node, and nothing else")
    func everything() throws {
        let (server, mock) = (try ApiServer(), try Mock(devices: 1))
        // This one has conditions of its own.
        try server.tell("node \(ApiServer.node) large")
        try server.tell("label \(ApiServer.node) other=x rapl/other=y")
        try server.annotate("powercap.dev/limit=80W other=z")
        let before = try server.show(ApiServer.path)
        let controller = try RunningController(mock, server)
        try server.expectNode { $0.labels["rapl/pmax"] == "80000000" }
        try controller.next("Node condition set")
        controller.child.kill(SIGKILL)
        let outcome = try cleanup(server.environment)
        #expect(outcome.status == 0)
        #expect(outcome.errors.isEmpty)
        #expect(
            outcome.output
                == "Removed from the Node node-a: rapl/pmax, rapl/max_power_uw, power-manager/initialized, powercap.dev/state, "
                + "powercap.dev/effective-limit, powercap.dev/source, powercap.dev/reason, powercap.dev/operator, powercap.dev/changed "
                + "and its condition PowerCapped.\n")
        let after = try server.show(ApiServer.path)
        #expect(after["metadata"]?["labels"]?.texts == before["metadata"]?["labels"]?.texts)
        #expect(after["metadata"]?["annotations"]?.texts == before["metadata"]?["annotations"]?.texts)
        for part in ["status", "spec"] { #expect(try object(after[part]) == object(before[part])) }
        // Again there is nothing to remove, and that is no error.
        #expect(try cleanup(server.environment).status == 0)
    }

    @Test("cleanup beside a controller that runs removes nothing for long")
    func besideController() throws {
        let (server, mock) = (try ApiServer(), try Mock(devices: 1))
        let controller = try RunningController(mock, server)
        try controller.next("Node condition set")
        #expect(try cleanup(server.environment).status == 0)
        try controller.next("Node updated")
        try controller.next("Node condition set")
        #expect(try server.metadata().labels["rapl/pmax"] == "100000000")
        #expect(try server.condition()?["status"]?.text == "True")
        #expect(try controller.stop() == 0)
    }

    @Test("a Node that is not there has nothing to remove")
    func absent() throws {
        let server = try ApiServer(["--empty"])
        let outcome = try cleanup(server.environment)
        #expect(outcome.status == 0)
        #expect(outcome.output == "There is no Node node-a: nothing to remove.\n")
        #expect(outcome.errors.isEmpty)
    }

    @Test(
        "what can't be removed is one line with the reason, and status 1",
        arguments: [
            ("stop", "its labels and annotations: no connection to the API server: "),
            ("fault every patch * status 403", "its labels and annotations: HTTP 403 Forbidden: "),
            ("fault every patch */status status 500", "its condition PowerCapped: HTTP 500"),
            ("token -60", "its labels and annotations: HTTP 401 Unauthorized: "),
        ])
    func fails(_ misery: String, _ words: String) throws {
        let server = try ApiServer()
        try server.tell(misery)
        let outcome = try cleanup(server.environment)
        #expect(outcome.status == 1)
        #expect(outcome.output.isEmpty)
        #expect(outcome.errorLine?.hasPrefix("powercap-controller: can't remove from the Node node-a \(words)") == true)
    }

    @Test("without a token, or with another authority's certificate, it says which, and status 1")
    func access() throws {
        let server = try ApiServer()
        let noToken = try cleanup(server.environment.merging(["KUBE_TOKEN_FILE": "/nonexistent-token"]) { $1 })
        #expect(noToken.status == 1)
        #expect(noToken.errorLine?.contains("no token: /nonexistent-token does not exist") == true)
        let wrong = try cleanup(server.environment.merging(["KUBE_CA_FILE": server.wrongCertificates]) { $1 })
        #expect(wrong.status == 1)
        #expect(wrong.errorLine?.contains("the API server's certificate is not trusted: ") == true)
        let noAuthority = try cleanup(server.environment.merging(["KUBE_CA_FILE": "/nonexistent-ca"]) { $1 })
        #expect(noAuthority.status == 1)
        #expect(noAuthority.errorLine?.contains("the file of certificates can't be used: ") == true)
        #expect(try server.requests.isEmpty)
    }

    @Test(
        "where Kubernetes is off it is status 2 and what to give",
        arguments: [[:], ["KUBERNETES": "off", "NODE_NAME": "node-a"]])
    func off(_ environment: [String: String]) throws {
        let outcome = try cleanup(environment)
        #expect(outcome.status == 2)
        #expect(
            outcome.errorLine
                == "powercap-controller: Kubernetes is off: give KUBE_SERVER and NODE_NAME (`kubectl proxy` serves http://127.0.0.1:8001)"
        )
    }

    @Test("a proxy on this machine is spoken to without TLS and without a token")
    func proxy() throws {
        let server = try ApiServer(["--plain"])
        let outcome = try cleanup(["KUBE_SERVER": server.url, "NODE_NAME": "node-a"])
        // The double lets nobody in without a token, as a server does that isn't behind a proxy.
        #expect(outcome.status == 1)
        #expect(outcome.errorLine?.contains("system:anonymous") == true)
        #expect(try cleanup(["KUBE_SERVER": server.url, "NODE_NAME": "node-a", "KUBE_TOKEN_FILE": server.tokenFile]).status == 0)
    }
}
