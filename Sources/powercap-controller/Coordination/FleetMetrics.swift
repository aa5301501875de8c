internal import Fleet
internal import Kubernetes
internal import Metrics
internal import PowercapProtocol

/// A row of the table of a coordinator's metrics: a family, and what it shows of a state.
struct FleetMetric: Sendable {
    let family: Family
    /// Its samples; none where nothing is known, because 0 would be something else.
    let samples: @Sendable (FleetState) -> [Sample]

    private static let prefix = "powercap_fleet_"

    private init(
        _ kind: Family.Kind, _ name: String, unit: String? = nil, labels: [String] = [], _ help: String,
        samples: @escaping @Sendable (FleetState) -> [Sample]
    ) {
        family = Family(kind, FleetMetric.prefix + name, unit: unit, labels: labels, help: help)
        self.samples = samples
    }

    private static func one(
        _ kind: Family.Kind, _ name: String, unit: String? = nil, _ help: String,
        _ value: @escaping @Sendable (FleetState) -> Value?
    ) -> FleetMetric {
        FleetMetric(kind, name, unit: unit, help) { state in value(state).map { [Sample([], $0)] } ?? [] }
    }

    /// A series for each budget, of the shard's own part: those of all shards together are the whole's.
    private static func budget(
        _ name: String, unit: String? = nil, _ help: String, _ value: @escaping @Sendable (BudgetOverview) -> Value
    ) -> FleetMetric {
        FleetMetric(.gauge, name, unit: unit, labels: ["budget", "shard"], help) { state in
            state.budgets.compactMap { budget in budget.overview.map { Sample([budget.name, "\(state.shard)"], value($0)) } }
        }
    }

    /// Every family that a coordinator exports, in the order of the page.
    static let all: [FleetMetric] = budgets + grants + coordinator

    /// Of the budgets, by the one that leads alone. Each says of which shard, so that those of several add up and aren't taken for one another.
    private static let budgets: [FleetMetric] = [
        budget("budget_limit_watts", unit: "watts", "What all nodes of the budget, in this shard, may have together, now.") {
            .watts($0.terms.limit)
        },
        budget(
            "budget_counted_watts", unit: "watts", "What its nodes may have in force at most, as they are counted."
        ) { .watts($0.counted) },
        budget(
            "budget_contingency_watts", unit: "watts",
            "What is kept beside that for as many nodes to jump to their ceilings as contingencyNodes says."
        ) { .watts($0.contingency) },
        budget("budget_reserve_watts", unit: "watts", "What is kept for what no limit holds.") { .watts($0.terms.reserve) },
        budget(
            "budget_in_force_watts", unit: "watts",
            "What its nodes last said is in force, and what the silent ones are counted at."
        ) { .watts($0.inForce) },
        budget(
            "budget_demand_watts", unit: "watts", "What its nodes' work could use, at least their minimums."
        ) { .watts($0.demand) },
        budget(
            "budget_contingency_nodes", "How many nodes may jump at once (contingencyNodes)."
        ) { .whole(UInt64($0.terms.contingencyNodes)) },
        FleetMetric(
            .gauge, "budget_nodes", labels: ["budget", "shard", "state"],
            "Nodes of the budget: heard within the time of a grant, or silent."
        ) { state in
            state.budgets.flatMap { budget -> [Sample] in
                guard let overview = budget.overview else { return [] }
                return [
                    Sample([budget.name, "\(state.shard)", "heard"], .whole(UInt64(overview.nodes - overview.silent))),
                    Sample([budget.name, "\(state.shard)", "silent"], .whole(UInt64(overview.silent))),
                ]
            }
        },
        FleetMetric(
            .gauge, "budget_condition_info", labels: ["budget", "shard", "type", "status", "reason"],
            "1 for status and reason of each condition of the PowerBudget. Shard 0 tells of the whole, another one of its part."
        ) { state in
            state.budgets.flatMap { budget in
                budget.conditions.map { condition in
                    Sample(
                        [
                            budget.name, "\(state.shard)", condition.type.rawValue, condition.isTrue ? "True" : "False",
                            condition.reason,
                        ], .whole(1))
                }
            }
        },
    ]

    /// Of what nodes ask.
    private static let grants: [FleetMetric] = [
        FleetMetric(
            .counter, "asks_total", labels: ["result"],
            "Reports by what became of them: granted, unconfirmed (the node is to show first that it has heard this coordinator), or why nothing was granted."
        ) { state in state.asks.sorted { $0.key < $1.key }.map { Sample([$0.key], .whole($0.value)) } },
        one(
            .histogram, "answer_duration_seconds", unit: "seconds",
            "How long an answer to a report takes; now and then it finds anew what every node should have."
        ) { .histogram($0.answers) },
        one(
            .histogram, "allocation_duration_seconds", unit: "seconds",
            "How long it takes to find anew what every node should have, since it leads."
        ) { .histogram($0.allocations) },
        FleetMetric(
            .counter, "token_reviews_total", labels: ["result"],
            "Nodes' tokens that the API server was asked about, by what it said: known, refused, or failed where it said nothing."
        ) { state in state.reviews.sorted { $0.key < $1.key }.map { Sample([$0.key], .whole($0.value)) } },
    ]

    /// Of the coordinator itself.
    private static let coordinator: [FleetMetric] = [
        one(.gauge, "leader", "Whether this coordinator has the Lease, and its Lease is valid.") { .flag($0.isLeading) },
        FleetMetric(
            .gauge, "granting", labels: ["shard"], "Whether it answers nodes of its shard: it leads, and has read what there is."
        ) {
            [Sample(["\($0.shard)"], .flag($0.closed == nil))]
        },
        one(
            .gauge, "lease_expires_timestamp_seconds", unit: "seconds",
            "Until when its Lease is valid, in seconds since 1970. Absent where it doesn't lead."
        ) { state in state.isLeading ? .timestamp(state.wall(state.validUntil_ns)) : nil },
        one(.gauge, "epoch", "How often the Lease has changed hands, as far as it knows.") { .whole($0.epoch) },
        one(
            .gauge, "takeover_seconds", unit: "seconds",
            "How long it took from the Lease until all nodes were heard, or had had their time. Absent until then, and where it doesn't lead."
        ) { state in state.takeover_ns.map { .decimal($0 / 1_000_000, places: 3) } },
        one(.gauge, "api_troubles", "How many of its activities at the API server go wrong at present.") {
            .whole(UInt64($0.troubles.count))
        },
        FleetMetric(
            .counter, "api_requests_total", labels: ["verb", "code"],
            "Requests to the API server that ended, by HTTP's method or WATCH, and by HTTP's status or the reason why there is none."
        ) { state in
            state.requests.sorted { ($0.key.verb, $0.key.code) < ($1.key.verb, $1.key.code) }.map {
                Sample([$0.key.verb, $0.key.code], .whole($0.value))
            }
        },
        one(
            .histogram, "cycle_duration_seconds", unit: "seconds",
            "How long a turn of the loop takes, from waking up to going to sleep."
        ) { .histogram($0.turns) },
        one(.gauge, "start_time_seconds", unit: "seconds", "When the coordinator began, in seconds since 1970.") {
            .timestamp($0.started)
        },
        FleetMetric(.info, "build_info", labels: ["version"], "1, with the coordinator's version.") { _ in
            [Sample(["\(Release.version)"], .whole(1))]
        },
    ]

    /// The table for docs/fleet.md.
    static var markdown: String { Metric.table(of: all.map(\.family)) }
}

/// A state as a page for Prometheus.
/// - Parameter accept: the request's header of this name, which chooses the format; nil where there is none.
func exposition(of state: FleetState, accept: String?) -> MetricsPage {
    let format = Format(accept: accept)
    var page = Exposition(format)
    for metric in FleetMetric.all { page.append(metric.family, metric.samples(state)) }
    return MetricsPage(mediaType: format.mediaType, bytes: page.end())
}
