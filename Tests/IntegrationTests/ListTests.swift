import Documents
import Foundation
import LinuxSystem
import Processes
import Testing

@testable import Simulator

@Suite("raplhelper --list")
struct ListTests {
    let tree: TemporaryTree

    init() throws { tree = try TemporaryTree(Machine(hasPsys: true, hasMMIO: true, hasCore: true)) }

    private func list(_ flags: [String] = [], through wrapper: [String] = []) throws -> String {
        let helper = try tree.spawnHelper(["--list"] + flags, through: wrapper)
        #expect(try helper.waitForEnd() == .exited(0), "\(helper.log)")
        #expect(helper.log == "")
        return helper.process.outputText
    }

    private func json(_ flags: [String] = [], through wrapper: [String] = []) throws -> [String: [String: Any]] {
        let text = try list(["--format", "json"] + flags, through: wrapper)
        let object = try #require(try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any])
        #expect(object["format"] as? Int == 1)
        #expect(object["powercap_root"] as? String == tree.root)
        let zones = try #require(object["zones"] as? [[String: Any]])
        return Dictionary(uniqueKeysWithValues: zones.map { ($0["id"] as! String, $0) })
    }

    @Test("JSON names every zone with its parent, counter and constraints")
    func parsed() throws {
        let zones = try json()
        #expect(Set(zones.keys) == Set(Layout(of: tree.machine).zones.map { String($0.path.split(separator: "/").last!) }))
        let package = zones["intel-rapl:0"]!
        #expect(package["parent"] is NSNull && package["name"] as? String == "package-0" && package["enabled"] as? Bool == true)
        #expect(package["energy_uj"] as? Int == 1_000_000_000 && package["max_energy_range_uj"] as? Int == 262_143_328_850)
        let constraints = package["constraints"] as! [[String: Any]]
        #expect(constraints.map { $0["name"] as? String } == ["long_term", "short_term"])
        #expect(constraints[0]["power_limit_uw"] as? Int == 150_000_000 && constraints[0]["time_window_us"] as? Int == 999_424)
        #expect(constraints[0]["floor_uw"] as? Int == 10_000_000 && constraints[1]["ceiling_uw"] as? Int == 300_000_000)
        #expect(constraints[0]["writable"] as? Bool == true)
        let core = zones["intel-rapl:0:0"]!
        #expect(
            core["name"] as? String == "core" && core["parent"] as? String == "intel-rapl:0" && core["enabled"] as? Bool == false)
        #expect((core["constraints"] as! [[String: Any]])[0]["max_power_uw"] is NSNull)
        #expect((core["constraints"] as! [[String: Any]])[0]["writable"] as? Bool == false)
        #expect(zones["intel-rapl-mmio:1"]!["control_type"] as? String == "intel-rapl-mmio")
    }

    @Test("JSON has the fields that docs/operations.md lists, and no other")
    func documented() throws {
        let rows = try Document(page: "docs/operations.md").tables(startingWith: ["field"])
        let listed = Set(rows.flatMap { $0[0].split(separator: ", ").map { $0.filter { $0 != "`" } } })
        let zones = try json().values
        let constraints = zones.flatMap { $0["constraints"] as! [[String: Any]] }
        #expect(Set(zones.flatMap(\.keys)).union(constraints.flatMap(\.keys)) == listed)
    }

    @Test("the bounds are those of the flags")
    func bounds() throws {
        try tree.setLimit_uw(package0, 0, 40_000_000)
        let constraint =
            (try json(["--min-power", "20W", "--ceiling", "original"])["intel-rapl:0"]!["constraints"] as! [[String: Any]])[0]
        #expect(constraint["floor_uw"] as? Int == 20_000_000 && constraint["ceiling_uw"] as? Int == 40_000_000)
    }

    @Test("the table has a line for every zone and every constraint")
    func table() throws {
        let lines = try list().split(separator: "\n")
        #expect(lines[0] == "package-0  (intel-rapl:0, intel-rapl)  enabled: yes  energy: 1000.000 J")
        #expect(
            lines[1]
                == "  long_term  limit: 150.000 W  window: 999.424 ms  max_power: 150.000 W  may be set from 10.000 to 150.000 W")
        #expect(lines[3] == "  core  (intel-rapl:0:0, intel-rapl)  enabled: no  energy: 1000.000 J")
        #expect(
            lines[4].hasSuffix(
                "max_power: not given  not governed: its ceiling, 0.000 W, is below the helper's floor, 10.000 W (--min-power)"))
        let layout = Layout(of: tree.machine).zones
        #expect(lines.count == layout.count + layout.reduce(0) { $0 + $1.files.count { $0.name.hasSuffix("_name") } })
    }

    /// script(1) runs it on a terminal of its own.
    @Test(
        "on a terminal that is narrower than the table no line is wider than 80 columns; on a wide one, and in a pipe, the table is whole",
        .enabled(if: Conditions.has("script"), "needs script(1)"), arguments: [60, 80, 100, 200])
    func terminal(_ columns: Int) throws {
        let command =
            "stty cols \(columns); exec '\(Programs.helper)' --list --powercap-root '\(tree.root)' --govern intel-rapl,intel-rapl-mmio"
        let script = try tree.spawn("script-\(columns)", ["script", "--quiet", "--return", "--command", command, "/dev/null"])
        #expect(try script.waitForEnd() == .exited(0))
        let shown = script.outputText.replacing("\r\n", with: "\n")
        let whole = try list()
        #expect(whole.split(separator: "\n").contains { $0.utf8.count > 100 })
        if columns == 200 {
            #expect(shown == whole)
        } else {
            #expect(shown.split(separator: "\n").allSatisfy { $0.utf8.count <= min(columns, 80) }, "\(shown)")
            #expect(shown.split(whereSeparator: \.isWhitespace) == whole.split(whereSeparator: \.isWhitespace))
        }
    }

    @Test("somebody who isn't root sees what everybody may read", .enabled(if: Conditions.isRoot, Conditions.root))
    func unprivileged() throws {
        let user = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]
        let package = try json(through: user)["intel-rapl:0"]!
        #expect(package["energy_uj"] is NSNull && package["energy_error"] as? String == "EACCES")
        #expect(try list(through: user).contains("energy: unreadable (EACCES)\n"))
        #expect((package["constraints"] as! [[String: Any]])[0]["power_limit_uw"] as? Int == 150_000_000)
    }

    @Test("a counter that isn't there is absent, and no error is said where it is read")
    func absentCounter() throws {
        try FileManager.default.removeItem(atPath: "\(tree.root)/\(package0)/energy_uj")
        let zones = try json()
        #expect(zones["intel-rapl:0"]!["energy_uj"] is NSNull && zones["intel-rapl:0"]!["energy_error"] as? String == "ENOENT")
        #expect(zones["intel-rapl:1"]!["energy_error"] is NSNull)
        #expect(try list().contains("energy: no such file\n"))
    }

    @Test("it makes no socket and no state, writes nothing, and works beside a running helper")
    func harmless() throws {
        _ = try list()
        #expect(!Files.exists(tree.socket) && !Files.exists(tree.stateDirectory))
        try tree.startHelper()
        #expect(try json().count == Layout(of: tree.machine).zones.count)
        #expect(try tree.settings() == tree.originals())
    }

    /// /sys/class/powercap is one.
    @Test(
        "a directory of links is called that, and it is said where to look, by --list and by a helper that would serve",
        arguments: [["--list"], []])
    func links(_ flags: [String]) throws {
        let links = "\(tree.directory)/class"
        try FileManager.default.createDirectory(atPath: links, withIntermediateDirectories: false)
        for (link, target) in [("intel-rapl", "intel-rapl"), ("intel-rapl:0", package0)] {
            try FileManager.default.createSymbolicLink(atPath: "\(links)/\(link)", withDestinationPath: "../powercap/\(target)")
        }
        let helper = try tree.spawnHelper(flags + ["--powercap-root", links])
        #expect(try helper.waitForEnd() == .exited(1))
        #expect(
            helper.log
                == "raplhelper: \(links) holds links (intel-rapl) and no zones: links aren't followed. Give the directory that they lead "
                + "to, as --powercap-root /sys/devices/virtual/powercap for /sys/class/powercap\n")
        #expect(helper.process.outputText == "")
    }

    @Test("a tree that may not be opened is no absent one", .enabled(if: Conditions.isRoot, Conditions.root))
    func denied() throws {
        let denied = "\(tree.directory)/denied"
        try FileManager.default.createDirectory(atPath: denied, withIntermediateDirectories: false)
        try changeMode(denied, 0o700)
        let user = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]
        let helper = try tree.spawnHelper(["--list", "--powercap-root", denied], through: user)
        #expect(try helper.waitForEnd() == .exited(1))
        #expect(helper.log.hasPrefix("raplhelper: permission denied: can't open \(denied) (EACCES). "))
    }

    @Test("a tree that isn't there is exit 1 and a sentence")
    func absent() throws {
        let helper = try tree.spawnHelper(["--list", "--powercap-root", "\(tree.directory)/nowhere"])
        #expect(try helper.waitForEnd() == .exited(1))
        #expect(helper.log.hasPrefix("raplhelper: no RAPL zones: there is no directory \(tree.directory)/nowhere."))
        #expect(helper.process.outputText == "")
    }
}
