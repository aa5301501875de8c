/// Which directories and files the kernel shows for a machine (drivers/powercap/powercap_sys.c), as a plain list: names,
/// modes and contents are those of Linux 6.1 on a two-socket server.
///
/// Left out are the files whose reading fails in hardware (`max_power_uw` of psys and core answers ENODATA): a plain file
/// can't do that.
struct Layout {
    struct File: Equatable {
        let name: String
        let mode: UInt32
        let contents: String
    }

    /// What a zone's energy counter counts.
    enum Counter: Equatable { case package(Int), core(Int), dram(Int), psys }

    struct Zone {
        /// Below the root: `intel-rapl/intel-rapl:0/intel-rapl:0:0`.
        let path: String
        let counter: Counter
        let energyRange_uj: UInt64
        let files: [File]
    }

    private(set) var controlTypes: [String] = []
    /// Parents before children.
    private(set) var zones: [Zone] = []

    static let packageRange_uj: UInt64 = 262_143_328_850
    static let dramRange_uj: UInt64 = 65_712_999_613

    init(of machine: Machine) {
        addControlType("intel-rapl", of: machine)
        if machine.hasMMIO { addControlType("intel-rapl-mmio", of: machine) }
    }

    private struct Constraint {
        let name: String
        let limit_uw: UInt64
        let window_us: UInt64
        /// Nil where reading it fails.
        let maxPower_uw: UInt64?
    }

    private mutating func addControlType(_ type: String, of machine: Machine) {
        controlTypes.append(type)
        let isMMIO = type != "intel-rapl"
        var index = 0
        for package in 0..<machine.packages {
            let path = add(index, in: type, below: type, package: package, machine)
            index += 1
            if isMMIO { continue }
            addSubzones(of: path, package: package, machine)
            // The driver registers psys with the first package that has it.
            if package == 0 && machine.hasPsys {
                add(
                    "\(type)/\(type):\(hexadecimal(index))", "psys", .psys, Layout.packageRange_uj, machine,
                    [
                        Constraint(name: "long_term", limit_uw: 400_000_000, window_us: 999_424, maxPower_uw: nil),
                        Constraint(name: "short_term", limit_uw: 500_000_000, window_us: 9_760, maxPower_uw: nil),
                    ])
                index += 1
            }
        }
    }

    private mutating func add(_ index: Int, in type: String, below parent: String, package: Int, _ machine: Machine) -> String {
        let path = "\(parent)/\(type):\(hexadecimal(index))"
        let maximum: UInt64 = machine.maxPowerIsZero ? 0 : 150_000_000
        add(
            path, "package-\(package)", .package(package), Layout.packageRange_uj, machine,
            [
                Constraint(name: "long_term", limit_uw: 150_000_000, window_us: 999_424, maxPower_uw: maximum),
                Constraint(name: "short_term", limit_uw: 180_000_000, window_us: 9_760, maxPower_uw: 2 * maximum),
            ])
        return path
    }

    private mutating func addSubzones(of parent: String, package: Int, _ machine: Machine) {
        let id = parent.split(separator: "/").last!
        var index = 0
        if machine.hasCore {
            add(
                "\(parent)/\(id):\(index)", "core", .core(package), Layout.packageRange_uj, machine,
                [
                    Constraint(name: "long_term", limit_uw: 0, window_us: 976, maxPower_uw: nil)
                ])
            index += 1
        }
        if machine.hasDRAM {
            add(
                "\(parent)/\(id):\(index)", "dram", .dram(package), Layout.dramRange_uj, machine,
                [
                    Constraint(
                        name: "long_term", limit_uw: 0, window_us: 976, maxPower_uw: machine.maxPowerIsZero ? 0 : 41_250_000)
                ])
        }
    }

    private mutating func add(
        _ path: String, _ name: String, _ counter: Counter, _ range_uj: UInt64, _ machine: Machine, _ constraints: [Constraint]
    ) {
        var isLimited = false
        switch counter {
        case .package, .psys: isLimited = true
        case .core, .dram: isLimited = false
        }
        var files = [
            File(name: "enabled", mode: 0o644, contents: isLimited ? "1" : "0"),
            File(name: "energy_uj", mode: 0o400, contents: "\(machine.energyStart_uj % range_uj)"),
            File(name: "max_energy_range_uj", mode: 0o444, contents: "\(range_uj)"),
            File(name: "name", mode: 0o444, contents: name),
        ]
        for (number, constraint) in constraints.enumerated() where !machine.isMonitorOnly {
            let prefix = "constraint_\(number)"
            files.append(File(name: "\(prefix)_name", mode: 0o444, contents: constraint.name))
            files.append(File(name: "\(prefix)_power_limit_uw", mode: 0o644, contents: "\(constraint.limit_uw)"))
            files.append(File(name: "\(prefix)_time_window_us", mode: 0o644, contents: "\(constraint.window_us)"))
            if let maximum = constraint.maxPower_uw {
                files.append(File(name: "\(prefix)_max_power_uw", mode: 0o444, contents: "\(maximum)"))
            }
        }
        zones.append(Zone(path: path, counter: counter, energyRange_uj: range_uj, files: files))
    }

    private func hexadecimal(_ index: Int) -> String { String(index, radix: 16) }
}
