internal import Fleet
internal import LinuxSystem
internal import Policy
internal import PowercapProtocol
internal import Text

/// The page that a browser shows of a running coordinator: one HTML document that needs nothing else, changes nothing, and comes anew every 10 s.
func page(_ state: FleetState) -> [UInt8] {
    var html = HTML()
    html.markup("<!DOCTYPE html><html lang=en dir=ltr><head><meta charset=utf-8>")
    html.markup(
        "<meta name=viewport content=\"width=device-width,initial-scale=1\"><meta name=color-scheme content=\"light dark\">")
    html.element("<meta http-equiv=refresh content=10><title>", "\(state.answer) powercap", "</title><style>")
    html.markup(pageStyle)
    html.markup("</style></head><body><header>")
    html.element("<p><b>powercap</b> coordinator <bdi>", state.identity, "</bdi>")
    html.element("<p>updated <time>", Instant(state.now.seconds).clock, "</time></header><main>")
    html.element("<h1>", state.answer, "</h1>")
    html.markup(state.isGood ? "<p class=\"state ok\">" : "<p class=\"state bad\">")
    html.text(state.sentence)
    html.writeBudgets(state)
    html.writeNodes(state)
    html.writeTroubles(state)
    html.element("</main><footer><p>powercap ", "\(Release.version)", "")
    html.markup(". This page only shows.</footer></body></html>\n")
    return html.bytes
}

extension FleetState {
    var isGood: Bool { closed == nil && troubles.isEmpty && budgets.allSatisfy { $0.complaints.isEmpty } }

    /// The first thing that somebody wants to know.
    var answer: String {
        guard closed == nil else { return isLeading ? "This coordinator begins to lead." : "This coordinator stands by." }
        let bad = budgets.filter { !$0.complaints.isEmpty }.map(\.name)
        if bad.isEmpty { return budgets.isEmpty ? "There are no budgets." : "All budgets are kept." }
        return "\(bad.count == 1 ? "The budget \(bad[0]) needs" : "\(bad.count) budgets need") a look."
    }

    var sentence: String {
        if let closed { return closed }
        let silent = nodes.count { !$0.isHeard }
        return "\(nodes.count) nodes are in \(budgets.count) budgets, \(silent) of them silent. The Lease is valid until "
            + "\(Instant(wall(validUntil_ns)).words(seenFrom: now))."
    }
}

extension FleetState.Budget {
    /// Conditions that aren't as one would have them.
    var complaints: [BudgetCondition] { conditions.filter { $0.isTrue == ($0.type == .degraded) } }
}

extension HTML {
    fileprivate mutating func writeBudgets(_ state: FleetState) {
        guard !state.budgets.isEmpty else { return }
        markup("<section><h2>Budgets</h2>")
        for budget in state.budgets where !budget.complaints.isEmpty {
            element("<h3>", budget.name, "</h3>")
            list(budget.complaints.map { "\($0.type.rawValue) is \($0.isTrue ? "true" : "false") (\($0.reason)): \($0.message)" })
        }
        table(
            "budgets", "What there is and what is counted",
            head: ["budget", "limit", "counted", "for jumps", "reserve", "in force", "nodes", "silent"]
        ) { html in
            for budget in state.budgets {
                html.element("<tr><th scope=row>", budget.name, "")
                guard let overview = budget.overview else {
                    html.markup("<td colspan=7>not known")
                    continue
                }
                html.cell(overview.terms.limit)
                html.cell(overview.counted)
                html.cell(overview.contingency)
                html.cell(overview.terms.reserve)
                html.cell(overview.inForce)
                html.element("<td>", "\(overview.nodes)", "")
                html.element("<td>", "\(overview.silent)", "")
            }
        }
        writeParts(of: state.budgets.filter { !$0.parts.isEmpty })
        markup("</section>")
    }

    private mutating func writeParts(of budgets: [FleetState.Budget]) {
        guard !budgets.isEmpty else { return }
        table(
            "parts", "What each shard has of a budget",
            head: ["budget", "shard", "limit", "acknowledged", "counted", "nodes", "silent"]
        ) { html in
            for budget in budgets {
                for part in budget.parts {
                    html.element("<tr><th scope=row>", budget.name, "")
                    html.element("<td>", "\(part.shard)", "")
                    html.cell(part.limit)
                    html.cell(part.acknowledged)
                    html.cell(part.counted)
                    html.element("<td>", "\(part.nodes)", "")
                    html.element("<td>", "\(part.silent)", "")
                }
            }
        }
    }

    /// A page of thousands helps nobody: those that aren't heard come first, and the rest is in /status.
    private static var most: Int { 500 }

    fileprivate mutating func writeNodes(_ state: FleetState) {
        guard !state.nodes.isEmpty else { return }
        let shown = (state.nodes.filter { !$0.isHeard } + state.nodes.filter(\.isHeard)).prefix(HTML.most)
        markup("<section><h2>Nodes</h2>")
        if shown.count < state.nodes.count {
            element(
                "<p class=note>", "\(shown.count) of \(state.nodes.count) are shown, silent ones first. All are in /status.", "")
        }
        table(
            "nodes", "What each has, and how it is counted",
            head: ["node", "granted", "in force", "counted", "should have", "wants", "rests at", "ceiling", "budgets"]
        ) { html in
            for node in shown {
                html.element("<tr><th scope=row>", node.name, "")
                html.cell(node.granted, orElse: node.isHeard ? "nothing yet" : "silent")
                html.cell(node.inForce)
                html.cell(node.counted)
                html.cell(node.target, orElse: "–")
                html.cell(node.isHeard ? node.demand : nil, orElse: "–")
                html.element("<td>", node.rest.words + (node.bootsAtRest ? ", also after a boot" : ""), "")
                html.cell(node.ceiling)
                html.element("<td>", node.budgets.joined(separator: ", "), "")
            }
        }
        markup("</section>")
    }

    fileprivate mutating func writeTroubles(_ state: FleetState) {
        guard !state.troubles.isEmpty else { return }
        markup("<section><h2>Troubles</h2>")
        list(state.troubles)
        markup("</section>")
    }
}
