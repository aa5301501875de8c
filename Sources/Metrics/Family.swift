/// Series of one name and one meaning: what each format describes once, before their samples.
public struct Family: Equatable, Sendable {
    /// What its values do (prometheus.io/docs/concepts/metric_types).
    public enum Kind: String, Sendable {
        /// Only goes up, from 0, until the process ends.
        case counter
        /// Goes up and down.
        case gauge
        /// How often something was how large.
        case histogram
        /// Always 1: what there is to say is in the labels, and stays so until the process ends.
        case info
    }

    /// As the samples are called, but for a histogram's own endings. A counter's ends with `_total`, an info's with `_info`, and either
    /// has the unit before that.
    public let name: String
    /// What its values do.
    public let kind: Kind
    /// The base unit of the values; nil where they have none.
    let unit: String?
    /// One sentence.
    public let help: String
    /// The names of the labels, in the order in which a sample gives them.
    public let labels: [String]

    public init(_ kind: Kind, _ name: String, unit: String? = nil, labels: [String] = [], help: String) {
        (self.kind, self.name, self.unit, self.labels, self.help) = (kind, name, unit, labels, help)
    }

    /// What OpenMetrics calls the family itself: a sample's ending isn't part of it (OpenMetrics 1.0.0, "Suffixes").
    var bareName: Substring {
        switch kind {
        case .counter: name.dropLast("_total".utf8.count)
        case .info: name.dropLast("_info".utf8.count)
        case .gauge, .histogram: name[...]
        }
    }
}
