internal import Policy
internal import PowercapProtocol

// Today from midnight to midnight: what the source gives and what is decided for it, as far as it is known.

extension HTML {
    mutating func writePlan(_ state: NodeState) {
        markup("<section><h2>Today’s plan</h2>")
        defer { markup("</section>") }
        guard let limits = state.limits else {
            markup("<p>Without control nothing is known of the packages, and there is no plan.")
            return
        }
        guard state.settings.configuration.policy.source != .demo else {
            markup("<p>The demonstration is a day in a minute: there is no plan of a real one.")
            return
        }
        guard state.source.grant == nil else {
            markup(
                "<p>What is granted depends on other nodes, and isn’t known for longer than the grant: there is no plan of the day."
            )
            return
        }
        let day = PlannedDay(state, limits.devices)
        Plot(
            number: 99, title: "Plan of \(day.plan.dates)", size: .medium, time: day.time, edges: day.edges, lines: day.lines,
            remarks: [], now: state.now.seconds
        ).write(to: &self)
        element("<p class=note>Watts, by local hours of ", "\(day.plan.dates) (\(state.timeZone), \(day.time.offsets))", "")
        element(": ", "\(day.plan.sourceWords). \(day.remark)", "")
        markup("<details id=plan><summary>As a table, by the hour</summary>")
        table("planned", "Today’s plan by the hour, in watts", head: ["from", "source", "limit"]) { html in
            for hour in day.hours {
                html.element("<tr><th scope=row>", hour.from.clock, "")
                html.cell(measured: hour.source)
                html.cell(measured: hour.limit)
            }
        }
        markup("</details>")
    }
}
