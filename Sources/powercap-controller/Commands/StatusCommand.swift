internal import LinuxSystem
internal import Policy
internal import PowercapProtocol

enum StatusFormat: String, CaseIterable, Sendable { case table, json }

enum StatusFlags {
    static let format = CommandFlag("--format", short: "-o", .choice, default: StatusFormat.table, "What to print.")
}

/// What `status` knows: the helper's zones, and two samples a second apart.
struct Status {
    let welcome: Welcome
    let zones: HelperZones
    let before: HelperSample
    let after: HelperSample
    /// The zones as `after` has them.
    let seen: [Zone]
    /// RAPL_MIN_POWER, as it is where `status` runs.
    let raplMinPower: Microwatts

    init(helper path: String, raplMinPower: Microwatts) throws(HelperError) {
        let client = try HelperClient(connecting: path, isAskedAgain: true)
        welcome = client.welcome
        before = try client.sample()
        // Counters move about once a millisecond; over a second the average is good to a thousandth.
        Clock.sleep(milliseconds: 1_000)
        after = try client.sample()
        zones = try client.zones()
        seen = [Zone](zones, after)
        self.raplMinPower = raplMinPower
    }

    /// The average power of a zone over the second.
    func power(of zone: HelperZones.Zone) -> Microwatts? {
        let index = zone.description.index
        guard let first = before.zone(index), let second = after.zone(index) else { return nil }
        return averagePower(
            from: first.energy, at: before.time_ns, to: second.energy, at: after.time_ns, range: zone.description.maxEnergyRange)
    }

    /// Why a zone's counter can't be read, ENOENT where it has none; nil where it was read.
    func energyError(of zone: HelperZones.Zone) -> Errno? {
        let errno = after.zone(zone.description.index)?.energy.errno ?? 0
        return errno == 0 ? nil : Errno(Int32(errno))
    }

    /// Limits that are set while nobody is in control of them: their controller is gone, and has asked for them to be held.
    var heldLimits: Int {
        guard zones.header.leaseRemaining_ms == 0 else { return 0 }
        return zones.zones.reduce(0) { $0 + $1.constraints.count { $0.flags.contains(.changed) } }
    }

    /// What there is to say about a constraint's limit; nil where what was asked for is in force.
    func note(on constraint: Constraint, of zone: Zone, requested: Microwatts) -> String? {
        if zone.isGone { return nil }
        // What lies in a package, and psys, is only measured; a lock is known only where somebody has tried.
        guard zone.isPackage else { return constraint.obstacle == .locked ? Standing.locked.words : nil }
        if zone.controlType != InForce.governed, constraint.obstacle != .locked { return nil }
        let standing = Standing(of: constraint, zone, in: seen)
        if standing != .asAsked { return standing.words }
        return requested > .zero && constraint.powerLimit?.isRounding(of: requested) != true
            ? "another party has changed it" : nil
    }

    /// What is in force of a constraint; nil where that isn't known, or nothing is.
    func inForce(_ constraint: Constraint, of zone: Zone) -> Microwatts? {
        zone.isPackage
            ? InForce(of: constraint.name, package: zone.name, in: seen).limit : zone.isDisabled ? nil : constraint.powerLimit
    }
}

extension Microwatts {
    /// Whether a register that is told to hold `asked` may read so. No unit of a power register is coarser than 1 W (Intel SDM 15.10.1).
    func isRounding(of asked: Microwatts) -> Bool { max(self, asked) - min(self, asked) < .watts(1) }
}

/// `powercap-controller status`: the exit status.
func statusCommand(_ invocation: Invocation, settings: Settings) throws(UsageError) -> Int32 {
    let format = try StatusFlags.format.value(in: invocation)
    let status: Status
    do throws(HelperError) {
        status = try Status(
            helper: settings.configuration.helperSocket, raplMinPower: settings.configuration.policy.raplMinPower)
    } catch {
        complain(error.sentence)
        return 1
    }
    return printing { output in
        switch format {
        case .table: status.writeTable(to: &output)
        case .json: status.writeJSON(to: &output)
        }
    }
}
