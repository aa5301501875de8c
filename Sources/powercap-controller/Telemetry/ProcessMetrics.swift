internal import Kubernetes
internal import LinuxSystem
internal import Metrics
internal import Policy
internal import PowercapProtocol

extension Metric {
    /// Of the control over the limits.
    static let control: [Metric] = [
        .node(
            .gauge, "in_control", "Whether the controller is connected to the helper and in control of the limits."
        ) { .flag($0.state.limits != nil) },
        .node(
            .gauge, "lease_expires_timestamp_seconds", unit: "seconds",
            "When control ends unless it is renewed, in seconds since 1970. The helper then does what its --on-lease-expiry says."
        ) { scrape in scrape.state.helper.lease.map { .timestamp(scrape.state.wall($0.ends_ns)) } },
        .node(
            .counter, "control_granted_total", "How often the helper has granted control, the first time included."
        ) { .whole($0.state.counts.connections) },
        .node(
            .counter, "control_lost_total", "How often control was lost: the helper ended, or somebody else took it."
        ) { .whole($0.state.counts.losses) },
    ]

    /// Of the API server and this machine's Node.
    static let api: [Metric] = [
        .node(.gauge, "api_enabled", "Whether Kubernetes is used. The others of api are absent where it isn't.") {
            .flag($0.state.api != nil)
        },
        .node(
            .gauge, "api_watching", "Whether the Node is being watched, so that overrides arrive."
        ) { $0.state.api.map { .flag($0.isWatching) } },
        .node(
            .gauge, "api_published", "Whether what is to stand on the Node stands there."
        ) { $0.state.api.map { .flag($0.isPublished) } },
        Metric(
            .counter, "api_requests_total", labels: ["verb", "code"],
            "Requests to the API server that ended, by HTTP's method or WATCH, and by HTTP's status or the reason why there is none."
        ) { scrape in
            let requests = scrape.state.api?.requests ?? [:]
            return requests.sorted { ($0.key.verb, $0.key.code) < ($1.key.verb, $1.key.code) }.map {
                Sample([$0.key.verb, $0.key.code], .whole($0.value))
            }
        },
        .node(
            .counter, "api_watch_restarts_total", "How often the watch of the Node was begun anew."
        ) { $0.state.api.map { .whole($0.watchRestarts) } },
    ]

    /// Of the controller itself.
    static let process: [Metric] = [
        .node(
            .histogram, "cycle_duration_seconds", unit: "seconds",
            "How long a turn of the loop takes, from waking up to going to sleep."
        ) { .histogram($0.state.counts.turns) },
        .node(
            .histogram, "renewal_lateness_seconds", unit: "seconds", "How late a renewal of control is begun."
        ) { .histogram($0.state.counts.lateness) },
        .node(
            .counter, "log_lines_dropped_total", "Lines of the log that were lost, because nobody read them in time."
        ) { .whole($0.state.counts.lostLogLines) },
        .node(
            .gauge, "start_time_seconds", unit: "seconds", "When the controller began, in seconds since 1970."
        ) { .timestamp($0.state.started) },
        Metric(
            .info, "config_info", labels: ["source", "short_term", "pmax_func", "on_exit", "on_drift"],
            "1, with those of the options in effect that say how the controller acts."
        ) { scrape in
            let configuration = scrape.state.settings.configuration
            return [
                Sample(
                    [
                        configuration.policy.source.rawValue, configuration.policy.shortTerm.rawValue,
                        configuration.policy.pmaxFunction.rawValue, configuration.onExit.rawValue,
                        configuration.onDrift.rawValue,
                    ], .whole(1))
            ]
        },
        Metric(.info, "build_info", labels: ["version"], "1, with the controller's version.") { _ in
            [Sample(["\(Release.version)"], .whole(1))]
        },
    ]
}
