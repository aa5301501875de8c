import LinuxSystem
import PowercapProtocol

@testable import Policy
@testable import powercap_controller

extension NodeState {
    /// Of a controller whose limits are as given, at noon of a day in June, a minute before its next decision.
    static func test(
        _ limits: NodeLimits?, _ decision: Decision? = nil, wishes: Wishes = Wishes(), environment: [String: String] = [:],
        power: [String: Microwatts] = [:], api: APIState? = nil, counts: Counts = Counts(),
        data: SourceData? = nil, file: SourceFileState? = nil, services: [DeviceServiceState] = [],
        change: (inout HelperState) -> Void = { _ in }
    ) -> NodeState {
        guard let settings = try? Settings(flags: [:], environment: { environment[$0] }) else {
            fatalError("\(environment) is no configuration")
        }
        let now: Int64 = 1_781_697_600
        let seconds: UInt64 = 1_000_000_000
        var helper = HelperState(socket: settings.configuration.helperSocket)
        if limits != nil { helper.lease = HelperState.Lease(time_ms: 30_000, ends_ns: 1_020 * seconds) }
        change(&helper)
        let moment = Moment(seconds: now)
        let policy = settings.configuration.policy
        let reading = powerSource(for: policy, wishes.together, data: data).reading(
            at: moment, for: limits?.devices ?? [], policy, wishes.together
        ) { Moment(seconds: $0) }
        return NodeState(
            now: moment, monotonic_ns: 1_000 * seconds, boot_ns: 2_000 * seconds, started: now - 3_600, settings: settings,
            source: SourceState(
                name: settings.configuration.policy.source, reading: reading, read: now - 60, data: data, file: file),
            wishes: wishes,
            helper: helper, limits: limits, power: power, decision: decision.map { Decided(decision: $0, at: now - 60) },
            nextDecision_ns: limits == nil ? nil : 1_060 * seconds, api: api, listeners: [], counts: counts, services: services)
    }
}

extension NodeRecord {
    static func uncontrolled(_ source: SourceName) -> NodeRecord {
        NodeRecord(NodeState.test(nil, environment: ["SOURCE": source.rawValue]))
    }
}
