internal import JSON
internal import LinuxSystem
internal import Policy
internal import PowercapProtocol
internal import Text

/// The running controller's document for people: 80 columns.
struct StatusTable {
    let document: JSON

    init(_ document: JSON) { self.document = document }

    func write(to output: inout Output) {
        let explanation = document["explanation"]
        output.append(label: "node", explanation?["answer"]?.text ?? "-")
        for sentence in explanation?["because"]?.elements ?? [] { output.append(label: "", sentence.text ?? "-") }
        output.append(label: "next", (explanation?["next"]?.elements ?? []).compactMap(\.text).joined(separator: " "))
        if let node = document["node"] {
            output.append(
                label: "limit",
                "\(roughly(node["limit_uw"])) decided, between \(words(node["floor_uw"])) and \(words(node["ceiling_uw"])); "
                    + "\(roughly(node["power_uw"])) drawn")
        }
        if let fallback = document["node"]?["fallback_uw"]?.power {
            let boots = document["node"]?["boots_at_fallback"]?.flag == true ? ", and at the start of a boot" : ""
            output.append(label: "fallback", "\(fallback.roughly) when the controller is lost\(boots)")
        }
        for service in document["services"]?.elements ?? [] { output.append(label: "service", words(of: service)) }
        if let missing = document["node"]?["missing"]?.elements?.compactMap(\.text), !missing.isEmpty {
            output.append(label: "missing", "\(missing.joined(separator: ", ")): named in GOVERN, and no such device is here")
        }
        if let helper = document["helper"], helper != .null {
            output.append(
                label: "helper",
                "\(helper["version"]?.text ?? "-"), writes \(helper["writes"]?.text ?? "-"), floor \(words(helper["min_power_uw"]))"
            )
            let missing = (helper["sandbox"]?.members ?? []).filter { helper["sandbox"]?[$0.name]?.flag == false }.map(\.name)
            output.append(label: "sandbox", missing.isEmpty ? "complete" : "without \(missing.joined(separator: ", "))")
        }
        output.append(label: "control", control)
        if let api = document["api"], api != .null { output.append(label: "api", words(on: api)) }
        output.append("\n")
        ZoneTable.write((document["zones"]?.elements ?? []).compactMap { ZoneState($0) }, to: &output)
    }

    private var control: String {
        guard let control = document["control"], let left = control["remaining_ms"]?.integer else { return "none" }
        return "\(control["holder"]?.text ?? "-"), \(left) ms left, then \(control["on_lease_expiry"]?.text ?? "-")"
    }

    private func words(of service: JSON) -> String {
        let count = service["devices"]?.integer ?? 0
        let devices = count == 1 ? "1 device" : "\(count) devices"
        let state = service["up"]?.flag == true ? "answers" : service["problem"]?.text ?? "hasn't answered yet"
        return "\(service["url"]?.text ?? "-"): \(devices), \(state)"
    }

    private func words(on api: JSON) -> String {
        let troubles = (api["troubles"]?.elements ?? []).compactMap(\.text)
        let state = api["watching"]?.flag == true ? "watching" : "not watching"
        let published = api["published"]?.flag == true ? "up to date" : "not up to date"
        return (["\(api["node"]?.text ?? "-") at \(api["server"]?.text ?? "-"), \(state), \(published)"] + troubles)
            .joined(separator: "; ")
    }

    private func roughly(_ power: JSON?) -> String { power?.power.map(\.roughly) ?? "-" }
    private func words(_ power: JSON?) -> String { power?.power.map(\.words) ?? "-" }
}
