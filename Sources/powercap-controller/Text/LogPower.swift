internal import Logging
internal import PowercapProtocol

extension Log.Value {
    /// In microwatts.
    static func power(_ power: Microwatts?) -> Log.Value { power.map { .number($0.rawValue) } ?? .unknown }
}
