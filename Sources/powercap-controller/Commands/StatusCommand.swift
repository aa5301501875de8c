internal import LinuxSystem
internal import Policy
internal import PowercapProtocol

enum StatusFormat: String, CaseIterable, Sendable { case table, json }

enum StatusFlags {
    static let format = CommandFlag("--format", short: "-o", .choice, default: StatusFormat.table, "What to print.")
    static let watch = CommandFlag(
        "--watch", short: "-w", .presence, default: false, "Prints it again every 2 s, until it is interrupted.")
}

/// What the helper says of its zones and of who is in control: two samples, a second apart.
struct HelperStatus {
    let welcome: Welcome
    let header: ZonesHeader
    let zones: [ZoneState]
    /// RAPL_MIN_POWER, as it is where `status` runs.
    let raplMinPower: Microwatts
    /// Limits that are set while nobody is in control of them: their controller is gone, and has asked for them to be held.
    let heldLimits: Int

    init(helper path: String, raplMinPower: Microwatts) throws(HelperError) {
        let client = try HelperClient(connecting: path, isAskedAgain: true)
        welcome = client.welcome
        let before = try client.sample()
        // Counters move about once a millisecond; over a second the average is good to a thousandth.
        Clock.sleep(milliseconds: 1_000)
        let after = try client.sample()
        let described = try client.zones()
        (header, self.raplMinPower) = (described.header, raplMinPower)
        let seen = [Zone](described, after)
        let errors = described.energyErrors(in: after)
        zones = zip(described.zones, seen).map { wire, zone in
            ZoneState(
                zone, in: seen, reading: wire.description.reading, power: wire.power(from: before, to: after),
                energyError: errors[zone.id]
            ) { name in
                let constraint = wire.constraints.first { $0.name.string == name }
                let requested = constraint?.requested ?? .zero
                return (
                    requested == .zero ? nil : requested, constraint?.heldFallback, constraint?.flags.contains(.changed) == true
                )
            }
        }
        heldLimits =
            header.leaseRemaining_ms > 0
            ? 0 : described.zones.reduce(0) { $0 + $1.constraints.count { $0.flags.contains(.changed) } }
    }
}

extension HelperZones.Zone {
    /// The average power between two samples.
    func power(from before: HelperSample, to after: HelperSample) -> Microwatts? {
        guard let first = before.zone(description.index), let second = after.zone(description.index) else { return nil }
        if description.reading != .energy {
            return description.reading == .power ? second.reading.ifRead.map { Microwatts($0) } : nil
        }
        return averagePower(
            from: first.reading, at: before.time_ns, to: second.reading, at: after.time_ns, range: description.maxEnergyRange)
    }
}

/// `powercap-controller status`: the exit status. The running controller is asked; where there is none, its helper.
func statusCommand(_ invocation: Invocation, settings: Settings) throws(UsageError) -> Int32 {
    let format = try StatusFlags.format.value(in: invocation)
    guard try StatusFlags.watch.value(in: invocation) else { return status(settings, format) }
    while true {
        if format == .table { Terminal.clearOutput() }
        _ = status(settings, format)
        Clock.sleep(milliseconds: 2_000)
    }
}

private func status(_ settings: Settings, _ format: StatusFormat) -> Int32 {
    do throws(ControlClient.Problem) {
        let document = try ControlClient(settings.configuration).get("/status")
        return printing { output in
            switch format {
            case .table: StatusTable(document).write(to: &output)
            case .json: document.write(to: &output)
            }
        }
    } catch {
        if !error.isAbsence { complain(error.sentence) }
        return helperStatus(settings.configuration, format, absence: error)
    }
}

private func helperStatus(_ configuration: Configuration, _ format: StatusFormat, absence: ControlClient.Problem) -> Int32 {
    let status: HelperStatus
    do throws(HelperError) {
        status = try HelperStatus(helper: configuration.helperSocket, raplMinPower: configuration.policy.raplMinPower)
    } catch {
        complain(error.sentence)
        return 1
    }
    return printing { output in
        switch format {
        case .table: status.write(absence: absence.sentence, to: &output)
        case .json: status.json.write(to: &output)
        }
    }
}
