internal import Policy
internal import PowercapProtocol

// Packages and zones as tables: what was asked of each, what is in force, and why it isn't the same.

extension HTML {
    mutating func writePackages(_ state: NodeState) {
        markup("<section><h2>Devices</h2>")
        let devices = state.devices
        if devices.isEmpty {
            element(
                "<p>", state.limits == nil ? "Not known without control." : "Nothing that is governed has a power limit.",
                "</section>")
            return
        }
        let isByDemand = state.settings.configuration.policy.split == .demand
        table(
            "packages", "Limits of the devices",
            head: ["device", "asked", "in force", "drawn"] + (isByDemand ? ["wants"] : []) + ["range", "original", "standing"]
        ) { html in
            for device in devices {
                html.element("<tr><th scope=row>", device.name, "")
                html.cell(device.asked, orElse: "nothing")
                html.cell(device.inForce)
                if let holder = device.holder, holder != device.controlType { html.element("<br><small>by ", holder, "</small>") }
                html.cell(measured: device.power)
                if isByDemand {
                    html.cell(measured: device.demand?.power)
                    if let demand = device.demand { html.element("<br><small>", demand.basis.rawValue, "</small>") }
                }
                html.element("<td>", "\(device.floor.words) to \(device.ceiling.words)", "")
                html.cell(device.original)
                html.markup(device.standing == .asAsked ? "<td class=ok>" : "<td class=bad>")
                html.text(device.standing.words)
            }
        }
        markup("</section>")
    }

    mutating func writeZones(_ state: NodeState) {
        let zones = state.zones
        if zones.isEmpty { return }
        markup("<section><h2>Zones</h2>")
        table(
            "zones", "Every power zone, and each of its limits",
            head: ["zone, limit", "asked", "register", "in force", "drawn", "original", "standing"]
        ) { html in
            for zone in zones {
                html.element("<tbody><tr><th scope=rowgroup colspan=4>", zone.name, " <small>")
                html.element("", "\(zone.id)\(zone.parent.map { " in \($0)" } ?? "")", "</small>")
                if zone.isSuspended {
                    html.markup("<td>asleep<td><td>")
                } else if let error = zone.energyError, error != "ENOENT", !zone.isGone {
                    html.element("<td>", error, "<td><td>")
                } else {
                    html.element("<td>", zone.power?.roughly ?? "unknown", "<td><td>")
                }
                if zone.isGone {
                    html.markup("<span class=bad>gone</span>")
                } else if zone.isDisabled, !zone.limits.isEmpty {
                    html.element("<span class=bad>", Standing.disabled.words, "</span>")
                }
                for limit in zone.limits { html.write(limit, of: zone) }
            }
        }
        markup("</section>")
    }

    private mutating func write(_ limit: ZoneState.Limit, of zone: ZoneState) {
        element("<tr><th scope=row>", limit.name, "")
        cell(limit.asked, orElse: "nothing")
        element("<td>", limit.register?.words ?? limit.registerError ?? "unknown", "")
        cell(limit.inForce)
        if let holder = limit.holder, holder != zone.controlType { element("<br><small>by ", holder, "</small>") }
        markup("<td>")
        cell(limit.original)
        if let note = limit.note {
            element("<td class=bad>", note, "")
        } else {
            markup("<td>")
        }
    }
}
