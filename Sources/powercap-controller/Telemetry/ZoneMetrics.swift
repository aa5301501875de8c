internal import Metrics
internal import Policy
internal import PowercapProtocol

extension Metric {
    /// Of every zone that the helper has found.
    static let zones: [Metric] = [
        .zone(
            .counter, "energy_joules_total", unit: "joules",
            "Energy that the zone has used since the controller first saw it. Its rate is the power in watts. Zones lie in each other: "
                + "core and uncore are part of their package, and intel-rapl-mmio counts the same packages as intel-rapl."
        ) { zone in zone.energy.map { .joules($0.total) } },
        .zone(
            .counter, "energy_gaps_total",
            "How often it isn't known how much energy was used, because the zone's counter was reset or may have wrapped around unseen."
        ) { zone in zone.energy.map { .whole($0.gaps) } },
        .zone(
            .gauge, "power_watts", unit: "watts",
            "What the zone's sensor says now, where it has one in place of a counter. Absent while it can't be read, and while the device sleeps."
        ) { zone in zone.state.reading == .power ? zone.state.power.map { .watts($0) } : nil },
        .zone(
            .gauge, "zone_enabled", "Whether the zone says that its limits are enforced. A locked one may read 0."
        ) { zone in zone.state.enabled.map { .flag($0) } },
    ]

    /// Of every limit of every zone.
    static let limits: [Metric] = [
        .limit(
            "limit_watts", unit: "watts",
            "Limit in force: of a package the lowest of every register that limits it, whatever control type it belongs to."
        ) { limit in limit.inForce.map { .watts($0) } },
        .limit(
            "limit_register_watts", unit: "watts", "What the zone's own register holds."
        ) { limit in limit.register.map { .watts($0) } },
        .limit(
            "limit_asked_watts", unit: "watts", "What the controller last asked for."
        ) { limit in limit.asked.map { .watts($0) } },
        .limit(
            "limit_original_watts", unit: "watts",
            "What was in force before the helper wrote for the first time, and comes back when it ends."
        ) { limit in limit.original.map { .watts($0) } },
        .limit("limit_floor_watts", unit: "watts", "The helper writes nothing below.") { limit in .watts(limit.floor) },
        .limit("limit_ceiling_watts", unit: "watts", "The helper writes nothing above.") { limit in .watts(limit.ceiling) },
        .limit(
            "limit_locked", "Whether the driver refuses every limit, as firmware has set it. Only a write shows it."
        ) { limit in .flag(limit.obstacle == .locked) },
        Metric(
            .gauge, "limit_holder_info", labels: Scrape.Zone.limitLabelNames + ["holder"],
            "1 for the control type whose register is the limit in force. Where that isn't the zone's own, another party limits it to less."
        ) { scrape in
            scrape.zones.flatMap { zone in
                zone.state.limits.compactMap { limit in
                    limit.holder.map { Sample(zone.labels + [limit.name, $0], .whole(1)) }
                }
            }
        },
        Metric(
            .counter, "drift_total", labels: Scrape.Zone.limitLabelNames,
            "How often another party had changed a limit that is governed."
        ) { scrape in
            scrape.state.entries.flatMap { entry in
                guard let zone = scrape.zones.first(where: { $0.state.id == entry.device.zone }) else { return [Sample]() }
                return [entry.longTerm, entry.shortTerm].compactMap { tracked in
                    tracked.map { tracked in
                        let drift = Counts.Drift(zone: entry.device.zone, constraint: tracked.name)
                        return Sample(zone.labels + [tracked.name], .whole(scrape.state.counts.drifts[drift] ?? 0))
                    }
                }
            }
        },
        Metric(
            .counter, "limit_writes_total", labels: ["result"],
            "Limits that were set (applied), that the helper refused (refused), and that failed with the rest of their batch (failed)."
        ) { scrape in
            let counts = scrape.state.counts
            return [("applied", counts.applied), ("refused", counts.refused), ("failed", counts.failed)].map {
                Sample([$0.0], .whole($0.1))
            }
        },
    ]
}
