internal import Policy
internal import PowercapProtocol

// What the node goes to when it loses its controller (P18), as the helper holds it.

extension NodeLimits {
    /// Whether a change changes what the limit becomes when the controller is lost.
    func changesFallback(_ change: Change) -> Bool { (self[change].fallback ?? .zero) != change.fallback }

    /// The helper was asked again what it holds.
    mutating func hold(_ described: HelperZones) {
        for index in entries.indices {
            guard let zone = described.zones.first(where: { $0.description.index == entries[index].zone }) else { continue }
            func held(_ tracked: Tracked) -> Microwatts? {
                zone.constraints.first { $0.index == tracked.index }?.heldFallback
            }
            entries[index].longTerm.fallback = held(entries[index].longTerm)
            if let shortTerm = entries[index].shortTerm { entries[index].shortTerm?.fallback = held(shortTerm) }
        }
        isFallbackKept = described.isFallbackKept
    }

    /// The packages' long-term limits together when the controller is lost: of one that isn't governed what is in force. nil where one
    /// goes back to its original, or isn't known.
    var fallback: Microwatts? {
        if present.isEmpty { return nil }
        return present.reduce(Microwatts?.some(.zero)) { sum, index in
            let entry = entries[index]
            let own = entry.device.fixed == nil ? entry.longTerm.fallback : entry.longTerm.inForce
            return sum.flatMap { sum in own.map { sum + $0 } }
        }
    }
}

extension HelperZones {
    /// The next boot begins at what fallback limits there are.
    var isFallbackKept: Bool {
        let limits = zones.flatMap(\.constraints).filter { $0.flags.contains(.changed) }
        return !limits.isEmpty && limits.allSatisfy { $0.flags.contains(.fallbackKept) }
    }
}

extension ConstraintDescription {
    /// nil where the original comes back.
    var heldFallback: Microwatts? { fallback == .zero ? nil : fallback }
}
