/// What the simulated hardware draws. A package draws its demand, but no more than any limit of an enabled zone over it: the
/// lowest of PL1 and PL2, here and in the MMIO registers, is clamped to at once, without a running average. Core is seven
/// tenths of its package; DRAM draws a tenth of the package's demand; the platform is all of these and 15 W. Limits of psys
/// have no effect.
struct Load {
    /// Limits in force over each package; empty where none is.
    var packageLimits_uw: [[UInt64]]
    var coreLimits_uw: [[UInt64]]
    var dramLimits_uw: [[UInt64]]
    let machine: Machine

    init(on machine: Machine) {
        self.machine = machine
        packageLimits_uw = Array(repeating: [], count: machine.packages)
        coreLimits_uw = packageLimits_uw
        dramLimits_uw = packageLimits_uw
    }

    /// Counts the limits of one zone.
    mutating func limit(_ counter: Layout.Counter, to limits_uw: [UInt64]) {
        switch counter {
        case .package(let package): packageLimits_uw[package] += limits_uw
        case .core(let package): coreLimits_uw[package] += limits_uw
        case .dram(let package): dramLimits_uw[package] += limits_uw
        case .psys: break
        }
    }

    func power_uw(of counter: Layout.Counter) -> UInt64 {
        switch counter {
        case .package(let package): return lowest(machine.demand_uw(ofPackage: package), packageLimits_uw[package])
        case .core(let package): return lowest(power_uw(of: .package(package)) / 10 * 7, coreLimits_uw[package])
        case .dram(let package):
            return machine.hasDRAM ? lowest(machine.demand_uw(ofPackage: package) / 10, dramLimits_uw[package]) : 0
        case .psys:
            var sum: UInt64 = 15_000_000
            for package in 0..<machine.packages { sum += power_uw(of: .package(package)) + power_uw(of: .dram(package)) }
            return sum
        }
    }

    private func lowest(_ demand_uw: UInt64, _ limits_uw: [UInt64]) -> UInt64 { limits_uw.reduce(demand_uw, min) }
}

/// An energy counter: it starts again from 0 where it would reach `range_uj`.
struct EnergyCounter {
    let range_uj: UInt64
    private(set) var value_uj: UInt64
    /// Below one microjoule, in µW·ns.
    private var rest: UInt64 = 0

    init(range_uj: UInt64, start_uj: UInt64) {
        self.range_uj = range_uj
        value_uj = start_uj % range_uj
    }

    mutating func add(_ power_uw: UInt64, for time_ns: UInt64) {
        // 4 kW for an hour is 2^73 of these: multiplied at full width.
        let product = power_uw.multipliedFullWidth(by: time_ns)
        let (whole_uj, remainder) = (1_000_000_000 as UInt64).dividingFullWidth(product)
        rest += remainder
        value_uj = (value_uj + whole_uj % range_uj + rest / 1_000_000_000) % range_uj
        rest %= 1_000_000_000
    }
}
