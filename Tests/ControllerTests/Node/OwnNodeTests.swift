import TestSupport
import Testing

@testable import HTTP
@testable import Kubernetes
@testable import powercap_controller

struct OwnNodeTests {
    private func own(_ environment: [String: String]) throws -> OwnNode? {
        try OwnNode(Settings(flags: [:]) { environment[$0] })
    }

    private func sentence(_ environment: [String: String]) -> String {
        do { _ = try own(environment) } catch let error as UsageError { return error.sentence } catch { return "\(error)" }
        return "none"
    }

    private static let inPod = ["KUBERNETES_SERVICE_HOST": "10.96.0.1", "KUBERNETES_SERVICE_PORT": "443", "NODE_NAME": "node-a"]
    private static let offCluster = ["KUBE_SERVER": "https://api.example:6443/", "NODE_NAME": "node-a"]

    @Test(
        "Kubernetes is on in a pod and where a server is given, off elsewhere, and as KUBERNETES has it",
        arguments: [
            ([:], nil), (["NODE_NAME": "node-a"], nil), (inPod, "KUBERNETES_SERVICE_HOST is set"),
            (offCluster, "KUBE_SERVER is set"),
            (inPod.merging(["KUBERNETES": "on"]) { $1 }, "KUBERNETES=on"), (inPod.merging(["KUBERNETES": "off"]) { $1 }, nil),
            (offCluster.merging(["KUBERNETES": "off"]) { $1 }, nil),
            (offCluster.merging(["KUBERNETES": "on"]) { $1 }, "KUBERNETES=on"),
            (["KUBERNETES": "off"], nil), (["KUBERNETES_SERVICE_HOST": ""], nil),
        ] as [([String: String], String?)])
    func onOrOff(_ environment: [String: String], _ reason: String?) throws {
        #expect(try own(environment)?.reason == reason)
    }

    @Test(
        "in a pod the server is the service's, and token and authority are the service account's",
        arguments: [
            ("10.96.0.1", "443", "https://10.96.0.1:443"), ("10.96.0.1", nil, "https://10.96.0.1:443"),
            ("fd00::1", "6443", "https://[fd00::1]:6443"),
            ("kubernetes.default.svc", "443", "https://kubernetes.default.svc:443"),
        ])
    func pod(_ host: String, _ port: String?, _ server: String) throws {
        var environment = ["KUBERNETES_SERVICE_HOST": host, "NODE_NAME": "node-a"]
        environment["KUBERNETES_SERVICE_PORT"] = port
        let own = try #require(try own(environment))
        let access = own.access
        #expect(access.server.address == server)
        #expect(!access.server.isPlain)
        #expect(access.tokenFile == "/var/run/secrets/kubernetes.io/serviceaccount/token")
        #expect(access.server.certificateFile == "/var/run/secrets/kubernetes.io/serviceaccount/ca.crt")
        #expect(own.name == "node-a")
        environment.merge(["KUBE_TOKEN_FILE": "/t", "KUBE_CA_FILE": "/c"]) { $1 }
        let other = try #require(try self.own(environment)).access
        #expect(other.tokenFile == "/t")
        #expect(other.server.certificateFile == "/c")
    }

    @Test("elsewhere nothing is taken for granted but what is given")
    func outside() throws {
        let access = try #require(try own(Self.offCluster)).access
        #expect(access.server.address == "https://api.example:6443")
        #expect(access.tokenFile == nil)
        #expect(access.server.certificateFile == nil)
        let proxy = try #require(try own(["KUBE_SERVER": "http://127.0.0.1:8001", "NODE_NAME": "n"]))
        #expect(proxy.access.server.isPlain)
        // What is given wins over the pod's.
        #expect(try own(Self.inPod.merging(Self.offCluster) { $1 })?.access.server.address == "https://api.example:6443")
    }

    @Test(
        "a token is sent over TLS, or to this machine",
        arguments: [
            ("https://10.0.0.1", true), ("https://10.0.0.1:6443/", true), ("https://[::1]:6443", true),
            ("https://host/prefix", true),
            ("http://127.0.0.1:8001", true), ("http://localhost:8001", true), ("http://[::1]:8001", true),
            ("http://10.0.0.1:8001", false), ("http://localhost.example:8001", false), ("http://127.0.0.1.example", false),
            ("http://example", false), ("ftp://127.0.0.1", false), ("127.0.0.1:6443", false), ("https://", false),
            ("https://:443", false),
            ("https://host:0", false), ("https://host:65536", false), ("https://host:x", false), ("https://user@host", false),
            ("https://host?a", false), ("https://host#a", false), ("https://ho st", false), ("https://host\\x", false),
            ("https://[::1", false), ("https://ho\r\nst", false), ("http://127.0.0.1@example", false), ("", false),
        ])
    func servers(_ text: String, _ isAccepted: Bool) {
        #expect(ClusterAccess.isServer(text) == isAccepted)
        let own = try? self.own(["KUBE_SERVER": text, "NODE_NAME": "node-a"])
        #expect((own != nil) == isAccepted)
    }

    @Test("P11: what is missing is told with its name and what to do")
    func missing() {
        #expect(
            sentence(["KUBERNETES_SERVICE_HOST": "10.96.0.1"])
                == "NODE_NAME is not set, and KUBERNETES_SERVICE_HOST is set: give this machine's Node (in a pod from the field "
                + "spec.nodeName), or KUBERNETES=off")
        #expect(
            sentence(["KUBE_SERVER": "https://h"])
                == "NODE_NAME is not set, and KUBE_SERVER is set: give this machine's Node (in a pod from the field "
                + "spec.nodeName), or KUBERNETES=off")
        #expect(
            sentence(["KUBERNETES": "on", "NODE_NAME": "node-a"])
                == "KUBERNETES=\"on\", but this is not a cluster's pod (KUBERNETES_SERVICE_HOST is not set) and KUBE_SERVER is not "
                + "set: give the API server's address")
        #expect(sentence(["KUBERNETES": "yes"]).hasPrefix("KUBERNETES=\"yes\" is not known: give"))
    }

    @Test("P11: each ends every command that needs it with status 2 and that line", arguments: ["run", "cleanup"])
    func exit(_ command: String) throws {
        for environment in [["KUBERNETES_SERVICE_HOST": "10.96.0.1"], ["KUBERNETES": "on", "NODE_NAME": "node-a"]] {
            let outcome = try Executable.run([command], environment: environment)
            #expect(outcome.status == 2)
            #expect(outcome.errorLine == "powercap-controller: \(sentence(environment))")
        }
    }

    @Test("the program says who it is")
    func userAgent() { #expect(OwnNode.userAgent == "powercap-controller/\(programVersion)") }
}
