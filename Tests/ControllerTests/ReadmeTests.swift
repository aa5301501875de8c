import Foundation
import Testing

@testable import powercap_controller

@Test("the README's table of options is the one that the code prints")
func readmeOptions() throws {
    let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
    let readme = try String(contentsOf: root.appending(path: "README.md"), encoding: .utf8)
    #expect(readme.contains("<!-- powercap-controller help --format markdown -->\n\(optionsMarkdown)<!-- end -->"))
}
