import Foundation
import TestSupport
import Testing

@testable import JSON
@testable import Kubernetes
@testable import powercap_controller

struct NodeMetadataTests {
    @Test("every recorded Node, list and event is read by interest as it is read whole")
    func recordings() throws {
        let directory = Fixture.path("kubernetes")
        var found = 0
        for name in try FileManager.default.contentsOfDirectory(atPath: directory) where name.hasSuffix(".json") {
            let whole = try JSON(Array(try Data(contentsOf: URL(filePath: "\(directory)/\(name)"))))
            guard let body = whole["response"]?["body"], let metadata = NodeMetadata(body) else { continue }
            found += 1
            let read = try #require(NodeMetadata(try JSON(body.bytes, NodeMetadata.interest, within: .answer)))
            #expect((read.uid, read.resourceVersion) == (metadata.uid, metadata.resourceVersion))
            for key in NodeRecord.Label.all { #expect(read.labels[key] == metadata.labels[key]) }
            for key in NodeRecord.Annotation.all { #expect(read.annotations[key] == metadata.annotations[key]) }
        }
        #expect(found > 5)
    }

    @Test(
        "what is handed back to a server has a length and characters that a version or a uid has",
        arguments: [
            ("1", true), (String(repeating: "9", count: 128), true), (String(repeating: "9", count: 129), false), ("", false),
            ("1 2", false), ("1\n", false), ("é", false), ("\u{9B}", false), ("0b5c4f0a-3a0d", true), ("…", false),
        ])
    func tokens(_ text: String, _ isToken: Bool) {
        #expect(text.isToken == isToken)
        let object: JSON = ["metadata": ["resourceVersion": .text(text), "uid": "u"]]
        #expect((NodeMetadata(object) != nil) == isToken)
        let other: JSON = ["metadata": ["resourceVersion": "1", "uid": .text(text)]]
        #expect((NodeMetadata(other) != nil) == (isToken || text.isEmpty))
    }
}
