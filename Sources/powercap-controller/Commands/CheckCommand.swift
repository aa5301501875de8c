internal import LinuxSystem
internal import Policy
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
    do throws(HelperError) { finding = try Finding(settings.configuration) } catch {
        if isAlive { return 0 }
        complain(error.sentence)
        return 1
    }
    guard let problem = finding.problem else {
        // Nothing is wrong, and not everything is as it was asked for.
        if !isAlive { for note in finding.notes { complain(note) } }
        return 0
    }
    if isAlive && !problem.isMendedByRestart { return 0 }
    complain(problem.sentence)
    return 1
}

/// What the helper says of the control over its limits.
struct Finding {
    let welcome: Welcome
    let zones: HelperZones
    let sample: HelperSample
    private let seen: [Zone]
    private let policy: PowerPolicy
    /// DEVICE_URL names services, whose devices the helper doesn't have.
    private let hasServices: Bool

    init(_ configuration: Configuration) throws(HelperError) {
        let client = try HelperClient(connecting: configuration.helperSocket, isAskedAgain: true)
        policy = configuration.policy
        hasServices = !configuration.devices.addresses.isEmpty
        welcome = client.welcome
        zones = try client.zones()
        sample = try client.sample()
        seen = [Zone](zones, sample)
    }

    enum Problem: Equatable {
        case writes(WritePolicy)
        case nobody
        case other(String)
        /// Of no package a limit can be set.
        case nothingGoverned(String)
        case disabled(zone: String)
        case notInForce(zone: String, constraint: String, requested: Microwatts, found: Microwatts?)

        var isMendedByRestart: Bool { self == .nobody }

        var sentence: String {
            switch self {
            case .writes(let policy): "the helper takes no writes: \(policy.words) (see its log)"
            case .nobody: "nobody is in control of the limits: see the controller's log"
            case .other(let holder): "\(holder) is in control of the limits, not this program"
            case .nothingGoverned(let why): "no limit of this node is in force as asked: \(why)"
            case .disabled(let zone):
                "\(zone) is disabled: its limits are set but not enforced until somebody writes 1 to its file `enabled`"
            case .notInForce(let zone, let constraint, let requested, let found):
                "\(zone) \(constraint) was set to \(requested.words), but "
                    + (found.map { "\($0.words) is in force: another party changed it" } ?? "can't be read")
            }
        }
    }

    /// nil where this program is in control and everything that was asked for is in force.
    var problem: Problem? {
        if welcome.writes != .accepted { return .writes(welcome.writes) }
        if zones.header.leaseRemaining_ms == 0 { return .nobody }
        if zones.header.leaseHolder != HelperClient.name { return .other(zones.header.leaseHolder.string) }
        var isAnythingAsked = false
        for (zone, described) in zip(seen, zones.zones) where !zone.isGone {
            // What is still under way can't be in force yet.
            if sample.zone(described.description.index)?.isWriting == true {
                isAnythingAsked = true
                continue
            }
            for (constraint, wire) in zip(zone.constraints, described.constraints) where wire.requested > .zero {
                isAnythingAsked = true
                if zone.isDisabled { return .disabled(zone: zone.name) }
                if constraint.powerLimit?.isRounding(of: wire.requested) != true {
                    return .notInForce(
                        zone: zone.name, constraint: constraint.name, requested: wire.requested, found: constraint.powerLimit)
                }
            }
        }
        return isAnythingAsked ? nil : nothingGoverned
    }

    /// Nothing was asked for: that is a fault where nothing can be.
    private var nothingGoverned: Problem? {
        let devices = self.devices
        if devices.isEmpty { return .nothingGoverned("nothing that GOVERN names has a power limit") }
        let reasons = devices.compactMap { zone, longTerm in
            longTerm.obstacle == .none ? nil : "\(zone.name): \(Standing(of: longTerm, zone, in: seen).words)"
        }
        return reasons.count == devices.count ? .nothingGoverned(reasons.joined(separator: "; ")) : nil
    }

    /// The packages' zones that are there, with their long-term limits.
    private var devices: [(zone: Zone, longTerm: Constraint)] {
        seen.compactMap { zone in
            guard !zone.isGone, let device = Device.all(in: seen, policy).first(where: { $0.zone == zone.id }) else { return nil }
            return zone.constraint(device.constraint).map { (zone, $0) }
        }
    }

    /// What isn't as it was asked for, and no fault: limits are in force, and at most what was asked for.
    var notes: [String] {
        policy.missing(in: seen).filter { $0 != .gpu || !hasServices }.map { "\($0.rawValue) is in GOVERN, and isn't here" }
            + devices.compactMap { zone, longTerm in
                let standing = Standing(of: longTerm, zone, in: seen)
                return standing == .asAsked ? nil : "\(zone.name): \(standing.words)"
            }
    }

}
