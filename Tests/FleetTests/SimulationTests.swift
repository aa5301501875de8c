import FleetSimulator
import Testing

struct SimulationTests {
    /// `Tests/fleet/run` runs a million steps of the same, compiled for speed.
    @Test("P17: in no world of a seed is more in force than a budget allows", arguments: 0..<20 as Range<UInt64>)
    func budgets(_ seed: UInt64) {
        var world = World(seed: seed)
        world.run(steps: 1_500)
        #expect(world.broken == nil, "seed \(seed), step \(world.steps)")
    }

    @Test("a seed is the same world every time")
    func seeds() {
        var (one, other) = (World(seed: 7, isTraced: true), World(seed: 7, isTraced: true))
        one.run(steps: 1_000)
        other.run(steps: 1_000)
        #expect(one.trace == other.trace && one.now_ns == other.now_ns && one.counts.taken == other.counts.taken)
        #expect(one.counts.taken > 0)
    }
}
