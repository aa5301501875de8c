internal import LinuxSystem
internal import Policy
internal import PowercapProtocol
internal import Text

/// A plan as a chart for a terminal: in characters that every terminal has.
struct PlanText {
    private let plan: Plan
    /// Of a column: what holds in its middle.
    private var columns: [Column] = []
    private let power: PowerAxis
    private let time: TimeAxis

    private struct Column {
        let source: Microwatts
        let limit: Microwatts
        let signal: Double?
    }

    private static let rows = 16
    private static let signalRows = 5
    /// `280 W |`, or a signal.
    private static let margin = 11
    /// `21 Jun`, and a blank.
    private static let labelWidth = 7

    /// - Parameter width: in characters, the margin included.
    init(_ plan: Plan, width: Int) {
        self.plan = plan
        time = TimeAxis(startSeconds: plan.startSeconds, endSeconds: plan.endSeconds, first: plan.first, days: plan.days)
        let count = max(24, width - PlanText.margin - 1)
        let span = Double(plan.endSeconds - plan.startSeconds)
        var last: Plan.Line?
        for line in plan {
            let middle = { (column: Int) in Double(plan.startSeconds) + span * (Double(column) + 0.5) / Double(count) }
            // A column shows the line that holds in its middle.
            while let shown = last, columns.count < count, middle(columns.count) < Double(line.moment.seconds) {
                columns.append(Column(source: shown.source, limit: shown.decision.nodeLimit, signal: shown.signal))
            }
            last = line
        }
        while let shown = last, columns.count < count {
            columns.append(Column(source: shown.source, limit: shown.decision.nodeLimit, signal: shown.signal))
        }
        power = PowerAxis(covering: columns.map { max($0.source, $0.limit) }.max() ?? .step, most: 6)
    }

    func write(to output: inout Output) {
        let unit = plan.configuration.unitOfSignal
        output.append(wrapped("\(plan.dates), \(plan.timeZone) (\(time.offsets)): \(plan.sourceWords); \(plan.cadence)"))
        output.append("\n")
        for row in (0..<PlanText.rows).reversed() {
            output.append(label(of: row), width: PlanText.margin - 1)
            output.append("|")
            append(columns.map { character($0, in: row) }, to: &output)
        }
        appendTime(to: &output)
        if let range = signalRange {
            output.append("\n")
            for row in (0..<PlanText.signalRows).reversed() {
                let label =
                    row == PlanText.signalRows - 1 ? range.upperBound.shown : row == 0 ? range.lowerBound.shown : ""
                output.append(label, width: PlanText.margin - 1)
                output.append("|")
                append(columns.map { PlanText.level($0.signal, in: range) == row ? "*" : " " }, to: &output)
            }
            output.append(wrapped("signal\(unit.map { ", in \($0)" } ?? "")", indent: 0))
        }
        output.append("\n")
        output.append(wrapped("# the node's limit, * the source. \(plan.energyWords)"))
    }

    /// Without the blanks at its end.
    private func append(_ characters: [Character], to output: inout Output) {
        var line = String(characters)
        while line.last == " " { line.removeLast() }
        output.append(line)
        output.append("\n")
    }

    private func height(_ value: Microwatts) -> Double {
        Double(value.rawValue) / Double(power.top.rawValue) * Double(PlanText.rows)
    }

    /// The source's mark lies over the limit's.
    private func character(_ column: Column, in row: Int) -> Character {
        if max(0, Int(height(column.source).rounded(.up)) - 1) == row { return "*" }
        return height(column.limit) > Double(row) + 0.5 ? "#" : " "
    }

    /// At the row that a tick is nearest to the top of.
    private func label(of row: Int) -> String {
        for tick in power.ticks where tick > .zero && Int(height(tick).rounded()) - 1 == row {
            return "\(power.label(tick)) \(power.unit) "
        }
        return ""
    }

    private func appendTime(to output: inout Output) {
        var axis = [Character](repeating: "-", count: columns.count)
        var labels = [Character](repeating: " ", count: columns.count)
        let span = Double(time.endSeconds - time.startSeconds)
        let places = time.ticks.map { Int(Double($0.seconds - time.startSeconds) / span * Double(columns.count)) }
        // Every second tick, or third, has its words where they are closer together than those are long.
        let apart = places.count > 1 ? max(places[1] - places[0], 1) : columns.count
        let every = (PlanText.labelWidth + apart - 1) / apart
        for (index, (tick, column)) in zip(time.ticks, places).enumerated() where column < columns.count {
            axis[column] = "+"
            let text = plan.days > 3 ? tick.date : tick.clock
            guard index % every == 0, column + text.count <= columns.count else { continue }
            for (offset, character) in text.enumerated() { labels[column + offset] = character }
        }
        output.append("0 \(power.unit) ", width: PlanText.margin - 1)
        output.append("+")
        append(axis, to: &output)
        output.appendSpaces(PlanText.margin)
        append(labels, to: &output)
    }

    /// nil where the source says powers.
    private var signalRange: ClosedRange<Double>? {
        let signals = columns.compactMap(\.signal).filter(\.isFinite)
        guard let low = signals.min(), let high = signals.max() else { return nil }
        return low...high
    }

    private static func level(_ signal: Double?, in range: ClosedRange<Double>) -> Int? {
        guard let signal, signal.isFinite else { return nil }
        let height = range.upperBound - range.lowerBound
        return height == 0 ? 0 : Int(((signal - range.lowerBound) / height * Double(signalRows - 1)).rounded())
    }
}

extension Double {
    fileprivate var shown: String { rounded(places: 1).words + " " }
}
