import FleetSimulator
import Testing

@testable import Fleet

private func share(
    _ demand: UInt64, least: UInt64 = 10, ceiling: UInt64 = 300, priority: Int = 0, weight: UInt64 = 1, isFixed: Bool = false
) -> Allocation.Share {
    Allocation.Share(
        least: least * 1_000_000, ceiling: ceiling * 1_000_000, jump: ceiling * 1_000_000, demand: demand * 1_000_000,
        priority: priority, weight: weight, isFixed: isFixed)
}

/// In watts, to the next.
private func divided(_ shares: [Allocation.Share], _ bounds: [(limit: UInt64, contingency: Int, members: [Int])]) -> [UInt64] {
    var allocation = Allocation()
    allocation.shares = shares
    allocation.bounds = bounds.map {
        var bound = Allocation.Bound(limit: $0.limit * 1_000_000, contingency: $0.contingency)
        bound.members = $0.members
        return bound
    }
    allocation.divide()
    return allocation.shares.map { ($0.result + 500_000) / 1_000_000 }
}

struct AllocationTests {
    @Test(
        "minimums first, then what is wanted by priority and weight, and the rest to all",
        arguments: [
            ([share(300), share(300)], 200, [100, 100]), ([share(300), share(50)], 200, [150, 50]),
            ([share(300), share(50)], 700, [300, 300]), ([share(100), share(50)], 250, [125, 125]),
            ([share(300, priority: 1), share(300)], 200, [190, 10]), ([share(300, priority: 1), share(300)], 400, [300, 100]),
            ([share(50, priority: 1), share(300)], 200, [50, 150]), ([share(300, weight: 3), share(300)], 200, [150, 50]),
            ([share(300), share(300, least: 150)], 200, [50, 150]), ([share(300), share(300, least: 250)], 200, [10, 250]),
            ([share(300), share(200, least: 120, ceiling: 120, isFixed: true)], 200, [80, 120]),
        ] as [([Allocation.Share], UInt64, [UInt64])])
    func one(_ shares: [Allocation.Share], _ limit: UInt64, _ results: [UInt64]) {
        #expect(divided(shares, [(limit, 0, Array(shares.indices))]) == results)
    }

    @Test("of several budgets the one that has least for a node counts, and what it can't use is the others'")
    func several() {
        let shares = Array(repeating: share(300), count: 4)
        #expect(divided(shares, [(600, 0, [0, 1, 2, 3]), (100, 0, [0, 1])]) == [50, 50, 250, 250])
        #expect(divided(shares, [(400, 0, [0, 1, 2, 3]), (100, 0, [0, 1]), (260, 0, [1, 2])]) == [50, 50, 150, 150])
    }

    @Test("room is kept for K jumps, and a node whose jump that is may have it")
    func contingency() {
        // (n − K) · a + K · ceiling = limit
        #expect(divided(Array(repeating: share(300), count: 4), [(900, 1, [0, 1, 2, 3])]) == [200, 200, 200, 200])
        #expect(divided(Array(repeating: share(300), count: 4), [(900, 2, [0, 1, 2, 3])]) == [150, 150, 150, 150])
        // 100 each is what there is beside the jump of the large one to 1000; for that it costs nothing until its jump is no wider than 200.
        #expect(divided([share(300), share(300), share(1_000, ceiling: 1_000)], [(1_200, 1, [0, 1, 2])]) == [100, 100, 800])
    }

    @Test("no budget is exceeded, everybody is between the least and the ceiling, and nothing is left that somebody could use")
    func properties() {
        for seed in UInt64(0)..<2_000 {
            var random = Seeded(seed)
            let count = Int(random.below(7)) + 1
            var allocation = Allocation()
            allocation.shares = (0..<count).map { _ in
                let ceiling = random.below(300) + 10
                let isFixed = random.once(in: 6)
                let least = random.below(min(ceiling, 40))
                return share(
                    random.below(400), least: least, ceiling: isFixed ? least : ceiling, priority: Int(random.below(3)),
                    weight: random.below(4) + 1, isFixed: isFixed)
            }
            allocation.bounds = (0..<random.below(3) + 1).map { _ in
                var bound = Allocation.Bound(limit: random.below(1_200) * 1_000_000, contingency: Int(random.below(3)))
                bound.members = (0..<count).filter { _ in random.below(4) > 0 }
                return bound
            }
            // Everybody is in one.
            allocation.bounds[0].members = Array(0..<count)
            allocation.divide()
            func whole(_ bound: Allocation.Bound) -> UInt64 {
                let shares = bound.members.map { allocation.shares[$0] }
                return shares.reduce(0) { $0 + $1.result }
                    + shares.map { $0.jump - min($0.jump, $0.result) }.sorted(by: >).prefix(bound.contingency).reduce(0, +)
            }
            for bound in allocation.bounds where !bound.isExceeded { #expect(whole(bound) <= bound.limit, "seed \(seed)") }
            for index in 0..<count {
                let share = allocation.shares[index]
                #expect(share.result >= share.least && share.result <= max(share.least, share.ceiling), "seed \(seed)")
                guard !share.isFixed, share.result + 1_000_000 < share.ceiling else { continue }
                // A watt more would be too much for some budget.
                allocation.shares[index].result += 1_000_000
                let isFull = allocation.bounds.contains { $0.members.contains(index) && ($0.isExceeded || whole($0) > $0.limit) }
                allocation.shares[index].result -= 1_000_000
                #expect(isFull, "seed \(seed), node \(index)")
            }
        }
    }
}
