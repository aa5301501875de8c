import LinuxSystem
import PowercapProtocol
import TestSupport

@testable import Kubernetes
@testable import Policy
@testable import powercap_controller

/// A node as a controller sees it that has governed it for a while: packages of 200 W each, their memory, psys, and the last 24 hours.
struct ExampleNode {
    var settings: Settings
    let zones: HelperZones
    let count: Int
    /// What another register holds package 0 at, in watts.
    var held: UInt64?
    /// The packages that can't be set, and whose zone is disabled.
    var locked: Set<Int> = []
    var disabled: Set<Int> = []
    var wishes = Wishes()
    var api: APIState?
    var counts = Counts()
    var helper: HelperState
    var limits: NodeLimits
    var decision: Decided?
    var source: SourceState
    var power: [String: Microwatts] = [:]
    var history = History()
    /// In seconds since 1970, and of CLOCK_BOOTTIME.
    var now: Int64
    var boot: UInt64
    private var random = SeededGenerator(seed: 7)

    /// 15:20 in Berlin on a day in June.
    static let afternoon: Int64 = 1_781_702_400
    static let solar = [
        "SOURCE": "solar", "MAX_SOURCE": "360W", "ALPHA": "2", "SAMPLE_INTERVAL": "60s", "TIMEZONE": "Europe/Berlin",
    ]

    init(
        devices count: Int = 2, hasMMIO: Bool = false, environment: [String: String] = ExampleNode.solar,
        names: (Int) -> String = { "package-\($0)" },
        ending now: Int64 = ExampleNode.afternoon
    ) {
        guard let settings = try? Settings(flags: [:], environment: { environment[$0] }) else {
            fatalError("\(environment) is no configuration")
        }
        self.settings = settings
        (self.count, self.now, boot) = (count, now, 500_000)
        func constraint(_ index: UInt8, _ name: StaticString, _ watts: UInt64) -> ConstraintDescription {
            ConstraintDescription(
                index: index, name: Name(constant: name), flags: .originalKnown, obstacle: .none, original: .watts(watts),
                maxPower: .watts(watts), floor: .watts(10), ceiling: .watts(watts), originalWindow_us: 0, requested: .zero)
        }
        var zones: [HelperZones.Zone] = []
        func zone(_ type: StaticString, _ id: String, _ name: String, _ parent: UInt16?, _ constraints: [ConstraintDescription]) {
            zones.append(
                HelperZones.Zone(
                    description: ZoneDescription(
                        index: UInt16(zones.count), parent: parent, controlType: Name(constant: type), id: Name(id)!,
                        name: Name(name)!,
                        maxEnergyRange: Microjoules(262_143_328_850), constraintCount: UInt8(constraints.count)),
                    constraints: constraints))
        }
        for device in 0..<count {
            let index = UInt16(zones.count)
            zone(
                "intel-rapl", "intel-rapl:\(device)", names(device), nil,
                [constraint(0, "long_term", 200), constraint(1, "short_term", 240)])
            zone("intel-rapl", "intel-rapl:\(device):0", "dram", index, [])
        }
        if hasMMIO { zone("intel-rapl-mmio", "intel-rapl-mmio:0", names(0), nil, [constraint(0, "long_term", 200)]) }
        self.zones = HelperZones(
            header: ZonesHeader(leaseRemaining_ms: 0, leaseHolder: ZonesHeader.nobody, zoneCount: UInt16(zones.count)),
            minPower: .watts(10), zones: zones)
        helper = HelperState(socket: settings.configuration.helperSocket)
        helper.welcome = Welcome(
            version: 2, bootID: (1, 2), helperVersion: Name(constant: "0.1.0"), sandbox: SandboxBits(rawValue: 127),
            writes: .accepted,
            leaseMinimum_ms: 1_000, leaseMaximum_ms: 3_600_000, onLeaseExpiry: .restore, minPower: .watts(10))
        let registers = HelperSample(time_ns: 0, zones: self.zones.zones.map { ExampleNode.sample($0, [200, 240]) })
        limits = NodeLimits(self.zones, registers)
        source = SourceState(name: settings.configuration.policy.source, reading: SourceReading(.zero), read: now)
    }

    private static func sample(_ zone: HelperZones.Zone, _ watts: [UInt64]) -> ZoneSample {
        var sample = ZoneSample(index: zone.description.index, constraintCount: zone.description.constraintCount)
        sample.enabled = .yes
        for index in zone.constraints.indices { sample.limits[index] = Reading(watts[index] * 1_000_000) }
        return sample
    }

    /// Reads the registers, and draws power: as much as work asks for, and less than the limit.
    private mutating func sample() {
        let samples = zones.zones.map { zone in
            let index = Int(zone.description.index)
            var sample = ExampleNode.sample(zone, zone.description.controlType.string == "intel-rapl" ? [0, 0] : [held ?? 200])
            guard let entry = limits.entries.first(where: { $0.zone == zone.description.index }) else { return sample }
            sample.enabled = disabled.contains(index / 2) ? .no : .yes
            sample.limits[0] = Reading((entry.longTerm.inForce ?? .watts(200)).rawValue)
            sample.limits[1] = Reading((entry.shortTerm?.inForce ?? .watts(240)).rawValue)
            return sample
        }
        _ = limits.observe(HelperSample(time_ns: 0, zones: samples), onDrift: .reassert)
        let hour = Double(LocalTime.at(now).hour)
        for (index, zone) in limits.zones.enumerated() where zone.controlType == InForce.governed {
            let asked =
                (zone.parent == nil ? 55 : 8) + (hour > 7 && hour < 19 ? 80 : 10) * Double.random(in: 0.6...1, using: &random)
            let most =
                zone.isPackage
                ? limits.inForce(limits.entries.first { $0.device.zone == zone.id }!).limit ?? .watts(200) : .watts(12)
            power[zone.id] = min(Microwatts(UInt64(asked * 1_000_000)), most)
            _ = index
        }
    }

    /// Decides as things are, without a sample.
    mutating func decided() {
        let policy = settings.configuration.policy
        let reading = powerSource(for: policy, wishes.together).reading(at: Moment(seconds: now))
        source = SourceState(name: policy.source, reading: reading, read: now)
        let decision = decide(
            devices: limits.devices, policy: policy, reading: reading, overrides: wishes.together, last: self.decision?.decision
        )
        limits.retry()
        for change in limits.changes(for: decision) {
            if locked.contains(change.entry) {
                limits.note(change, Failure(.locked, errno: 61, item: 0))
            } else {
                limits.note(change, AppliedItem(effective: change.to.roundedDown, effectiveWindow_us: 0))
                counts.applied += 1
            }
        }
        self.decision = Decided(decision: decision, at: now)
    }

    /// Lets so much time go by, with a sample a minute and a decision every five.
    /// - Parameter hasControl: nothing is noted without.
    mutating func run(minutes: Int, hasControl: Bool = true) {
        for _ in 0..<minutes {
            (now, boot) = (now + 60, boot + 60)
            if !hasControl { continue }
            if decision == nil || boot / 60 % 5 == 0 { decided() }
            sample()
            history.note(state())
        }
    }

    /// With a day behind it.
    mutating func runADay() {
        (now, boot) = (now - 86_400, boot - 86_400)
        run(minutes: 1_440)
    }

    mutating func order(_ wish: Order.Wish, minutes: UInt64?, because reason: String, ago: UInt64 = 10) {
        let start = boot - ago * 60
        wishes.orders.put(
            Order(
                wish: wish, uid: 1_000, reason: reason, since: now - Int64(ago) * 60, start_ns: start * 1_000_000_000,
                end_ns: minutes.map { (start + $0 * 60) * 1_000_000_000 }))
        decided()
        sample()
    }

    func state(hasControl: Bool = true) -> NodeState {
        var helper = helper
        if hasControl { helper.lease = HelperState.Lease(time_ms: 30_000, ends_ns: boot * 1_000_000_000 + 21_000_000_000) }
        return NodeState(
            now: Moment(seconds: now), monotonic_ns: boot * 1_000_000_000, boot_ns: boot * 1_000_000_000, started: now - 90_000,
            settings: settings, source: source, wishes: wishes, helper: helper, limits: hasControl ? limits : nil,
            power: hasControl ? power : [:], decision: decision,
            nextDecision_ns: hasControl ? (boot / 300 + 1) * 300_000_000_000 : nil,
            api: api,
            listeners: [
                ListenerState(name: "control", place: "/run/powercap/controller.sock", problem: nil),
                ListenerState(name: "metrics", place: "127.0.0.1:28320", problem: "somebody else listens there"),
            ], counts: counts)
    }
}

extension APIState {
    static func example(node: String = "node-a", troubles: [String] = []) -> APIState {
        APIState(
            server: "https://10.96.0.1:443", node: node, reason: "KUBERNETES_SERVICE_HOST is set", isWatching: troubles.isEmpty,
            isPublished: troubles.isEmpty, troubles: troubles,
            requests: [APIClient.Outcome(verb: "GET", code: "200"): 3, APIClient.Outcome(verb: "PATCH", code: "200"): 288],
            watchRestarts: 12)
    }
}
