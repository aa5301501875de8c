import FleetSimulator
import Testing

@testable import Fleet

struct ContingencyTests {
    @Test("the K largest and their sum are those of a sort, after every change")
    func largest() {
        for seed in UInt64(0)..<200 {
            var random = Seeded(seed)
            var values = (0..<random.below(12)).map { _ in random.below(20) }
            let count = Int(random.below(5))
            var contingency = Contingency(values, largest: count)
            for _ in 0..<60 {
                let sorted = values.sorted(by: >)
                #expect(contingency.sum == sorted.prefix(count).reduce(0, +), "seed \(seed)")
                for index in values.indices {
                    var others = values
                    others.remove(at: index)
                    let most = others.sorted(by: >).prefix(count)
                    let found = contingency.others(than: index)
                    guard count <= others.count else { continue }
                    #expect(found.least == most.last ?? 0, "seed \(seed)")
                    #expect(found.most == most.dropLast().reduce(0, +), "seed \(seed)")
                }
                guard let index = values.indices.randomElement(using: &random) else { break }
                values[index] = random.below(20)
                contingency.set(index, to: values[index])
            }
        }
    }

    @Test("the room for a node is the most that it may count at")
    func room() {
        for seed in UInt64(0)..<400 {
            var random = Seeded(seed)
            let ceilings = (0..<random.below(6) + 1).map { _ in random.below(20) + 1 }
            let counted = ceilings.map { random.below($0 + 1) }
            let tally = Tally(limit: random.below(80), counted: counted, ceilings: ceilings, contingency: Int(random.below(4)))
            for slot in counted.indices {
                var most: UInt64?
                for value in 0...ceilings[slot] {
                    var changed = tally
                    changed.set(slot, counted: value, ceiling: ceilings[slot])
                    if changed.whole <= tally.limit { most = value }
                }
                #expect(tally.room(for: slot).map { min($0, ceilings[slot]) } == most, "seed \(seed)")
            }
        }
    }
}
