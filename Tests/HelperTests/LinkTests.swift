import Foundation
import LinuxSystem
import PowercapProtocol
import Testing

@testable import raplhelper

/// A tree that somebody else can write to is not the kernel's; what a link in it names is no attribute of a zone.
@Suite("Symbolic links in the tree")
struct LinkTests {
    let directory: TemporaryDirectory

    init() throws {
        directory = try TemporaryDirectory()
        try FileManager.default.createDirectory(atPath: "\(directory.path)/powercap", withIntermediateDirectories: false)
        try Fixture("server-two-packages").write(below: "\(directory.path)/powercap")
    }

    /// The number that the link's target holds, where the attribute is one.
    private static let elsewhere: UInt64 = 77_000_000

    private func target(of name: String) throws -> String {
        let path = "\(directory.path)/elsewhere"
        let contents = name.hasSuffix("name") ? "elsewhere\n" : name == "enabled" ? "1\n" : "\(Self.elsewhere)\n"
        try contents.write(toFile: path, atomically: true, encoding: .utf8)
        return path
    }

    private func isOpen(_ path: String) throws -> Bool {
        try FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd").contains {
            (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/fd/\($0)")) == path
        }
    }

    @Test(
        "no attribute of a zone is opened or read through one",
        arguments: [
            "name", "energy_uj", "enabled", "max_energy_range_uj", "constraint_0_name", "constraint_0_power_limit_uw",
            "constraint_0_time_window_us", "constraint_0_max_power_uw", "constraint_1_power_limit_uw",
        ], [true, false])
    func attributes(_ name: String, _ readOnly: Bool) throws {
        let file = "\(directory.path)/powercap/intel-rapl/intel-rapl:0/\(name)"
        let target = try target(of: name)
        try FileManager.default.removeItem(atPath: file)
        try FileManager.default.createSymbolicLink(atPath: file, withDestinationPath: target)
        // It may be refused as a whole, or the zone may be without.
        let zones = (try? Discovery.zones(below: "\(directory.path)/powercap", readOnly: readOnly)) ?? []
        #expect(try !isOpen(target))
        for zone in zones {
            #expect(zone.name.string != "elsewhere" && zone.maxEnergyRange.rawValue != Self.elsewhere)
            for constraint in zone.constraints {
                #expect(constraint.name.string != "elsewhere" && constraint.maxPower.rawValue != Self.elsewhere)
                #expect(constraint.original?.limit.rawValue != Self.elsewhere)
                #expect(constraint.original?.window_us != Self.elsewhere)
            }
        }
        withExtendedLifetime(zones) {}
    }

    @Test(
        "a zone, a control type or a tree that is one is no directory", arguments: ["intel-rapl/intel-rapl:0", "intel-rapl", ""])
    func directories(_ name: String) throws {
        let path = "\(directory.path)/powercap/\(name)"
        let moved = "\(directory.path)/moved"
        try FileManager.default.moveItem(atPath: name.isEmpty ? "\(directory.path)/powercap" : path, toPath: moved)
        try FileManager.default.createSymbolicLink(
            atPath: name.isEmpty ? "\(directory.path)/powercap" : path, withDestinationPath: moved)
        let zones = (try? Discovery.zones(below: "\(directory.path)/powercap", readOnly: true)) ?? []
        #expect(zones.allSatisfy { !name.isEmpty && !$0.path.hasPrefix(path) })
    }
}
