/// Every family that the controller exports, in the order of the page. Both formats, docs/metrics.md and the tests come from here.
extension Metric {
    static let all = zones + limits + node + devices + overrides + source + grant + control + api + process
}
