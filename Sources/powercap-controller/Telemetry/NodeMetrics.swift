internal import LinuxSystem
internal import Metrics
internal import Policy
internal import PowercapProtocol

extension Metric {
    /// Of the node's limit as a whole.
    static let node: [Metric] = [
        .node(
            .gauge, "node_limit_watts", unit: "watts", "Limit of the devices together as it was last decided."
        ) { $0.state.decision.map { .watts($0.decision.nodeLimit) } },
        .node(
            .gauge, "node_limit_in_force_watts", unit: "watts",
            "Limit of the devices together as it was read back from the hardware. Absent where one of them isn't known, or isn't enforced."
        ) { $0.state.inForce.map { .watts($0) } },
        .node(
            .gauge, "node_fallback_watts", unit: "watts",
            "What the devices' limits become together when the controller is lost, as the helper holds it. Absent where the originals come back."
        ) { $0.state.fallback.map { .watts($0) } },
        .node(
            .gauge, "node_boots_at_fallback",
            "Whether this boot was begun at the fallback limits and the next one begins at what is held now."
        ) { $0.state.limits == nil ? nil : .flag($0.state.bootsAtFallback) },
        .node(
            .gauge, "node_floor_watts", unit: "watts", "The least that the node's limit can be."
        ) { $0.state.decision.map { .watts($0.decision.floor) } },
        .node(
            .gauge, "node_ceiling_watts", unit: "watts", "The most that the node's limit can be."
        ) { $0.state.decision.map { .watts($0.decision.ceiling) } },
        .node(
            .gauge, "node_reference_watts", unit: "watts", "Reference power of the devices, as PMAX_FUNC has it."
        ) { $0.state.decision.map { .watts($0.decision.reference) } },
        Metric(
            .gauge, "share_watts", unit: "watts", labels: ["kind"],
            "What the devices of a kind have together of the node's limit, as it was last decided."
        ) { scrape in
            guard let decided = scrape.state.decision?.decision.devices, decided.count == scrape.state.entries.count else {
                return []
            }
            return DeviceKind.allCases.compactMap { kind in
                let shares = zip(scrape.state.entries, decided).filter { $0.0.device.kind == kind }.map(\.1.longTerm)
                return shares.isEmpty ? nil : Sample([kind.rawValue], .watts(shares.reduce(.zero, +)))
            }
        },
        .node(
            .gauge, "server_limit_watts", unit: "watts",
            "Limit of the whole server as it was last decided (BUDGET_OF=server): its devices have what the rest of it leaves."
        ) { $0.state.decision?.decision.server.map { .watts($0.limit) } },
        .node(
            .gauge, "server_meter_watts", unit: "watts",
            "What the whole server's meter said last (BUDGET_OF=server). Absent where it is silent: then nothing rises."
        ) { $0.state.decision?.decision.server?.loop.meter.map { .watts($0) } },
        .node(
            .gauge, "server_rest_watts", unit: "watts",
            "What the server takes beside its devices, on average over the last seconds (BUDGET_OF=server)."
        ) { $0.state.decision?.decision.server?.loop.rest.map { .watts($0) } },
        .node(
            .gauge, "floors_exceed_budget", "Whether the floors take more than the source or the override allows."
        ) { $0.state.decision.map { .flag($0.decision.floorsExceedBudget) } },
        Metric(
            .gauge, "decision_info", labels: ["reason"],
            "1 for the reason of the last decision: source, stale, override, floor, ceiling, shaped, server, idle, fixed or paused."
        ) { scrape in scrape.state.decision.map { [Sample([$0.decision.reason.rawValue], .whole(1))] } ?? [] },
        .node(
            .gauge, "next_decision_timestamp_seconds", unit: "seconds", "When the next decision is due, in seconds since 1970."
        ) { scrape in scrape.state.nextDecision_ns.map { .timestamp(scrape.state.wall($0)) } },
        .node(
            .gauge, "stabilisation_time_seconds", unit: "seconds", "Time between decisions (STABILISATION_TIME)."
        ) { .seconds($0.state.settings.configuration.stabilisationTime) },
        Metric(
            .gauge, "condition_info", labels: ["status", "reason"],
            "1 for status and reason of the Node's condition PowerCapped, also where Kubernetes is off."
        ) { scrape in [Sample([scrape.condition.status.rawValue, scrape.condition.reason], .whole(1))] },
        Metric(
            .gauge, "state_info", labels: ["state"],
            "1 for what the controller does with the limits: managed, paused or uncontrolled."
        ) { scrape in [Sample([scrape.state.phase.rawValue], .whole(1))] },
    ]

    /// Of what is asked for against the configuration.
    static let overrides: [Metric] = [
        Metric(
            .gauge, "override_active", labels: ["by", "kind"],
            "Whether the Node's annotations (node) or somebody on this machine (operator) ask for something against the configuration."
        ) { scrape in
            let (node, own) = (scrape.state.wishes.node, scrape.state.wishes.orders.overrides)
            return [
                Sample(["node", "limit"], .flag(node.limit != nil)),
                Sample(["node", "max_source"], .flag(node.maxSource != nil)),
                Sample(["node", "min_power"], .flag(node.minPower != nil)), Sample(["node", "paused"], .flag(node.paused)),
                Sample(["operator", "limit"], .flag(own.limit != nil)), Sample(["operator", "paused"], .flag(own.paused)),
            ]
        },
        Metric(
            .gauge, "override_limit_watts", unit: "watts", labels: ["by"],
            "The node's limit that is asked for, in place of the source. Of several the lowest counts. 0: it can't be read, and the floor holds."
        ) { scrape in
            let wishes = scrape.state.wishes
            return [("node", wishes.node.limit), ("operator", wishes.orders.overrides.limit)].compactMap { by, limit in
                limit.map { Sample([by], .watts($0)) }
            }
        },
        Metric(
            .gauge, "override_end_timestamp_seconds", unit: "seconds", labels: ["kind"],
            "When what somebody on this machine has asked for ends by itself, in seconds since 1970."
        ) { scrape in
            scrape.state.wishes.orders.standing.compactMap { order in
                scrape.state.end(of: order).map { Sample([order.kind.rawValue], .timestamp($0)) }
            }
        },
        .node(
            .gauge, "overrides_rejected", "How many of the Node's annotations ask for something that can't be followed."
        ) { .whole(UInt64($0.state.wishes.rejected.count)) },
        .node(
            .gauge, "orders_unreadable",
            "Whether what was asked for on this machine can't be read after a restart: the floor holds."
        ) { .flag($0.state.wishes.ordersProblem != nil) },
    ]

    /// Of the power source.
    static let source: [Metric] = [
        .node(
            .gauge, "source_watts", unit: "watts",
            "What the source gave when it was last read: to the node, or to each package where PMAX_FUNC isn't sum."
        ) { .watts($0.state.source.reading.power) },
        .node(
            .gauge, "source_signal", "What the source itself says where that isn't the power: of the sun W per square metre."
        ) { $0.state.source.reading.signal.map { .real($0) } },
        .node(
            .gauge, "source_timestamp_seconds", unit: "seconds", "From when the source's value is, in seconds since 1970."
        ) { scrape in
            let source = scrape.state.source
            return .timestamp(source.read - Int64(clamping: source.reading.age.rawValue / 1_000))
        },
        .node(
            .gauge, "source_stale", "Whether the source says nothing of the moment: the last good value, or ON_STALE's, holds."
        ) { .flag($0.state.source.reading.lack != nil) },
        .node(
            .gauge, "source_outdated",
            "Whether the source's file is gone or can't be used, or its service can't be asked: what it said before is followed."
        ) { .flag($0.state.sourceProblem != nil) },
        .node(
            .gauge, "source_fetch_timestamp_seconds", unit: "seconds",
            "When the source's service last gave all that it was asked for, in seconds since 1970."
        ) { $0.state.source.fetches?.last.map { .timestamp($0) } },
        Metric(
            .counter, "source_fetches_total", labels: ["result"],
            "Requests to the source's service that ended, by what came of it: ok, unchanged, nothing, or why there is no answer."
        ) { scrape in
            (scrape.state.source.fetches?.counts ?? [:]).sorted { $0.key < $1.key }.map { Sample([$0.key], .whole($0.value)) }
        },
    ]
}
