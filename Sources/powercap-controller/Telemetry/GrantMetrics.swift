internal import Fleet
internal import Metrics
internal import Policy
internal import PowercapProtocol

extension Metric {
    /// Of what this node is granted: absent where the source is another.
    static let grant: [Metric] = [
        .node(
            .gauge, "grant_watts", unit: "watts", "What a coordinator has granted to the node. Absent where nothing is."
        ) { scrape in
            guard let grant = scrape.state.source.grant, grant.ends_ns != nil else { return nil }
            return grant.last?.limit.map { .watts($0) }
        },
        .node(
            .gauge, "grant_end_timestamp_seconds", unit: "seconds",
            "When that ends unless it is renewed, in seconds since 1970: then the node's rest holds."
        ) { $0.state.grantEnd.map { .timestamp($0) } },
        .node(
            .gauge, "grant_rest_watts", unit: "watts",
            "What the node goes to by itself: with the grant's end, when its controller is lost, and where boots begin at it."
        ) { $0.state.source.grant?.rest.map { .watts($0) } },
        .node(
            .gauge, "grant_demand_watts", unit: "watts", "What the node's work could use, as it was last reported."
        ) { $0.state.source.grant?.demand.map { .watts($0) } },
        Metric(
            .gauge, "grant_budget_binding", labels: ["budget"],
            "For each budget that covers the node, whether it is why the node hasn't more."
        ) { scrape in
            (scrape.state.source.grant?.last?.budgets ?? []).map { Sample([$0.name], .flag($0.isBinding)) }
        },
        Metric(
            .counter, "grant_asks_total", labels: ["result"],
            "Reports to a coordinator that ended, by what came of it: taken, nothing-yet, overtaken, or why nothing new is granted."
        ) { scrape in
            (scrape.state.source.grant?.counts ?? [:]).sorted { $0.key < $1.key }.map { Sample([$0.key], .whole($0.value)) }
        },
    ]
}
