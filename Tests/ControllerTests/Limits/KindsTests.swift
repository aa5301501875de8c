import Fleet
import PowercapProtocol
import TestSupport
import Testing

@testable import Policy
@testable import powercap_controller

/// A package of 200 W beside a GPU of 300 W whose limit is written beside the loop, and a cap of the whole server.
private struct MixedMachine {
    /// In watts: package, its other register, GPU, server.
    var limits: [UInt64] = [200, 200, 300, 900]
    var isWriting = false
    var lastWrite: ErrorCode?
    var sensor = Reading(120_000_000)
    var controlType = "amdgpu"
    var isGPUOff = false

    private static let rows: [(type: String, id: String, name: String, constraint: String, most: UInt64, step: UInt64)] = [
        ("intel-rapl", "intel-rapl:0", "package-0", "long_term", 200, 125_000),
        ("intel-rapl-mmio", "intel-rapl-mmio:0", "package-0", "long_term", 200, 125_000),
        ("", "gpu:0", "0000:03:00.0", "power1_cap", 300, 1_000_000),
        ("power_meter", "power_meter:_SB_.PMT0", "_SB_.PMT0", "power1_cap", 900, 1_000),
        ("power_meter", "power_meter:_SB_.PMT1", "_SB_.PMT1", "power1_cap", 900, 1_000),
    ]

    /// As many of them as there are limits.
    var zones: HelperZones {
        let count = UInt16(limits.count)
        return HelperZones(
            header: ZonesHeader(leaseRemaining_ms: 0, leaseHolder: ZonesHeader.nobody, total: count, zoneCount: count),
            zones: MixedMachine.rows.prefix(limits.count).enumerated().map { index, row in
                let isSlow = index >= 2
                return HelperZones.Zone(
                    description: ZoneDescription(
                        index: UInt16(index), parent: nil, controlType: Name(row.type.isEmpty ? controlType : row.type)!,
                        id: Name(row.id)!, name: Name(row.name)!, reading: isSlow ? .power : .energy,
                        maxEnergyRange: Microjoules(0), constraintCount: 1),
                    constraints: [
                        ConstraintDescription(
                            index: 0, name: Name(row.constraint)!, flags: isSlow ? [.originalKnown, .isSlow] : .originalKnown,
                            obstacle: .none, original: .watts(row.most), maxPower: .watts(row.most), floor: .watts(10),
                            ceiling: .watts(row.most), originalWindow_us: 0, requested: .zero, step: Microwatts(row.step))
                    ])
            })
    }

    var sample: HelperSample {
        HelperSample(
            time_ns: 0,
            zones: limits.enumerated().map { index, limit in
                var zone = ZoneSample(index: UInt16(index), constraintCount: 1)
                (zone.enabled, zone.limits[0]) = (.yes, Reading(limit * 1_000_000))
                if index == 2 {
                    (zone.isWriting, zone.lastWrite, zone.reading) = (isWriting, lastWrite, sensor)
                    if isGPUOff { zone.limits[0] = Reading(0) }
                }
                return zone
            })
    }

    func node(_ words: Set<Governable> = [.rapl, .gpu], _ scope: BudgetScope? = nil) -> MixedNodeLimits {
        let policy = PowerPolicy.test {
            $0.govern = words
            $0.budgetScope = scope
            $0.raplMinPower = .watts(10)
        }
        return MixedNodeLimits(limits: NodeLimits(zones, sample, policy), policy: policy)
    }
}

private struct MixedNodeLimits {
    var limits: NodeLimits
    let policy: PowerPolicy

    func decision(_ watts: UInt64) -> Decision {
        decide(
            devices: limits.devices, servers: limits.servers, policy: policy, reading: SourceReading(.watts(watts)),
            server: policy.budgetOf == .server ? ServerLoop() : nil)
    }

    /// What is written now for a limit of the node, in watts by the device's name. What is slow is pending afterwards.
    mutating func write(_ watts: UInt64) -> [String: UInt64] {
        let decision = decision(watts)
        let changes = limits.next(limits.changes(for: decision), within: decision.nodeLimit)
        var written: [String: UInt64] = [:]
        for change in changes {
            let isSlow = limits[change].isSlow
            written[limits.entries[change.entry].device.name.text] = change.to.rawValue / 1_000_000
            let effective = isSlow ? max(change.to, limits[change].inForce ?? .zero) : change.to
            limits.note(change, AppliedItem(effective: effective, effectiveWindow_us: 0, isPending: isSlow))
        }
        return written
    }

    var inForce: [UInt64?] { limits.entries.map { $0.longTerm.inForce.map { $0.rawValue / 1_000_000 } } }
}

struct KindsTests {
    @Test("a meter of the server that falls silent stays the meter: nothing that reads less takes its place")
    func silentMeter() throws {
        var machine = MixedMachine()
        machine.limits.append(900)
        let node = machine.node([.rapl], .server)
        var watch = try #require(ServerWatch(node.policy))
        let (whole, part) = ("power_meter:_SB_.PMT0", "power_meter:_SB_.PMT1")
        for (power, meter) in [([part: 40], part), ([whole: 327, part: 40], part), ([part: 40], part)] {
            watch.note(node.limits, power.mapValues { Microwatts.watts(UInt64($0)) }, at: 1)
            #expect(watch.meter == meter)
        }
        watch = try #require(ServerWatch(node.policy))
        watch.note(node.limits, [whole: .watts(327), part: .watts(40)], at: 1)
        #expect(watch.meter == whole)
        watch.note(node.limits, [part: .watts(40)], at: 2_000_000_000)
        #expect(watch.meter == whole && watch.loop.meter == .watts(327), "it may be back at the next look")
        watch.note(node.limits, [part: .watts(40)], at: 20_000_000_000)
        #expect(watch.meter == whole && watch.loop.meter == nil)
    }

    @Test(
        "P8: what a slow device gives up is nobody else's before it is read back: the other goes up with the sample that shows it"
    )
    func slowFallsFirst() {
        var (machine, node) = (MixedMachine(), MixedMachine().node())
        // 500 W of reference power: 2/5 and 3/5.
        #expect(node.write(400) == ["package-0": 160, "gpu:0": 240])
        #expect(node.inForce == [160, 300], "the write is under way: the larger of the two counts")
        #expect(!node.limits.isComplete)
        machine.limits = [160, 200, 300, 900]
        machine.isWriting = true
        #expect(node.limits.observe(machine.sample, onDrift: .reassert).isEmpty, "no drift")
        #expect(node.write(425) == [:], "neither: the GPU is being written, and the package would take what isn't there yet")
        #expect(node.limits.isWaiting)
        (machine.isWriting, machine.limits[2]) = (false, 240)
        let seen = node.limits.observe(machine.sample, onDrift: .reassert)
        #expect(seen == [.written(node.limits.entries[1].device, constraint: "power1_cap", nil)])
        #expect(!seen.contains { !$0.callsForDecision })
        #expect(node.write(425) == ["package-0": 170, "gpu:0": 255])
        #expect(node.inForce == [170, 255], "what goes up counts at once")
        #expect(node.limits.standing(node.limits.entries[1]) == .pending)
    }

    @Test("P8: a slow device that goes up by what a fast one gives up needs no waiting: the fast one's is read back before")
    func fastFallsFirst() {
        var node = MixedMachine(limits: [200, 200, 100, 900]).node()
        #expect(node.write(300) == ["package-0": 120, "gpu:0": 180])
    }

    @Test(
        "a write that failed at last counts at what is read back, and the others share the rest until the next decision tries again"
    )
    func failed() throws {
        var (machine, node) = (MixedMachine(), MixedMachine().node())
        _ = node.write(400)
        (machine.limits, machine.lastWrite) = ([160, 200, 290, 900], .notInForce)
        #expect(
            node.limits.observe(machine.sample, onDrift: .reassert)
                == [.written(node.limits.entries[1].device, constraint: "power1_cap", .notInForce)])
        #expect(node.limits.devices[1].fixed == .watts(290))
        #expect(node.write(400) == ["package-0": 110])
        #expect(node.limits.standing(node.limits.entries[1]) == .refused(.notInForce))
        node.limits.retry()
        machine.lastWrite = nil
        #expect(node.write(400)["gpu:0"] == 240)
    }

    @Test(
        "P8: a write that an earlier controller left under way counts at the ceiling, and the limit is asked for when it has ended"
    )
    func leftUnderWay() throws {
        // It is lowered, it seems; but it may be on its way up.
        var (machine, node) = (MixedMachine(limits: [100, 200, 50, 900]), MixedMachine().node())
        machine.isWriting = true
        node = machine.node()
        #expect(node.inForce == [100, 300])
        #expect(node.write(350) == [:], "the package would have 140 W, and the GPU 210 W")
        #expect(node.limits.isWaiting && !node.limits.isComplete)
        // That it failed says nothing of what is asked for now.
        (machine.isWriting, machine.lastWrite, machine.limits[2]) = (false, .notInForce, 60)
        let seen = node.limits.observe(machine.sample, onDrift: .reassert)
        #expect(seen == [.written(node.limits.entries[1].device, constraint: "power1_cap", nil)])
        #expect(node.write(350) == ["package-0": 140, "gpu:0": 210])
    }

    @Test("P8: so does one of which only the refusal tells; it is no refusal of the limit")
    func writePending() throws {
        var (machine, node) = (MixedMachine(limits: [100, 200, 50, 900]), MixedMachine().node())
        node = machine.node()
        let change = try #require(node.limits.changes(for: node.decision(350)).first { node.limits[$0].isSlow })
        node.limits.note(change, Failure(.writePending, item: 0))
        #expect(node.inForce == [100, 300])
        #expect(node.limits.standing(node.limits.entries[1]) == .pending)
        #expect(node.write(350) == [:])
        machine.isWriting = true
        #expect(node.limits.observe(machine.sample, onDrift: .reassert).isEmpty)
        machine.isWriting = false
        #expect(node.limits.observe(machine.sample, onDrift: .reassert).contains { $0.callsForDecision })
        #expect(node.write(350) == ["package-0": 140, "gpu:0": 210])
    }

    @Test("a limit that reads as none counts at its ceiling, until it is read back", arguments: ["xe", "i915"])
    func off(_ type: String) {
        var machine = MixedMachine(limits: [100, 200, 300, 900], controlType: type)
        machine.isGPUOff = true
        var node = machine.node()
        #expect(node.inForce == [100, nil])
        #expect(node.limits.inForce(node.limits.entries[1]).limit == nil)
        // The package would have 140 W: but the GPU may draw 300 W still.
        #expect(node.write(350) == ["gpu:0": 210])
        #expect(node.limits.isWaiting)
    }

    @Test("both registers of a package are set to the same, and what holds is the lower")
    func mirror() {
        var node = MixedMachine().node([.rapl, .raplMMIO])
        #expect(node.write(150) == ["package-0": 150, "intel-rapl-mmio:0": 150])
        #expect(node.limits.devices.count == 1, "one package")
        #expect(node.limits.isComplete)
        var machine = MixedMachine(limits: [150, 120, 300, 900])
        machine.sensor = Reading(errno: 61)
        let seen = node.limits.observe(machine.sample, onDrift: .reassert)
        #expect(seen.count == 1 && seen[0].callsForDecision)
        #expect(node.limits.inForce(node.limits.entries[0]).limit == .watts(120))
        #expect(node.write(150) == ["intel-rapl-mmio:0": 150], "it is set again")
    }

    @Test("a server's cap is the limit itself, beside what its devices have, and no part of their sum")
    func server() {
        var node = MixedMachine().node([.rapl, .gpu, .powerMeter], .server)
        let written = node.write(450)
        #expect(written["power_meter:_SB_.PMT0"] == 450)
        #expect(node.limits.present.count == 2)
        #expect(node.limits.servers.count == 1)
    }

    @Test("what sleeps is told from what can't be read")
    func asleep() {
        var machine = MixedMachine()
        for (errno, isAsleep) in [(UInt8(108), true), (61, false)] {
            machine.sensor = Reading(errno: errno)
            let limits = machine.node().limits
            #expect(limits.isSuspended(limits.entries[1]) == isAsleep)
        }
    }

    @Test(
        "a node's part of a fleet's budget is of all its devices: in force, ceilings and demands are sums, and what is unlimited counts at its most"
    )
    func standing() {
        var machine = MixedMachine(limits: [150, 200, 240, 900])
        func standing(_ machine: MixedMachine) -> (UInt64, UInt64, UInt64) {
            let limits = machine.node().limits
            let standing = limits.standing(within: (.watts(20), .watts(500)), fallsBack: false, bootsAtRest: false) {
                device, inForce in
                device.kind == .gpu ? .watts(100) : inForce
            }
            return (
                standing.inForce.rawValue / 1_000_000, standing.ceiling.rawValue / 1_000_000, standing.demand.rawValue / 1_000_000
            )
        }
        #expect(standing(machine) == (390, 500, 250))
        (machine.controlType, machine.isGPUOff) = ("xe", true)
        #expect(standing(machine) == (450, 500, 250))
    }
}
