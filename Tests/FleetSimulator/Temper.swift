/// How a world is: what a seed makes likely in it.
struct Temper {
    var nodes = 4
    /// Of each shard.
    var offices = 2
    var shards = 1
    /// How many nodes may jump at once.
    var contingency = 0
    /// Of messages, in percent.
    var lost: UInt64 = 0
    var doubled: UInt64 = 0
    /// Of messages: once in so many times they take up to `longest_ms`.
    var slowOnce: UInt64 = 1_000
    var longest_ms: UInt64 = 1_000
    /// Of requests to the API server, and of its answers: once in so many times they take up to so long.
    var storeSlowOnce: UInt64 = 20
    var storeLongest_ms: UInt64 = 1_000
    var stopsParents = false
    /// What an agent waits for an answer.
    var patience_ms: UInt64 = 3_000
    /// Between two records, at most.
    var keepsEvery_ms: UInt64 = 2_000
    /// Between two troubles.
    var troubleEvery_ms: UInt64 = 2_000
    /// How likely each kind is.
    var weights: [Trouble: UInt64] = [:]

    static let all: [Trouble] = [
        .agentDies, .nodeReboots, .nodeIsOff, .nodeSleeps, .helperDies, .nodeIsCutOff, .officePauses, .officeDies, .storeIsAway,
        .budgetChanges, .minimumChanges, .membershipChanges, .demand,
        .nodeIsHeldBack, .partIsLost, .parentIsAway,
    ]

    init(_ random: inout Seeded, shards: Int) {
        self.shards = shards
        nodes = Int(random.within(2...5))
        offices = Int(random.within(1...3))
        contingency = random.once(in: 3) ? Int(random.within(1...2)) : 0
        if random.once(in: 2) { (lost, doubled) = (random.below(20), random.below(20)) }
        if random.once(in: 2) { (slowOnce, longest_ms) = (random.within(3...50), random.within(500...20_000)) }
        patience_ms = random.once(in: 2) ? 3_000 : random.within(500...20_000)
        troubleEvery_ms = random.within(500...5_000)
        // What is changed on purpose is frequent: power has to move for a mistake to be seen.
        for trouble in Self.all.dropLast(2) { weights[trouble] = random.once(in: 2) ? 0 : random.within(1...4) }
        weights[.demand] = random.within(10...60)
        switch random.below(5) {
        case 0: break
        case 1:
            // Messages that are late.
            (slowOnce, longest_ms, patience_ms) = (
                random.within(2...8), random.within(5_000...25_000), random.within(1_000...25_000)
            )
            (lost, doubled, contingency) = (random.below(10), random.below(30), 0)
            weights[.nodeIsCutOff] = random.within(0...10)
        case 2:
            // Leaders that change.
            offices = Int(random.within(2...3))
            for trouble in [Trouble.officePauses, .storeIsAway, .officeDies] { weights[trouble] = random.within(2...8) }
            weights[.nodeIsCutOff] = random.within(0...4)
        case 3:
            // Minimums that rise, and records that are kept late.
            (contingency, keepsEvery_ms) = (0, random.within(2_000...30_000))
            for trouble in [Trouble.minimumChanges, .nodeIsCutOff, .officeDies] { weights[trouble] = random.within(8...20) }
            weights[.nodeIsOff] = 0
            troubleEvery_ms = random.within(1_000...4_000)
        default:
            // Nodes that nobody hears.
            weights[.nodeIsCutOff] = random.within(3...10)
            weights[.agentDies] = random.within(2...10)
            weights[.minimumChanges] = random.within(1...5)
        }
        // Nodes that go up late, by what they were granted before.
        if random.once(in: 3) { weights[.nodeIsHeldBack] = random.within(5...20) }
        (weights[.partIsLost], weights[.parentIsAway]) = (0, 0)
        storeLongest_ms = min(longest_ms, 5_000)
        guard shards > 1 else { return }
        nodes += 3
        if random.once(in: 3) { weights[.partIsLost] = random.within(1...6) }
        // Parts move where a budget's limit stays as it is.
        if !random.once(in: 3) { weights[.budgetChanges] = 0 }
        switch random.below(3) {
        case 0:
            // Parents that change, and what each has under way comes late.
            (storeSlowOnce, storeLongest_ms) = (random.within(2...12), random.within(3_000...25_000))
            offices = Int(random.within(2...3))
            stopsParents = random.once(in: 2)
            for trouble in [Trouble.officePauses, .storeIsAway, .officeDies] { weights[trouble] = random.within(1...6) }
        case 1:
            // No parent for long, while the limit changes.
            weights[.parentIsAway] = random.within(2...8)
            weights[.budgetChanges] = random.within(1...4)
            troubleEvery_ms = random.within(3_000...8_000)
        default: break
        }
    }
}

enum Trouble: Hashable {
    case agentDies, nodeReboots, nodeIsOff, nodeSleeps, helperDies, nodeIsCutOff, officePauses, officeDies, storeIsAway
    case budgetChanges, minimumChanges, membershipChanges, demand, nodeIsHeldBack, partIsLost, parentIsAway
}
