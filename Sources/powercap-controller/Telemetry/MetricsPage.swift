internal import Metrics

/// What a scrape is answered with.
struct MetricsPage: Equatable, Sendable {
    /// For `Content-Type`.
    let mediaType: String
    let bytes: [UInt8]
}

/// A state as a page for Prometheus.
/// - Parameter accept: the request's header of this name, which chooses the format; nil where there is none.
func exposition(of state: NodeState, accept: String?) -> MetricsPage {
    let format = Format(accept: accept)
    let scrape = Scrape(state)
    var page = Exposition(format)
    for metric in Metric.all { page.append(metric.family, metric.samples(scrape)) }
    return MetricsPage(mediaType: format.mediaType, bytes: page.end())
}
