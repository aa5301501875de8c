import LinuxSystem
import PowercapProtocol

/// Finds the zones and opens their files. What can't be described is left out and named in a warning: one zone that makes no sense
/// must not keep a node from having its limits.
struct Discovery {
    /// Opens nothing for writing (`--read-only`, `--list`).
    let readOnly: Bool
    /// What is opened for writing.
    let governed: GovernedKinds

    private var zones: [Zone] = []
    private var omissions: Omissions
    /// The first limit that may not be written. Where none may be, the helper was started in a wrong way.
    private var denied: Problem?
    private var isAnyOpenForWriting = false

    /// The zones, parents before children, in the order of places and ids.
    /// - Throws: what is wrong and what to do about it. Nothing has been written.
    static func zones(_ options: Options, readOnly: Bool) throws(Problem) -> [Zone] {
        let omissions = Omissions()
        var discovery = Discovery(readOnly: readOnly, governed: options.governed, omissions: omissions)
        let withoutZones = options.places.walk(leavingOut: omissions) { discovery.add($0, $1, $2) }
        if discovery.zones.isEmpty {
            if withoutZones.kind == .denied { throw withoutZones }
            throw omissions.first.map { Problem(.failed, "failed: every zone had to be left out: \($0)") } ?? withoutZones
        }
        if let denied = discovery.denied, !discovery.isAnyOpenForWriting { throw denied }
        discovery.forbidNamesakes()
        omissions.tell()
        return discovery.zones
    }

    private init(readOnly: Bool, governed: GovernedKinds, omissions: Omissions) {
        (self.readOnly, self.governed, self.omissions) = (readOnly, governed, omissions)
    }

    /// - Returns: the zone's index, or nil when there is no room for it.
    private mutating func add(
        _ found: ZonePlaces.Found, _ directory: borrowing Descriptor, _ parent: UInt16?
    ) -> UInt16? {
        let (index, path) = (UInt16(zones.count), found.path)
        guard zones.count < Limits.zones else {
            omissions.add("\(path)", "there are more than \(Limits.zones) zones")
            return nil
        }
        let sleep = found.driver.sleeps ? SleepStatus(in: directory, "device/power/runtime_status") : nil
        let constraints = constraints(of: found, in: directory)
        let (file, kind) = reading(of: found.driver, in: directory)
        // A device of hwmon's that neither measures nor limits a power is none of ours: an old GPU, a meter that is no meter.
        if found.driver.place != .powercap && constraints.isEmpty && kind == .none { return nil }
        zones.append(
            Zone(
                index: index, parent: parent, identity: found.identity, path: path,
                maxEnergyRange: Microjoules(constant("max_energy_range_uj", in: directory, path)), readingKind: kind,
                witness: kind == .none ? found.driver.limits.first?.limit ?? file : file,
                reading: attribute(file, in: directory, Attribute.Format(hasGaps: kind == .power)),
                sleep: sleep, isSlow: found.driver.isSlow, enabled: attribute("enabled", in: directory), constraints: constraints)
        )
        return index
    }

    /// Which file says what the zone uses, and what that is.
    private func reading(of driver: Driver, in directory: borrowing Descriptor) -> (file: String, ReadingKind) {
        let isPowercap = driver.place == .powercap
        let counter = isPowercap ? "energy_uj" : driver.energy
        if !counter.utf8.isEmpty, let kind = try? directory.kind(of: counter), kind != .absent { return (counter, .energy) }
        for power in isPowercap ? ["power_uw"] : driver.powers {
            if let kind = try? directory.kind(of: power), kind != .absent { return (power, .power) }
        }
        return ("energy_uj", .none)
    }

    private mutating func constraints(of found: ZonePlaces.Found, in directory: borrowing Descriptor) -> [Constraint] {
        let (driver, path) = (found.driver, found.path)
        let isGoverned = governed.contains(driver.kind)
        // What may wait is read by a thread.
        let isSlow = driver.isSlow
        let format = driver.limitFormat
        let omissions = omissions
        var constraints: [Constraint] = []
        for files in FoundLimit.all(of: found, in: directory, leavingOut: omissions) {
            let limit = writable(files.limit, in: directory, path, isGoverned, format)
            let window = writable(files.window, in: directory, path, isGoverned)
            let isWritable = limit.isWritable && window.isWritable
            let constraint = Constraint(
                index: files.index, name: files.name, driver: driver,
                minPower: Microwatts(isSlow ? 0 : constant(files.minimum, in: directory, path, format)),
                maxPower: Microwatts(isSlow ? 0 : constant(files.maximum, in: directory, path, format)),
                limit: limit.attribute, window: window.attribute, isOpenForWriting: isWritable,
                minimum: isSlow ? attribute(files.minimum, in: directory, format) : nil,
                maximum: isSlow ? attribute(files.maximum, in: directory, format) : nil)
            constraint.isUnread = isSlow
            if driver.kind == nil {
                constraint.obstacle = .unknownDriver
            } else if !isGoverned {
                constraint.obstacle = .notGoverned
            } else if !isWritable && !readOnly {
                constraint.obstacle = .writeDenied
            }
            constraints.append(constraint)
            if isSlow { continue }
            do throws(Errno) {
                let now = try constraint.readSetting()
                constraint.original = now
                constraint.note(Reading(now.limit.rawValue))
            } catch {
                // The hardware doesn't answer, or there is no limit file: monitored, never written.
                if error == .badMessage {
                    omissions.add("\(path)/\(files.name)", "its limit or window holds no number: it isn't set")
                }
            }
        }
        return constraints
    }

    /// A file to keep open for reading; nil when the zone has no such file. One that doesn't open says why at each reading.
    private func attribute(
        _ file: String, in directory: borrowing Descriptor, _ format: Attribute.Format = Attribute.Format()
    ) -> Attribute? {
        if file.utf8.isEmpty { return nil }
        do throws(Errno) { return Attribute(try Descriptor(opening: file, in: directory, .read), format) } catch {
            return error == .noEntry ? nil : Attribute(refused: error)
        }
    }

    private struct Writable: ~Copyable {
        let attribute: Attribute?
        let isWritable: Bool
    }

    /// A file to write to; where that is denied, to read from. A file that isn't there is no obstacle to writing the other.
    private mutating func writable(
        _ file: String, in directory: borrowing Descriptor, _ path: String, _ isGoverned: Bool,
        _ format: Attribute.Format = Attribute.Format()
    ) -> Writable {
        if file.utf8.isEmpty { return Writable(attribute: nil, isWritable: true) }
        if readOnly || !isGoverned { return Writable(attribute: attribute(file, in: directory, format), isWritable: false) }
        do throws(Errno) {
            let file = try Descriptor(opening: file, in: directory, .readWrite)
            isAnyOpenForWriting = true
            return Writable(attribute: Attribute(file, format), isWritable: true)
        } catch {
            if error == .noEntry { return Writable(attribute: nil, isWritable: true) }
            if error.isDenial { denied = denied ?? Problem(error, "can't open for writing", "\(path)/\(file)") }
            omissions.add("\(path)/\(file)", "it can't be opened for writing: \(error.explanation) (\(error)): it isn't set")
            return Writable(attribute: attribute(file, in: directory, format), isWritable: false)
        }
    }

    /// A number that never changes; 0 where there is none (psys and core answer ENODATA for max_power_uw).
    private func constant(
        _ file: String, in directory: borrowing Descriptor, _ path: String, _ format: Attribute.Format = Attribute.Format()
    ) -> UInt64 {
        guard let attribute = attribute(file, in: directory, format) else { return 0 }
        do throws(Errno) {
            let value = try attribute.read()
            return value == Microwatts.unlimited.rawValue ? 0 : value
        } catch {
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
