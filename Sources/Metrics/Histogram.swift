/// How often something measured was how large: classic buckets, as Prometheus adds them up (prometheus.io/docs/concepts/metric_types).
public struct Histogram: Equatable, Sendable {
    /// The largest value that each bucket takes, rising; the last bucket, without a bound, takes the rest.
    let bounds: [Double]
    /// What fell into each bucket alone, one more than there are bounds.
    private(set) var counts: [UInt64]
    /// Of all values.
    private(set) var sum = 0.0

    /// - Parameter bounds: rising, without infinity.
    public init(bounds: [Double]) {
        (self.bounds, counts) = (bounds, [UInt64](repeating: 0, count: bounds.count + 1))
    }

    /// Takes a value.
    public mutating func note(_ value: Double) {
        counts[bounds.firstIndex { value <= $0 } ?? bounds.count] += 1
        sum += value
    }
}
