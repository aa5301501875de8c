import Foundation
import Testing

@testable import raplhelper

@Test("the README's list of flags is the one that --help prints")
func readmeFlags() throws {
    let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
    let readme = try String(contentsOf: root.appending(path: "README.md"), encoding: .utf8)
    #expect(readme.contains("<!-- raplhelper --help -->\n```\n\(Options.help.string)```\n<!-- end -->"))
}
