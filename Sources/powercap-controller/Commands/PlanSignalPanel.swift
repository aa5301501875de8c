internal import Text

/// The signal that a plan's source makes its powers of, under the powers themselves.
struct PlanSignalPanel {
    private let axis: SignalAxis
    private let signals: [Double?]
    /// In pixels.
    static let height = 110.0

    /// - Parameter signals: at the chart's samples; nil where there is none at all.
    init?(_ signals: [Double?]) {
        guard let axis = SignalAxis(covering: signals) else { return nil }
        (self.axis, self.signals) = (axis, signals)
    }

    /// - Parameters:
    ///   - unit: nil where it isn't known.
    ///   - xs: of the samples, from `left` on.
    ///   - top: of the panel; all in pixels.
    func draw(unit: String?, xs: [Double], left: Double, right: Double, top: Double, into out: inout Output) {
        func y(_ signal: Double) -> Double { top + PlanSignalPanel.height * (1 - axis.height(of: signal)) }
        for tick in axis.ticks {
            let height = pixels(y(tick))
            out.append(
                "<path d=\"M\(pixels(left)) \(height)H\(pixels(right))\" fill=\"none\" stroke=\"\(tick == 0 ? "#b4b4b4" : "#e4e4e4")\"/>\n"
            )
            out.append(
                "<text x=\"\(pixels(left - 10))\" y=\"\(pixels(y(tick) + 4.5))\" text-anchor=\"end\">\(tick.words)</text>\n")
        }
        var path = ""
        var isBroken = true
        for (x, signal) in zip(xs, signals) {
            guard let signal, signal.isFinite else {
                if !isBroken { path += "H\(pixels(x))" }
                isBroken = true
                continue
            }
            path += isBroken ? "M\(pixels(x)) \(pixels(y(signal)))" : "H\(pixels(x))V\(pixels(y(signal)))"
            isBroken = false
        }
        if !isBroken { path += "H\(pixels(right))" }
        out.append("<path d=\"\(path)\" fill=\"none\" stroke=\"#7a4b12\" stroke-width=\"1.8\"/>\n")
        let bottom = top + PlanSignalPanel.height
        out.append(
            "<path d=\"M\(pixels(left)) \(pixels(top))V\(pixels(bottom))H\(pixels(right))\" fill=\"none\" stroke=\"#222\"/>\n")
        let middle = pixels(top + PlanSignalPanel.height / 2)
        out.append("<text x=\"22\" y=\"\(middle)\" text-anchor=\"middle\" transform=\"rotate(-90 22 \(middle))\">")
        out.append(markup: unit ?? "signal")
        out.append("</text>\n")
    }
}
