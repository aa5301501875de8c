// What Tests/fleet/run runs of the simulation: worlds of seeds with every rule, the same with one rule off, and many nodes.
import Fleet
import FleetSimulator

@main
enum Simulate {
    static var rules: [(name: String, path: WritableKeyPath<Rules, Bool>)] {
        [
            ("countsFromSending", \.countsFromSending), ("takesNewestOnly", \.takesNewestOnly),
            ("leavesTimeForLease", \.leavesTimeForLease), ("keepsToReport", \.keepsToReport),
            ("waitsForEarlierGrants", \.waitsForEarlierGrants), ("fences", \.fences), ("wantsEcho", \.wantsEcho),
            ("waitsForAcknowledgement", \.waitsForAcknowledgement), ("countsBootsAtCeiling", \.countsBootsAtCeiling),
            ("keepsContingency", \.keepsContingency), ("recordsFirst", \.recordsFirst), ("dropsOvertaken", \.dropsOvertaken),
            ("acknowledgesFirst", \.acknowledgesFirst), ("acknowledgesKept", \.acknowledgesKept), ("needsParent", \.needsParent),
            ("shrinksFirst", \.shrinksFirst), ("countsLostParts", \.countsLostParts),
            ("claimsParts", \.claimsParts),
            ("countsGrants", \.countsGrants), ("countsRests", \.countsRests), ("repeatsWhatCounts", \.repeatsWhatCounts),
        ]
    }

    static func main() {
        var arguments = CommandLine.arguments.dropFirst()
        let verb = arguments.popFirst() ?? ""
        let numbers = arguments.compactMap { UInt64($0) }
        switch verb {
        case "worlds" where numbers.count == 2: worlds(numbers[0], Int(numbers[1]))
        case "seed" where numbers.count == 2: show(numbers[0], Int(numbers[1]))
        case "without" where numbers.count == 2:
            guard let rule = rules.first(where: { $0.name == arguments.first }) else { fatalError("no such rule") }
            without(rule.name, rule.path, numbers[0], Int(numbers[1]))
        case "rules": for rule in rules { print(rule.name) }
        case "scale" where numbers.count == 2: scale(Int(numbers[0]), Int(numbers[1]))
        default:
            fatalError("simulate worlds SEEDS STEPS | seed SEED STEPS | without RULE SEEDS STEPS | rules | scale NODES CHANGES")
        }
    }

    static func worlds(_ seeds: UInt64, _ steps: Int) {
        var (total, counts) = (0, World.Counts())
        for seed in 0..<seeds {
            var world = World(seed: seed)
            world.run(steps: steps)
            total += world.steps
            counts.taken += world.counts.taken
            counts.leaders += world.counts.leaders
            counts.jumps += world.counts.jumps
            if let broken = world.broken {
                print("not ok P17: FLEET_SEED=\(seed), step \(world.steps): \(broken)")
                return
            }
        }
        print(
            "ok P17: \(total) steps of \(seeds) worlds: \(counts.taken) grants taken, \(counts.leaders) leaders, \(counts.jumps) jumps, "
                + "and never more in force than a budget allows")
    }

    static func show(_ seed: UInt64, _ steps: Int) {
        var world = World(seed: seed, isTraced: true)
        world.run(steps: steps)
        for line in world.trace { print(line) }
        print(world.broken.map { "not ok P17: step \(world.steps): \($0)" } ?? "ok seed \(seed): \(world.steps) steps")
    }

    static func without(_ name: String, _ path: WritableKeyPath<Rules, Bool>, _ seeds: UInt64, _ steps: Int) {
        var rules = Rules()
        rules[keyPath: path] = false
        for seed in 0..<seeds {
            var world = World(seed: seed, rules: rules)
            world.run(steps: steps)
            guard let broken = world.broken else { continue }
            print("ok without \(name) seed \(seed) breaks at step \(world.steps): \(broken)")
            return
        }
        print("not ok without \(name): \(seeds) worlds, and none of them breaks: who would notice that the rule is gone?")
    }

    static func scale(_ nodes: Int, _ changes: Int) {
        let result = Scale.run(nodes: nodes, changes: changes, isSeen: true)
        let work = Scale.run(nodes: nodes, changes: changes, isSeen: false)
        func percentile(_ percent: Int, _ of: Scale.Result) -> UInt64 {
            of.settled_ms[min(of.settled_ms.count * percent / 100, of.settled_ms.count - 1)]
        }
        print(
            "\(nodes) nodes: \(changes) changes of what half of them want: all limits settled in \(percentile(50, result)) ms (p50), "
                + "\(percentile(99, result)) ms (p99); \(rounded(result.moves)) writes a node and change, \(rounded(result.swung * 100)) % of limits went "
                + "up and down again; at most \(rounded(result.highest * 100)) % of the budget in force; \(Int(result.answers)) answers a second; "
                + "from the work's change on, which is seen within 2 s, \(percentile(50, work)) ms and \(percentile(99, work)) ms"
        )
        // Of so many in one coordinator all ask less often, and of more those that wait do, too.
        let most_ms: UInt64 = nodes > 2_000 ? 5_500 : nodes > 1_000 ? 4_500 : 3_000
        let isKept = percentile(99, result) <= most_ms && max(result.highest, work.highest) <= 1
        print("\(isKept ? "ok" : "not ok") \(nodes) nodes within \(most_ms) ms")
    }

    static func rounded(_ value: Double) -> Double { Double(Int(value * 100 + 0.5)) / 100 }
}
