import PowercapProtocol
import TestSupport
import Testing

@testable import Policy
@testable import powercap_controller

/// Two packages of 200 W, each with a long-term limit (constraint 0) and a short-term one (1), whose zones are not numbered like
/// their packages: psys is zone 1.
struct TestNode {
    static let names = ["package-0", "psys", "package-1"]
    /// In watts, for each zone.
    var longTerm: [UInt64] = [200, 400, 200]
    var shortTerm: [UInt64] = [240, 400, 240]
    var gone: Set<Int> = []
    var enabled: [ZoneSample.Enabled] = [.yes, .yes, .yes]
    /// Zones whose long-term limit can't be read.
    var unreadable: Set<Int> = []
    /// What is in the way of the limits of the zones in `locked`.
    var obstacle = Obstacle.ceilingBelowFloor
    var locked: Set<Int> = []

    var zones: HelperZones {
        func constraint(_ index: UInt8, _ name: StaticString, _ original: UInt64, _ zone: Int) -> ConstraintDescription {
            ConstraintDescription(
                index: index, name: Name(constant: name), flags: .originalKnown,
                obstacle: locked.contains(zone) ? obstacle : .none,
                original: .watts(original), maxPower: .watts(original), floor: .watts(1), ceiling: .watts(original),
                originalWindow_us: 0, requested: .zero)
        }
        return HelperZones(
            header: ZonesHeader(leaseRemaining_ms: 0, leaseHolder: ZonesHeader.nobody, zoneCount: 3), minPower: .watts(210),
            zones: TestNode.names.enumerated().map { index, name in
                HelperZones.Zone(
                    description: ZoneDescription(
                        index: UInt16(index), parent: nil, controlType: Name(constant: "intel-rapl"),
                        id: Name("intel-rapl:\(index)")!, name: Name(name)!, maxEnergyRange: Microjoules(0), constraintCount: 2),
                    constraints: [constraint(1, "short_term", 240, index), constraint(0, "long_term", 200, index)])
            })
    }

    /// Limits are in the order of the constraints in `zones`: short_term comes first.
    var sample: HelperSample {
        HelperSample(
            time_ns: 0,
            zones: TestNode.names.indices.map { index in
                var zone = ZoneSample(index: UInt16(index), constraintCount: 2)
                zone.isGone = gone.contains(index)
                zone.enabled = enabled[index]
                zone.limits[0] = Reading(shortTerm[index] * 1_000_000)
                zone.limits[1] = unreadable.contains(index) ? Reading(errno: 61) : Reading(longTerm[index] * 1_000_000)
                return zone
            })
    }

    var limits: NodeLimits { NodeLimits(zones, sample) }
}

private func decision(_ watts: UInt64, _ limits: NodeLimits) -> Decision {
    decide(devices: limits.devices, policy: PowerPolicy(), reading: SourceReading(.watts(watts)))
}

extension NodeLimits {
    /// Carries out what a decision asks for, as a helper does that refuses nothing.
    mutating func settle(_ watts: UInt64) {
        for change in changes(for: decision(watts, self)) {
            note(change, AppliedItem(effective: change.to, effectiveWindow_us: 0))
        }
    }
}

struct NodeLimitsTests {
    @Test("packages are found by name, and their constraints by name, wherever the helper lists them")
    func found() {
        let limits = TestNode().limits
        #expect(limits.entries.map(\.zone) == [0, 2])
        #expect(limits.entries.map(\.longTerm.index) == [0, 0])
        #expect(limits.entries.map(\.longTerm.position) == [1, 1])
        #expect(limits.entries.map(\.longTerm.inForce) == [.watts(200), .watts(200)])
        #expect(limits.entries.map(\.shortTerm?.inForce) == [.watts(240), .watts(240)])
    }

    @Test("a decision that is in force asks for nothing")
    func settled() {
        var limits = TestNode().limits
        #expect(limits.changes(for: decision(100, limits)).count == 4)
        limits.settle(100)
        #expect(limits.changes(for: decision(100, limits)).isEmpty)
        #expect(limits.entries.allSatisfy { $0.longTerm.inForce == .watts(50) })
    }

    @Test("items name the helper's zone and the constraint's index")
    func items() {
        let limits = TestNode().limits
        let items = limits.items(limits.changes(for: decision(100, limits)))
        #expect(Set(items.map { [Int($0.zone), Int($0.constraint)] }) == [[0, 0], [0, 1], [2, 0], [2, 1]])
        #expect(items.allSatisfy { $0.limit == .watts(50) && $0.window_us == nil })
    }

    @Test("decreases are asked for before increases, also where an increase was refused before")
    func increasesLast() {
        var limits = TestNode(longTerm: [20, 400, 200], shortTerm: [20, 400, 200]).limits
        func targets() -> [[UInt64]] {
            limits.changes(for: decision(100, limits)).map {
                [UInt64($0.entry), $0.to.rawValue / 1_000_000, $0.from!.rawValue / 1_000_000]
            }
        }
        #expect(targets() == [[1, 50, 200], [1, 50, 200], [0, 50, 20], [0, 50, 20]])
        let increase = limits.changes(for: decision(100, limits))[2]
        limits.note(increase, Failure(.writeFailed, errno: 5, item: 2))
        limits.retry()
        #expect(targets() == [[1, 50, 200], [1, 50, 200], [0, 50, 20], [0, 50, 20]])
        let decrease = limits.changes(for: decision(100, limits))[1]
        limits.note(decrease, Failure(.writeFailed, errno: 5, item: 1))
        limits.retry()
        #expect(
            limits.changes(for: decision(100, limits)).first == decrease, "what will fail again fails before others are written")
    }

    @Test("a refused limit is what its package takes until the retry, and the others divide the rest")
    func refused() {
        var limits = TestNode(longTerm: [70, 400, 200]).limits
        let change = limits.changes(for: decision(100, limits)).first { $0.entry == 0 && !$0.isShortTerm }!
        limits.note(change, Failure(.writeFailed, errno: 5, item: 0))
        #expect(limits.devices.map(\.fixed) == [.watts(70), nil])
        #expect(decision(100, limits).devices.map(\.longTerm) == [.watts(70), .watts(30)])
        #expect(limits.changes(for: decision(100, limits)).allSatisfy { $0.entry == 1 })
        #expect(!limits.isComplete)
        limits.retry()
        #expect(limits.devices.map(\.fixed) == [nil, nil])
        limits.settle(100)
        #expect(limits.isComplete)
    }

    @Test("a refused limit that can't be read counts with its ceiling")
    func refusedUnreadable() {
        var limits = TestNode(unreadable: [0]).limits
        let change = limits.changes(for: decision(100, limits)).first { $0.entry == 0 && !$0.isShortTerm }!
        #expect(change.from == nil)
        limits.note(change, Failure(.readFailed, errno: 61, item: 0))
        #expect(limits.devices[0].fixed == .watts(200))
    }

    @Test("a zone that is gone has no share, and asks for nothing")
    func gone() {
        var limits = TestNode().limits
        let change = limits.changes(for: decision(100, limits)).first { $0.entry == 0 }!
        limits.note(change, Failure(.zoneGone, errno: 19, item: 0))
        #expect(limits.devices.map(\.name.package) == [1])
        #expect(decision(100, limits).devices.map(\.longTerm) == [.watts(100)])
        limits.settle(100)
        #expect(limits.entries[1].longTerm.inForce == .watts(100))
        #expect(limits.isComplete)
    }

    /// The observations in short, of a sample after 100 W have been set: 50 W each.
    private static let samples: [(String, @Sendable (inout TestNode) -> Void, [String])] = [
        ("what was set", { _ in }, []),
        ("a lower long-term limit", { $0.longTerm[2] = 40 }, ["drift package-1 long_term 50 40 reassert"]),
        ("a higher short-term limit", { $0.shortTerm[0] = 60 }, ["drift package-0 short_term 50 60 reassert"]),
        (
            "both of a package", { ($0.longTerm[0], $0.shortTerm[0]) = (1, 2) },
            ["drift package-0 long_term 50 1 reassert", "drift package-0 short_term 50 2 reassert"]
        ),
        ("another zone's limit", { $0.longTerm[1] = 1 }, []),
        ("a limit that can't be read", { $0.unreadable = [0] }, ["unreadable package-0 long_term 61"]),
        ("another zone's limit that can't be read", { $0.unreadable = [1] }, []),
        ("a zone that is gone", { ($0.gone, $0.longTerm[0]) = ([0], 1) }, ["gone package-0"]),
        ("a zone that is disabled", { $0.enabled[2] = .no }, ["enabled package-1 false"]),
        ("a zone whose enabled bit isn't known", { $0.enabled[2] = .unknown }, []),
    ]

    @Test("what a sample shows to be different is observed, and nothing else", arguments: samples.indices)
    func observed(_ index: Int) {
        let (name, change, expected) = Self.samples[index]
        var node = TestNode()
        var limits = node.limits
        limits.settle(100)
        (node.longTerm, node.shortTerm) = ([50, 400, 50], [50, 400, 50])
        func seen() -> [String] {
            (limits.observe(node.sample, onDrift: .reassert) + limits.consequences()).map(Self.short)
        }
        #expect(seen().isEmpty)
        change(&node)
        #expect(seen() == expected, "\(name)")
        #expect(seen().isEmpty, "\(name) is told once")
    }

    private static func short(_ observation: NodeLimits.Observation) -> String {
        switch observation {
        case .gone(let device): "gone \(device.name.text)"
        case .enabled(let device, let isEnabled): "enabled \(device.name.text) \(isEnabled)"
        case .drift(let device, let constraint, let before, let found, let action, _):
            "drift \(device.name.text) \(constraint) \(before.rawValue / 1_000_000) \(found.rawValue / 1_000_000) \(action.rawValue)"
        case .steady(let device, let constraint, let count): "steady \(device.name.text) \(constraint) \(count)"
        case .lower(let device, let register, let count):
            "lower \(device.name.text) \(register?.controlType ?? "none") \(count)"
        case .written(let device, let constraint, let code): "written \(device.name.text) \(constraint) \(code?.rawValue ?? 0)"
        case .unreadable(let device, let constraint, let errno): "unreadable \(device.name.text) \(constraint) \(errno)"
        }
    }

    @Test("P12: what drifts at every sample is told with its number, and its end after a while without")
    func driftOverAndOver() {
        var node = TestNode()
        var limits = node.limits
        limits.settle(100)
        (node.longTerm, node.shortTerm) = ([50, 400, 50], [50, 400, 50])
        var counts: [Int] = []
        for round in 0..<5 {
            node.longTerm[0] = 90 + UInt64(round)
            for case .drift(_, _, _, _, _, let count) in limits.observe(node.sample, onDrift: .reassert) { counts.append(count) }
            #expect(limits.entries[0].longTerm.isRepeated == (round > 0))
            limits.settle(100)
            node.longTerm[0] = 50
        }
        #expect(counts == [1, 2, 3, 4, 5])
        var ends: [String] = []
        for _ in 0..<3 * Spell.quietLooks { ends += limits.observe(node.sample, onDrift: .reassert).map(Self.short) }
        #expect(ends == ["steady package-0 long_term 5"])
    }

    @Test("a drift that came once was told then, and its end is nothing to tell of")
    func driftOnce() {
        var node = TestNode()
        var limits = node.limits
        limits.settle(100)
        (node.longTerm, node.shortTerm) = ([70, 400, 50], [50, 400, 50])
        #expect(limits.observe(node.sample, onDrift: .reassert).count == 1)
        limits.settle(100)
        node.longTerm[0] = 50
        for _ in 0..<3 * Spell.quietLooks { #expect(limits.observe(node.sample, onDrift: .reassert).isEmpty) }
    }

    @Test("P12: a drifted limit is asked for again, or left and the rest divided anew each time it moves")
    func drift() {
        var node = TestNode(longTerm: [70, 400, 50], shortTerm: [50, 400, 50])
        var reasserting = TestNode().limits
        reasserting.settle(100)
        var leaving = reasserting
        _ = reasserting.observe(node.sample, onDrift: .reassert)
        #expect(reasserting.changes(for: decision(100, reasserting)).map(\.to) == [.watts(50)])
        _ = leaving.observe(node.sample, onDrift: .leave)
        #expect(leaving.devices.map(\.fixed) == [.watts(70), nil])
        leaving.settle(100)
        #expect(leaving.entries[1].longTerm.inForce == .watts(30))
        (node.longTerm, node.shortTerm[2]) = ([60, 400, 30], 30)
        #expect(leaving.observe(node.sample, onDrift: .leave).map(Self.short) == ["drift package-0 long_term 70 60 leave"])
        #expect(leaving.devices.map(\.fixed) == [.watts(60), nil])
    }

    @Test("a locked limit counts with what is in force now, and is never asked for")
    func locked() {
        var node = TestNode(longTerm: [70, 400, 200], locked: [0])
        var limits = node.limits
        #expect(limits.devices.map(\.fixed) == [.watts(70), nil])
        limits.settle(100)
        (node.longTerm, node.shortTerm) = ([90, 400, 30], [240, 400, 30])
        #expect(limits.observe(node.sample, onDrift: .reassert).map(Self.short) == ["drift package-0 long_term 70 90 leave"])
        #expect(limits.devices.map(\.fixed) == [.watts(90), nil])
        #expect(limits.changes(for: decision(100, limits)).map(\.entry) == [1, 1])
        #expect(limits.isComplete)
    }

    @Test("P4: what is in force is what was read back, and a rounded limit is no drift")
    func rounded() {
        var node = TestNode()
        var limits = node.limits
        for change in limits.changes(for: decision(100, limits)) {
            limits.note(change, AppliedItem(effective: .watts(49), effectiveWindow_us: 0))
        }
        #expect(limits.entries[0].longTerm.inForce == .watts(49))
        (node.longTerm, node.shortTerm) = ([49, 400, 49], [49, 400, 49])
        #expect(limits.observe(node.sample, onDrift: .reassert).isEmpty)
        #expect(limits.changes(for: decision(100, limits)).isEmpty)
    }
}

/// P4: what is said of a package's limit.
struct StandingTests {
    private func standings(_ limits: NodeLimits) -> [Standing] { limits.entries.map { limits.standing($0) } }

    @Test("what was asked for and is in force is as asked")
    func asAsked() {
        var limits = TestNode().limits
        limits.settle(100)
        #expect(standings(limits) == [.asAsked, .asAsked])
    }

    @Test("a zone is disabled, unless its driver has shown it to be locked, which reads the same")
    func lockedOrDisabled() {
        var node = TestNode(enabled: [.no, .yes, .no])
        var limits = node.limits
        let change = limits.changes(for: decision(100, limits)).first { $0.entry == 0 && !$0.isShortTerm }!
        limits.note(change, Failure(.locked, errno: 61, item: 0))
        #expect(standings(limits) == [.locked, .disabled])
        #expect(limits.consequences().count == 1, "one is told to be disabled")
        // A sample doesn't know of the lock.
        _ = limits.observe(node.sample, onDrift: .reassert)
        #expect(standings(limits) == [.locked, .disabled])
        #expect(limits.inForce(limits.entries[0]).limit == .watts(200), "a locked register counts as it is")
        #expect(limits.inForce(limits.entries[1]).limit == nil, "what is not enforced is not in force")
        // Until a limit is taken.
        limits.retry()
        limits.settle(100)
        node.enabled = [.yes, .yes, .yes]
        (node.longTerm, node.shortTerm) = ([50, 400, 50], [50, 400, 50])
        _ = limits.observe(node.sample, onDrift: .reassert)
        #expect(standings(limits) == [.asAsked, .asAsked])
    }

    @Test("what the helper knows to be locked isn't tried in the first decision, and is told as locked")
    func knownLock() {
        let limits = TestNode(obstacle: .locked, locked: [0]).limits
        #expect(standings(limits) == [.locked, .asAsked])
        #expect(limits.changes(for: decision(300, limits)).allSatisfy { $0.entry == 1 })
    }

    @Test("a package with a ceiling below the helper's floor isn't governed, and both powers are said")
    func ceilingBelowFloor() {
        let limits = TestNode(locked: [2]).limits
        #expect(
            standings(limits) == [
                .asAsked, .ungoverned("its ceiling, 200 W, is below the helper's floor, 210 W (--min-power)"),
            ])
    }

    @Test("every reason is a sentence of its own")
    func words() {
        let mmio = InForce.Register(controlType: "intel-rapl-mmio", limit: .watts(45), errno: 0, isDisabled: false)
        let all: [Standing] = [
            .asAsked, .heldLower(mmio), .unreadable(controlType: "intel-rapl-mmio", errno: 61), .disabled, .locked,
            .refused(.writeFailed), .left, .ungoverned("why"),
        ]
        #expect(Set(all.map(\.words)).count == all.count)
        #expect(Standing.heldLower(mmio).words == "intel-rapl-mmio holds it at 45 W")
        #expect(all[2].words == "the limit of intel-rapl-mmio can't be read (ENODATA), and might be the lowest")
    }
}

struct AveragePowerTests {
    @Test("a counter that went back, or was reset, means nothing: no power above the register's is ever reported")
    func reset() {
        // A counter that is 1 mJ back after a second, and after one that began again from 0.
        for later in [49_999_999_000, 0, 1_000_000] as [UInt64] {
            #expect(
                averagePower(
                    from: Reading(50_000_000_000), at: 1_000_000_000, to: Reading(later), at: 2_000_000_000,
                    range: Microjoules(262_143_328_850)) == nil)
        }
    }

    @Test("a power is reported as it was where the counter went on, and never above the register's, whatever it did")
    func property() {
        var random = SeededGenerator(seed: 7)
        for _ in 0..<20_000 {
            let range = UInt64.random(in: 0...262_143_328_850, using: &random)
            let first = UInt64.random(in: 0...max(range, 1), using: &random)
            let time_ns = UInt64.random(in: 1_000_000...3_600_000_000_000, using: &random)
            // Anything that the counter may show.
            let any = averagePower(
                from: Reading(first), at: 0, to: Reading(.random(in: 0...UInt64.max, using: &random)), at: time_ns,
                range: Microjoules(range))
            #expect(any.map { $0 <= .registerMaximum } ?? true)
            // A package that takes less than the register allows, and at most one wrap.
            let power = UInt64.random(in: 0...Microwatts.registerMaximum.rawValue, using: &random)
            let energy = UInt64(UInt128(power) * UInt128(time_ns) / 1_000_000_000)
            guard range >= first, energy <= range else { continue }
            let second = first + energy > range ? first + energy - range : first + energy
            let measured = averagePower(from: Reading(first), at: 0, to: Reading(second), at: time_ns, range: Microjoules(range))
            #expect(measured.map { max($0.rawValue, power) - min($0.rawValue, power) <= 1_000 } == true)
        }
    }

    @Test(
        "the average power is the energy by the time, also where the counter has started again",
        arguments: [
            (0, 45_000_000, 1_000, 100_000_000, 45_000_000), (5, 5, 1_000, 100_000_000, 0),
            (99_000_000, 1_000_000, 1_000, 100_000_000, 2_000_000), (1_000_000, 1_500_000, 250, 0, 2_000_000),
            (0, 1, 3_600_000, 100, 0), (0, 3_600, 3_600_000, 100_000, 1),
            // Ten hours of a package at 4 kW.
            (0, 144_000_000_000_000, 36_000_000, 200_000_000_000_000, 4_000_000_000),
        ] as [(UInt64, UInt64, UInt64, UInt64, UInt64)])
    func average(_ first: UInt64, _ second: UInt64, _ time_ms: UInt64, _ range: UInt64, _ power: UInt64) {
        #expect(
            averagePower(
                from: Reading(first), at: 1_000, to: Reading(second), at: 1_000 + time_ms * 1_000_000, range: Microjoules(range))
                == Microwatts(power))
    }

    @Test("without two readings, or without time between them, there is no power")
    func none() {
        let (good, bad) = (Reading(1_000), Reading(errno: 61))
        for (first, second, time) in [(good, bad, 1_000), (bad, good, 1_000), (good, good, 5), (good, good, 4)]
            as [(Reading, Reading, UInt64)]
        {
            #expect(averagePower(from: first, at: 5, to: second, at: time, range: Microjoules(1)) == nil)
        }
    }
}
