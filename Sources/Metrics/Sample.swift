/// What one series of a family shows at the time of a scrape.
public struct Sample: Equatable, Sendable {
    /// The labels' values, one for each of the family's. An empty one is as if the label weren't there, and isn't written.
    let labels: [String]
    /// In the family's unit.
    let value: Value

    public init(_ labels: [String] = [], _ value: Value) { (self.labels, self.value) = (labels, value) }
}

/// A number, as exactly as it is known: what is counted in thousandths or millionths is written in decimal, without a detour through
/// binary fractions.
public enum Value: Equatable, Sendable {
    /// A whole number.
    case whole(UInt64)
    /// So many tenths, hundredths and so on: the last digit is that many places behind the point, 19 at most.
    case decimal(UInt64, places: Int)
    /// What isn't known exactly.
    case real(Double)
    /// For a family of histograms alone.
    case histogram(Histogram)

    /// 1 where it is so, and otherwise 0.
    public static func flag(_ flag: Bool) -> Value { .whole(flag ? 1 : 0) }
}
