internal import JSON
internal import LinuxSystem
internal import Policy
internal import PowercapProtocol

/// What is wrong with a file of zones.
enum ZoneFileProblem: FileProblem, Error, Equatable, Sendable {
    case absent
    case denied
    case notAFile
    case unreadable(Errno)
    case tooLarge
    case notJSON
    case notAList(String)
    case unknownFormat(UInt64)
    case noPackages
    case onlyMeasured(String)
    /// What GOVERN names.
    case nothingNamed(String)

    /// What follows the flag's name and value in the sentence.
    var words: String {
        let remedy = "give the output of `raplhelper --list --format json`"
        return switch self {
        case .absent: "does not exist: \(remedy) in a file, or - for standard input"
        case .denied: "may not be read by this user: change its mode or its owner"
        case .notAFile: "is no file, but a FIFO, a device or a socket: \(remedy) in a file, or - for standard input"
        case .unreadable(let errno): "can't be read: \(errno.explanation) (\(errno.name))"
        case .tooLarge: "is larger than \(ZoneFile.largest >> 20) MiB: \(remedy)"
        case .notJSON: "is not JSON: \(remedy)"
        case .notAList(let detail): "is not a list of zones (\(detail)): \(remedy)"
        case .unknownFormat(let number):
            "has format \(number), and this program reads format \(ZoneFile.format): use a raplhelper of the same version"
        case .noPackages: "has no package zone of control type intel-rapl: make the list on a machine with RAPL"
        case .onlyMeasured(let name):
            "has no long_term limit (\(name) is only measured): there is nothing to plan on that machine"
        case .nothingNamed(let words):
            "has nothing with a limit that GOVERN=\(words) names: make the list on a machine that has it, or give another GOVERN"
        }
    }
}

/// A list of zones as `raplhelper --list --format json` prints it.
enum ZoneFile {
    static let format: UInt64 = 1
    static let largest = 1 << 20

    /// - Parameters:
    ///   - path: `-` is standard input.
    ///   - policy: of what it governs something has to be there.
    static func read(_ path: String, _ policy: PowerPolicy = PowerPolicy()) throws(ZoneFileProblem) -> [Zone] {
        let bytes: [UInt8]
        do throws(GivenFile.Problem) {
            bytes =
                try path == "-" ? GivenFile.standardInput(atMost: largest) : GivenFile.contents(of: path, atMost: largest)
        } catch { throw ZoneFileProblem(error) }
        if bytes.count > largest { throw .tooLarge }
        return try parse(bytes, policy)
    }

    static func parse(_ bytes: [UInt8], _ policy: PowerPolicy = PowerPolicy()) throws(ZoneFileProblem) -> [Zone] {
        let top: JSONField
        do throws(JSONProblem) { top = JSONField(top: try JSON(bytes, within: .file)) } catch { throw .notJSON }
        var zones: [Zone] = []
        var found: UInt64 = 0
        do throws(JSONField.Problem) {
            found = try top.member("format").integer()
            if found == format {
                let minPower = try top.number("min_power_uw").map { Microwatts($0) }
                for zone in try top.member("zones").elements() { zones.append(try Zone(zone, minPower)) }
            }
        } catch { throw .notAList(error.words) }
        if found != format { throw .unknownFormat(found) }
        if Device.all(in: zones, policy).isEmpty {
            if policy.govern != PowerPolicy().govern { throw .nothingNamed(policy.govern.words) }
            let measured = zones.first { $0.controlType == "intel-rapl" && $0.parent == nil && PackageName($0.name) != nil }
            throw measured.map { .onlyMeasured($0.name) } ?? .noPackages
        }
        return zones
    }
}

extension Set<Governable> {
    /// As GOVERN says it.
    var words: String { Governable.allCases.filter { contains($0) }.map(\.rawValue).joined(separator: ",") }
}

// The names in the file are those of sysfs, with the unit.

extension Zone {
    fileprivate init(_ zone: JSONField, _ minPower: Microwatts?) throws(JSONField.Problem) {
        self.init(
            id: try zone.member("id").text(),
            parent: try zone.optional("parent") { field throws(JSONField.Problem) in try field.text() },
            controlType: try zone.member("control_type").text(), name: try zone.member("name").text(),
            enabled: try zone.optional("enabled") { field throws(JSONField.Problem) in try field.flag() },
            energy: try zone.number("energy_uj").map { Microjoules($0) },
            maxEnergyRange: try zone.number("max_energy_range_uj").map { Microjoules($0) },
            power: try zone.number("power_uw").map { Microwatts($0) }, constraints: [])
        for constraint in try zone.member("constraints").elements() { constraints.append(try Constraint(constraint, minPower)) }
    }
}

extension Constraint {
    /// The list is made before the helper has written anything, so what is in force is the original.
    fileprivate init(_ constraint: JSONField, _ minPower: Microwatts?) throws(JSONField.Problem) {
        let limit = try constraint.number("power_limit_uw").map { Microwatts($0) }
        let isOff = try constraint.optional("disabled") { field throws(JSONField.Problem) in try field.flag() } ?? false
        self.init(
            index: try constraint.member("index").integer(), name: try constraint.member("name").text(), powerLimit: limit,
            timeWindowMicroseconds: try constraint.number("time_window_us"),
            maxPower: try constraint.number("max_power_uw").map { Microwatts($0) }, original: isOff ? nil : limit,
            // raplhelper 0.1 knows RAPL alone.
            step: try constraint.number("step_uw").map { Microwatts($0) } ?? .step,
            floor: Microwatts(try constraint.member("floor_uw").integer()),
            ceiling: Microwatts(try constraint.member("ceiling_uw").integer()),
            minPower: minPower, obstacle: .none)
        let isWritable = try constraint.member("writable").flag()
        let named = try constraint.optional("obstacle") { field throws(JSONField.Problem) in try Obstacle(field) }
        // raplhelper 0.1 says only that a limit can't be set.
        obstacle = named ?? (isWritable ? .none : limit == nil ? .originalUnknown : .ceilingBelowFloor)
    }
}

extension Obstacle {
    fileprivate init(_ field: JSONField) throws(JSONField.Problem) {
        let name = try field.text()
        guard let obstacle = Obstacle.allCases.first(where: { "\($0.name)" == name }) else { throw field.unknownWord }
        self = obstacle
    }
}

extension JSONField {
    fileprivate func number(_ name: String) throws(Problem) -> UInt64? {
        try optional(name) { field throws(Problem) in try field.integer() }
    }
}
