import PowercapProtocol
import Testing

@testable import Fleet

private func coordinator(_ terms: [BudgetTerms], nodes: Int = 2, maximum: UInt64 = 300) -> Coordinator {
    let leadership = Leadership(epoch: 1, sent_ns: 0, duration_ns: 1_000 * second_ns)
    var coordinator = Coordinator(leadership: leadership, earlierTTL_ms: 20_000)
    coordinator.set(terms)
    for number in 1...nodes { coordinator.place("n\(number)", in: terms.map { Membership($0.name) }, now_ns: 0) }
    return coordinator
}

private let site = BudgetTerms(name: "site", limit: .watts(400), maximum: .watts(300), contingencyNodes: 0)

extension Coordinator {
    /// Both reports that it takes to be believed.
    fileprivate mutating func greet(_ report: Report, now_ns: UInt64) throws -> Grant {
        var report = report
        report.epoch = 0
        _ = try answer(report, now_ns: now_ns)
        (report.epoch, report.nonce) = (1, report.nonce + 1)
        return try answer(report, now_ns: now_ns)
    }
}

struct CoordinatorTests {
    @Test("the first report of a boot is answered without a grant; the next one, which has the epoch, with one")
    func greeting() throws {
        var coordinator = coordinator([site], nodes: 1)
        let first = try coordinator.answer(.test(nonce: 1, epoch: 0), now_ns: 0)
        #expect(first.limit == nil && first.epoch == 1 && first.askAgain_ms <= 100)
        let second = try coordinator.answer(.test(nonce: 2), now_ns: 0)
        #expect(second.limit == .watts(300) || second.limit == .watts(100))
    }

    @Test("who isn't heard counts at the maximum until earlier grants have ended, and without a record also after that")
    func unheard() throws {
        var coordinator = coordinator([site])
        _ = try coordinator.greet(.test("n1", nonce: 1), now_ns: 0)
        var grant = try coordinator.answer(.test("n1", nonce: 5), now_ns: second_ns)
        #expect(grant.limit == .watts(100), "100 of 400 beside one at 300")
        #expect(coordinator.overview(now_ns: second_ns)[0].silent == 1)
        _ = try coordinator.answer(.test("n1", nonce: 6), now_ns: 15 * second_ns)
        grant = try coordinator.answer(.test("n1", nonce: 7), now_ns: 30 * second_ns)
        #expect(grant.limit == .watts(100))
    }

    @Test("a node that nobody knows counts at the maximum also where the limit is less, and goes down to its minimum")
    func night() throws {
        var coordinator = coordinator([BudgetTerms(name: "site", limit: .zero, minimum: .watts(30), maximum: .watts(300))])
        coordinator.tick(now_ns: 0)
        #expect(coordinator.overview(now_ns: 0)[0].counted == .watts(600))
        let grant = try coordinator.greet(.test("n1", nonce: 1, inForce: 300), now_ns: 0)
        let next = try coordinator.answer(.test("n1", nonce: 5, inForce: 300), now_ns: second_ns)
        #expect(grant.limit == .watts(30) || next.limit == .watts(30))
    }

    @Test("a grant tells how many nodes are silent at that moment, whether one was just heard, boots or falls silent")
    func silent() throws {
        var coordinator = coordinator([site], nodes: 3)
        var silent = try coordinator.greet(.test("n1", nonce: 1), now_ns: 0).budgets[0].silent
        #expect(silent == 2)
        silent = try coordinator.greet(.test("n2", nonce: 1), now_ns: second_ns).budgets[0].silent
        #expect(silent == 1)
        silent = try coordinator.greet(.test("n3", nonce: 1), now_ns: 2 * second_ns).budgets[0].silent
        #expect(silent == 0)
        silent = try coordinator.answer(.test("n2", boot: 2, nonce: 1), now_ns: 3 * second_ns).budgets[0].silent
        #expect(silent == 1)
        silent = try coordinator.answer(.test("n1", nonce: 9), now_ns: 21 * second_ns).budgets[0].silent
        #expect(silent == 1)
        silent = try coordinator.answer(.test("n1", nonce: 10), now_ns: 23 * second_ns).budgets[0].silent
        #expect(silent == 2, "n3 was heard last 21 s ago, and n2 has said nothing since it booted")
    }

    @Test("nodes ask every two seconds; of more than 1,000 less often, but several times while a grant holds")
    func pace() throws {
        for (nodes, ttl_ms, expected_ms) in [
            (1, 20_000, 2_000), (1_000, 20_000, 2_000), (1_001, 20_000, 2_001), (1_500, 20_000, 2_500), (2_000, 20_000, 3_000),
            (9_000, 120_000, 3_000), (2_000, 10_000, 2_000), (2_000, 12_000, 2_400),
        ] as [(Int, UInt64, UInt64)] {
            var terms = BudgetTerms(name: "site", limit: .watts(3_000_000), maximum: .watts(300), contingencyNodes: 0)
            terms.ttl_ms = ttl_ms
            var coordinator = coordinator([terms], nodes: nodes)
            _ = try coordinator.greet(.test(nonce: 1, inForce: 300), now_ns: second_ns)
            let grant = try coordinator.answer(.test(nonce: 3, inForce: 300), now_ns: 2 * second_ns)
            #expect(grant.limit == .watts(300) && grant.askAgain_ms == expected_ms, "\(nodes) nodes, \(ttl_ms) ms")
        }
    }

    @Test("what a late report says is in force isn't granted again when it has ended, and others may have the room")
    func late() throws {
        var coordinator = coordinator([site])
        coordinator.remember(NodeRecord(node: "n2", ceiling: .watts(300), rest: .watts(50), bootsAtRest: true), now_ns: 0)
        _ = try coordinator.greet(.test("n1", nonce: 1, inForce: 300), now_ns: 0)
        _ = try coordinator.greet(.test("n2", nonce: 1, inForce: 50), now_ns: 19 * second_ns)
        // It was heard last at 0 s.
        _ = try coordinator.answer(.test("n2", nonce: 3, inForce: 50), now_ns: 21 * second_ns)
        let other = try coordinator.answer(.test("n2", nonce: 4, inForce: 50), now_ns: 22 * second_ns)
        #expect(other.limit == .watts(300))
        let late = try coordinator.answer(.test("n1", nonce: 3, inForce: 300), now_ns: 22 * second_ns)
        #expect(late.limit == .watts(100))
    }

    @Test("with a record it counts at its rest when an earlier coordinator's grants have ended")
    func record() throws {
        var coordinator = coordinator([site])
        coordinator.remember(NodeRecord(node: "n2", ceiling: .watts(300), rest: .watts(50), bootsAtRest: true), now_ns: 0)
        _ = try coordinator.greet(.test("n1", nonce: 1), now_ns: second_ns)
        var grant = try coordinator.answer(.test("n1", nonce: 5), now_ns: 19 * second_ns)
        #expect(grant.limit == .watts(100))
        grant = try coordinator.answer(.test("n1", nonce: 6), now_ns: 21 * second_ns)
        #expect(grant.limit == .watts(300))
    }

    @Test(
        "P17: what an earlier coordinator granted for longer than today's grants hold counts to its end, though the node has been heard"
    )
    func longerBefore() throws {
        var terms = site
        terms.ttl_ms = 10_000
        var coordinator = coordinator([terms])
        coordinator.remember(NodeRecord(node: "n2", ceiling: .watts(300), rest: .watts(50), bootsAtRest: true), now_ns: 0)
        _ = try coordinator.greet(.test("n1", nonce: 1), now_ns: 0)
        // The answers to these are lost, and so are all that it says from then on.
        _ = try coordinator.greet(.test("n2", nonce: 1, inForce: 200, rest: 50), now_ns: second_ns)
        #expect(!coordinator.isAfterEarlierGrants(now_ns: second_ns))
        _ = try coordinator.answer(.test("n1", nonce: 5), now_ns: 18 * second_ns)
        var grant = try coordinator.answer(.test("n1", nonce: 6), now_ns: 19 * second_ns)
        #expect(grant.limit == .watts(200), "n2 may have 200 W until 20 s")
        #expect(coordinator.overview(now_ns: 19 * second_ns)[0].silent == 1)
        grant = try coordinator.answer(.test("n1", nonce: 7), now_ns: 21 * second_ns)
        #expect(grant.limit == .watts(300))
        #expect(coordinator.isAfterEarlierGrants(now_ns: 21 * second_ns))
    }

    @Test("a node that has no more than its rest holds no grant that anybody has to wait for")
    func atRest() throws {
        var terms = site
        terms.ttl_ms = 10_000
        var coordinator = coordinator([terms], nodes: 1)
        #expect(!coordinator.isAfterEarlierGrants(now_ns: 0))
        _ = try coordinator.greet(.test(nonce: 1, inForce: 50, rest: 50), now_ns: 0)
        #expect(coordinator.isAfterEarlierGrants(now_ns: 0))
    }

    @Test("growth waits until the other one says that it went down")
    func growth() throws {
        var coordinator = coordinator([site])
        _ = try coordinator.greet(.test("n1", nonce: 1, inForce: 300), now_ns: 0)
        _ = try coordinator.greet(.test("n2", nonce: 1, inForce: 100), now_ns: 0)
        let up = try coordinator.answer(.test("n2", nonce: 3, inForce: 100), now_ns: second_ns)
        #expect(up.limit == .watts(100) && up.askAgain_ms < 1_000 && up.budgets[0].isBinding)
        let down = try coordinator.answer(.test("n1", nonce: 3, inForce: 300), now_ns: second_ns)
        #expect(down.limit == .watts(200))
        let waits = try coordinator.answer(.test("n2", nonce: 4, inForce: 100), now_ns: 2 * second_ns)
        #expect(waits.limit == .watts(100))
        _ = try coordinator.answer(.test("n1", nonce: 4, inForce: 200), now_ns: 2 * second_ns)
        let grown = try coordinator.answer(.test("n2", nonce: 5, inForce: 100), now_ns: 3 * second_ns)
        #expect(grown.limit == .watts(200))
        #expect(coordinator.overview(now_ns: 3 * second_ns)[0].isWithin)
    }

    @Test("refused: overtaken, of an earlier boot, of a later epoch, of a node in no budget, and all without a valid Lease")
    func refused() throws {
        var coordinator = coordinator([site])
        _ = try coordinator.greet(.test("n1", nonce: 5), now_ns: 0)
        #expect(throws: Refusal.overtaken) { try coordinator.answer(.test("n1", nonce: 6), now_ns: 0) }
        let again = try coordinator.answer(.test("n1", boot: 2, nonce: 1), now_ns: 0)
        #expect(again.limit == nil)
        #expect(throws: Refusal.overtaken) { try coordinator.answer(.test("n1", nonce: 9), now_ns: 0) }
        #expect(throws: Refusal.superseded) { try coordinator.answer(.test("n2", epoch: 2), now_ns: 0) }
        #expect(throws: Refusal.inNoBudget("n3")) { try coordinator.answer(.test("n3"), now_ns: 0) }
        #expect(throws: Refusal.notLeading) { try coordinator.answer(.test("n2"), now_ns: 990 * second_ns) }
    }

    @Test("a rest is granted when the record has it, where there is one that has less")
    func restsAreKeptFirst() throws {
        var terms = site
        terms.minimum = .watts(80)
        var coordinator = coordinator([terms], nodes: 1)
        coordinator.remember(NodeRecord(node: "n1", ceiling: .watts(300), rest: .watts(50), bootsAtRest: true), now_ns: 0)
        var grant = try coordinator.greet(.test(nonce: 1), now_ns: 0)
        #expect(grant.minimum == .watts(50))
        let handed = coordinator.pendingRecords()
        let pending = try #require(handed)
        #expect(pending.records == [NodeRecord(node: "n1", ceiling: .watts(300), rest: .watts(80), bootsAtRest: true)])
        grant = try coordinator.answer(.test(nonce: 3), now_ns: second_ns)
        #expect(grant.minimum == .watts(50))
        coordinator.recorded(upTo: pending.version)
        let more = coordinator.pendingRecords()
        #expect(more == nil)
        grant = try coordinator.answer(.test(nonce: 4), now_ns: 2 * second_ns)
        #expect(grant.minimum == .watts(80))
    }
}
