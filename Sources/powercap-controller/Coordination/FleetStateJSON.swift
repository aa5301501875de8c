internal import Fleet
internal import JSON
internal import Kubernetes
internal import Policy
internal import PowercapProtocol

/// As programs read it; docs/fleet.md describes it. Numbers carry their unit in the name; null is what isn't known.
extension FleetState {
    /// Of the document: another one where something that is described changes its meaning or goes away.
    static let format: UInt64 = 1

    var json: JSON {
        [
            "format": .whole(FleetState.format),
            "coordinator": [
                "version": .text("\(Release.version)"), "identity": .text(identity), "now": .text(Instant(now.seconds).text),
                "started": .text(Instant(started).text), "leads": .flag(isLeading), "grants": .flag(closed == nil),
                "why_not": .text(closed), "holder": .text(holder), "epoch": .whole(epoch), "shard": .whole(shard),
                "shards": .whole(shards),
                "lease_valid_until": isLeading ? .text(Instant(wall(validUntil_ns)).text) : .null,
                "takeover_s": takeover_ns.map { .number("\(Double($0 / 1_000_000) / 1_000)") } ?? .null,
            ],
            "budgets": .list(budgets.map(\.json)), "nodes": .list(nodes.map(json)),
            "api": [
                "troubles": .list(troubles.map { .text($0) }),
                "requests": .list(
                    requests.sorted { ($0.key.verb, $0.key.code) < ($1.key.verb, $1.key.code) }.map {
                        ["verb": .text($0.key.verb), "code": .text($0.key.code), "count": .whole($0.value)]
                    }),
            ],
            "asks": .object(asks.sorted { $0.key < $1.key }.map { .init($0.key, .whole($0.value)) }),
            "listeners": .list(
                listeners.map { ["name": .text($0.name), "place": .text($0.place), "problem": .text($0.problem)] }),
        ]
    }

    private func json(_ node: NodeOverview) -> JSON {
        [
            "name": .text(node.name), "budgets": .list(node.budgets.map { .text($0) }), "heard": .flag(node.isHeard),
            "in_force_uw": .power(node.inForce), "counted_uw": .power(node.counted), "granted_uw": .power(node.granted),
            "target_uw": .power(node.target), "until": node.ends_ns > boot_ns ? .text(Instant(wall(node.ends_ns)).text) : .null,
            "demand_uw": .power(node.isHeard ? node.demand : nil), "ceiling_uw": .power(node.ceiling),
            "rest_uw": .power(node.rest),
            "boots_at_rest": .flag(node.bootsAtRest),
        ]
    }
}

extension FleetState.Budget {
    fileprivate var json: JSON {
        let terms = overview?.terms
        return [
            "name": .text(name), "generation": .whole(generation), "limit_uw": .power(terms?.limit),
            "counted_uw": .power(overview?.counted), "contingency_uw": .power(overview?.contingency),
            "reserve_uw": .power(terms?.reserve), "in_force_uw": .power(overview?.inForce), "demand_uw": .power(overview?.demand),
            "minimum_uw": .power(terms?.minimum), "maximum_uw": .power(terms?.maximum),
            "contingency_nodes": terms.map { .whole($0.contingencyNodes) } ?? .null,
            "grant_s": terms.map { .whole($0.ttl_ms / 1_000) } ?? .null, "nodes": overview.map { .whole($0.nodes) } ?? .null,
            "silent": overview.map { .whole($0.silent) } ?? .null,
            "parts": .list(
                parts.map {
                    [
                        "shard": .whole($0.shard), "limit_uw": .power($0.limit), "acknowledged_uw": .power($0.acknowledged),
                        "counted_uw": .power($0.counted), "nodes": .whole($0.nodes), "silent": .whole($0.silent),
                    ]
                }),
            "conditions": .list(
                conditions.map {
                    [
                        "type": .text($0.type.rawValue), "status": .flag($0.isTrue), "reason": .text($0.reason),
                        "message": .text($0.message),
                    ]
                }),
        ]
    }
}
