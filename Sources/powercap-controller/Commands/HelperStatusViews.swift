internal import JSON
internal import Policy
internal import PowercapProtocol
internal import Text

extension HelperStatus {
    /// For people.
    /// - Parameter absence: why the controller itself can't be asked.
    func write(absence: String, to output: inout Output) {
        output.append(label: "asked", "the helper alone: \(absence)")
        output.append(label: "helper", "\(welcome.helperVersion.string), writes \(welcome.writes.words)")
        let isAbove = raplMinPower < welcome.minPower
        output.append(
            label: "floor",
            "\(welcome.minPower.words) (the helper's --min-power)"
                + (isAbove ? ", above RAPL_MIN_POWER, \(raplMinPower.words): it counts" : ""))
        let missing = SandboxBits.names.filter { !welcome.sandbox.contains($0.0) }.map { "\($0.1)" }
        output.append(label: "sandbox", missing.isEmpty ? "complete" : "without \(missing.joined(separator: ", "))")
        output.append(
            label: "control",
            header.leaseRemaining_ms == 0 ? "nobody" : "\(header.leaseHolder.string), \(header.leaseRemaining_ms) ms left")
        if heldLimits > 0 {
            let limits = heldLimits == 1 ? "1 limit" : "\(heldLimits) limits"
            let isFallback = zones.contains { $0.limits.contains { $0.fallback != nil } }
            let until = isFallback ? "at the fallback limit, until `raplhelper --release`" : "until the helper stops"
            output.append(label: "held", "\(limits) of a controller that is gone, \(until)")
        }
        if welcome.boot.contains(.atFallback) { output.append(label: "boot", "begun at the fallback limits") }
        output.append("\n")
        ZoneTable.write(zones, to: &output)
    }

    /// For programs: what of the controller's own document the helper knows.
    var json: JSON {
        [
            "format": .whole(NodeState.format), "controller": .null, "helper": welcome.json,
            "control": header.leaseRemaining_ms == 0
                ? .null : ["holder": .text(header.leaseHolder.string), "remaining_ms": .whole(header.leaseRemaining_ms)],
            "held_limits": .whole(heldLimits), "zones": .list(zones.map(\.json)),
        ]
    }
}

extension JSON {
    func write(to output: inout Output) {
        output.append(bytes)
        output.append("\n")
    }
}
