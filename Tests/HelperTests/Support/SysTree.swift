import Glibc
import LinuxSystem
import PowercapProtocol

@testable import raplhelper

/// A directory that stands for /sys, with the devices of other drivers than RAPL's; their files are plain ones.
final class SysTree {
    let directory: TemporaryDirectory
    var path: String { "\(directory.path)/sys" }
    private(set) var zones: [Zone] = []
    private(set) var governor: Governor!

    static let everything = "intel-rapl,intel-rapl-mmio,amd_hsmp,arm-scmi,dtpm,gpu,power_meter,opal"

    init() throws {
        _ = SysTree.descriptors
        directory = try TemporaryDirectory()
    }

    /// Threads of zones and what they have open last as long as the process, which makes them for test after test: more than the 1,024 descriptors
    /// that a shell allows.
    private static let descriptors = Process.raiseDescriptorLimit()

    /// Makes a file with the directories that it lies in.
    func file(_ name: String, _ text: String) throws {
        var directory = path
        for part in name.split(separator: "/").dropLast() {
            if try fileKind(of: directory) == .absent { try makeDirectory(directory, mode: 0o755) }
            directory += "/\(part)"
        }
        if try fileKind(of: directory) == .absent { try makeDirectory(directory, mode: 0o755) }
        try put("\(text)\n", in: "\(path)/\(name)")
    }

    /// A hwmon device of this number, below a device of this name, reached as in the kernel's tree.
    func hwmon(_ number: Int, _ name: String, at device: String, _ files: [String: String]) throws {
        let place = "devices/bus/\(device)/hwmon/hwmon\(number)"
        try file("\(place)/name", name)
        for (name, text) in files { try file("\(place)/\(name)", text) }
        try file("class/hwmon/.keep", "")
        try link("../../\(place)", "class/hwmon/hwmon\(number)")
        try link("../../../\(device)", "\(place)/device")
    }

    /// As acpi_power_meter has it: all files are the device's.
    func powerMeter(_ number: Int, at device: String, path acpiPath: String?, _ files: [String: String]) throws {
        try file("devices/LNXSYSTM:00/\(device)/name", "power_meter")
        for (name, text) in files { try file("devices/LNXSYSTM:00/\(device)/\(name)", text) }
        if let acpiPath { try file("devices/LNXSYSTM:00/\(device)/path", acpiPath) }
        let place = "devices/LNXSYSTM:00/\(device)/hwmon/hwmon\(number)"
        try file("\(place)/uevent", "")
        try file("class/hwmon/.keep", "")
        try link("../../\(place)", "class/hwmon/hwmon\(number)")
        try link("../../../\(device)", "\(place)/device")
    }

    private func link(_ target: String, _ name: String) throws {
        guard unsafe symlink(target, "\(path)/\(name)") == 0 else { throw Errno(errno) }
    }

    func remove(_ name: String) throws { try unlink("\(path)/\(name)") }

    /// Starts a helper over the tree, as after a kill where there was one.
    /// - Parameter isAnswered: whether slow drivers have answered, as those do whose threads nobody keeps waiting.
    func start(_ arguments: [String] = [], govern: String = SysTree.everything, isAnswered: Bool = true) throws {
        let options = try Options(
            parsing: ["--sysfs", path, "--state-dir", "\(directory.path)/state", "--govern", govern] + arguments)
        let originals = Originals(restoring: options, bootID: Rig.boot)
        zones = try Discovery.zones(options, readOnly: options.readOnly)
        governor = originals.governor(of: zones)
        for zone in zones where zone.isSlow && isAnswered { zone.answer() }
    }

    /// The same state with other zones.
    func replace(_ zones: [Zone]) throws {
        self.zones = zones
        let options = try Options(parsing: ["--sysfs", path, "--state-dir", "\(directory.path)/state"])
        governor = Originals(restoring: options, bootID: Rig.boot).governor(of: zones)
    }

    /// What the state file says was done to a zone's first limit.
    func savedChange(_ id: String) throws -> Constraint.Change? { try saved(id).change }

    /// What the state file says of a zone's first limit.
    func saved(_ id: String) throws -> SavedState.Record {
        guard case .saved(let state) = StateFile.earlier(in: "\(directory.path)/state", bootID: Rig.boot),
            let record = state.records.first(where: { $0.zone.id.string == id })
        else { throw Errno.noEntry }
        return record
    }

    subscript(id: String) -> Zone { zones.first { $0.id.string == id }! }

    func describe(_ id: String, _ position: Int = 0) -> ConstraintDescription {
        governor.description(of: self[id].constraints[position], in: self[id])
    }

    func item(_ id: String, _ limit_uw: UInt64, constraint: UInt8 = 0, fallback_uw: UInt64? = nil) -> ApplyItem {
        ApplyItem(
            zone: self[id].index, constraint: constraint, limit: Microwatts(limit_uw),
            fallback: fallback_uw.map { Microwatts($0) })
    }

    /// What a file of the tree says.
    func text(_ name: String) throws -> String { try firstLine("\(path)/\(name)") }
}

extension Zone {
    /// What the first look of its thread comes to, for tests that start none.
    fileprivate func answer() {
        if sleep?.isAsleep() == true && !constraints.contains(where: \.isOpenForWriting) { return }
        for constraint in constraints {
            constraint.note(Zone.reading(constraint.limit))
            if constraint.lastLimit == nil { continue }
            constraint.note(bounds: (Zone.reading(constraint.minimum), Zone.reading(constraint.maximum)))
        }
    }

    private static func reading(_ file: borrowing Attribute?) -> Reading {
        do { return Reading(try file.readOrAbsent()) } catch { return Reading(errno: UInt8(clamping: error.number)) }
    }
}
