/// The scale of a signal, in whatever unit: between round numbers that enclose it, in round steps. It need not begin at 0.
struct SignalAxis: Equatable {
    let bottom: Double
    let top: Double
    let ticks: [Double]

    /// - Parameters:
    ///   - signals: finite ones count; nil where there is none.
    ///   - most: steps.
    init?(covering signals: some Sequence<Double?>, most: Double = 4) {
        let known = signals.compactMap { $0 }.filter(\.isFinite)
        guard let low = known.min(), let high = known.max() else { return nil }
        // A signal that never changes has a scale all the same.
        let span = high > low ? high - low : max(abs(high), 1)
        var decade = 1.0
        while decade * most < span { decade *= 10 }
        while decade * most / 10 >= span { decade /= 10 }
        let step = [0.2, 0.5, 1].map { $0 * decade }.first { $0 * most >= span } ?? decade
        let (first, last) = ((low / step).rounded(.down), (high / step).rounded(.up))
        (bottom, top) = (first * step, max(last, first + 1) * step)
        ticks = stride(from: first, through: max(last, first + 1), by: 1).map { $0 * step }
    }

    /// From 0 at the bottom to 1 at the top.
    func height(of signal: Double) -> Double { (signal - bottom) / (top - bottom) }
}
