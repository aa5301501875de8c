internal import Policy
internal import PowercapProtocol

// What a recording can't say for a configuration.

extension Recording {
    /// Which of its devices a policy governs, by their kind: their driver is of no matter in a replay.
    func governed(by policy: PowerPolicy) -> [Int] {
        devices.indices.filter { index in policy.govern.contains { $0.kind == devices[index].kind } }
    }

    /// How many devices of a kind it has.
    fileprivate func count(_ kind: DeviceKind) -> Int { devices.count { $0.kind == kind } }
}

extension Replay {
    /// Each a sentence; none where the recording says all that is needed.
    func caveats(of recording: Recording) -> [String] {
        let policy = configuration.policy
        var caveats: [String] = []
        if policy.strategy == .idleDown {
            caveats.append("STRATEGY=idle-down goes by the processors, which a recording doesn't have: it is left out")
        }
        for kind in [DeviceKind.package, .gpu] {
            let isGoverned = policy.govern.contains { $0.kind == kind }
            let noun = kind == .gpu ? "GPU" : "package"
            if isGoverned, recording.count(kind) == 0 {
                caveats.append("GOVERN names \(noun)s, and none was recorded: the others have all of the limit")
            } else if !isGoverned, recording.count(kind) > 0 {
                caveats.append(
                    "GOVERN names no \(noun)s: those that were recorded draw what they drew, and have no part of the limit")
            }
        }
        let isFar = UInt64(recording.apart.rawValue) * 1_000_000 > SharedPower.longest_ns
        let apart = "looks every \(SharedPower.step.words), and the samples are \(recording.apart.roughly) apart"
        if policy.split == .demand, isFar {
            caveats.append(
                "SPLIT=demand \(apart): the limit is divided in proportion (record with --interval \(SharedPower.step.setting))")
        }
        guard policy.budgetOf == .server else { return caveats }
        if !recording.hasMeter {
            caveats.append(
                "BUDGET_OF=server goes by the server's meter, and none was recorded: as in `run`, the devices keep what they have, and no more than "
                    + "the server may take, for a minute, and then have their floors")
        } else if isFar {
            caveats.append(
                "BUDGET_OF=server \(apart): what the meter would have shown in between is missing (record with --interval \(SharedPower.step.setting))"
            )
        }
        if policy.govern.contains(where: { $0.kind == .server }) {
            caveats.append("what a cap of the whole server does by itself isn't recorded: it is left out")
        }
        return caveats
    }
}
