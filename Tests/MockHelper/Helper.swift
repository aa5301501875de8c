import LinuxSystem
import PowercapProtocol

/// What the mock knows, and how it answers and follows its script.
final class Helper {
    private(set) var machine = Machine()
    private(set) var control = Control()
    private(set) var faults = FaultPlan()
    private var allowedLease_ms: ClosedRange<UInt32> = 1_000...30_000
    private var onLeaseExpiry = LimitDisposal.restore
    private var writes = WritePolicy.accepted
    private var minPower = Microwatts(1_000_000)
    private var sandbox = SandboxBits(rawValue: 127)
    private(set) var servesEverybody = true
    /// What it speaks: both, or the older alone.
    private var highestVersion = Greeting.highestVersion
    private var boot = BootBits()
    /// How many zones a Zones has at most.
    private var zonesAtOnce = Limits.zones
    private var isFallbackKept = false

    /// CLOCK_MONOTONIC in whole milliseconds.
    static var now_ms: UInt64 { Clock.monotonic_ns / 1_000_000 }

    // MARK: Requests

    /// The fault that the script has for a request, and the line that tells of it.
    func receive(_ request: Request, _ opcode: Opcode) -> Fault? {
        Trace.write(request.line(machine.zones, leaseRemaining_ms: control.remaining_ms(at: Helper.now_ms)))
        return faults.next(opcode)
    }

    /// Carries a request out and writes the answer.
    func answer(_ request: Request, _ id: UInt16, _ connection: Connection, into writer: inout Writer) {
        do throws(Failure) { try carryOut(request, id, connection, into: &writer) } catch {
            Helper.write(error, id, into: &writer)
        }
    }

    static func write(_ failure: Failure, _ id: UInt16, into writer: inout Writer) {
        writer.begin(.failure, requestID: id)
        failure.encode(into: &writer)
        writer.end()
    }

    static func writeRefused(_ id: UInt16, into writer: inout Writer) {
        writer.begin(.refused, requestID: id)
        writer.u8(RefusalReason.noCommonVersion.rawValue)
        writer.text(Greeting.refusal)
        writer.end()
    }

    /// Changes the state before it starts the answer's frame.
    private func carryOut(
        _ request: Request, _ id: UInt16, _ connection: Connection, into writer: inout Writer
    ) throws(Failure) {
        let now_ms = Helper.now_ms
        switch request {
        case .hello(let hello):
            guard let version = hello.commonVersion, hello.lowestVersion <= highestVersion else {
                return Helper.writeRefused(id, into: &writer)
            }
            connection.client = hello.clientName
            connection.version = min(version, highestVersion)
            writer.begin(.welcome, requestID: id)
            Welcome(
                version: connection.version, bootID: (1, 2), helperVersion: Name(constant: "mock"), sandbox: sandbox,
                writes: writes,
                leaseMinimum_ms: allowedLease_ms.lowerBound, leaseMaximum_ms: allowedLease_ms.upperBound,
                onLeaseExpiry: onLeaseExpiry, minPower: minPower, boot: boot
            ).encode(into: &writer)
        case .listZones(let first):
            let zones = machine.zones.enumerated().dropFirst(Int(first)).prefix(zonesAtOnce)
            writer.begin(.zones, requestID: id)
            ZonesHeader(
                leaseRemaining_ms: control.remaining_ms(at: now_ms), leaseHolder: control.holder?.name ?? ZonesHeader.nobody,
                total: UInt16(machine.zones.count), zoneCount: UInt16(zones.count)
            ).encode(into: &writer, version: connection.version)
            for (index, zone) in zones {
                zone.description(index: UInt16(index), parent: machine.index(of: zone.parent))
                    .encode(into: &writer, version: connection.version)
                for register in zone.registers {
                    register.description(
                        isGone: zone.isGone, takesLimits: writes == .accepted, isFallbackKept: isFallbackKept
                    ).encode(into: &writer, version: connection.version)
                }
            }
        case .readSample:
            writer.begin(.sample, requestID: id)
            SampleHeader(time_ns: now_ms * 1_000_000, zoneCount: UInt16(machine.zones.count)).encode(into: &writer)
            for (index, zone) in machine.zones.enumerated() {
                zone.sample(index: UInt16(index), at: now_ms).encode(into: &writer, version: connection.version)
            }
        case .acquireControl(let request):
            try refuseByPolicy()
            let granted = try control.acquire(
                request, by: connection.client ?? ZonesHeader.nobody, connection.id, allowed_ms: allowedLease_ms, at: now_ms)
            writer.begin(.control, requestID: id)
            granted.encode(into: &writer)
        case .renew(let token):
            let lease_ms = try control.renew(token, connection.id, at: now_ms)
            writer.begin(.renewed, requestID: id)
            writer.u32(lease_ms)
        case .apply(let token, let items):
            try refuseByPolicy()
            _ = try control.renew(token, connection.id, at: now_ms)
            let applied = try machine.apply(items)
            writer.begin(.applied, requestID: id)
            writer.u8(UInt8(applied.count))
            for item in applied { item.encode(into: &writer, version: connection.version) }
        case .release(let token, let disposal):
            _ = try control.renew(token, connection.id, at: now_ms)
            let released = endControl(disposal)
            writer.begin(.released, requestID: id)
            released.encode(into: &writer, version: connection.version)
        case .ping: writer.begin(.pong, requestID: id)
        }
        writer.end()
    }

    private func refuseByPolicy() throws(Failure) {
        switch writes {
        case .accepted: return
        case .readOnly: throw Failure(.readOnly)
        case .stateUnreadable: throw Failure(.stateUnreadable)
        case .stateUnwritable: throw Failure(.stateUnwritable)
        }
    }

    func closed(_ connection: Connection) { control.closed(connection.id) }

    // MARK: The end of control

    @discardableResult
    func endControl(_ disposal: LimitDisposal) -> Released {
        control.end()
        return machine.end(disposal)
    }

    /// The time until the lease runs out; nil when nobody is in control.
    func expireLease() -> UInt32? {
        guard control.holder != nil else { return nil }
        let remaining_ms = control.remaining_ms(at: Helper.now_ms)
        if remaining_ms > 0 { return remaining_ms }
        endControl(onLeaseExpiry)
        Trace.write("expired")
        return nil
    }

    // MARK: The script

    /// Executes what is about the zones, the lease and the answers.
    func execute(_ statement: Statement) throws(ScriptError) {
        switch statement {
        case .zone(let zone): try add(zone)
        case .constraint(let zone, let register):
            let zone = try index(zone)
            if machine.zones[zone].registers.contains(where: { $0.name == register.name || $0.index == register.index }) {
                throw ScriptError(sentence: "the zone has a constraint of this name or index")
            }
            if machine.zones[zone].registers.count == Limits.constraintsPerZone {
                throw ScriptError(sentence: "a zone has at most \(Limits.constraintsPerZone) constraints")
            }
            machine.zones[zone].registers.append(register)
        case .order(let ids):
            var zones: [MockZone] = []
            for id in ids { zones.append(machine.zones[try index(id)]) }
            guard zones.count == machine.zones.count, zones.allSatisfy({ zone in zones.filter { $0.id == zone.id }.count == 1 })
            else { throw ScriptError(sentence: "every zone has to be named once") }
            machine.zones = zones
        case .lease(let minimum_ms, let maximum_ms): allowedLease_ms = minimum_ms...maximum_ms
        case .expiry(let disposal): onLeaseExpiry = disposal
        case .speaks(let version): highestVersion = version
        case .boot(let bits): boot = bits
        case .kept(let isKept): isFallbackKept = isKept
        case .atOnce(let count): zonesAtOnce = Int(count)
        case .writes(let policy): writes = policy
        case .minPower(let power): minPower = power
        case .sandbox(let bits): sandbox = bits
        case .serve(let everybody): servesEverybody = everybody
        case .before(let request, let number, let fault): faults.add(request, number: number, fault)
        case .forget: faults.removeAll()
        case .set(let zone, let constraint, let power): try change(zone, constraint) { $0.overwrite(power) }
        case .ceiling(let zone, let constraint, let power): try change(zone, constraint) { $0.mostOfScript = power }
        case .fail(let zone, let constraint, let fault): try change(zone, constraint) { $0.fault = fault }
        case .unreadable(let zone, let constraint, let errno): try change(zone, constraint) { $0.readErrno = errno }
        case .gone(let zone): machine.zones[try index(zone)].isGone = true
        case .enabled(let zone, let bit): machine.zones[try index(zone)].enabled = bit
        case .holder(let name?, let lease_ms): control.give(to: name, lease_ms: lease_ms, at: Helper.now_ms)
        case .holder(nil, _): control.end()
        case .expire:
            endControl(onLeaseExpiry)
            Trace.write("expired")
        case .show: Trace.write("limits\(machine.limits)")
        case .disconnect, .stop, .listen, .restart: preconditionFailure("the server's own statements")
        }
    }

    private func add(_ zone: MockZone.Declaration) throws(ScriptError) {
        if machine[zone: zone.id] != nil { throw ScriptError(sentence: "there is a zone of this id") }
        if let parent = zone.parent { _ = try index(parent) }
        if machine.zones.count == Limits.zones { throw ScriptError(sentence: "there are at most \(Limits.zones) zones") }
        var new = MockZone(id: zone.id, name: zone.name)
        (new.parent, new.controlType, new.energyRange) = (zone.parent, zone.controlType, zone.energyRange)
        new.enabled = zone.enabled
        new.energyErrno = zone.energyErrno
        new.energy = zone.energy.map { EnergyCounter($0, power: zone.power, at: Helper.now_ms) }
        machine.zones.append(new)
    }

    private func index(_ id: Name) throws(ScriptError) -> Int {
        guard let index = machine[zone: id] else { throw ScriptError(sentence: "there is no zone \(id.string)") }
        return index
    }

    private func change(_ zone: Name, _ constraint: Name, _ change: (inout Register) -> Void) throws(ScriptError) {
        let zone = try index(zone)
        guard let position = machine.zones[zone].registers.firstIndex(where: { $0.name == constraint }) else {
            throw ScriptError(sentence: "the zone has no constraint \(constraint.string)")
        }
        change(&machine.zones[zone].registers[position])
    }
}
