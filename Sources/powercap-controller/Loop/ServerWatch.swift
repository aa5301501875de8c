internal import Policy
internal import PowercapProtocol

/// Watches the whole server for BUDGET_OF=server, in steps of its own: what its meter says, and what its devices take of that.
struct ServerWatch {
    /// As the last decision left it.
    var loop = ServerLoop()
    /// Which zone the meter is; nil where none has ever said anything. It stays the meter while it is silent: another may measure less than
    /// the whole server, and would let limits rise.
    private(set) var meter: String?

    /// nil where the node's limit isn't the server's.
    init?(_ policy: PowerPolicy) { if policy.budgetOf != .server { return nil } }

    /// Takes a sample.
    /// - Parameter power: of each zone since the sample before, by the zone's id.
    mutating func note(_ limits: NodeLimits, _ power: [String: Microwatts], at now_ns: UInt64) {
        let meters = limits.zones.filter { $0.kind == .server && !$0.isGone && ($0.id == meter || power[$0.id] != nil) }
        meter = meters.min { rank($0) < rank($1) }?.id
        var (drawn, inForce) = (Microwatts.zero, Microwatts.zero)
        for index in limits.present {
            let entry = limits.entries[index]
            let limit = limits.inForce(entry).limit ?? entry.longTerm.inForce ?? entry.device.longTerm.ceiling
            inForce = inForce + limit
            // Asleep it draws next to nothing; of what isn't measured the most counts.
            drawn = drawn + (power[entry.device.zone] ?? (limits.isSuspended(entry) ? .zero : limit))
        }
        loop.note(
            meter: meter.flatMap { power[$0] }, drawn: drawn, inForce: inForce, at: Int64(clamping: now_ns / 1_000_000))
    }

    /// A meter of the whole machine before psys, which leaves out what isn't on its board; of two alike the one that it was.
    private func rank(_ zone: Zone) -> (Int, Int, String) {
        let kind =
            switch zone.controlType {
            case "power_meter": 0
            case InForce.governed: 2
            default: 1
            }
        return (kind, zone.id == meter ? 0 : 1, zone.id)
    }
}
