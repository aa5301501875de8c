internal import JSON
internal import LinuxSystem
internal import Policy
internal import PowercapProtocol
internal import Text

enum TopFlags {
    static let count = CommandFlag(
        "--count", short: "-n", .count(0...1_000_000), default: 0, "How often it is shown; 0 is until it is interrupted.")
}

/// `powercap-controller top`: the exit status, 1 where the controller stops answering.
func topCommand(_ invocation: Invocation, settings: Settings) throws(UsageError) -> Int32 {
    let count = try TopFlags.count.value(in: invocation)
    let columns = StandardStream.output.columns
    var shown = 0
    while true {
        do throws(ControlClient.Problem) {
            let view = TopView(try ControlClient(settings.configuration).get("/status"))
            if columns != nil { Terminal.clearOutput() }
            let status = printing { output in
                if let columns { view.writeBars(columns: columns, to: &output) } else { view.writeLine(to: &output) }
            }
            if status != 0 { return status }
        } catch {
            complain(error.sentence)
            return 1
        }
        shown += 1
        if shown == count { return 0 }
        Clock.sleep(milliseconds: 1_000)
    }
}

/// One look at the running controller's document.
struct TopView {
    private let document: JSON

    init(_ document: JSON) { self.document = document }

    private struct Row {
        let name: String
        let drawn: Microwatts?
        let inForce: Microwatts?
        /// What the bar's whole width stands for.
        let most: Microwatts?
    }

    private var rows: [Row] {
        let node = document["node"]
        let devices = (document["devices"] ?? document["packages"])?.elements ?? []
        let whole = Row(
            name: "node", drawn: node?["power_uw"]?.power, inForce: node?["in_force_uw"]?.power, most: node?["ceiling_uw"]?.power)
        return [whole]
            + devices.map {
                Row(
                    name: $0["name"]?.text ?? "-", drawn: $0["power_uw"]?.power, inForce: $0["in_force_uw"]?.power,
                    most: $0["ceiling_uw"]?.power)
            }
    }

    /// `2026-06-21T12:00:00+02:00 source 140.2 W, …`: one line for each look, for a file or another program's eyes.
    func writeLine(to output: inout Output) {
        output.append(document["controller"]?["now"]?.text ?? "-")
        output.append(" \(document["controller"]?["state"]?.text ?? "-")")
        output.append(" source=\(watts(document["source"]?["power_uw"]?.power))")
        for row in rows { output.append(" \(row.name)=\(watts(row.drawn))/\(watts(row.inForce))") }
        output.append("\n")
    }

    /// `#` is what is drawn, `|` stands where the limit in force is, and the frame ends at the ceiling.
    func writeBars(columns: Int, to output: inout Output) {
        let explanation = document["explanation"]
        output.append(sentence: explanation?["answer"]?.text ?? "-")
        output.append(
            "\(document["controller"]?["now"]?.text ?? "-")  source \(watts(document["source"]?["power_uw"]?.power)) W\n\n")
        let nameWidth = max(rows.map(\.name.utf8.count).max() ?? 0, 4) + 1
        let numbersWidth = 26
        let width = max(10, min(columns, 120) - nameWidth - numbersWidth - 3)
        output.append(left: "", width: nameWidth)
        output.append(" # drawn, | limit in force".padded(to: width + 3))
        output.append("drawn W", width: 12)
        output.append("limit W", width: 12)
        output.append("\n")
        for row in rows {
            output.append(left: row.name, width: nameWidth)
            output.append("[\(TopView.bar(row.drawn, row.inForce, row.most, width: width))] ")
            output.append(watts(row.drawn), width: 12)
            output.append(watts(row.inForce), width: 12)
            output.append("\n")
        }
        output.append("\n")
        for sentence in (explanation?["next"]?.elements ?? []).compactMap(\.text) { output.append(sentence: sentence) }
    }

    static func bar(_ drawn: Microwatts?, _ inForce: Microwatts?, _ most: Microwatts?, width: Int) -> String {
        guard let most, most > .zero else { return String(repeating: " ", count: width) }
        func position(_ power: Microwatts) -> Int {
            Int(min(UInt128(power.rawValue) * UInt128(width) / UInt128(most.rawValue), UInt128(width)))
        }
        let filled = drawn.map(position) ?? 0
        let mark = inForce.map { max(position($0), 1) - 1 }
        return String((0..<width).map { $0 == mark ? "|" : $0 < filled ? "#" : " " })
    }

    private func watts(_ power: Microwatts?) -> String {
        guard let power else { return "-" }
        let tenths = (power.rawValue + 50_000) / 100_000
        return "\(tenths / 10).\(tenths % 10)"
    }
}
