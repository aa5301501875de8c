internal import Policy
internal import PowercapProtocol
internal import Text

/// What a plan's limits let through, for loads that draw all they may.
struct PlanEnergy {
    /// In µW·ms: by the limits of the plan.
    private(set) var allowed: UInt128 = 0
    /// In µW·ms: by the packages' ceilings, as without limits.
    private(set) var uncapped: UInt128 = 0
    /// Where the signal is so much for each of a unit of energy: of what is let through, and of what would be without limits, in that
    /// measure times µW·ms. Where the signal wasn't there nothing is added.
    private(set) var weighed: (allowed: Double, uncapped: Double) = (0, 0)
    /// Of so much time the signal is known.
    private(set) var weighed_ms: UInt64 = 0

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

    /// Also of what the signal counts, where it is so much for each unit of energy.
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
        let fine = Plan(
            configuration, devices, data: data, rest: rest, first: first, days: days, step: Swift.min(step, Plan.finest))
        for line in fine { energy.note(line, for: fine.step(of: line)) }
        return energy
    }

    /// The same in a sentence.
    var energyWords: String { energy.sentence(unit: configuration.unitOfSignal.flatMap { EnergyUnit($0) }) }

    /// For how long a line holds: to the next one, or to the plan's end.
    private func step(of line: Line) -> Milliseconds {
        Milliseconds(Swift.min(step.rawValue, UInt64(endSeconds - line.moment.seconds) * 1_000))
    }
}
