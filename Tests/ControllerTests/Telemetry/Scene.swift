import Fleet
import Kubernetes
import LinuxSystem
import PowercapProtocol

@testable import Policy
@testable import powercap_controller

/// A machine with a running controller: packages of 200 W each with its memory, the platform, and what can go wrong.
struct Scene {
    /// In seconds since 1970: noon of a day in June.
    var now: Int64 = 1_781_697_600
    var devices = 2
    /// When the controller began, in seconds since 1970.
    var started: Int64 = 1_781_690_000
    /// What the source gives, in watts.
    var source: UInt64 = 240
    /// In mW, by the package.
    var limits_mW: [Int: UInt64] = [:]
    var environment: [String: String] = [:]
    var wishes = Wishes()
    var counts = Counts()
    var api: APIState?
    var hasControl = true
    /// In seconds from now on.
    var leaseLeft: Int64 = 20
    /// Since the source was read, in seconds.
    var sourceAge: Int64 = 60
    var fetches: FetchState?
    var grant: GrantState?
    /// The package whose limits firmware has locked.
    var locked: Int?
    /// The package that doesn't enforce its limits.
    var disabled: Int?
    /// The package whose limit another register holds at 5 W, which is less than any floor.
    var heldLower: Int?
    /// The package that went offline.
    var gone: Int?
    /// The package whose energy counter can't be read.
    var unreadable: Int?

    /// What a GPU of 300 W draws, in watts, by its sensor; nil where there is no GPU.
    var gpu: UInt64?
    /// What the whole server's meter says, in watts.
    var meter: UInt64?
    var services: [DeviceServiceState] = []

    static let range = Microjoules(262_143_328_850)

    /// Granted by a budget that has no more for it, until so many seconds from now; nil: that is over.
    static func grant(endsIn seconds: UInt64?, counts: [String: UInt64]) -> GrantState {
        GrantState(
            place: "https://coordinator:8443",
            last: Grant(
                epoch: 7, nonce: 12, limit: .watts(120), minimum: .watts(60), ttl_ms: 20_000, askAgain_ms: 2_000,
                budgets: [
                    GrantedBudget(name: "site", limit: .watts(400), counted: .watts(390), nodes: 4, silent: 1, isBinding: true)
                ]),
            taken: 1_781_697_598, ends_ns: seconds.map { (2_000_000 + $0) * 1_000_000_000 }, rest: .watts(60),
            demand: .watts(150),
            problem: nil, counts: counts)
    }

    /// A zone as the scene has it.
    private struct Spot {
        let id: String
        let name: String
        var parent: UInt16?
        var device: Int?
        var controlType: StaticString = "intel-rapl"
        var constraints: [(name: StaticString, watts: UInt64, now_mW: UInt64)] = []
        var enabled = ZoneSample.Enabled.yes
        /// What its sensor says, in watts; nil where it has a counter.
        var sensed: UInt64?
    }

    private var spots: [Spot] {
        var spots: [Spot] = []
        for device in 0..<devices {
            let now = limits_mW[device] ?? 200_000
            spots.append(
                Spot(
                    id: "intel-rapl:\(device)", name: "package-\(device)", device: device,
                    constraints: [("long_term", 200, now), ("short_term", 240, now)],
                    enabled: locked == device || disabled == device ? .no : .yes))
            spots.append(
                Spot(
                    id: "intel-rapl:\(device):0", name: "dram", parent: UInt16(spots.count - 1),
                    constraints: [("long_term", 40, 0)],
                    enabled: .no))
        }
        spots.append(Spot(id: "intel-rapl:\(devices)", name: "psys", enabled: .unknown))
        if let heldLower {
            spots.append(
                Spot(
                    id: "intel-rapl-mmio:0", name: "package-\(heldLower)", controlType: "intel-rapl-mmio",
                    constraints: [("long_term", 200, 5_000)]))
        }
        if let gpu {
            spots.append(
                Spot(
                    id: "amdgpu:0000:03:00.0", name: "0000:03:00.0", controlType: "amdgpu",
                    constraints: [("power1_cap", 300, 300_000)], enabled: .unknown, sensed: gpu))
        }
        return spots
    }

    private var zones: HelperZones {
        HelperZones(
            header: ZonesHeader(leaseRemaining_ms: 0, leaseHolder: ZonesHeader.nobody, zoneCount: UInt16(spots.count)),
            minPower: .watts(1),
            zones: spots.enumerated().map { index, spot in
                HelperZones.Zone(
                    description: ZoneDescription(
                        index: UInt16(index), parent: spot.parent, controlType: Name(constant: spot.controlType),
                        id: Name(spot.id)!, name: Name(spot.name)!, reading: spot.sensed == nil ? .energy : .power,
                        maxEnergyRange: spot.sensed == nil ? Scene.range : Microjoules(0),
                        constraintCount: UInt8(spot.constraints.count)),
                    constraints: spot.constraints.enumerated().map { position, constraint in
                        ConstraintDescription(
                            index: UInt8(position), name: Name(constant: constraint.name), flags: .originalKnown,
                            obstacle: spot.device != nil && spot.device == locked ? .locked : .none,
                            original: .watts(constraint.watts), maxPower: .watts(constraint.watts), floor: .watts(1),
                            ceiling: .watts(constraint.watts), originalWindow_us: 0, requested: .zero)
                    })
            })
    }

    private var sample: HelperSample {
        HelperSample(
            time_ns: 0,
            zones: spots.enumerated().map { index, spot in
                var zone = ZoneSample(index: UInt16(index), constraintCount: UInt8(spot.constraints.count))
                zone.enabled = spot.enabled
                zone.isGone = spot.device != nil && spot.device == gone
                if let watts = spot.sensed { zone.reading = Reading(watts * 1_000_000) }
                if spot.name == "psys" { zone.reading = Reading(errno: 2) }
                if let device = spot.device, device == unreadable { zone.reading = Reading(errno: 61) }
                for (position, constraint) in spot.constraints.enumerated() {
                    zone.limits[position] = Reading(constraint.now_mW * 1_000)
                }
                return zone
            })
    }

    var state: NodeState {
        var settings = environment
        settings["SOURCE"] = settings["SOURCE"] ?? "static"
        settings["MAX_SOURCE"] = settings["MAX_SOURCE"] ?? "\(source)W"
        guard let chosen = try? Settings(flags: [:], environment: { settings[$0] }) else {
            preconditionFailure("the scene's configuration is refused")
        }
        let policy = chosen.configuration.policy
        let seconds: UInt64 = 1_000_000_000
        let moment = Moment(seconds: now)
        let reading = powerSource(for: policy, wishes.together).reading(at: moment)
        var limits = NodeLimits(zones, sample, policy)
        var loop = ServerLoop()
        if let meter { loop.note(meter: .watts(meter), drawn: .watts(meter / 2), inForce: .watts(meter), at: 0) }
        let decision = decide(
            devices: limits.devices, policy: policy, reading: reading, overrides: wishes.together,
            server: meter == nil ? nil : loop)
        for change in limits.changes(for: decision) {
            limits.note(change, AppliedItem(effective: change.to, effectiveWindow_us: 0))
        }
        var helper = HelperState(socket: chosen.configuration.helperSocket)
        let ends_ns = UInt64(1_000_000 + leaseLeft) * seconds
        if hasControl { helper.lease = HelperState.Lease(time_ms: 30_000, ends_ns: ends_ns) }
        return NodeState(
            now: moment, monotonic_ns: 1_000_000 * seconds, boot_ns: 2_000_000 * seconds, started: started,
            settings: chosen,
            source: SourceState(name: policy.source, reading: reading, read: now - sourceAge, fetches: fetches, grant: grant),
            wishes: wishes,
            helper: helper,
            limits: hasControl ? limits : nil, power: gpu.map { ["amdgpu:0000:03:00.0": .watts($0)] } ?? [:],
            decision: Decided(decision: decision, at: now - 60),
            nextDecision_ns: hasControl ? 1_000_060 * seconds : nil, api: api, listeners: [],
            counts: counts, services: services)
    }

    /// So much was used by each package since the controller began; its memory uses a tenth of that.
    mutating func use(joules: [UInt64]) {
        func counter(_ joules: UInt64) -> EnergyCounter {
            var counter = EnergyCounter()
            // Less than a register can hold, one reading after the other.
            counter.note(Reading(0), at: 1, range: Scene.range)
            var (used, time): (UInt64, UInt64) = (0, 1)
            while used < joules {
                used = min(used + 60_000, joules)
                time += 20_000_000_000
                counter.note(Reading(used * 1_000_000 % Scene.range.rawValue), at: time, range: Scene.range)
            }
            return counter
        }
        for (device, joules) in joules.enumerated() {
            counts.energy["intel-rapl:\(device)"] = counter(joules)
            counts.energy["intel-rapl:\(device):0"] = counter(joules / 10)
        }
    }
}
