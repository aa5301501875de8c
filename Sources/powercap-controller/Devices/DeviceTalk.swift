internal import HTTP
internal import JSON
internal import PowercapProtocol

/// What is asked of a service that has devices.
struct DeviceRequest: Equatable, Sendable {
    var method = Request.Method.get
    /// With the query.
    let path: String
    /// Sent as JSON; nil where nothing is sent.
    var body: JSON?
    /// The tag of the resource as it was read (RFC 9110, section 13.1.1): it is changed only where nobody else has changed it since.
    var tag: String?
}

/// What a service answered.
struct DeviceAnswer: Equatable, Sendable {
    /// HTTP's.
    let status: Int
    var body: [UInt8] = []
    var tag: String?
    var location: String?
    var retryAfter_s = 0

    /// A document, as far as it has an end and isn't larger than any that is known.
    /// - Throws: `.garbled` where it is none.
    func document() throws(DeviceProblem) -> JSON {
        do throws(JSONProblem) { return try JSON(body, .all, within: .answer) } catch {
            throw .garbled(error == .malformed(offset: 0) && body.isEmpty ? "it is empty" : "it is no JSON")
        }
    }
}

/// What comes next in a conversation with a service.
enum DeviceTurn<Outcome: Equatable & Sendable>: Equatable, Sendable {
    case ask(DeviceRequest)
    /// Nothing is asked for so long, in milliseconds.
    case wait(UInt64)
    case done(Outcome)
    case failed(DeviceProblem)
}

/// A conversation with a service, as a value: what is asked next goes by what was answered, and by nothing else.
protocol DeviceTalk {
    associatedtype Outcome: Equatable & Sendable
    var turn: DeviceTurn<Outcome> { get }
    /// An answer to what was asked, or nil after a wait.
    mutating func take(_ answer: DeviceAnswer?)
}

/// What holds for a device: its limit, as it was read.
enum ServedLimit: Equatable, Sendable {
    case set(Microwatts)
    /// The device has one, and it isn't in force.
    case off
    /// The service doesn't say, or says what is no limit.
    case unknown

    /// nil where nothing is in force, or it isn't known.
    var power: Microwatts? { if case .set(let power) = self { power } else { nil } }
}

/// A device, as a service describes it.
struct FoundDevice: Equatable, Sendable {
    /// The word that stands for it in the zones.
    enum Kind: String, Sendable {
        case zeusd
        case redfish
        /// The reading of a whole server.
        case redfishServer = "redfish-server"
    }

    let kind: Kind
    /// As the service calls it: a GPU's number, a resource's path.
    let handle: String
    /// What it is called as long as the machine is the same, behind the kind: a PCI address, a resource's path.
    let identity: String
    /// Short, for people.
    let name: String
    /// Limits are multiples of it.
    let step: Microwatts
    /// The service takes limits for it.
    var isSettable: Bool
    /// The least and the largest limit that the service takes; nil where it doesn't say.
    var least: Microwatts?
    var most: Microwatts?
    /// What the limit is when nobody has set one; nil where the service doesn't say.
    var standard: Microwatts?
    var limit: ServedLimit
    /// What it draws; nil where that isn't known.
    var power: Microwatts?
    /// A word of the service's own for how the limit is enforced, which is put back with it.
    var mode: String?
}

/// What a look at a service has found.
struct DeviceFindings: Equatable, Sendable {
    var devices: [FoundDevice] = []
    /// Handles of devices that were known and couldn't be read this time, and why.
    var unread: [String: DeviceProblem] = [:]
}
