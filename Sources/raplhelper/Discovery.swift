import LinuxSystem
import PowercapProtocol

/// Finds the zones of a powercap tree and opens their files.
struct Discovery {
    let root: String
    /// Opens nothing for writing (`--read-only`, `--list`).
    let readOnly: Bool
    /// `--list` by somebody who isn't root still shows what everybody may read.
    let toleratesDenial: Bool

    private var zones: [Zone] = []
    private var describedBytes = 0

    private init(root: String, readOnly: Bool, toleratesDenial: Bool) {
        (self.root, self.readOnly, self.toleratesDenial) = (root, readOnly, toleratesDenial)
    }

    /// The zones below `root`, parents before children, in the order of their ids.
    /// - Throws: what is wrong and what to do about it. Nothing has been written.
    static func zones(below root: String, readOnly: Bool, toleratesDenial: Bool = false) throws(Problem) -> [Zone] {
        var discovery = Discovery(root: root, readOnly: readOnly, toleratesDenial: toleratesDenial)
        let directory: Descriptor
        do { directory = try Descriptor(opening: root, .directory) } catch { throw problem(opening: root, error) }
        let types = try discovery.directories(in: directory, path: root)
        for type in types {
            guard let controlType = Name(type) else { continue }
            let path = "\(root)/\(type)"
            let typeDirectory = try discovery.open(type, in: directory, path: path)
            try discovery.walk(typeDirectory, path: path, controlType: controlType, parent: nil)
        }
        if discovery.zones.isEmpty { throw discovery.problemWithoutZones(directory) }
        return discovery.zones
    }

    private mutating func walk(
        _ directory: borrowing Descriptor, path: String, controlType: Name, parent: UInt16?
    ) throws(Problem) {
        for entry in try directories(in: directory, path: path) {
            let zonePath = "\(path)/\(entry)"
            let zoneDirectory = try open(entry, in: directory, path: zonePath)
            // A zone is a directory with a file `name`; `power` and other directories of the device model have none.
            guard let name = try self.name("name", in: zoneDirectory, path: zonePath) else { continue }
            guard let id = Name(entry) else { throw absurd(zonePath, "the directory's name") }
            guard zones.count < Limits.zones else {
                throw Problem(.failed, "\(root) has more than \(Limits.zones) zones, which no known machine has")
            }
            let index = UInt16(zones.count)
            let zone = Zone(
                index: index, parent: parent, controlType: controlType, id: id, name: name, path: zonePath,
                maxEnergyRange: Microjoules(try constant("max_energy_range_uj", in: zoneDirectory, path: zonePath) ?? 0),
                energy: try attribute("energy_uj", in: zoneDirectory, path: zonePath, write: false),
                enabled: try attribute("enabled", in: zoneDirectory, path: zonePath, write: false),
                constraints: try constraints(in: zoneDirectory, path: zonePath))
            describedBytes += zone.describedBytes
            guard describedBytes <= Frame.maximumPayload - ZonesHeader.maximumBytes else {
                throw Problem(.failed, "\(root) has more zones than one frame of 64 KiB can describe")
            }
            zones.append(zone)
            try walk(zoneDirectory, path: zonePath, controlType: controlType, parent: index)
        }
    }

    private func constraints(in directory: borrowing Descriptor, path: String) throws(Problem) -> [Constraint] {
        var constraints: [Constraint] = []
        for number in 0..<Limits.constraintsPerZone {
            let prefix = "constraint_\(number)"
            guard let name = try name("\(prefix)_name", in: directory, path: path) else { continue }
            let constraint = Constraint(
                index: UInt8(number), name: name,
                maxPower: Microwatts(try constant("\(prefix)_max_power_uw", in: directory, path: path) ?? 0),
                limit: try attribute("\(prefix)_power_limit_uw", in: directory, path: path, write: !readOnly),
                window: try attribute("\(prefix)_time_window_us", in: directory, path: path, write: !readOnly),
                isOpenForWriting: !readOnly)
            do { constraint.original = try constraint.readSetting() } catch {
                // The hardware doesn't answer, or there is no limit file: monitored, never written.
                if error == .badMessage {
                    let file: StaticString = (try? constraint.limit.readOrAbsent()) == nil ? "power_limit_uw" : "time_window_us"
                    throw absurd("\(path)/\(prefix)_\(file)", "the contents")
                }
            }
            constraints.append(constraint)
        }
        return constraints
    }

    /// Real directories only: the tree's symbolic links (`device`, `subsystem`) lead back up.
    private func directories(in directory: borrowing Descriptor, path: String) throws(Problem) -> [String] {
        do {
            var names: [String] = []
            for name in try directory.entries() where try directory.kind(of: name) == .directory { names.append(name) }
            // Shorter first, so that `intel-rapl:2` comes before `intel-rapl:10` (the numbers are hexadecimal).
            return names.sorted {
                $0.utf8.count == $1.utf8.count
                    ? $0.utf8.lexicographicallyPrecedes($1.utf8) : $0.utf8.count < $1.utf8.count
            }
        } catch { throw Discovery.problem(error, "can't list", path) }
    }

    private func open(_ name: String, in directory: borrowing Descriptor, path: String) throws(Problem) -> Descriptor {
        do { return try Descriptor(opening: name, in: directory, .directory) } catch {
            throw Discovery.problem(error, "can't open", path)
        }
    }

    /// A file to keep open; nil when the zone has no such file.
    private func attribute(
        _ file: String, in directory: borrowing Descriptor, path: String, write: Bool
    ) throws(Problem) -> Attribute? {
        do { return Attribute(try Descriptor(opening: file, in: directory, write ? .readWrite : .read)) } catch {
            if error == .noEntry { return nil }
            if error == .denied && toleratesDenial { return Attribute(refused: error) }
            throw Discovery.problem(error, write ? "can't open for writing" : "can't open", "\(path)/\(file)")
        }
    }

    /// A number that never changes; nil where there is none (psys and core answer ENODATA for max_power_uw).
    private func constant(_ file: String, in directory: borrowing Descriptor, path: String) throws(Problem) -> UInt64? {
        guard let attribute = try attribute(file, in: directory, path: path, write: false) else { return nil }
        do { return try attribute.read() } catch {
            if error == .noData || error == .invalid { return nil }
            if error == .badMessage { throw absurd("\(path)/\(file)", "the contents") }
            throw Discovery.problem(error, "can't read", "\(path)/\(file)")
        }
    }

    /// A name that never changes; nil where there is no such file.
    private func name(_ file: String, in directory: borrowing Descriptor, path: String) throws(Problem) -> Name? {
        var storage = InlineArray<96, UInt8>(repeating: 0)
        var count = 0
        do {
            let descriptor = try Descriptor(opening: file, in: directory, .read)
            var buffer = storage.mutableSpan
            count = try descriptor.read(into: &buffer, at: 0)
        } catch {
            if error == .noEntry { return nil }
            throw Discovery.problem(error, "can't read", "\(path)/\(file)")
        }
        if count > 0 && storage[count - 1] == UInt8(ascii: "\n") { count -= 1 }
        guard let name = Name(storage.span.extracting(0..<count)) else { throw absurd("\(path)/\(file)", "the contents") }
        return name
    }

    /// A directory of links, as /sys/class/powercap is, isn't an empty one: the real directories are elsewhere.
    private func problemWithoutZones(_ directory: borrowing Descriptor) -> Problem {
        if let names = try? directory.entries() {
            for name in names where (try? directory.kind(of: name)) == .link {
                return Problem(
                    .failed,
                    "\(root) holds links (\(name)) and no zones: links aren't followed. Give the directory that they lead to, "
                        + "as --powercap-root /sys/devices/virtual/powercap for /sys/class/powercap")
            }
        }
        return Discovery.absent("\(root) has no zones")
    }

    /// What is wrong with a tree whose root doesn't open.
    static func problem(opening root: String, _ errno: Errno) -> Problem {
        errno == .noEntry ? absent("there is no directory \(root)") : problem(errno, "can't open", root)
    }

    private static func absent(_ what: Message) -> Problem {
        Problem(
            .absent,
            "no RAPL zones: \(what). Load the driver (modprobe intel_rapl_msr, or rapl on AMD); most virtual machines "
                + "have none. In a container, mount the host's /sys/devices/virtual/powercap outside /sys and name it with "
                + "--powercap-root")
    }

    private func absurd(_ path: String, _ what: String) -> Problem {
        Problem(
            .failed,
            "failed: \(what) of \(path) isn't what the kernel's powercap documentation describes. Nothing was "
                + "written; check that --powercap-root is a powercap tree and look at the file")
    }

    private static func problem(_ errno: Errno, _ action: StaticString, _ path: String) -> Problem {
        if errno == .denied || errno == .notPermitted || errno == .readOnlyFileSystem {
            return Problem(
                .denied,
                "permission denied: \(action) \(path) (\(errno.name)). Start as root, or as uid 0 without "
                    + "capabilities on a tree mounted read-write; for monitoring alone --read-only needs no write access")
        }
        return Problem(
            .failed,
            "failed: \(action) \(path): \(errno.explanation) (\(errno.name)). Nothing was written; the kernel log "
                + "(dmesg) may say why")
    }
}
