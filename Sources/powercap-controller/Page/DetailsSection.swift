internal import Kubernetes
internal import Policy
internal import PowercapProtocol

// What is seldom asked for, folded: the helper, the API server, what was counted, and the configuration.

extension HTML {
    mutating func writeDetails(_ state: NodeState) {
        markup("<section><h2>Details</h2>")
        details("helper", "Helper and control") { $0.writeHelper(state) }
        if !state.services.isEmpty { details("services", "Services with devices") { $0.writeServices(state) } }
        details("api", "Kubernetes") { $0.writeAPI(state) }
        details("listeners", "Where the controller can be asked") { $0.writeListeners(state) }
        details("counts", "Since the controller began") { $0.writeCounts(state) }
        details("configuration", "Configuration") { $0.writeConfiguration(state.settings) }
        markup("</section>")
    }

    private mutating func details(_ id: Markup, _ name: String, _ content: (inout HTML) -> Void) {
        markup("<details id=")
        markup(id)
        element("><summary>", name, "</summary>")
        content(&self)
        markup("</details>")
    }

    private mutating func writeHelper(_ state: NodeState) {
        let helper = state.helper
        markup("<dl>")
        row("socket", helper.socket)
        if let problem = helper.problem { row("problem", problem) }
        if let welcome = helper.welcome {
            row("version", welcome.helperVersion.string)
            row("writes", welcome.writes.words)
            row("floor of every limit", welcome.minPower.words)
            let missing = SandboxBits.names.filter { !welcome.sandbox.contains($0.0) }.map { "\($0.1)" }
            row("sandbox", missing.isEmpty ? "complete" : "without \(missing.joined(separator: ", "))")
            row("when control ends by itself", "\(welcome.onLeaseExpiry)")
            if let fallback = state.fallback {
                row("limit when the controller is lost", fallback.roughly)
                row("boots begin at it", state.bootsAtFallback ? "yes" : "no")
            }
        }
        if let lease = helper.lease {
            let left = Milliseconds((max(lease.ends_ns, state.monotonic_ns) - state.monotonic_ns) / 1_000_000)
            row("lease", "\(Milliseconds(UInt64(lease.time_ms)).words), \(left.roughly) left unless it is renewed")
        } else {
            row("lease", "none: there is no control")
        }
        markup("</dl>")
    }

    private mutating func writeServices(_ state: NodeState) {
        table("services", "What DEVICE_URL names", head: ["service", "devices", "last answer", "problem"]) { html in
            for service in state.services {
                html.element("<tr><th scope=row>", service.url, "")
                html.element("<td>", "\(service.devices)", "")
                html.element(
                    "<td>", service.answered_ns.map { Instant(state.wall($0)).words(seenFrom: state.now) } ?? "none yet", "")
                html.element("<td>", service.problem ?? "–", "")
            }
        }
    }

    private mutating func writeAPI(_ state: NodeState) {
        guard let api = state.api else {
            markup("<p>Not used.")
            return
        }
        markup("<dl>")
        row("server", api.server)
        row("Node", api.node)
        row("used because", api.reason)
        row("the Node is watched", api.isWatching ? "yes" : "no")
        row("the Node says what is so", api.isPublished ? "yes" : "not yet")
        row("watches begun again", "\(api.watchRestarts)")
        markup("</dl>")
        if !api.troubles.isEmpty {
            markup("<h3>Troubles</h3>")
            list(api.troubles)
        }
        if api.requests.isEmpty { return }
        table("requests", "Requests that ended", head: ["verb", "status or cause", "how many"]) { html in
            for (outcome, count) in api.requests.sorted(by: { ($0.key.verb, $0.key.code) < ($1.key.verb, $1.key.code) }) {
                html.element("<tr><th scope=row>", outcome.verb, "")
                html.element("<td>", outcome.code, "")
                html.element("<td>", "\(count)", "")
            }
        }
    }

    private mutating func writeListeners(_ state: NodeState) {
        if state.listeners.isEmpty { markup("<p>Nowhere.") }
        markup("<dl>")
        for listener in state.listeners {
            row("\(listener.name), \(listener.place)", listener.problem ?? "listens")
        }
        markup("</dl>")
    }

    private mutating func writeCounts(_ state: NodeState) {
        let counts = state.counts
        markup("<dl>")
        row("began", Instant(state.started).words(seenFrom: state.now))
        row("limits set", "\(counts.applied)")
        row("limits refused", "\(counts.refused)")
        row("limits put back after a failure", "\(counts.failed)")
        row("limits that another party had changed", "\(counts.drifts.values.reduce(0, +))")
        row("control granted", "\(counts.connections)")
        row("control lost", "\(counts.losses)")
        row("log lines nobody took", "\(counts.lostLogLines)")
        markup("</dl>")
    }

    private mutating func writeConfiguration(_ settings: Settings) {
        var unset: [String] = []
        table("options", "Every option that has a value, and where that comes from", head: ["option", "value", "from"]) { html in
            for (option, origin) in zip(Option.all, settings.origins) {
                let value = option.show(settings.configuration)
                if value.isEmpty, origin.origin == .standard {
                    unset.append(option.variable)
                    continue
                }
                html.element("<tr><th scope=row><code>", option.variable, "</code>")
                html.element("<td><code>", value.isEmpty ? "–" : value, "</code>")
                html.element("<td>", origin.origin.rawValue + (origin.given.place.map { ", \($0)" } ?? ""), "")
            }
        }
        element("<p>", "Not set: \(unset.joined(separator: ", ")).", "</p>")
    }
}
