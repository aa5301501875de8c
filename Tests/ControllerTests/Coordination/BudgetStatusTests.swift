import JSON
import LinuxSystem
import PowercapProtocol
import Testing

@testable import Fleet
@testable import powercap_controller

struct BudgetStatusTests {
    private func facts(_ change: (inout BudgetCondition.Facts) -> Void = { _ in }) -> BudgetCondition.Facts {
        var facts = BudgetCondition.Facts(overview: overview())
        change(&facts)
        return facts
    }

    private func words(_ facts: BudgetCondition.Facts) -> [String] {
        BudgetCondition.all(facts).map { "\($0.type.rawValue)=\($0.isTrue) \($0.reason)" }
    }

    @Test("all is well")
    func well() {
        #expect(words(facts()) == ["Ready=true Accepted", "WithinBudget=true WithinLimit", "Degraded=false AsExpected"])
    }

    @Test("an object that isn't followed, with and without an earlier one")
    func invalid() {
        let held = facts { ($0.problem, $0.isHeld) = ("spec.maximumMilliwatts is missing", true) }
        #expect(words(held)[0] == "Ready=false Invalid")
        #expect(BudgetCondition.all(held)[0].message == "spec.maximumMilliwatts is missing. What it said before holds.")
        let never = facts { $0.problem = "x" }
        #expect(BudgetCondition.all(never)[0].message.contains("no more than their minimums"))
    }

    @Test("too much is counted: why")
    func over() {
        func reason(_ change: (inout BudgetOverview) -> Void) -> String? {
            BudgetCondition.all(facts { $0.overview = overview(change) }).first { $0.type == .within && !$0.isTrue }?.reason
        }
        #expect(reason { $0.counted = Microwatts(950_000_000) } == "Shrinking")
        #expect(
            reason { ($0.counted, $0.minimum) = (Microwatts(950_000_000), Microwatts(1_100_000_000)) } == "MinimumsExceedLimit")
        #expect(reason { ($0.counted, $0.silent) = (Microwatts(950_000_000), 2) } == "NodesSilent")
        #expect(reason { $0.counted = Microwatts(900_000_000) } == nil)
    }

    @Test("just after a takeover nothing is said of nodes that haven't had the time to be heard")
    func beginning() {
        let beginning = facts {
            $0.isBeginning = true
            $0.overview = overview { ($0.counted, $0.silent) = (Microwatts(2_000_000_000), 10) }
        }
        #expect(words(beginning) == ["Ready=true Accepted"])
    }

    @Test("what is degraded, the source first")
    func degraded() {
        #expect(words(facts { $0.lack = "the source says nothing of now" }).last == "Degraded=true SourceStale")
        #expect(words(facts { $0.overview = overview { $0.aboveMaximum = ["n1"] } }).last == "Degraded=true NodesAboveMaximum")
        #expect(words(facts { $0.overview = overview { $0.silent = 2 } }).last == "Degraded=true NodesSilent")
        #expect(words(facts { $0.overview = overview { $0.silent = 1 } }).last == "Degraded=false AsExpected")
    }

    // MARK: Writing

    private func status(_ change: (inout BudgetOverview) -> Void = { _ in }, generation: UInt64 = 1) -> BudgetStatus {
        let overview = overview(change)
        return BudgetStatus(
            generation: generation, conditions: BudgetCondition.all(BudgetCondition.Facts(overview: overview)), overview: overview
        )
    }

    private func standing(_ status: BudgetStatus, before: JSON? = nil, at seconds: Int64 = 1_000) -> JSON {
        status.patch(beside: before, at: Clock.Wall(seconds: seconds))["status"]!
    }

    @Test("nothing is written where nothing changed, and noise is none")
    func calm() {
        let standing = standing(status())
        #expect(status().urgency(beside: nil) == .conditions)
        #expect(status().urgency(beside: standing) == .none)
        #expect(status { $0.counted = Microwatts(899_000_000) }.urgency(beside: standing) == .none)
        #expect(status { $0.counted = Microwatts(880_000_000) }.urgency(beside: standing) == .numbers)
        #expect(status { $0.silent = 1 }.urgency(beside: standing) == .numbers)
        #expect(status { $0.counted = Microwatts(950_000_000) }.urgency(beside: standing) == .conditions)
        #expect(status(generation: 2).urgency(beside: standing) == .conditions)
    }

    @Test("a condition keeps the time of its last change, and others' conditions stay")
    func times() {
        let foreign: JSON = ["type": "Audited", "status": "True"]
        var before = standing(status())
        before = .object(
            (before.members ?? []) + [.init("conditions", .list((before["conditions"]?.elements ?? []) + [foreign]))])
        let after = standing(status { $0.counted = Microwatts(950_000_000) }, before: before, at: 2_000)
        let conditions = after["conditions"]?.elements ?? []
        #expect(conditions.count == 4 && conditions.contains(foreign))
        func time(_ type: String) -> String? { conditions.first { $0["type"]?.text == type }?["lastTransitionTime"]?.text }
        #expect(time("Ready") == "1970-01-01T00:16:40Z")
        #expect(time("WithinBudget") == "1970-01-01T00:33:20Z")
    }
}
