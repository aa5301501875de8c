import LinuxSystem
import PowercapProtocol

/// What a zone is called. The names are what stays: the number in `id` is given anew whenever a package comes back
/// (drivers/powercap/powercap_sys.c takes the lowest free one).
struct ZoneIdentity {
    let controlType: Name
    /// The directory's name, such as `intel-rapl:0:0`. The numbers in it are hexadecimal and no package's number.
    var id: Name
    /// Its name behind those of the zones that it lies in: `package-0`, `dram`.
    let names: [Name]

    var name: Name { names[names.count - 1] }

    /// Zones of a node lie two deep; those that lie deeper than this are left out.
    static let deepest = 6

    func isCalledLike(_ other: ZoneIdentity) -> Bool {
        guard controlType == other.controlType, names.count == other.names.count else { return false }
        for index in 0..<names.count where names[index] != other.names[index] { return false }
        return true
    }
}

/// The zones' directories of a powercap tree.
struct ZoneTree: ~Copyable {
    let root: Descriptor
    let path: String
    /// Told of what can't be looked into or has no name that could be told: it is left out with all that lies in it.
    private let omissions: Omissions

    init(
        opening path: String, leavingOut omissions: Omissions = Omissions()
    ) throws(Problem) {
        do throws(Errno) { root = try Descriptor(opening: path, .directory) } catch {
            throw Problem(opening: path, error)
        }
        (self.path, self.omissions) = (path, omissions)
    }

    /// Visits every zone, parents before their children. `visit` gets what it has returned for the parent, nil at the top; where
    /// it returns nil, the children are left out.
    /// - Throws: when the root can't be listed.
    borrowing func walk(
        _ visit: (ZoneIdentity, _ path: String, borrowing Descriptor, _ parent: UInt16?) -> UInt16?
    ) throws(Problem) {
        let types: [String]
        do throws(Errno) { types = try ZoneTree.directories(in: root) } catch { throw Problem(error, "can't list", path) }
        for type in types {
            // Directories of the device model, and what no zone could be told from.
            guard let controlType = Name(type), let directory = open(type, in: root, path: path) else { continue }
            walk(directory, "\(path)/\(type)", controlType, [], nil, visit)
        }
    }

    private borrowing func walk(
        _ directory: borrowing Descriptor, _ path: String, _ controlType: Name, _ above: [Name], _ parent: UInt16?,
        _ visit: (ZoneIdentity, String, borrowing Descriptor, UInt16?) -> UInt16?
    ) {
        let entries: [String]
        do throws(Errno) { entries = try ZoneTree.directories(in: directory) } catch {
            return omissions.add("\(path)", "it can't be listed: \(error.explanation) (\(error))")
        }
        for entry in entries {
            guard let zone = open(entry, in: directory, path: path) else { continue }
            let zonePath = "\(path)/\(entry)"
            // A zone is a directory with a file `name`; `power` and other directories of the device model have none.
            switch NameFile.read("name", in: zone) {
            case .absent: continue
            case .failed(let why): omissions.add("\(zonePath)", "its name \(why)")
            case .name(let name):
                guard let id = Name(entry), above.count < ZoneIdentity.deepest else {
                    omissions.add("\(zonePath)", "its directory is too deep, or has a name with blanks")
                    continue
                }
                let identity = ZoneIdentity(controlType: controlType, id: id, names: above + [name])
                if let number = visit(identity, zonePath, zone, parent) {
                    walk(zone, zonePath, controlType, identity.names, number, visit)
                }
            }
        }
    }

    /// A directory of links, as /sys/class/powercap is, isn't an empty one: the real directories are elsewhere.
    var problemWithoutZones: Problem {
        if let names = try? root.entries() {
            for name in names where (try? root.kind(of: name)) == .link {
                return Problem(
                    .failed,
                    "\(path) holds links (\(name)) and no zones: links aren't followed. Give the directory that they lead to, "
                        + "as --powercap-root /sys/devices/virtual/powercap for /sys/class/powercap")
            }
        }
        return .noZones("\(path) has no zones")
    }

    private borrowing func open(_ name: String, in directory: borrowing Descriptor, path: String) -> Descriptor? {
        do throws(Errno) { return try Descriptor(opening: name, in: directory, .directory) } catch {
            omissions.add("\(path)/\(name)", "it can't be opened: \(error.explanation) (\(error))")
            return nil
        }
    }

    /// Real directories only: the tree's symbolic links (`device`, `subsystem`) lead back up.
    private static func directories(in directory: borrowing Descriptor) throws(Errno) -> [String] {
        var names: [String] = []
        for name in try directory.entries() where try directory.kind(of: name) == .directory { names.append(name) }
        // Shorter first, so that `intel-rapl:2` comes before `intel-rapl:10` (the numbers are hexadecimal).
        return names.sorted {
            $0.utf8.count == $1.utf8.count ? $0.utf8.lexicographicallyPrecedes($1.utf8) : $0.utf8.count < $1.utf8.count
        }
    }
}

/// A file of the tree that holds a name, which never changes.
enum NameFile {
    case absent, name(Name)
    /// Why there is none, to go on behind "its name".
    case failed(Message)

    static func read(_ file: String, in directory: borrowing Descriptor) -> NameFile {
        var storage = InlineArray<96, UInt8>(repeating: 0)
        var count = 0
        do throws(Errno) {
            let descriptor = try Descriptor(opening: file, in: directory, .read)
            var buffer = storage.mutableSpan
            count = try descriptor.read(into: &buffer, at: 0)
        } catch {
            return error == .noEntry ? .absent : .failed("can't be read: \(error.explanation) (\(error))")
        }
        if count > 0 && storage[count - 1] == UInt8(ascii: "\n") { count -= 1 }
        // arm-scmi calls its constraint `SCMI power-cap`.
        for index in 0..<count where storage[index] == UInt8(ascii: " ") { storage[index] = UInt8(ascii: "-") }
        guard let name = Name(storage.span.extracting(0..<count)) else {
            return .failed("isn't 1 to 63 letters, digits and signs")
        }
        return .name(name)
    }
}
