internal import LinuxSystem
internal import Policy
internal import PowercapProtocol
internal import Text

/// The page that a browser shows of the running controller: one HTML document that needs nothing else, and changes nothing.
///
/// What it says is the state's and the history's; it decides where it stands.
func page(_ state: NodeState, _ history: History) -> [UInt8] {
    var html = HTML()
    let explanation = state.explanation
    html.markup("<!DOCTYPE html><html lang=en dir=ltr><head><meta charset=utf-8>")
    html.markup(
        "<meta name=viewport content=\"width=device-width,initial-scale=1\"><meta name=color-scheme content=\"light dark\">")
    html.element("<title>", "\(explanation.answer) \(state.nodeName), powercap", "</title>")
    html.markup("<noscript><meta http-equiv=refresh content=10></noscript><style>")
    html.markup(pageStyle)
    html.markup("</style></head><body><header>")
    html.element("<p><b>powercap</b> <bdi>", state.nodeName, "</bdi>")
    html.element("<p>updated <time id=when>", Instant(state.now.seconds).clock, "</time>")
    html.markup("<p id=lost role=status></p></header><main>")
    html.write(state, explanation)
    html.writeHistory(state, history)
    html.writePlan(state)
    html.writePackages(state)
    html.writeZones(state)
    html.writeDetails(state)
    html.element("</main><footer><p>powercap ", "\(Release.version)", "")
    html.element(". This page only shows. Times are local, ", state.timeZone, ".</footer><script>")
    html.markup(pageScript)
    html.markup("</script></body></html>\n")
    return html.bytes
}

/// What a browser is to be told beside the page (Content-Security-Policy Level 3): nothing is loaded, sent or run but what is in it. The
/// hashes are those of `pageStyle` and `pageScript`.
func contentSecurityPolicy() -> String {
    "default-src 'none'; style-src 'sha256-\(pageStyleHash)'; script-src 'sha256-\(pageScriptHash)'; connect-src 'self'; "
        + "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
}

extension NodeState {
    var timeZone: String { settings.configuration.timeZoneWords }

    /// The Node's, as far as it is known; else this machine is meant.
    fileprivate var nodeName: String { api?.node ?? settings.configuration.nodeName ?? "this node" }
}

extension Instant {
    /// `12:00:00`
    var clock: String {
        let local = LocalTime.at(seconds)
        var output = Output()
        output.append(clock: local)
        output.append(":")
        output.append(local.second, digits: 2)
        return String(decoding: output.bytes, as: UTF8.self)
    }
}
