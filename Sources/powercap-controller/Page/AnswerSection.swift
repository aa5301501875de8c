internal import Policy
internal import PowercapProtocol

// What comes first: the answer, the numbers, why, and what comes next.

extension HTML {
    mutating func write(_ state: NodeState, _ explanation: Explanation) {
        let condition = state.condition
        markup("<section id=answer>")
        markup(condition.isCalm ? "<p class=\"state ok\">" : "<p class=\"state bad\">")
        element("", "\(state.phase.rawValue), PowerCapped is \(condition.status.rawValue): \(condition.reason)", "")
        element("<h1>", explanation.answer, "</h1>")
        markup("<dl class=big>")
        row("in force", state.inForce?.words ?? "unknown")
        row("drawn", state.drawn?.roughly ?? "unknown")
        row("decided", state.decision?.decision.nodeLimit.roughly ?? "nothing yet")
        row("source", (state.sourceSignal.map { "\($0) → " } ?? "") + state.source.reading.power.roughly)
        if let decision = state.decision?.decision { row("range", "\(decision.floor.roughly) to \(decision.ceiling.roughly)") }
        markup("</dl></section><div class=two><section><h2>Why</h2>")
        list(explanation.because)
        markup("</section><section><h2>What comes next</h2>")
        list(explanation.next)
        writeOverrides(state)
        markup("</section></div>")
    }

    private mutating func writeOverrides(_ state: NodeState) {
        let wishes = state.wishes
        let node = wishes.node
        markup("<h2>Overrides</h2>")
        guard wishes.together != Overrides() || !wishes.rejected.isEmpty else {
            markup("<p>None: the limit follows the source.")
            return
        }
        table("overrides", "Overrides that stand", head: ["what", "until", "whose", "reason"]) { html in
            for order in wishes.orders.standing {
                let what = if case .limit(let limit) = order.wish { "at most \(limit.words)" } else { "paused" }
                html.override(
                    "operator, uid \(order.uid)", what, until: state.end(of: order).map { Instant($0).words(seenFrom: state.now) }
                )
                html.element("<td><bdi>", order.reason.isEmpty ? "none given" : order.reason, "</bdi>")
            }
            if let problem = wishes.ordersProblem {
                html.override("operator", "the floor", until: nil)
                html.element("<td>", "the saved orders \(problem)", "")
            }
            func annotation(_ name: String, _ what: String?, endsWhere isOver: (Overrides) -> Bool = { _ in false }) {
                guard let what else { return }
                let end = wishes.later.first { isOver($0.node) }.map { Instant($0.at).words(seenFrom: state.now) }
                html.override("the Node", what, until: end)
                html.element("<td><code>powercap.dev/", name, "</code>")
            }
            annotation("limit", node.limit.map { $0 == .zero ? "the floor, as it can't be read" : "at most \($0.words)" }) {
                $0.limit == nil
            }
            annotation("paused", node.paused ? "paused" : nil) { !$0.paused }
            annotation("max-source", node.maxSource.map { "a source's peak of \($0.words)" })
            annotation("min-power", node.minPower.map { "at least \($0.words) for each package" })
            for rejection in wishes.rejected {
                html.override("the Node", "not followed", until: "")
                html.element("<td class=bad><bdi>", rejection.sentence, "</bdi>")
            }
        }
    }

    private mutating func override(_ whose: String, _ what: String, until: String?) {
        element("<tr><th scope=row>", what, "")
        element("<td>", until ?? "taken back", "")
        element("<td>", whose, "")
    }
}

extension Condition {
    /// Nobody has to do anything.
    var isCalm: Bool { status == .yes && ["LimitInForce", "Paused"].contains(reason) }
}
