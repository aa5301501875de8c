internal import LinuxSystem
internal import PowercapProtocol

enum CheckFlags {
    static let alive = CommandFlag(
        "--alive", .presence, default: false,
        "Fails only where starting the controller again could help: the helper takes writes, and nobody is in control.")
}

/// `powercap-controller check`: the exit status. Asked of the helper, because what the controller believes of itself proves nothing.
func checkCommand(_ invocation: Invocation, settings: Settings) throws(UsageError) -> Int32 {
    let isAlive = try CheckFlags.alive.value(in: invocation)
    let finding: Finding
    do throws(HelperError) { finding = try Finding(helper: settings.configuration.helperSocket) } catch {
        if isAlive { return 0 }
        complain(error.sentence)
        return 1
    }
    guard let problem = finding.problem, !isAlive || problem.isMendedByRestart else { return 0 }
    complain(problem.sentence)
    return 1
}

/// What the helper says of the control over its limits.
struct Finding {
    let welcome: Welcome
    let zones: HelperZones
    let sample: HelperSample

    init(helper path: String) throws(HelperError) {
        let client = try HelperClient(connecting: path)
        welcome = client.welcome
        zones = try client.zones()
        sample = try client.sample()
    }

    enum Problem: Equatable {
        case writes(WritePolicy)
        case nobody
        case other(String)
        case notInForce(zone: String, constraint: String, requested: Microwatts, found: Microwatts?)

        var isMendedByRestart: Bool { self == .nobody }

        var sentence: String {
            switch self {
            case .writes(let policy): "the helper takes no writes: \(policy.words) (see its log)"
            case .nobody: "nobody is in control of the limits: see the controller's log"
            case .other(let holder): "\(holder) is in control of the limits, not this program"
            case .notInForce(let zone, let constraint, let requested, let found):
                "\(zone) \(constraint) was set to \(requested.words), but "
                    + (found.map { "\($0.words) is in force: another party changed it" } ?? "can't be read")
            }
        }
    }

    /// The helper takes a limit that differs less from what was asked as set.
    private static let tolerance = Microwatts.watts(1)

    /// nil where this program is in control and everything that was asked for is in force.
    var problem: Problem? {
        if welcome.writes != .accepted { return .writes(welcome.writes) }
        if zones.header.leaseRemaining_ms == 0 { return .nobody }
        if zones.header.leaseHolder != HelperClient.name { return .other(zones.header.leaseHolder.string) }
        for zone in zones.zones {
            let now = sample.zone(zone.description.index)
            if now?.isGone == true { continue }
            for (position, constraint) in zone.constraints.enumerated() where constraint.requested > .zero {
                let found = now.flatMap { position < $0.constraintCount ? $0.limits[position].ifRead : nil }.map {
                    Microwatts($0)
                }
                let isInForce = found.map { max($0, constraint.requested) - min($0, constraint.requested) < Finding.tolerance }
                if isInForce != true {
                    return .notInForce(
                        zone: zone.description.name.string, constraint: constraint.name.string, requested: constraint.requested,
                        found: found)
                }
            }
        }
        return nil
    }
}
