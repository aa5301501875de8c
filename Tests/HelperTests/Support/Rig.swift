import LinuxSystem
import PowercapProtocol

@testable import Simulator
@testable import raplhelper

/// A simulated machine and the helper's own objects over it, in a directory of the test's own.
final class Rig {
    let directory: TemporaryDirectory
    private(set) var zones: [Zone] = []
    private(set) var governor: Governor
    let machine: Machine
    private var arguments: [String]

    static let boot = bootID("00000000-0000-0000-0000-000000000001")

    var root: String { "\(directory.path)/powercap" }
    var stateDirectory: String { "\(directory.path)/state" }
    var statePath: String { StateFile.path(in: stateDirectory) }

    init(_ machine: Machine = Machine(), _ arguments: [String] = []) throws {
        directory = try TemporaryDirectory()
        (self.machine, self.arguments) = (machine, arguments)
        _ = try SimulatedTree(creatingAt: "\(directory.path)/powercap", machine)
        (zones, governor) = try Rig.start(directory.path, arguments, Rig.boot)
    }

    /// Forgets everything in memory, as SIGKILL does, and starts again.
    func restart(_ arguments: [String]? = nil, boot: BootID = Rig.boot) throws {
        if let arguments { self.arguments = arguments }
        (zones, governor) = try Rig.start(directory.path, self.arguments, boot)
    }

    private static func start(_ directory: String, _ arguments: [String], _ boot: BootID) throws -> ([Zone], Governor) {
        let options = try Options(
            parsing: [
                "--state-dir", "\(directory)/state", "--powercap-root", "\(directory)/powercap", "--govern",
                "intel-rapl,intel-rapl-mmio",
            ] + arguments)
        let originals = Originals(restoring: options, bootID: boot)
        let zones = try Discovery.zones(options, readOnly: options.readOnly)
        return (zones, originals.governor(of: zones))
    }

    static func bootID(_ text: String) -> BootID {
        let bytes = Array(text.utf8)
        return BootID(bytes.span)!
    }

    // MARK: Zones by id

    func zone(_ id: String) -> Zone { zones.first { $0.id.string == id }! }

    func constraint(_ id: String, _ index: UInt8 = 0) -> Constraint { zone(id).constraint(index)! }

    func item(_ id: String, _ index: UInt8 = 0, watts: Double, window_us: UInt64? = nil, fallback: Double? = nil) -> ApplyItem {
        ApplyItem(
            zone: zone(id).index, constraint: index, limit: Microwatts(UInt64(watts * 1_000_000)), window_us: window_us,
            fallback: fallback.map { Microwatts(UInt64($0 * 1_000_000)) })
    }

    // MARK: The tree's files

    func path(_ id: String, _ file: String) -> String { "\(zone(id).path)/\(file)" }

    func limit_uw(_ id: String, _ index: UInt8 = 0) throws -> UInt64? {
        UInt64(try firstLine(path(id, "constraint_\(index)_power_limit_uw")))
    }

    func window_us(_ id: String, _ index: UInt8 = 0) throws -> UInt64? {
        UInt64(try firstLine(path(id, "constraint_\(index)_time_window_us")))
    }

    /// Another party sets a limit.
    func setLimit_uw(_ id: String, _ index: UInt8 = 0, _ limit_uw: UInt64) throws {
        try put("\(limit_uw)\n", in: path(id, "constraint_\(index)_power_limit_uw"))
    }

    /// Every limit and window of the tree, by path.
    func settings() throws -> [String: String] {
        var settings: [String: String] = [:]
        for zone in Layout(of: machine).zones {
            for file in zone.files where file.name.hasSuffix("_limit_uw") || file.name.hasSuffix("_window_us") {
                settings["\(zone.path)/\(file.name)"] = try firstLine("\(root)/\(zone.path)/\(file.name)")
            }
        }
        return settings
    }

    // MARK: The state file

    /// What a start of this boot would find.
    func savedState() throws -> SavedState {
        switch StateFile.earlier(in: stateDirectory, bootID: Rig.boot) {
        case .saved(let state): return state
        case .none, .otherBoot, .unreadable: throw Errno.badMessage
        }
    }

    func savedChange(_ id: String, _ index: UInt8 = 0) throws -> Constraint.Change? {
        guard let record = try savedState().records.first(where: { $0.zone.id.string == id && $0.index == index }) else {
            throw Errno.noEntry
        }
        return record.change
    }
}

/// Applies a batch.
/// - Returns: what it failed with, or nil.
func failure(of governor: Governor, _ items: [ApplyItem]) -> Failure? {
    do throws(Failure) {
        try governor.apply(items)
        return nil
    } catch { return error }
}
