internal import Metrics

extension Metric {
    /// The table for docs/metrics.md.
    static var markdown: String {
        var text = "| metric | type | labels | meaning |\n| --- | --- | --- | --- |\n"
        for family in all.map(\.family) {
            let labels = family.labels.map { "`\($0)`" }.joined(separator: ", ")
            text += "| `\(family.name)` | \(family.kind.rawValue) | \(labels) | \(family.help) |\n"
        }
        return text
    }
}
