import JSON
import LinuxSystem
import PowercapProtocol
import Testing

@testable import Fleet
@testable import powercap_controller

struct BudgetEventTests {
    private typealias Facts = BudgetCondition.Facts

    private static func facts(_ change: (inout BudgetOverview) -> Void = { _ in }) -> Facts { Facts(overview: overview(change)) }

    private static let well = facts()
    private static let shrinking = facts { $0.counted = Microwatts(950_000_000) }
    private static let belowMinimums = facts { ($0.counted, $0.minimum) = (Microwatts(950_000_000), Microwatts(1_100_000_000)) }
    private static let silent = facts { $0.silent = 2 }
    private static let silentAndOver = facts { ($0.counted, $0.silent) = (Microwatts(950_000_000), 2) }
    private static let above = facts { $0.aboveMaximum = ["n1"] }
    private static var stale: Facts {
        var facts = well
        facts.lack = "the source says nothing of now"
        return facts
    }
    private static var missing: Facts { Facts(missing: [1], overview: nil) }
    private static var invalid: Facts {
        var facts = well
        facts.problem = "spec.maximumMilliwatts is missing"
        return facts
    }

    /// What stands on an object of which so much was so.
    private func status(_ facts: Facts) -> JSON {
        BudgetStatus(generation: 1, conditions: BudgetCondition.all(facts), overview: facts.overview)
            .patch(beside: nil, at: Clock.Wall(seconds: 1_000))["status"]!
    }

    private func reasons(_ before: Facts?, _ after: Facts) -> [BudgetEvent.Reason] {
        BudgetEvent.changes(from: before.map(status), to: BudgetCondition.all(after)).map(\.reason)
    }

    @Test("a budget that begins well tells nothing, and one that doesn't tells why")
    func first() {
        #expect(reasons(nil, Self.well) == [])
        #expect(reasons(nil, Self.shrinking) == [])
        #expect(reasons(nil, Self.belowMinimums) == [.belowMinimums])
        #expect(reasons(nil, Self.invalid) == [.invalid])
    }

    @Test("what goes wrong is told, and that it is over; nothing is told again that stands there")
    func changes() {
        for (bad, told, over) in [
            (Self.invalid, .invalid, .accepted), (Self.belowMinimums, .belowMinimums, .withinLimit),
            (Self.silent, .nodesSilent, .recovered), (Self.stale, .sourceFailed, .recovered),
            (Self.missing, .shardsMissing, .recovered), (Self.above, .nodesAboveMaximum, .recovered),
        ] as [(Facts, BudgetEvent.Reason, BudgetEvent.Reason)] {
            #expect(reasons(Self.well, bad) == [told])
            #expect(reasons(bad, bad) == [])
            #expect(reasons(bad, Self.well) == [over])
        }
    }

    @Test("a limit that fell, and is kept a moment later, is nobody's to act on")
    func falling() {
        #expect(reasons(Self.well, Self.shrinking) == [])
        #expect(reasons(Self.shrinking, Self.well) == [])
        // But what was told is over then.
        #expect(reasons(Self.belowMinimums, Self.shrinking) == [.shrinking])
    }

    @Test("silent nodes are one thing, though two conditions are what they are by them")
    func silence() {
        #expect(reasons(Self.well, Self.silentAndOver) == [.nodesSilent])
        #expect(reasons(Self.silentAndOver, Self.well) == [.withinLimit, .recovered])
    }

    @Test("an Event says what the condition does, and is about that condition")
    func words() throws {
        let event = try #require(BudgetEvent.changes(from: nil, to: BudgetCondition.all(Self.belowMinimums)).first)
        #expect(event.subject == "WithinBudget" && event.note.contains("lower minimumMilliwatts"))
        let taken = BudgetEvent.takenOver("powercap-coordinator-1", shard: 0, wait_s: 20)
        #expect(
            taken.note
                == "powercap-coordinator-1 leads shard 0 and answers nodes from now on: until each is heard, or 20 s are over, it counts at its "
                + "ceiling, so that others may have less for a moment.")
    }
}
