internal import Metrics
internal import Policy
internal import PowercapProtocol

extension Metric {
    /// Of what is named, and of services that have devices: DEVICE_URL names each, so that there are few.
    static let devices: [Metric] = [
        Metric(
            .gauge, "govern_missing", labels: ["word"],
            "Whether nothing is here of what a word of GOVERN names. Absent without control."
        ) { scrape in
            guard let missing = scrape.state.missing else { return [] }
            let policy = scrape.state.settings.configuration.policy
            return Governable.allCases.filter { policy.govern.contains($0) }.map {
                Sample([$0.rawValue], .flag(missing.contains($0)))
            }
        },
        .service(
            "device_service_up", "Whether a service of DEVICE_URL has answered when it was last looked at."
        ) { service, _ in .flag(service.isUp) },
        .service(
            "device_service_devices", "How many devices of a service are there, as it was last seen."
        ) { service, _ in .whole(UInt64(service.devices)) },
        .service(
            "device_service_answer_timestamp_seconds", unit: "seconds",
            "When the last look at a service began that showed its devices, in seconds since 1970. Absent before the first."
        ) { service, state in service.answered_ns.map { .timestamp(state.wall($0)) } },
    ]

    /// A series for each service.
    private static func service(
        _ name: String, unit: String? = nil, _ help: String,
        value: @escaping @Sendable (DeviceServiceState, NodeState) -> Value?
    ) -> Metric {
        // `service` is a label that Prometheus Operator gives to targets.
        Metric(.gauge, name, unit: unit, labels: ["url"], help) { scrape in
            scrape.state.services.compactMap { service in value(service, scrape.state).map { Sample([service.url], $0) } }
        }
    }
}
