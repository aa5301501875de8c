import LinuxSystem
import PowercapProtocol

@testable import raplhelper

/// One package per file behaviour, over plain files in a directory of the test's own, and a governor over them: for what no
/// simulated tree can do, namely fail.
final class Bench {
    /// How the limit file of a package behaves.
    enum LimitFile {
        case ordinary
        /// Every write fails with EBADF, as one to a locked register fails with ENODATA.
        case refusesWrites
        /// Writes succeed and change nothing, as with a register that fails underneath (Linux 6.1).
        case ignoresWrites
        /// The first write changes the limit, all later ones are ignored. The limit before is 0.
        case takesOneWrite
        /// There is nothing in it that could be read.
        case unreadable
    }

    let directory: TemporaryDirectory
    private(set) var zones: [Zone] = []
    private(set) var governor: Governor

    static let original = Microwatts(150_000_000)
    static let originalWindow_us: UInt64 = 999_424

    init(_ files: [LimitFile], windowsRefuseWrites: Bool = false, _ arguments: [String] = []) throws {
        directory = try TemporaryDirectory()
        zones = try Bench.zones(in: directory.path, files, windowsRefuseWrites)
        governor = Bench.governor(in: directory.path, zones, arguments)
    }

    /// Forgets everything in memory, and starts again with files that behave as given.
    func restart(_ files: [LimitFile]) throws {
        try restartWithoutEnding(files)
        _ = governor.restore()
    }

    /// The same, with limits and fallback limits as they are.
    func restartWithoutEnding(_ files: [LimitFile]) throws {
        zones = try Bench.zones(in: directory.path, files, false)
        governor = Bench.governor(in: directory.path, zones, [])
    }

    private static func governor(in directory: String, _ zones: [Zone], _ arguments: [String]) -> Governor {
        var options = Options()
        options.stateDirectory = "\(directory)/state"
        // No tree in which a restoration could find anything: the governor gets it all.
        options.powercapRoot = directory
        return Originals(restoring: options, bootID: Rig.boot).governor(of: zones)
    }

    private static func zones(in directory: String, _ files: [LimitFile], _ windowsRefuseWrites: Bool) throws -> [Zone] {
        try files.enumerated().map { index, file in
            let path = "\(directory)/limit-\(index)"
            let windowPath = "\(directory)/window-\(index)"
            if try fileKind(of: path) == .absent {
                try put(file == .takesOneWrite ? "0" : file == .unreadable ? "" : "\(original.rawValue)\n", in: path)
                try put("\(originalWindow_us)\n", in: windowPath)
            }
            let limit: Descriptor =
                switch file {
                case .ordinary, .unreadable: try Descriptor(opening: path, .readWrite)
                case .refusesWrites: try Descriptor(opening: path, .read)
                case .ignoresWrites, .takesOneWrite: try openForAppending(path)
                }
            let constraint = Constraint(
                index: 0, name: Name(constant: "long_term"), maxPower: original, limit: Attribute(limit),
                window: Attribute(try Descriptor(opening: windowPath, windowsRefuseWrites ? .read : .readWrite)),
                isOpenForWriting: true)
            constraint.original = try? constraint.readSetting()
            return Zone(
                index: UInt16(index), parent: nil, identity: .sample("intel-rapl:\(index)", ["package-\(index)"]),
                path: directory, constraints: [constraint])
        }
    }

    func item(_ zone: Int, watts: UInt64, window_us: UInt64? = nil, fallback: UInt64? = nil) -> ApplyItem {
        ApplyItem(
            zone: UInt16(zone), constraint: 0, limit: Microwatts(watts * 1_000_000), window_us: window_us,
            fallback: fallback.map { Microwatts($0 * 1_000_000) })
    }

    func change(_ zone: Int) -> Constraint.Change? { zones[zone].constraints[0].change }

    /// What is read from a package's limit file.
    func limit_uw(_ zone: Int) throws -> UInt64? { UInt64(try firstLine("\(directory.path)/limit-\(zone)")) }

    func window_us(_ zone: Int) throws -> UInt64? { UInt64(try firstLine("\(directory.path)/window-\(zone)")) }

    /// What was written to a file that ignores writes, in order.
    func writes(_ zone: Int) throws -> [String] {
        let text = String(decoding: try contents("\(directory.path)/limit-\(zone)"), as: UTF8.self)
        return text.split(separator: "\n").dropFirst().map(String.init)
    }

    /// What the state file says was done to a package.
    func savedChange(_ zone: Int) throws -> Constraint.Change? {
        guard case .saved(let state) = StateFile.earlier(in: "\(directory.path)/state", bootID: Rig.boot) else {
            throw Errno.badMessage
        }
        guard let record = state.records.first(where: { $0.zone.id.string == "intel-rapl:\(zone)" }) else { throw Errno.noEntry }
        return record.change
    }
}

extension ZoneIdentity {
    /// A zone of `intel-rapl`, or of the control type that is named.
    static func sample(_ id: String, _ names: [String], type controlType: String = "intel-rapl") -> ZoneIdentity {
        ZoneIdentity(controlType: Name(controlType)!, id: Name(id)!, names: names.map { Name($0)! })
    }
}
