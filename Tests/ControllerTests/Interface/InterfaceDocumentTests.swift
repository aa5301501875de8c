import Foundation
import JSON
import TestSupport
import Testing

@testable import JSON
@testable import Policy
@testable import powercap_controller

/// docs/interface.md against the program.
struct InterfaceDocumentTests {
    private static let page = try? String(
        contentsOf: URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent().appending(path: "docs/interface.md"), encoding: .utf8)

    /// The first column of a table, as it is written in code.
    private func names(_ marker: String) throws -> [String] {
        let page = try #require(Self.page)
        let start = try #require(page.range(of: "<!-- \(marker) -->\n"))
        let end = try #require(page.range(of: "<!-- end -->", range: start.upperBound..<page.endIndex))
        return page[start.upperBound..<end.lowerBound].split(separator: "\n").dropFirst(2).compactMap { row in
            row.split(separator: "`").dropFirst().first.map(String.init)
        }
    }

    @Test("every place that is answered is described, and back")
    func places() throws { #expect(try names("places") == Routes.places) }

    @Test("every member of the document is described, in its order, and back")
    func document() throws {
        #expect(try names("document") == NodeState.test(nil).json.members?.map(\.name))
    }

    @Test("the helper's document has members of the same names")
    func helperDocument() throws {
        let mock = try Mock(devices: 1)
        let outcome = try Executable.run(
            ["status", "-o", "json", "--helper-socket", mock.socket], environment: ["CONTROL_SOCKET": "off"])
        let names = try JSON(Array(outcome.output.utf8), within: .document).members?.map(\.name) ?? []
        let all = try self.names("document")
        #expect(!names.isEmpty && names.allSatisfy(all.contains), "\(names)")
    }
}
