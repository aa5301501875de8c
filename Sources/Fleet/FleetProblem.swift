internal import JSON
internal import PowercapProtocol

/// Why a message between a node and a coordinator can't be read.
public enum FleetProblem: Error, Equatable, Sendable {
    /// Which member, and what about it.
    case malformed(String)
    /// The other side speaks another version of the messages.
    case version(UInt64)

    /// The one version that is spoken.
    package static let spoken: UInt64 = 1

    /// For the other side, or for a log.
    public var sentence: String {
        switch self {
        case .malformed(let what): "This is no message about a grant: \(what)."
        case .version(let version):
            "Version \(version) of the messages isn't spoken here, version \(Self.spoken) is: bring both programs to one release."
        }
    }
}

/// Reads the members of a message.
struct MessageReader {
    private let top: JSONField

    /// No limit of a node is as large: 1 MW.
    static let most = Microwatts(1_000_000_000_000)

    /// - Throws: where it is no JSON, or of another version.
    init(_ bytes: [UInt8]) throws(FleetProblem) {
        do throws(JSONProblem) {
            top = JSONField(top: try JSON(bytes, within: .answer))
        } catch {
            switch error {
            case .malformed(let offset): throw .malformed("it isn't JSON from byte \(offset) on")
            case .tooDeep, .tooMuch: throw .malformed("there is more in it than such a message has")
            }
        }
        let version: UInt64 = try read { field throws(JSONField.Problem) in try field.member("version").integer() }
        guard version == FleetProblem.spoken else { throw .version(version) }
    }

    func read<Value>(_ body: (JSONField) throws(JSONField.Problem) -> Value) throws(FleetProblem) -> Value {
        do throws(JSONField.Problem) { return try body(top) } catch { throw .malformed(error.words) }
    }

    func integer(_ name: String) throws(FleetProblem) -> UInt64 {
        try read { field throws(JSONField.Problem) in try field.member(name).integer() }
    }

    func flag(_ name: String) throws(FleetProblem) -> Bool {
        try read { field throws(JSONField.Problem) in try field.member(name).flag() }
    }

    func text(_ name: String) throws(FleetProblem) -> String {
        try read { field throws(JSONField.Problem) in try field.member(name).text() }
    }

    func power(_ name: String) throws(FleetProblem) -> Microwatts {
        try read { field throws(JSONField.Problem) in try field.member(name).power() }
    }
}

extension JSONField {
    /// - Throws: where it is none, or more than any node's.
    func power() throws(Problem) -> Microwatts {
        let value: UInt64 = try integer()
        guard value <= MessageReader.most.rawValue else { throw outOfRange }
        return Microwatts(value)
    }
}

extension JSON {
    static func number(_ value: UInt64) -> JSON { .number(String(value)) }
    static func number(_ power: Microwatts) -> JSON { .number(String(power.rawValue)) }
}
