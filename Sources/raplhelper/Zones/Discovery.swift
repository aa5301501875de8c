import LinuxSystem
import PowercapProtocol

/// Finds the zones of a powercap tree and opens their files. What can't be described is left out and named in a warning: one
/// zone that makes no sense must not keep a node from having its limits.
struct Discovery {
    /// Opens nothing for writing (`--read-only`, `--list`).
    let readOnly: Bool

    private var zones: [Zone] = []
    private var omissions: Omissions
    /// The first limit that may not be written. Where none may be, the helper was started in a wrong way.
    private var denied: Problem?
    private var isAnyOpenForWriting = false

    /// The zones below `root`, parents before children, in the order of their ids.
    /// - Throws: what is wrong and what to do about it. Nothing has been written.
    static func zones(below root: String, readOnly: Bool) throws(Problem) -> [Zone] {
        let omissions = Omissions()
        var discovery = Discovery(readOnly: readOnly, omissions: omissions)
        let tree = try ZoneTree(opening: root) { omissions.add($0, $1) }
        try tree.walk { discovery.add($0, $1, $2, $3) }
        if discovery.zones.isEmpty {
            throw omissions.first.map { Problem(.failed, "failed: every zone of \(root) had to be left out: \($0)") }
                ?? tree.problemWithoutZones
        }
        if let denied = discovery.denied, !discovery.isAnyOpenForWriting { throw denied }
        discovery.forbidNamesakes()
        omissions.tell()
        return discovery.zones
    }

    private init(readOnly: Bool, omissions: Omissions) { (self.readOnly, self.omissions) = (readOnly, omissions) }

    /// - Returns: the zone's index, or nil when there is no room for it.
    private mutating func add(
        _ identity: ZoneIdentity, _ path: String, _ directory: borrowing Descriptor, _ parent: UInt16?
    ) -> UInt16? {
        let index = UInt16(zones.count)
        guard zones.count < Limits.zones else {
            omissions.add("\(path)", "there are more than \(Limits.zones) zones")
            return nil
        }
        let zone = Zone(
            index: index, parent: parent, identity: identity, path: path,
            maxEnergyRange: Microjoules(constant("max_energy_range_uj", in: directory, path)),
            energy: attribute("energy_uj", in: directory), enabled: attribute("enabled", in: directory),
            constraints: constraints(in: directory, path))
        zones.append(zone)
        return index
    }

    private mutating func constraints(in directory: borrowing Descriptor, _ path: String) -> [Constraint] {
        var constraints: [Constraint] = []
        for number in 0..<Limits.constraintsPerZone {
            let prefix = "constraint_\(number)"
            let name: Name
            switch NameFile.read("\(prefix)_name", in: directory) {
            case .absent: continue
            case .failed(let why):
                omissions.add("\(path)/\(prefix)", "its name \(why)")
                continue
            case .name(let found): name = found
            }
            let limit = writable("\(prefix)_power_limit_uw", in: directory, path)
            let window = writable("\(prefix)_time_window_us", in: directory, path)
            let isWritable = limit.isWritable && window.isWritable
            let constraint = Constraint(
                index: UInt8(number), name: name, maxPower: Microwatts(constant("\(prefix)_max_power_uw", in: directory, path)),
                limit: limit.attribute, window: window.attribute, isOpenForWriting: isWritable)
            if !isWritable && !readOnly { constraint.obstacle = .writeDenied }
            do throws(Errno) { constraint.original = try constraint.readSetting() } catch {
                // The hardware doesn't answer, or there is no limit file: monitored, never written.
                if error == .badMessage {
                    omissions.add("\(path)/\(prefix)", "its limit or window holds no number: it isn't set")
                }
            }
            constraints.append(constraint)
        }
        return constraints
    }

    /// A file to keep open for reading; nil when the zone has no such file. One that doesn't open says why at each reading.
    private func attribute(_ file: String, in directory: borrowing Descriptor) -> Attribute? {
        do throws(Errno) { return Attribute(try Descriptor(opening: file, in: directory, .read)) } catch {
            return error == .noEntry ? nil : Attribute(refused: error)
        }
    }

    private struct Writable: ~Copyable {
        let attribute: Attribute?
        let isWritable: Bool
    }

    /// A file to write to; where that is denied, to read from. A file that isn't there is no obstacle to writing the other.
    private mutating func writable(_ file: String, in directory: borrowing Descriptor, _ path: String) -> Writable {
        if readOnly { return Writable(attribute: attribute(file, in: directory), isWritable: false) }
        do throws(Errno) {
            let file = try Descriptor(opening: file, in: directory, .readWrite)
            isAnyOpenForWriting = true
            return Writable(attribute: Attribute(file), isWritable: true)
        } catch {
            if error == .noEntry { return Writable(attribute: nil, isWritable: true) }
            if error.isDenial { denied = denied ?? Problem(error, "can't open for writing", "\(path)/\(file)") }
            omissions.add("\(path)/\(file)", "it can't be opened for writing: \(error.explanation) (\(error)): it isn't set")
            return Writable(attribute: attribute(file, in: directory), isWritable: false)
        }
    }

    /// A number that never changes; 0 where there is none (psys and core answer ENODATA for max_power_uw).
    private func constant(_ file: String, in directory: borrowing Descriptor, _ path: String) -> UInt64 {
        guard let attribute = attribute(file, in: directory) else { return 0 }
        do throws(Errno) { return try attribute.read() } catch {
            if error != .noData && error != .invalid {
                omissions.add(
                    "\(path)/\(file)",
                    error == .badMessage ? "it holds no number" : "it can't be read: \(error.explanation) (\(error))")
            }
            return 0
        }
    }

    /// What can't be told from another by its names isn't set: when their numbers change places, nothing says whose original
    /// limit is whose (decision 14).
    private func forbidNamesakes() {
        for zone in zones {
            let isNamesake = zones.contains { $0 !== zone && $0.identity.isCalledLike(zone.identity) }
            for constraint in zone.constraints
            where isNamesake || zone.constraints.contains(where: { $0 !== constraint && $0.name == constraint.name }) {
                constraint.obstacle = .sameNames
                omissions.add("\(zone.path)/\(constraint.name)", "another has the same names: it isn't set")
            }
        }
    }
}

/// What is left out of the zones: named, with a bound to the lines.
final class Omissions {
    private var lines: [Message] = []
    private var more = 0
    private static let most = 32

    func add(_ path: Message, _ why: Message) {
        if lines.count < Omissions.most { lines.append("what=\(path) why=\"\(why)\"") } else { more += 1 }
    }

    var first: Message? { lines.first }

    /// Where there is something to serve without it; otherwise the sentence with which the helper ends says enough.
    func tell() {
        for line in lines { Log.warning("left out", line) }
        if more > 0 { Log.warning("more is left out", "count=\(more)") }
    }
}
