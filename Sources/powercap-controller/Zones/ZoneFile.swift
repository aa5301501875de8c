internal import FoundationEssentials
internal import LinuxSystem
internal import PowercapProtocol

/// What is wrong with a file of zones.
enum ZoneFileProblem: Error, Equatable, Sendable {
    case absent
    case denied
    case unreadable(Errno)
    case tooLarge
    case notJSON
    case notAList(String)
    case unknownFormat(UInt64)
    case noPackages
    case onlyMeasured(String)

    init(_ errno: Errno) {
        switch errno {
        case .noEntry: self = .absent
        case .denied, .notPermitted: self = .denied
        default: self = .unreadable(errno)
        }
    }

    /// What follows the flag's name and value in the sentence.
    var words: String {
        let remedy = "give the output of `raplhelper --list --format json`"
        return switch self {
        case .absent: "does not exist: \(remedy) in a file, or - for standard input"
        case .denied: "may not be read by this user: change its mode or its owner"
        case .unreadable(let errno): "can't be read: \(errno.explanation) (\(errno.name))"
        case .tooLarge: "is larger than \(ZoneFile.largest >> 20) MiB: \(remedy)"
        case .notJSON: "is not JSON: \(remedy)"
        case .notAList(let detail): "is not a list of zones (\(detail)): \(remedy)"
        case .unknownFormat(let number):
            "has format \(number), and this program reads format \(ZoneFile.format): use a raplhelper of the same version"
        case .noPackages: "has no package zone of control type intel-rapl: make the list on a machine with RAPL"
        case .onlyMeasured(let name):
            "has no long_term limit (\(name) is only measured): there is nothing to plan on that machine"
        }
    }
}

/// A list of zones as `raplhelper --list --format json` prints it.
enum ZoneFile {
    static let format: UInt64 = 1
    static let largest = 1 << 20

    /// - Parameter path: `-` is standard input.
    static func read(_ path: String) throws(ZoneFileProblem) -> [Zone] {
        let bytes: [UInt8]
        do throws(Errno) {
            bytes = try contents(of: path == "-" ? Descriptor(owning: 0) : Descriptor(opening: path, .readThroughLinks))
        } catch { throw ZoneFileProblem(error) }
        if bytes.count > largest { throw .tooLarge }
        return try parse(bytes)
    }

    private static func contents(of file: borrowing Descriptor) throws(Errno) -> [UInt8] {
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 1 << 16)
        while bytes.count <= largest {
            var span = chunk.mutableSpan
            let count = try file.read(into: &span)
            if count == 0 { break }
            bytes += chunk[..<count]
        }
        return bytes
    }

    static func parse(_ bytes: [UInt8]) throws(ZoneFileProblem) -> [Zone] {
        let data = Data(bytes)
        let found = try decode(Header.self, data, whenCorrupted: .notJSON).format
        if found != format { throw .unknownFormat(found) }
        // It is JSON, then: what the decoder still calls corrupted is a number that doesn't fit, and it doesn't say which.
        let zones = try decode(List.self, data, whenCorrupted: .notAList("a number is out of range")).zones
        if Package.all(in: zones).isEmpty {
            let measured = zones.first { $0.controlType == "intel-rapl" && $0.parent == nil && PackageName($0.name) != nil }
            throw measured.map { .onlyMeasured($0.name) } ?? .noPackages
        }
        return zones
    }

    private static func decode<Value: Decodable>(
        _: Value.Type, _ data: Data, whenCorrupted corrupted: ZoneFileProblem
    ) throws(ZoneFileProblem) -> Value {
        do {
            return try JSONDecoder().decode(Value.self, from: data)
        } catch DecodingError.keyNotFound(let key, let context) {
            throw .notAList("\(path(context.codingPath + [key])) is missing")
        } catch DecodingError.valueNotFound(_, let context) {
            throw .notAList("\(path(context.codingPath)) is null")
        } catch DecodingError.typeMismatch(_, let context) {
            throw .notAList("\(path(context.codingPath)) is of another type")
        } catch {
            throw corrupted
        }
    }

    /// Such as `zones[0].constraints[1].floor_uw`.
    private static func path(_ keys: [any CodingKey]) -> String {
        var path = ""
        for key in keys {
            if let index = key.intValue { path += "[\(index)]" } else { path += (path.isEmpty ? "" : ".") + key.stringValue }
        }
        return path.isEmpty ? "the top" : path
    }

    private struct Header: Decodable { var format: UInt64 }

    private struct List: Decodable { var zones: [Zone] }
}

// The names in the file are those of sysfs, with the unit.

extension Zone: Decodable {
    private enum CodingKeys: String, CodingKey {
        case id, parent, name, enabled, constraints
        case controlType = "control_type"
        case energy = "energy_uj"
        case maxEnergyRange = "max_energy_range_uj"
    }

    init(from decoder: any Decoder) throws {
        let values = try decoder.container(keyedBy: CodingKeys.self)
        self.init(
            id: try values.decode(String.self, forKey: .id), parent: try values.decodeIfPresent(String.self, forKey: .parent),
            controlType: try values.decode(String.self, forKey: .controlType),
            name: try values.decode(String.self, forKey: .name),
            enabled: try values.decodeIfPresent(Bool.self, forKey: .enabled),
            energy: try values.decodeIfPresent(UInt64.self, forKey: .energy).map { Microjoules($0) },
            maxEnergyRange: try values.decodeIfPresent(UInt64.self, forKey: .maxEnergyRange).map { Microjoules($0) },
            constraints: try values.decode([Constraint].self, forKey: .constraints))
    }
}

extension Constraint: Decodable {
    private enum CodingKeys: String, CodingKey {
        case index, name, writable
        case powerLimit = "power_limit_uw"
        case timeWindow = "time_window_us"
        case maxPower = "max_power_uw"
        case floor = "floor_uw"
        case ceiling = "ceiling_uw"
    }

    /// The list is made before the helper has written anything, so what is in force is the original.
    init(from decoder: any Decoder) throws {
        let values = try decoder.container(keyedBy: CodingKeys.self)
        let limit = try values.decodeIfPresent(UInt64.self, forKey: .powerLimit).map { Microwatts($0) }
        self.init(
            index: try values.decode(UInt8.self, forKey: .index), name: try values.decode(String.self, forKey: .name),
            powerLimit: limit, timeWindowMicroseconds: try values.decodeIfPresent(UInt64.self, forKey: .timeWindow),
            maxPower: try values.decodeIfPresent(UInt64.self, forKey: .maxPower).map { Microwatts($0) }, original: limit,
            floor: Microwatts(try values.decode(UInt64.self, forKey: .floor)),
            ceiling: Microwatts(try values.decode(UInt64.self, forKey: .ceiling)),
            writable: try values.decode(Bool.self, forKey: .writable))
    }
}
