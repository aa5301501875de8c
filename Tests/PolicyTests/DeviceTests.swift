import PowercapProtocol
import TestSupport
import Testing

@testable import Policy

private func constraint(
    _ name: String, _ limit: UInt64? = 200, step: Microwatts = .watts(1), obstacle: Obstacle = .none
) -> Constraint {
    Constraint(
        index: 0, name: name, powerLimit: limit.map { .watts($0) }, maxPower: .watts(300), original: limit.map { .watts($0) },
        step: step, floor: .watts(50), ceiling: .watts(300), obstacle: obstacle)
}

private func zone(_ type: String, _ id: String, _ name: String, _ constraints: [Constraint], parent: String? = nil) -> Zone {
    Zone(id: id, parent: parent, controlType: type, name: name, constraints: constraints)
}

/// A machine with one of everything.
private let zones = [
    zone("amdgpu", "amdgpu:0000:03:00.0", "0000:03:00.0", [constraint("power1_cap")]),
    zone("intel-rapl", "intel-rapl:0", "package-0", [constraint("long_term", step: .step)]),
    zone("intel-rapl", "intel-rapl:0:0", "dram", [constraint("long_term")], parent: "intel-rapl:0"),
    zone("intel-rapl", "intel-rapl:1", "psys", [constraint("long_term")]),
    zone("intel-rapl-mmio", "intel-rapl-mmio:0", "package-0", [constraint("long_term", step: .step)]),
    zone("amd_hsmp_hwmon", "amd_hsmp_hwmon:AMDI0097:00", "AMDI0097:00", [constraint("power1_cap", step: Microwatts(1_000))]),
    zone("arm-scmi", "arm-scmi:0", "soc", [constraint("SCMI-power-cap")]),
    zone("arm-scmi", "arm-scmi:0:0", "cluster", [constraint("SCMI-power-cap")], parent: "arm-scmi:0"),
    zone("dtpm", "dtpm:0", "board", [constraint("Instantaneous")]), zone("xe", "xe:0000:04:00.0", "0000:04:00.0", []),
    zone("power_meter", "power_meter:_SB_.PMT0", "_SB_.PMT0", [constraint("power1_cap")]),
    zone("opal", "opal:system", "system", [constraint("powercap-current")]),
    zone("coretemp", "x", "x", [constraint("power1_cap")]),
]

private func policy(_ words: Set<Governable>, _ scope: BudgetScope? = nil) -> PowerPolicy {
    .test {
        $0.govern = words
        $0.budgetScope = scope
    }
}

struct DeviceTests {
    @Test(
        "what GOVERN names is divided over, and nothing else: whole packages and GPUs with a limit, each register of a package once",
        arguments: [
            ([.rapl], ["package-0"]), ([.raplMMIO], ["package-0"]), ([.rapl, .raplMMIO], ["package-0"]),
            ([.hsmp], ["amd_hsmp_hwmon:AMDI0097:00"]), ([.scmi], ["arm-scmi:0"]), ([.dtpm], ["dtpm:0"]),
            ([.gpu], ["amdgpu:0000:03:00.0"]), ([.powerMeter], []), ([.opal], []), ([], []),
            (
                Set(Governable.allCases),
                ["package-0", "amd_hsmp_hwmon:AMDI0097:00", "amdgpu:0000:03:00.0", "arm-scmi:0", "dtpm:0"]
            ),
        ] as [(Set<Governable>, [String])])
    func governed(_ words: Set<Governable>, _ names: [String]) {
        #expect(Device.all(in: zones, policy(words)).map(\.name.text) == names)
        #expect(Device.all(in: zones.reversed(), policy(words)).map(\.name.text) == names)
    }

    @Test("the other register of a package is its mirror where both are governed, and a device where it is alone")
    func mirrors() {
        #expect(Device.all(in: zones, policy([.rapl, .raplMMIO])).map(\.mirror) == ["intel-rapl-mmio:0"])
        #expect(Device.all(in: zones, policy([.rapl])).map(\.mirror) == [nil])
        #expect(Device.all(in: zones, policy([.raplMMIO])).map(\.zone) == ["intel-rapl-mmio:0"])
    }

    @Test("a cap of the whole server is set only where the limit is the server's")
    func servers() {
        let words: Set<Governable> = [.rapl, .powerMeter, .opal]
        #expect(Device.servers(in: zones, policy(words)).isEmpty)
        #expect(Device.servers(in: zones, policy(words, .server)).map(\.zone) == ["opal:system", "power_meter:_SB_.PMT0"])
        #expect(Device.servers(in: zones, policy([.rapl], .server)).isEmpty)
    }

    @Test("the node's limit is of packages where nothing else is governed, of devices elsewhere, and of what is said")
    func scope() {
        #expect(PowerPolicy().budgetOf == .packages)
        #expect(policy([.hsmp, .scmi]).budgetOf == .packages)
        #expect(policy([.rapl, .gpu]).budgetOf == .devices)
        #expect(policy([.rapl], .server).budgetOf == .server)
    }

    @Test("what GOVERN names and isn't there is known")
    func missing() {
        #expect(policy([.rapl, .gpu]).missing(in: zones).isEmpty)
        #expect(policy([.rapl, .gpu, .hsmp]).missing(in: [zones[1]]) == [.hsmp, .gpu])
    }

    @Test("a kind and a step for each")
    func kinds() {
        let devices = Device.all(in: zones, policy(Set(Governable.allCases)))
        #expect(devices.map(\.kind) == [.package, .package, .gpu, .package, .package])
        #expect(devices.map(\.step.rawValue) == [125_000, 1_000, 1_000_000, 1_000_000, 1_000_000])
        #expect(zones.map(\.kind).filter { $0 == .server }.count == 3)
    }

    @Test("a GPU's limit of 0 W is none, of i915 and xe: nothing is in force, and it isn't what it is held at")
    func off() throws {
        for (type, isOff) in [("xe", true), ("i915", true), ("amdgpu", false)] {
            let zone = zone(type, "\(type):0", "0", [constraint("power1_max", 0, obstacle: .writeDenied)])
            let device = try #require(Device.all(in: [zone], policy([.gpu])).first)
            #expect(device.fixed == (isOff ? .watts(300) : .zero), "\(type)")
            #expect(InForce(of: "power1_max", zone, in: [zone]).limit == (isOff ? nil : .zero), "\(type)")
        }
    }

    @Test("RAPL's registers end at 4095.875 W, and nothing else does")
    func most() throws {
        let huge = Constraint(index: 0, name: "x", maxPower: .watts(9_000), floor: .zero, ceiling: .watts(9_000), obstacle: .none)
        var long = huge
        long = Constraint(
            index: 0, name: "long_term", maxPower: .watts(9_000), floor: .zero, ceiling: .watts(9_000), obstacle: .none)
        let machine = [zone("intel-rapl", "intel-rapl:0", "package-0", [long]), zone("amdgpu", "amdgpu:0", "0", [huge])]
        #expect(
            Device.all(in: machine, policy([.rapl, .gpu])).map(\.longTerm.ceiling) == [.registerMaximum, .watts(9_000)])
    }
}

/// A node of several kinds, from a seed.
private struct MixedNode {
    var devices: [Device] = []
    var policy = PowerPolicy()
    var source: Microwatts

    init(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        let steps: [UInt64] = [1, 1_000, 125_000, 1_000_000]
        policy.govern = Set(Governable.allCases)
        policy.weights = KindWeights(package: .random(in: 1...5, using: &random), gpu: .random(in: 1...5, using: &random))
        if Bool.random(using: &random) { policy.raplLimit = Percent(millionths: .random(in: 0...100_000_000, using: &random)) }
        for number in 0..<Int.random(in: 1...8, using: &random) {
            let isFixed = Int.random(in: 0..<6, using: &random) == 0
            devices.append(
                Device(
                    name: DeviceName("x:\(number)"), kind: Bool.random(using: &random) ? .gpu : .package, zone: "x:\(number)",
                    constraint: "power1_cap", reference: Microwatts(.random(in: 1...900_000_000, using: &random)),
                    step: Microwatts(steps.randomElement(using: &random)!),
                    longTerm: Device.LimitRange(
                        index: 0, floor: Microwatts(.random(in: 0...30_000_000, using: &random)),
                        ceiling: Microwatts(.random(in: 33_000_000...900_000_000, using: &random)), original: nil),
                    shortTerm: nil, fixed: isFixed ? Microwatts(.random(in: 0...400_000_000, using: &random)) : nil))
        }
        let ceilings = devices.reduce(UInt64(0)) { $0 + $1.longTerm.ceiling.rawValue }
        source = Microwatts(.random(in: 0...ceilings + ceilings / 4, using: &random))
    }
}

struct MixedSplitTests {
    @Test(
        "P8: of devices with steps of any size the sum is at most the node's limit, each a whole number of its own steps within its bounds"
    )
    func sums() {
        for seed in SplitTests.seeds {
            let node = MixedNode(seed: seed)
            var random = SeededGenerator(seed: ~seed)
            let demands = node.devices.map { _ -> Demand? in
                Int.random(in: 0..<4, using: &random) == 0
                    ? nil
                    : Demand(
                        power: Microwatts(.random(in: 0...900_000_000, using: &random)),
                        basis: Bool.random(using: &random) ? .atLimit : .drawn)
            }
            for workload in [Workload(), Workload(demands: demands)] {
                let decision = decide(
                    devices: node.devices, policy: node.policy, reading: SourceReading(node.source), workload: workload)
                let sum = decision.devices.reduce(UInt64(0)) { $0 + $1.longTerm.rawValue }
                #expect(sum <= decision.nodeLimit.rawValue, "seed \(seed)")
                let free = zip(node.devices, decision.devices).filter {
                    $0.fixed == nil && $1.longTerm < $0.longTerm.ceiling.roundedDown(to: $0.step)
                }
                let lost = free.reduce(UInt64(0)) { $0 + $1.0.step.rawValue }
                #expect(decision.nodeLimit.rawValue - sum <= lost, "seed \(seed)")
                for (device, limit) in zip(node.devices, decision.devices) where device.fixed == nil {
                    #expect(limit.longTerm.rawValue % device.step.rawValue == 0, "seed \(seed)")
                    #expect(limit.longTerm <= device.longTerm.ceiling, "seed \(seed)")
                    #expect(limit.longTerm >= device.longTerm.floor, "seed \(seed)")
                }
            }
        }
    }

    private static func device(_ name: String, _ kind: DeviceKind, reference: UInt64, step: Microwatts) -> Device {
        Device(
            name: DeviceName(name), kind: kind, zone: name, constraint: "power1_cap", reference: .watts(reference), step: step,
            longTerm: Device.LimitRange(index: 0, floor: .watts(10), ceiling: .watts(reference), original: nil), shortTerm: nil)
    }

    @Test(
        "a share goes by reference power times weight, and what a coarse step leaves a fine one takes where the sum must be reached",
        arguments: [
            // node's limit, weights, parts of a package (150 W, 1/8 W) and a GPU (300 W, 1 W)
            (300, KindWeights(), [100_000, 200_000]), (300, KindWeights(gpu: 2), [60_000, 240_000]),
            (300, KindWeights(package: 4), [150_000, 150_000]), (100, KindWeights(), [33_250, 66_000]),
        ] as [(UInt64, KindWeights, [UInt64])])
    func weights(_ source: UInt64, _ weights: KindWeights, _ milliwatts: [UInt64]) {
        let devices = [
            Self.device("package-0", .package, reference: 150, step: .step),
            Self.device("amdgpu:0", .gpu, reference: 300, step: .watts(1)),
        ]
        let policy = PowerPolicy.test {
            $0.govern = [.rapl, .gpu]
            $0.weights = weights
        }
        let decision = decide(devices: devices, policy: policy, reading: SourceReading(.watts(source)))
        #expect(decision.devices.map(\.longTerm.rawValue) == milliwatts.map { $0 * 1_000 })
    }

    @Test("by demand: what isn't measured wants its part, what sleeps its floor, and what is left over by whole watts isn't lost")
    func demands() {
        let devices = [
            Self.device("package-0", .package, reference: 300, step: .step),
            Self.device("amdgpu:0", .gpu, reference: 300, step: .watts(1)),
        ]
        func parts(_ demands: [Demand?]) -> [UInt64] {
            decide(
                devices: devices, policy: .test { $0.govern = [.rapl, .gpu] }, reading: SourceReading(Microwatts(301_500_000)),
                workload: Workload(demands: demands)
            ).devices.map { $0.longTerm.rawValue / 1_000 }
        }
        let hungry = Demand(power: .watts(300), basis: .atLimit)
        #expect(parts([hungry, nil]) == [151_500, 150_000])
        #expect(parts([hungry, Demand(power: .watts(10), basis: .suspended)]) == [291_500, 10_000])
        #expect(parts([Demand(power: .watts(50), basis: .drawn), nil]) == [151_500, 150_000], "what nobody wants goes to all")
        #expect(
            parts([nil, hungry]) == [150_750, 150_000], "what is left is less than the GPU's step, and nobody else wants it")
    }

    @Test("the reference power is of all kinds together, and so is the floor that RAPL_LIMIT makes of it")
    func reference() {
        let devices = [
            Self.device("package-0", .package, reference: 150, step: .step),
            Self.device("amdgpu:0", .gpu, reference: 300, step: .watts(1)),
        ]
        let policy = PowerPolicy.test {
            $0.govern = [.rapl, .gpu]
            $0.raplLimit = Percent(millionths: 20_000_000)
        }
        let decision = decide(devices: devices, policy: policy, reading: SourceReading(.zero))
        #expect(decision.reference == .watts(450) && decision.floor == .watts(90))
        #expect(ReferenceFunction.avg.reference(of: devices) == .watts(225))
    }

    @Test("floors come before weights: a kind of great weight leaves every other its floor, and the rest goes by weight")
    func floors() {
        let devices = [
            Self.device("package-0", .package, reference: 150, step: .step),
            Self.device("package-1", .package, reference: 150, step: .step),
            Self.device("amdgpu:0", .gpu, reference: 300, step: .watts(1)),
        ]
        func parts(_ watts: UInt64) -> [UInt64] {
            let policy = PowerPolicy.test {
                $0.govern = [.rapl, .gpu]
                $0.weights = KindWeights(package: 1, gpu: 100)
            }
            return decide(devices: devices, policy: policy, reading: SourceReading(.watts(watts))).devices.map {
                $0.longTerm.rawValue / 1_000_000
            }
        }
        #expect(parts(100) == [10, 10, 80])
        #expect(parts(320) == [10, 10, 300])
        #expect(parts(400) == [50, 50, 300], "what the GPU can't take goes to the others")
        #expect(parts(20) == [10, 10, 10], "and the floors win over a limit that is less")
    }

    @Test("where rounding has to be made up for, the coarsest steps come first, and no more is made up than is missing")
    func roundedUp() {
        var shares = [10, 10, 1].map { step in
            Share(weight: .watts(1), step: Microwatts(step), floor: .zero, ceiling: Microwatts(100))
        }
        split(Microwatts(47), atLeast: Microwatts(40), over: &shares)
        #expect(shares.map(\.limit.rawValue) == [20, 10, 15])
    }
}
