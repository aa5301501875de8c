public import PowercapProtocol

/// How a signal becomes a power. A signal is a number in whatever unit: grams of carbon dioxide for each kWh, a price, which may be negative, a
/// percentile, a traded volume.
public enum SignalMap: Equatable, Sendable {
    /// The signal is a power in watts. Below 0 it is none: at night an inverter takes a little.
    case watts
    /// From one of two points in proportion to the other, and beyond either as much as there: the signals of the two differ.
    case line(Point, Point)
    /// One power where the signal is below the first point's, another where it is above the second's, and in between the one that it was:
    /// the first point's signal is at most the second's.
    case threshold(below: Point, above: Point)
    /// A volume: of MAX_SOURCE as large a part as the signal is of the whole.
    case share(of: Whole)

    /// A power that goes with a signal.
    public struct Point: Equatable, Sendable {
        /// In its own unit; finite.
        public let signal: Double
        /// What there is then.
        public let power: Microwatts

        public init(signal: Double, power: Microwatts) { (self.signal, self.power) = (signal, power) }
    }

    /// What a day's volumes are compared with.
    public enum Whole: String, CaseIterable, Sendable {
        /// The largest of the day.
        case max
        /// Their mean. More than that is all of MAX_SOURCE.
        case average
    }

    /// The most that it ever gives.
    /// - Parameter peak: MAX_SOURCE.
    func most(of peak: Microwatts) -> Microwatts {
        switch self {
        case .watts, .share: peak
        case .line(let one, let other), .threshold(let one, let other): Swift.max(one.power, other.power)
        }
    }

    /// A number that far from those that are meant is an error's code, or a garbled one: nothing can be had from it (P16).
    private static let absurd = 1_000.0

    /// - Parameters:
    ///   - whole: what a volume is compared with.
    ///   - last: the power before; nil where that isn't known. Between the two points of a threshold the lower one stands in for it.
    ///   - peak: MAX_SOURCE.
    /// - Returns: nil where there are no data in such a signal.
    func power(of signal: Double, whole: Double, after last: Microwatts?, peak: Microwatts) -> Microwatts? {
        guard signal.isFinite else { return nil }
        switch self {
        case .watts:
            let most = Double(peak.rawValue)
            return abs(signal) * 1e6 > most * Self.absurd
                ? nil : Microwatts(UInt64(Swift.min(Swift.max(signal * 1e6, 0), most).rounded()))
        case .line(let one, let other):
            if Self.isAbsurd(signal, one, other) { return nil }
            let (low, high) = one.signal < other.signal ? (one, other) : (other, one)
            if signal <= low.signal { return low.power }
            if signal >= high.signal { return high.power }
            let share = (signal - low.signal) / (high.signal - low.signal)
            let (from, to) = (Double(low.power.rawValue), Double(high.power.rawValue))
            return Microwatts(UInt64((from + (to - from) * share).rounded()))
        case .threshold(let below, let above):
            if Self.isAbsurd(signal, below, above) { return nil }
            if signal < below.signal { return below.power }
            if signal > above.signal { return above.power }
            return last == below.power || last == above.power ? last : Swift.min(below.power, above.power)
        case .share:
            guard signal >= 0, whole.isFinite, whole >= 0 else { return nil }
            // In a day without any volume there is nothing to have a part of.
            return whole == 0 ? .zero : Microwatts(UInt64((Double(peak.rawValue) * Swift.min(signal / whole, 1)).rounded()))
        }
    }

    private static func isAbsurd(_ signal: Double, _ one: Point, _ other: Point) -> Bool {
        abs(signal) > Swift.max(abs(one.signal), abs(other.signal), 1) * absurd
    }

    /// What the volumes of a day are compared with. Those that are none don't count.
    func whole(of volumes: some Sequence<Double?>) -> Double {
        guard case .share(let kind) = self else { return 0 }
        var (sum, count, largest) = (0.0, 0.0, 0.0)
        for case let volume? in volumes where volume.isFinite && volume >= 0 {
            (sum, count, largest) = (sum + volume, count + 1, Swift.max(largest, volume))
        }
        return kind == .max ? largest : count == 0 ? 0 : sum / count
    }
}

extension SignalMap {
    /// The powers of a day's signals, or of those of any time, in their order.
    /// - Parameters:
    ///   - last: the power before the first; nil where that isn't known.
    ///   - peak: MAX_SOURCE.
    /// - Returns: for each signal its power, nil where there are no data.
    public func powers(of signals: [Double?], after last: Microwatts? = nil, peak: Microwatts) -> [Microwatts?] {
        let whole = whole(of: signals)
        var last = last
        return signals.map { signal in
            let power = signal.flatMap { self.power(of: $0, whole: whole, after: last, peak: peak) }
            last = power ?? last
            return power
        }
    }
}
