import Foundation
import LinuxSystem
import PowercapProtocol
import Testing

@testable import raplhelper

@Suite("--list")
struct ListingTests {
    let directory: TemporaryDirectory

    init() throws { directory = try TemporaryDirectory() }

    private let bounds = Bounds(minPower: Microwatts(10_000_000), ceilingRule: .maxPower)

    private func zones(_ name: String) throws -> [Zone] {
        try Fixture(name).write(below: directory.path)
        return try Discovery.zones(below: directory.path, readOnly: true)
    }

    /// Compares a text with the file of that name beside the fixtures; with POWERCAP_UPDATE_GOLDEN=1 writes it instead.
    private func expect(_ text: String, asIn file: String) throws {
        let path = Fixture.path(file)
        if ProcessInfo.processInfo.environment["POWERCAP_UPDATE_GOLDEN"] == "1" { try put(text, in: path) }
        #expect(text == String(decoding: try contents(path), as: UTF8.self), "\(file): POWERCAP_UPDATE_GOLDEN=1 writes it anew")
    }

    @Test("prints a table that a person reads at a glance", arguments: Fixture.names)
    func table(_ name: String) throws { try expect(Listing.table(try zones(name), bounds).string, asIn: "\(name).table") }

    @Test("fits a narrower terminal in 80 columns or fewer, with every word of the whole table", arguments: Fixture.names)
    func narrow(_ name: String) throws {
        let whole = Listing.table(try zones(name), bounds)
        func words(_ text: Message) -> [Substring] { text.string.split(whereSeparator: \.isWhitespace) }
        let widest = whole.string.split(separator: "\n").map(\.utf8.count).max()!
        for columns in [40, 60, 79, 80, 100, widest - 1] where columns < widest {
            let fitted = Listing.fitted(whole, to: columns)
            #expect(
                fitted.string.split(separator: "\n").allSatisfy { $0.utf8.count <= min(columns, 80) },
                "\(columns)\n\(fitted.string)")
            #expect(words(fitted) == words(whole))
        }
        for columns in [widest, widest + 1, 1_000] { #expect(Listing.fitted(whole, to: columns).string == whole.string) }
    }

    @Test("prints JSON with the numbers of sysfs", arguments: Fixture.names)
    func json(_ name: String) throws {
        let text = Listing.json(try zones(name), bounds, root: "/sys/devices/virtual/powercap").string
        try expect(text, asIn: "\(name).json")
        let parsed = try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any]
        #expect(
            (parsed?["zones"] as? [[String: Any]])?.count == (try Discovery.zones(below: directory.path, readOnly: true)).count)
    }

    @Test(
        "prints valid JSON whatever the tree's path and the zones' names hold",
        arguments: [#"/tmp/a"b\c"#, "/tmp/tab\tline\nend", "/tmp/ünïcode"])
    func escaping(_ root: String) throws {
        let zones = try zones("monitor-only")
        let text = Listing.json(zones, bounds, root: root).string
        let parsed = try? JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any]
        #expect(parsed?["powercap_root"] as? String == root)
    }

    @Test("prints valid JSON for a zone whose name needs escaping")
    func escapedName() throws {
        try Fixture("monitor-only").write(below: directory.path)
        let name = "\(directory.path)/intel-rapl/intel-rapl:0/name"
        try put(#"pack"age\0"#, in: name)
        let text = Listing.json(try Discovery.zones(below: directory.path, readOnly: true), bounds, root: "/").string
        let parsed = try? JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any]
        #expect((parsed?["zones"] as? [[String: Any]])?.first?["name"] as? String == #"pack"age\0"#)
    }
}
