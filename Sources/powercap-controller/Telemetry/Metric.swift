internal import Metrics
internal import Policy
internal import PowercapProtocol

/// A row of the table of metrics: a family, and what it shows of a state.
struct Metric: Sendable {
    let family: Family
    /// Its samples; none where nothing is known, because 0 would be something else.
    let samples: @Sendable (Scrape) -> [Sample]

    private static let prefix = "powercap_"

    init(
        _ kind: Family.Kind, _ name: String, unit: String? = nil, labels: [String] = [], _ help: String,
        samples: @escaping @Sendable (Scrape) -> [Sample]
    ) {
        family = Family(kind, Metric.prefix + name, unit: unit, labels: labels, help: help)
        self.samples = samples
    }
}

extension Metric {
    /// One series without labels.
    static func node(
        _ kind: Family.Kind, _ name: String, unit: String? = nil, _ help: String,
        value: @escaping @Sendable (Scrape) -> Value?
    ) -> Metric {
        Metric(kind, name, unit: unit, help) { scrape in value(scrape).map { [Sample([], $0)] } ?? [] }
    }

    /// A series for each zone.
    static func zone(
        _ kind: Family.Kind, _ name: String, unit: String? = nil, _ help: String,
        value: @escaping @Sendable (Scrape.Zone) -> Value?
    ) -> Metric {
        Metric(kind, name, unit: unit, labels: Scrape.Zone.labelNames, help) { scrape in
            scrape.zones.compactMap { zone in value(zone).map { Sample(zone.labels, $0) } }
        }
    }

    /// A series for each limit of each zone.
    static func limit(
        _ name: String, unit: String? = nil, _ help: String, value: @escaping @Sendable (ZoneState.Limit) -> Value?
    ) -> Metric {
        Metric(.gauge, name, unit: unit, labels: Scrape.Zone.limitLabelNames, help) { scrape in
            scrape.zones.flatMap { zone in
                zone.state.limits.compactMap { limit in value(limit).map { Sample(zone.labels + [limit.name], $0) } }
            }
        }
    }
}

extension Value {
    /// In base units, as Prometheus wants them (prometheus.io/docs/practices/naming).
    static func watts(_ power: Microwatts) -> Value { .decimal(power.rawValue, places: 6) }
    static func joules(_ energy: Microjoules) -> Value { .decimal(energy.rawValue, places: 6) }
    static func seconds(_ time: Milliseconds) -> Value { .decimal(time.rawValue, places: 3) }
    /// A time in seconds since 1970.
    static func timestamp(_ seconds: Int64) -> Value { .whole(UInt64(clamping: seconds)) }
}
