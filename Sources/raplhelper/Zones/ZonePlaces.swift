import LinuxSystem
import PowercapProtocol

/// Where zones are looked for; what isn't there has none.
struct ZonePlaces {
    /// /sys/devices/virtual/powercap
    var powercap: String?
    /// /sys/class/hwmon
    var hwmon: String?
    /// /sys/firmware/opal/powercap
    var opal: String?

    /// A zone that was found.
    struct Found {
        let driver: Driver
        let identity: ZoneIdentity
        /// Of the directory that holds its files.
        let path: String
    }

    typealias Visit = (Found, borrowing Descriptor, _ parent: UInt16?) -> UInt16?

    /// Visits every zone, parents before their children, in an order that is the same at every boot. `visit` gets what it has returned
    /// for the parent, nil at the top; where it returns nil, the children are left out.
    /// - Returns: what to say where there is no zone at all.
    func walk(leavingOut omissions: Omissions, _ visit: Visit) -> Problem {
        var problem: Problem?
        if let powercap {
            do throws(Problem) {
                let tree = try ZoneTree(opening: powercap, leavingOut: omissions)
                try tree.walk { identity, path, directory, parent in
                    let driver = Driver.named(identity.controlType, in: .powercap) ?? Driver.unknownControlType
                    return visit(Found(driver: driver, identity: identity, path: path), directory, parent)
                }
                problem = tree.problemWithoutZones
            } catch {
                if error.kind != .absent { omissions.add("\(powercap)", "\(error.sentence)") }
                problem = error
            }
        }
        if let hwmon { HwmonDevices(in: hwmon, leavingOut: omissions).visit(visit) }
        if let opal { ZonePlaces.visitFirmware(opal, visit) }
        return problem ?? .noZones("nothing names a directory that could have some")
    }

    /// The machine as a whole; it has no name of its own.
    private static func visitFirmware(_ path: String, _ visit: Visit) {
        let path = "\(path)/system-powercap"
        guard let directory = try? Descriptor(opening: path, .directory),
            let driver = Driver.table.first(where: { $0.place == .opal })
        else { return }
        let identity = ZoneIdentity(
            controlType: Name(constant: "opal"), id: Name(constant: "opal:system"), names: [Name(constant: "system")])
        _ = visit(Found(driver: driver, identity: identity, path: path), directory, nil)
    }
}

extension Options {
    var places: ZonePlaces {
        if let powercapRoot, !isSysfsGiven { return ZonePlaces(powercap: powercapRoot) }
        return ZonePlaces(
            powercap: powercapRoot ?? "\(sysfs)/devices/virtual/powercap", hwmon: "\(sysfs)/class/hwmon",
            opal: "\(sysfs)/firmware/opal/powercap")
    }
}

/// A limit of a zone by the names of its files.
struct FoundLimit {
    let index: UInt8
    let name: Name
    let limit: String
    /// Empty where the driver has none.
    let window: String
    let minimum: String
    let maximum: String

    /// Those of a zone's directory.
    static func all(
        of zone: ZonePlaces.Found, in directory: borrowing Descriptor, leavingOut omissions: Omissions
    ) -> [FoundLimit] {
        var limits: [FoundLimit] = []
        guard zone.driver.place == .powercap else {
            for files in zone.driver.limits {
                guard let name = Name(files.limit), let kind = try? directory.kind(of: files.limit), kind != .absent else {
                    continue
                }
                limits.append(
                    FoundLimit(
                        index: UInt8(limits.count), name: name, limit: files.limit, window: "", minimum: files.minimum,
                        maximum: files.maximum))
            }
            return limits
        }
        for number in 0..<Limits.constraintsPerZone {
            let prefix = "constraint_\(number)"
            switch NameFile.read("\(prefix)_name", in: directory) {
            case .absent: continue
            case .failed(let why): omissions.add("\(zone.path)/\(prefix)", "its name \(why)")
            case .name(let name):
                limits.append(
                    FoundLimit(
                        index: UInt8(number), name: name, limit: "\(prefix)_power_limit_uw", window: "\(prefix)_time_window_us",
                        minimum: "\(prefix)_min_power_uw", maximum: "\(prefix)_max_power_uw"))
            }
        }
        return limits
    }
}

/// The devices of /sys/class/hwmon that limit or measure power, by what stays: the number in `hwmon3` is another at every boot.
struct HwmonDevices: ~Copyable {
    private struct Device {
        let found: ZonePlaces.Found
        let row: Int
        /// From the class's directory, to be opened.
        let place: String

        func isBefore(_ other: Device) -> Bool {
            row != other.row ? row < other.row : HwmonDevices.isBefore(found.identity.name, other.found.identity.name)
        }
    }

    private let root: Descriptor?
    private var devices: [Device] = []

    init(in path: String, leavingOut omissions: Omissions) {
        root = try? Descriptor(opening: path, .directory)
        guard let entries = try? root?.entries() else { return }
        for entry in entries {
            // The entries are links; what they lead to is opened by a path behind them.
            guard let directory = HwmonDevices.open("\(entry)/.", in: root),
                case .name(let name) = HwmonDevices.name(in: directory),
                let row = Driver.table.firstIndex(where: { $0.place == .hwmon && name.isSame(as: $0.name) })
            else { continue }
            let driver = Driver.table[row]
            guard let deviceText = HwmonDevices.device(of: directory), let id = Name("\(driver.name):\(deviceText)"),
                let deviceName = Name(deviceText)
            else {
                omissions.add("\(path)/\(entry)", "nothing says which device it is")
                continue
            }
            let place = HwmonDevices.hasFiles(of: driver, in: directory) ? "\(entry)/." : "\(entry)/device/."
            let shown = HwmonDevices.hasFiles(of: driver, in: directory) ? "\(path)/\(entry)" : "\(path)/\(entry)/device"
            let identity = ZoneIdentity(controlType: name, id: id, names: [deviceName])
            let device = Device(found: ZonePlaces.Found(driver: driver, identity: identity, path: shown), row: row, place: place)
            var index = devices.count
            while index > 0 && device.isBefore(devices[index - 1]) { index -= 1 }
            devices.insert(device, at: index)
        }
    }

    borrowing func visit(_ visit: ZonePlaces.Visit) {
        for device in devices {
            if let directory = HwmonDevices.open(device.place, in: root) { _ = visit(device.found, directory, nil) }
        }
    }

    private static func open(_ path: String, in root: borrowing Descriptor?) -> Descriptor? {
        switch root {
        case .some(let root): try? Descriptor(opening: path, in: root, .directory)
        case .none: nil
        }
    }

    /// Drivers that use hwmon's first interface have it at the device (acpi_power_meter before Linux 6.7).
    private static func name(in directory: borrowing Descriptor) -> NameFile {
        let own = NameFile.read("name", in: directory)
        if case .absent = own { return NameFile.read("device/name", in: directory) }
        return own
    }

    private static func hasFiles(of driver: Driver, in directory: borrowing Descriptor) -> Bool {
        for file in driver.limits.map({ $0.limit }) + driver.powers + [driver.energy] where !file.utf8.isEmpty {
            if let kind = try? directory.kind(of: file), kind != .absent { return true }
        }
        return false
    }

    /// An ACPI path without its backslash (`_SB_.PMT0`), or the name of the device's directory: a PCI address, or an ACPI device's name.
    private static func device(of directory: borrowing Descriptor) -> String? {
        if case .name(let path) = NameFile.read("device/path", in: directory), path[0] == UInt8(ascii: "\\"), path.count > 1 {
            return String(decoding: (1..<path.count).map { path[$0] }, as: UTF8.self)
        }
        guard let target = directory.linkTarget(of: "device") else { return nil }
        let bytes = [UInt8](target.utf8)
        let start = bytes.lastIndex(of: UInt8(ascii: "/")).map { $0 + 1 } ?? 0
        return start < bytes.count ? String(decoding: bytes[start...], as: UTF8.self) : nil
    }

    private static func isBefore(_ left: Name, _ right: Name) -> Bool {
        for index in 0..<min(left.count, right.count) where left[index] != right[index] { return left[index] < right[index] }
        return left.count < right.count
    }
}
