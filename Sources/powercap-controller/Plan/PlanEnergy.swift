internal import Policy
internal import PowercapProtocol
internal import Text

/// What a plan's limits let through, for loads that draw all they may.
struct PlanEnergy: Equatable {
    /// In µW·ms: by the limits of the plan.
    private(set) var allowed: UInt128 = 0
    /// In µW·ms: by the packages' ceilings, as without limits.
    private(set) var uncapped: UInt128 = 0
    /// Where the signal is so much for each of a unit of energy: of what is let through, and of what would be without limits, in that
    /// measure times µW·ms. Where the signal wasn't there nothing is added.
    private(set) var weighed: (allowed: Double, uncapped: Double) = (0, 0)
    /// Of so much time the signal is known.
    private(set) var weighed_ms: UInt64 = 0

    static func == (left: PlanEnergy, right: PlanEnergy) -> Bool {
        (left.allowed, left.uncapped, left.weighed_ms) == (right.allowed, right.uncapped, right.weighed_ms)
            && left.weighed == right.weighed
    }

    /// Takes a line that holds for a time.
    mutating func note(_ line: Plan.Line, for time: Milliseconds) {
        let (limit, ceiling) = (line.decision.nodeLimit, line.decision.ceiling)
        allowed += UInt128(limit.rawValue) * UInt128(time.rawValue)
        uncapped += UInt128(ceiling.rawValue) * UInt128(time.rawValue)
        guard let signal = line.signal, signal.isFinite else { return }
        weighed.allowed += signal * Double(limit.rawValue) * Double(time.rawValue)
        weighed.uncapped += signal * Double(ceiling.rawValue) * Double(time.rawValue)
        weighed_ms += time.rawValue
    }

    /// `At most 3.210 kWh, of 8.880 kWh without limits (36 %).`
    func sentence(unit: EnergyUnit?) -> String {
        var text = "What is drawn is at most \(Energy.words(allowed)), of \(Energy.words(uncapped)) without limits (\(share))"
        if let unit, weighed_ms > 0 {
            text += ": at most \(unit.words(weighed.allowed)) of \(unit.words(weighed.uncapped))"
        }
        return text + "."
    }

    private var share: String {
        uncapped == 0 ? "-" : "\((allowed * 100 + uncapped / 2) / uncapped) %"
    }
}

extension Plan {
    /// Of decisions that are closer together than the lines that are shown may be.
    private static let finest = Milliseconds.seconds(300)

    /// What its limits let through, however far apart its lines are.
    var energy: PlanEnergy {
        var energy = PlanEnergy()
        let fine = Plan(configuration, packages, data: data, first: first, days: days, step: Swift.min(step, Plan.finest))
        for line in fine { energy.note(line, for: fine.step(of: line)) }
        return energy
    }

    /// For how long a line holds: to the next one, or to the plan's end.
    private func step(of line: Line) -> Milliseconds {
        Milliseconds(Swift.min(step.rawValue, UInt64(endSeconds - line.moment.seconds) * 1_000))
    }
}

/// An amount of energy, in µW·ms, as one would say it.
enum Energy {
    /// `83.120 Wh`, `3.210 kWh`
    static func words(_ amount: UInt128) -> String {
        // 3.6e9 of them are a milliwatt hour.
        let milliwattHours = UInt64(clamping: (amount + 1_800_000_000) / 3_600_000_000)
        return milliwattHours < 1_000_000
            ? fixed(milliwattHours, places: 3) + " Wh" : fixed((milliwattHours + 500) / 1_000, places: 3) + " kWh"
    }
}

/// What a signal counts for each unit of energy: grams of carbon dioxide for a kWh, a price for a MWh.
struct EnergyUnit: Equatable, Sendable {
    /// `gCO2`, `EUR`, …
    let measure: String
    /// In kWh.
    private let energy_kWh: Double

    /// - Parameter text: such as `gCO2/kWh` or `EUR/MWh`; nil for what isn't so much for each of an energy.
    init?(_ text: String) {
        let parts = text.split(separator: "/", omittingEmptySubsequences: false)
        guard parts.count == 2, !parts[0].isEmpty, let energy = ["Wh": 0.001, "kWh": 1, "MWh": 1_000][String(parts[1])] else {
            return nil
        }
        (measure, energy_kWh) = (String(parts[0]), energy)
    }

    /// - Parameter amount: a sum of signal × µW·ms.
    func words(_ amount: Double) -> String {
        // 3.6e15 µW·ms are a kWh.
        let total = amount / 3.6e15 / energy_kWh
        let places = abs(total) < 10 ? 3 : abs(total) < 1_000 ? 1 : 0
        let scale = (0..<places).reduce(1.0) { power, _ in power * 10 }
        guard abs(total * scale) < 1e15 else { return "\(total) \(measure)" }
        let rounded = (total * scale).rounded()
        return "\(rounded < 0 ? "-" : "")\(fixed(UInt64(abs(rounded)), places: places)) \(measure)"
    }
}

/// A whole number of `10^-places` with all of its decimals.
func fixed(_ value: UInt64, places: Int) -> String {
    let scale = (0..<places).reduce(UInt64(1)) { power, _ in power * 10 }
    let fraction = String(value % scale)
    return places == 0
        ? "\(value)" : "\(value / scale).\(String(repeating: "0", count: places - fraction.utf8.count))\(fraction)"
}
