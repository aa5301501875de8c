internal import Metrics

extension Metric {
    /// The table for docs/metrics.md.
    static var markdown: String { table(of: all.map(\.family)) }

    /// A table of families for a document.
    static func table(of families: [Family]) -> String {
        var text = "| metric | type | labels | meaning |\n| --- | --- | --- | --- |\n"
        for family in families {
            let labels = family.labels.map { "`\($0)`" }.joined(separator: ", ")
            text += "| `\(family.name)` | \(family.kind.rawValue) | \(labels) | \(family.help) |\n"
        }
        return text
    }
}
