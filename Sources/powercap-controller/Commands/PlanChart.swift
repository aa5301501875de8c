internal import LinuxSystem
internal import Policy
internal import PowercapProtocol
internal import Text

/// A plan as a chart: one SVG file that needs nothing else.
struct PlanChart {
    private let plan: Plan
    private let time: TimeAxis
    private let power: PowerAxis
    private var series: [Series] = []
    /// nil where the source says powers.
    private let signal: PlanSignalPanel?
    private let energy: String
    private var out = Output()

    // In pixels.
    private static let width = 1100.0
    private static let left = 78.0
    private static let right = 30.0
    private static let top = 84.0
    private static let height = 430.0
    private static var plotWidth: Double { width - left - right }
    private static var bottom: Double { top + height }

    /// A line of the chart: the values at the samples, or one for all of them.
    private struct Series {
        var label: String
        var color: String
        var width = 1.8
        var dash = ""
        var isStepped = true
        var isFilled = false
        var values: [Microwatts]
    }

    private struct Samples {
        var seconds: [Int64] = []
        var source: [Microwatts] = []
        var node: [Microwatts] = []
        var devices: [[Microwatts]]
        var floor = Microwatts.zero
        var ceiling = Microwatts.zero
        var signals: [Double?] = []
    }

    init(_ plan: Plan) {
        self.plan = plan
        time = TimeAxis(startSeconds: plan.startSeconds, endSeconds: plan.endSeconds, first: plan.first, days: plan.days)
        let samples = Self.samples(of: plan)
        let highest = ([samples.source, samples.node] + samples.devices).joined().max() ?? .step
        // A ceiling far above the curve would press it flat.
        let isCeilingShown = samples.ceiling.rawValue <= highest.rawValue / 2 * 3
        power = PowerAxis(covering: isCeilingShown ? max(highest, samples.ceiling) : highest)
        series = Self.series(samples, plan, isCeilingShown: isCeilingShown)
        signal = PlanSignalPanel(samples.signals)
        energy = plan.energyWords
        draw(samples.seconds)
    }

    var svg: String { String(decoding: out.bytes, as: UTF8.self) }

    /// What is closer together than half a pixel is left out.
    private static func samples(of plan: Plan) -> Samples {
        var samples = Samples(devices: plan.devices.map { _ in [] })
        let apart = Double(plan.endSeconds - plan.startSeconds) / plotWidth / 2
        for line in plan {
            let decision = line.decision
            if let last = samples.seconds.last, Double(line.moment.seconds - last) < apart { continue }
            samples.seconds.append(line.moment.seconds)
            samples.source.append(line.source)
            samples.signals.append(line.signal)
            samples.node.append(decision.nodeLimit)
            for (index, device) in decision.devices.enumerated() { samples.devices[index].append(device.longTerm) }
            (samples.floor, samples.ceiling) = (decision.floor, decision.ceiling)
        }
        return samples
    }

    private static func series(_ samples: Samples, _ plan: Plan, isCeilingShown: Bool) -> [Series] {
        let isWhole = plan.configuration.policy.pmaxFunction == .sum
        var series = [
            Series(
                label: "source" + (isWhole ? "" : ", for each package"), color: "#d98c00", isStepped: plan.data != nil,
                isFilled: true,
                values: samples.source),
            // Wide, as a single package's line lies upon it; narrower where days crowd.
            Series(
                label: "node limit", color: "#8db8e8", width: plan.days <= 2 ? 5 : plan.days <= 7 ? 3.5 : 2, values: samples.node),
        ]
        // Colours that stay apart for the colour-blind, dashes that stay apart in grey.
        let colors = ["#00457c", "#b3246b", "#00795a", "#7a4b12", "#5b3fa8", "#4d4d4d", "#c2410c", "#0e7490"]
        let dashes = ["", "9 4", "3 3", "12 4 3 4"]
        var groups: [(names: [String], values: [Microwatts])] = []
        for (device, values) in zip(plan.devices, samples.devices) {
            let name = device.name.text + (device.fixed == nil ? "" : " (fixed)")
            if let equal = groups.firstIndex(where: { $0.values == values }) {
                groups[equal].names.append(name)
            } else {
                groups.append(([name], values))
            }
        }
        for (index, group) in groups.enumerated() {
            series.append(
                Series(
                    label: label(group.names), color: colors[index % colors.count], width: plan.days <= 7 ? 1.8 : 1.2,
                    dash: dashes[index % dashes.count], values: group.values))
        }
        let floor = "node floor, \(samples.floor.words)"
        series.append(Series(label: floor, color: "#6b6b6b", width: 1.2, dash: "2 4", values: [samples.floor]))
        let ceiling = "node ceiling, \(samples.ceiling.words)"
        series.append(
            isCeilingShown
                ? Series(label: ceiling, color: "#6b6b6b", width: 1.2, dash: "10 4", values: [samples.ceiling])
                : Series(label: ceiling + " (above this chart)", color: "none", values: []))
        return series
    }

    /// Lines that lie upon each other are one line, and say so.
    private static func label(_ names: [String]) -> String {
        switch names.count {
        case 1: names[0]
        case 2: "\(names[0]) and \(names[1]), each"
        default: "\(names[0]) and \(names.count - 1) others, each"
        }
    }
}

// Drawing.
extension PlanChart {
    private mutating func draw(_ seconds: [Int64]) {
        let entryWidth = 8.0 * Double(series.map(\.label.utf8.count).max() ?? 0) + 64
        let columns = max(1, Int(Self.plotWidth / entryWidth))
        let rows = (series.count + columns - 1) / columns
        let panelTop = Self.bottom + (hasTwoRows ? 92 : 76)
        let legendTop = Self.bottom + (hasTwoRows ? 104 : 90) + (signal == nil ? 0 : PlanSignalPanel.height + 24)
        let height = legendTop + Double(rows + 1) * 24 + 6

        let title = "Power plan, \(plan.dates), \(plan.timeZone)"
        out.append("<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 \(pixels(Self.width)) \(pixels(height))\" ")
        out.append("width=\"\(pixels(Self.width))\" height=\"\(pixels(height))\" role=\"img\" ")
        out.append(
            "font-family=\"system-ui, 'DejaVu Sans', 'Helvetica Neue', Arial, sans-serif\" font-size=\"13\" fill=\"#222\">\n")
        out.append("<title>")
        out.append(markup: title)
        out.append("</title>\n")
        out.append("<rect width=\"100%\" height=\"100%\" fill=\"#ffffff\"/>\n")
        text(title, Self.left, 34, "font-size=\"20\" font-weight=\"600\"")
        let notice = plan.isAssumed ? "; no helper was asked: the packages are assumed" : ""
        text("\(plan.sourceWords); \(plan.cadence)\(notice)", Self.left, 58, "fill=\"#555\"")

        drawPowerAxis()
        drawTimeAxis()
        for line in series where !line.values.isEmpty { draw(line, seconds) }
        out.append(
            "<path d=\"M\(pixels(Self.left)) \(pixels(Self.top))V\(pixels(Self.bottom))H\(pixels(Self.width - Self.right))\" "
                + "fill=\"none\" stroke=\"#222\"/>\n")
        for (index, line) in series.enumerated() {
            let x = Self.left + Double(index % columns) * (Self.plotWidth / Double(columns))
            drawLegend(line, x, legendTop + Double(index / columns) * 24)
        }
        signal?.draw(
            unit: plan.configuration.unitOfSignal, xs: seconds.map { x($0) }, left: Self.left, right: Self.width - Self.right,
            top: panelTop, into: &out)
        text(energy, Self.left, legendTop + Double(rows) * 24, "fill=\"#555\"")
        out.append("</svg>\n")
    }

    // Under the plot are the hours, the days, or both.
    private var hasHours: Bool { plan.days <= 6 }
    private var hasTwoRows: Bool { hasHours && plan.days > 1 }

    private mutating func drawPowerAxis() {
        for tick in power.ticks {
            let y = y(tick)
            rule("M\(pixels(Self.left)) \(pixels(y))H\(pixels(Self.width - Self.right))")
            text(power.label(tick), Self.left - 10, y + 4.5, "text-anchor=\"end\"")
        }
        let middle = pixels(Self.top + Self.height / 2)
        text(
            "power (\(power.unit))", 22, Self.top + Self.height / 2,
            "text-anchor=\"middle\" transform=\"rotate(-90 22 \(middle))\"")
    }

    private mutating func drawTimeAxis() {
        var labelled = -100.0
        for tick in time.ticks {
            let x = x(tick.seconds)
            rule("M\(pixels(x)) \(pixels(Self.top))V\(pixels(Self.bottom + 5))", isStrong: plan.days > 1 && tick.isMidnight)
            guard hasHours, x - labelled >= 44 else { continue }
            labelled = x
            let isEnd = plan.days == 1 && tick.seconds == time.endSeconds
            text(isEnd ? "24:00" : tick.clock, x, Self.bottom + 22, "text-anchor=\"middle\"")
        }
        if plan.days > 1 {
            var labelled = -100.0
            for (day, next) in zip(time.days, time.days.dropFirst()) {
                let middle = (x(day.seconds) + x(next.seconds)) / 2
                guard middle - labelled >= 62 else { continue }
                labelled = middle
                text(
                    day.date, middle, Self.bottom + (hasHours ? 42 : 22),
                    "text-anchor=\"middle\" font-weight=\"600\"")
            }
        }
        text(
            "local time (\(time.offsets))", Self.left + Self.plotWidth / 2,
            Self.bottom + (hasTwoRows ? 66 : 50), "text-anchor=\"middle\"")
    }

    private mutating func draw(_ line: Series, _ seconds: [Int64]) {
        let end = pixels(Self.width - Self.right)
        var path = ""
        if line.values.count == 1 {
            path = "M\(pixels(Self.left)) \(pixels(y(line.values[0])))H\(end)"
        } else {
            var lastY = ""
            for (second, value) in zip(seconds, line.values) {
                let (x, y) = (pixels(x(second)), pixels(y(value)))
                if path.isEmpty {
                    path = "M\(x) \(y)"
                } else if !line.isStepped {
                    path += "L\(x) \(y)"
                } else if y != lastY {
                    path += "H\(x)V\(y)"
                }
                lastY = y
            }
            path += "H\(end)"
        }
        if line.isFilled {
            let baseline = pixels(Self.bottom)
            out.append("<path d=\"\(path)V\(baseline)H\(pixels(Self.left))Z\" fill=\"\(line.color)\" fill-opacity=\"0.12\"/>\n")
        }
        out.append("<path d=\"\(path)\" fill=\"none\" \(stroke(line)) stroke-linejoin=\"round\"/>\n")
    }

    private mutating func drawLegend(_ line: Series, _ x: Double, _ y: Double) {
        let middle = pixels(y - 4.5)
        out.append("<path d=\"M\(pixels(x)) \(middle)h32\" fill=\"none\" \(stroke(line))/>\n")
        text(line.label, x + 40, y, "")
    }

    private func stroke(_ line: Series) -> String {
        let dash = line.dash.isEmpty ? "" : " stroke-dasharray=\"\(line.dash)\""
        return "stroke=\"\(line.color)\" stroke-width=\"\(pixels(line.width))\"\(dash)"
    }

    private mutating func rule(_ path: String, isStrong: Bool = false) {
        out.append("<path d=\"\(path)\" fill=\"none\" stroke=\"\(isStrong ? "#b4b4b4" : "#e4e4e4")\"/>\n")
    }

    private mutating func text(_ text: String, _ x: Double, _ y: Double, _ attributes: String) {
        out.append("<text x=\"\(pixels(x))\" y=\"\(pixels(y))\"\(attributes.isEmpty ? "" : " ")\(attributes)>")
        out.append(markup: text)
        out.append("</text>\n")
    }

    private func x(_ seconds: Int64) -> Double {
        Self.left + Self.plotWidth * Double(seconds - time.startSeconds) / Double(time.endSeconds - time.startSeconds)
    }

    private func y(_ value: Microwatts) -> Double {
        Self.bottom - Self.height * Double(value.rawValue) / Double(power.top.rawValue)
    }
}

/// A length of a picture, with one decimal at most.
func pixels(_ value: Double) -> String { decimal(UInt64((value * 10).rounded()), places: 1) }
