internal import Policy
internal import PowercapProtocol

// The last 24 hours: a plot of the node, one of each package, and the node's as a table by the hour.

extension HTML {
    /// More packages than these have no plot of their own: what is in force of each is in the table of packages.
    private static let mostPlots = 16

    mutating func writeHistory(_ state: NodeState, _ history: History) {
        markup("<section><h2>The last 24 hours</h2>")
        guard !history.isEmpty else {
            markup("<p>Nothing is kept yet: the first sample under control begins it.</section>")
            return
        }
        let devices = state.devices
        let view = HistoryView(history, seenFrom: state, of: 240)
        let each = state.settings.configuration.policy.pmaxFunction == .sum ? "" : ", for each package"
        Plot(
            number: 0, title: "Power of the node in the last 24 hours", size: .large, time: view.time, edges: view.edges,
            lines: [
                PlotLine(name: "source\(each)", style: .area, now: state.source.reading.power, values: view.average(.source)),
                PlotLine(
                    name: "decided", style: .wide, now: state.decision?.decision.nodeLimit, values: view.last(.limit)),
                PlotLine(name: "in force", style: .strong, now: state.inForce, values: view.last(.inForce)),
                PlotLine(name: "drawn", style: .thin, now: state.drawn, values: view.average(.drawn)),
            ], remarks: view.gapSentences
        ).write(to: &self)
        element("<p class=note>Watts, by local hours (", "\(state.timeZone), \(view.time.offsets)", ")")
        element(". Averages and last values of ", view.intervalWords, " each.")
        for sentence in view.gapSentences { element(" ", sentence, "") }
        writeHours(view)
        // So that many packages don't make the page many times as long.
        let rough = HistoryView(history, seenFrom: state, of: max(24, min(120, 480 / max(1, history.devices.count))), hours: 6)
        markup("<div class=packages>")
        var before: [Plot] = []
        for (index, name) in history.devices.enumerated().prefix(HTML.mostPlots) {
            let now = devices.first { $0.name == name }
            element("<div><h3>", name + (now == nil && state.limits != nil ? ", not there now" : ""), "</h3>")
            let plot = Plot(
                number: 1 + index, title: "Power of \(name) in the last 24 hours", size: .small, time: rough.time,
                edges: rough.edges,
                lines: [
                    PlotLine(name: "asked", style: .wide, now: now?.asked, values: rough.last(.asked, index)),
                    PlotLine(name: "in force", style: .strong, now: now?.inForce, values: rough.last(.inForce, index)),
                    PlotLine(name: "drawn", style: .thin, now: now?.power, values: rough.average(.drawn, index)),
                ], like: before)
            plot.write(to: &self)
            before = before.isEmpty ? [plot] : before
            markup("</div>")
        }
        markup("</div></section>")
    }

    private mutating func writeHours(_ view: HistoryView) {
        markup("<details id=hours><summary>As a table, by the hour</summary>")
        table("hour", "Power of the node by the hour, in watts", head: ["from", "source", "decided", "in force", "drawn"]) {
            html in
            for hour in view.hours.reversed() {
                html.element("<tr><th scope=row>", (hour.from.isMidnight ? "\(hour.from.date), " : "") + hour.from.clock, "")
                html.cell(measured: hour.source)
                html.cell(measured: hour.limit)
                html.cell(measured: hour.inForce)
                html.cell(measured: hour.drawn)
            }
        }
        markup("</details>")
    }
}
