import Foundation
import Testing

@testable import HTTP
@testable import JSON
@testable import Kubernetes

struct ResourceTests {
    private static let nodes = Resource.nodes
    private static let leases = Resource(group: "coordination.k8s.io", "v1", "leases", in: "powercap-system")
    private static let json = "application/json"
    private static let metadata = "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1"
    private static let metadataList = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1"
    private static let own = "fieldManager=powercap-controller"

    @Test(
        "a request has the method, path, query and forms of the API",
        arguments: [
            (nodes.get("node-a"), "GET /api/v1/nodes/node-a", json, nil),
            (nodes.get("node-a", .metadata), "GET /api/v1/nodes/node-a", metadata, nil),
            (nodes.list(), "GET /api/v1/nodes", json, nil),
            (
                nodes.list(fieldSelector: "metadata.name=node-a", .metadata),
                "GET /api/v1/nodes?fieldSelector=metadata.name%3Dnode-a", metadataList, nil
            ),
            (
                nodes.watch(fieldSelector: "metadata.name=a", from: "7", seconds: 300, .metadata),
                "GET /api/v1/nodes?watch=1&allowWatchBookmarks=true&resourceVersion=7&timeoutSeconds=300&fieldSelector=metadata.name%3Da",
                metadata, nil
            ),
            (
                leases.watch(from: "7", seconds: 1),
                "GET /apis/coordination.k8s.io/v1/namespaces/powercap-system/leases"
                    + "?watch=1&allowWatchBookmarks=true&resourceVersion=7&timeoutSeconds=1", json, nil
            ),
            (leases.get("x"), "GET /apis/coordination.k8s.io/v1/namespaces/powercap-system/leases/x", json, nil),
            (
                leases.create(["a": "b"]), "POST /apis/coordination.k8s.io/v1/namespaces/powercap-system/leases?\(own)", json,
                Request.Body(type: json, bytes: Array(#"{"a":"b"}"#.utf8))
            ),
            (
                leases.update("x", [:]), "PUT /apis/coordination.k8s.io/v1/namespaces/powercap-system/leases/x?\(own)", json,
                Request.Body(type: json, bytes: Array("{}".utf8))
            ),
            (
                nodes.patch("node-a", .merge, [:]), "PATCH /api/v1/nodes/node-a?\(own)", metadata,
                Request.Body(type: "application/merge-patch+json", bytes: Array("{}".utf8))
            ),
            (
                nodes.patch("node-a", .strategic, [:], subresource: "status"), "PATCH /api/v1/nodes/node-a/status?\(own)",
                metadata,
                Request.Body(type: "application/strategic-merge-patch+json", bytes: Array("{}".utf8))
            ),
            (
                nodes.patch("node-a", .apply, [:], force: true, .whole), "PATCH /api/v1/nodes/node-a?\(own)&force=true", json,
                Request.Body(type: "application/apply-patch+yaml", bytes: Array("{}".utf8))
            ),
            (
                Resource.events.create([:]), "POST /apis/events.k8s.io/v1/namespaces/default/events?\(own)", json,
                Request.Body(type: json, bytes: Array("{}".utf8))
            ),
            (Request.version, "GET /version", json, nil),
        ] as [(Request, String, String, Request.Body?)])
    func requests(_ request: Request, _ line: String, _ accept: String, _ body: Request.Body?) {
        #expect("\(request.method.rawValue) \(request.path)" == line)
        #expect(request.accept == accept)
        #expect(request.body == body)
    }

    @Test(
        "whatever a name or a value holds, it stays one segment of the path or one value of the query",
        arguments: ["../../secrets", "a/b", "a?b=c&d", "a#b", "a%2Fb", "a b", "ü", "a\r\nHost: evil", "😀", "", "a-._~z09"])
    func encoding(_ text: String) throws {
        let request = Resource.nodes.list(fieldSelector: text)
        let query = try #require(URLComponents(string: "https://host\(request.path)")?.queryItems)
        #expect(query == [URLQueryItem(name: "fieldSelector", value: text)])
        let path = Self.nodes.get(text).path
        #expect(path.hasPrefix("/api/v1/nodes/"))
        let segment = path.dropFirst("/api/v1/nodes/".utf8.count)
        #expect(String(segment).removingPercentEncoding == text)
        #expect(segment.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F } && !segment.contains { "/?#&".contains($0) })
    }

    @Test("a watch may take its own time beside the client's patience, and nothing else may")
    func time() {
        #expect(Self.nodes.watch(from: "1", seconds: 300).stream_ms == 300_000)
        #expect(Self.nodes.list().stream_ms == 0)
        #expect(Self.nodes.patch("a", .merge, [:]).stream_ms == 0)
    }
}
