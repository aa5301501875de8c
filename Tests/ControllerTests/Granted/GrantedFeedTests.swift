import HTTP
import PowercapProtocol
import TestSupport
import Testing

@testable import Fleet
@testable import Policy
@testable import powercap_controller

extension GrantedNode {
    fileprivate var reading: SourceReading {
        powerSource(for: .test { $0.source = .granted }, data: feed.data).reading(at: Moment(seconds: 0))
    }

    /// What is in force, as if the loop had done what the feed says.
    fileprivate func obey() {
        let reading = feed.bounded(reading)
        stand(reading.power, rest: min(reading.fallback ?? .watts(300), reading.power))
        feed.noteSet()
    }
}

struct GrantedFeedTests {
    @Test("before anything is granted the node is at its floor, or where its helper would go, and never above what is in force")
    func first() {
        for (inForce, rest, expected) in [(300, 300, 20), (300, 60, 60), (40, 300, 20), (15, 300, 15), (40, 60, 40)]
            as [(UInt64, UInt64, UInt64)]
        {
            let node = GrantedNode(started: false)
            node.stand(.watts(inForce), rest: .watts(rest))
            #expect(node.feed.refresh())
            #expect(node.reading.power == .watts(expected), "\(inForce) \(rest)")
            #expect(node.reading.lack?.cause == .notGranted && node.reading.fallback == .watts(expected))
            #expect(node.caller.reports.isEmpty)
        }
    }

    @Test("P17: a grant holds from its answer until its time, counted from the sending, has only the helper's lease left")
    func grantEnds() {
        let node = GrantedNode()
        node.look()
        node.obey()
        #expect(node.caller.reports.map(\.inForce) == [.watts(300)])
        node.sleep(400)
        node.caller.grant(120, minimum: 50)
        #expect(node.feed.refresh())
        #expect(node.reading.power == .watts(120) && node.reading.lack == nil && node.reading.fallback == .watts(50))
        node.obey()
        // Of 20 s less 1 % less 5.5 s. Nobody answers any more.
        node.sleep(13_899)
        node.look()
        #expect(node.reading.power == .watts(120))
        node.sleep(1)
        #expect(node.feed.due_ns == 0)
        #expect(node.feed.refresh())
        #expect(node.reading.power == .watts(50))
        #expect(node.reading.lack?.cause == .grantEnded)
    }

    @Test("P17: a machine that was asleep wakes up without what its grant would have been over for")
    func asleep() {
        let node = GrantedNode()
        node.look()
        node.caller.grant(120, minimum: 50)
        node.look()
        node.obey()
        node.sleep(3_600_000)
        #expect(node.feed.due_ns == 0)
        #expect(node.feed.refresh() && node.reading.power == .watts(50))
    }

    @Test("P17: until it is known what became of a report, nothing goes above what it says was in force, nor the rest")
    func raisedLate() {
        let node = GrantedNode()
        node.look()
        node.caller.grant(200, minimum: 80)
        node.look()
        // Something else holds the limit down: a ramp, an order, a node without work.
        node.stand(.watts(60), rest: .watts(60))
        #expect(node.feed.bounded(node.reading).power == .watts(200))
        node.pass(2_100)
        #expect(node.caller.reports.last?.inForce == .watts(60) && node.caller.isBusy)
        let bounded = node.feed.bounded(node.reading)
        #expect(bounded.power == .watts(60) && bounded.fallback == .watts(60))
        // What comes back doesn't say.
        node.caller.answer(.problem(.failed(place: "", .silent), retryAfter_ms: nil))
        node.look()
        #expect(node.feed.bounded(node.reading).power == .watts(60))
        node.pass(1_000)
        node.caller.grant(150, minimum: 80)
        #expect(node.feed.refresh())
        #expect(node.feed.bounded(node.reading).power == .watts(150))
    }

    @Test("P17: control that was lost and is back is no reason to forget what was reported")
    func controlAgain() {
        let node = GrantedNode()
        node.look()
        node.caller.grant(200)
        node.look()
        node.standing?.inForce = .watts(60)
        node.pass(2_100)
        node.feed.end()
        node.feed.begin(boot: GrantedNode.boot, lease_ns: 5_000_000_000)
        #expect(node.feed.bounded(node.reading).power == .watts(60))
    }

    @Test("without control nothing is reported, and with it at once")
    func control() {
        let node = GrantedNode()
        node.look()
        node.caller.grant(200)
        node.look()
        node.feed.end()
        node.pass(10_000)
        #expect(node.caller.reports.count == 1)
        node.feed.begin(boot: GrantedNode.boot, lease_ns: 5_000_000_000)
        node.pass(50)
        #expect(node.caller.reports.count == 2)
    }

    @Test("a limit that was lowered, and another demand, are said at once; what is a little else isn't")
    func urgent() {
        let node = GrantedNode()
        node.look()
        node.obey()
        node.caller.grant(200)
        node.look()
        node.obey()
        // From 300 W.
        node.pass(100)
        #expect(node.caller.reports.map(\.inForce) == [.watts(300), .watts(200)])
        node.caller.grant(200)
        node.look()
        node.standing?.demand = .watts(154)
        node.feed.noteDemand()
        node.pass(100)
        #expect(node.caller.reports.count == 2)
        node.standing?.demand = .watts(200)
        node.feed.noteDemand()
        node.pass(100)
        #expect(node.caller.reports.map(\.demand).last == .watts(200) && node.caller.reports.count == 3)
    }

    @Test("a report that is due shortly before the node's work is looked at goes with that look; one that is urgent doesn't wait")
    func withTheLook() {
        let node = GrantedNode()
        node.look()
        node.obey()
        // What was lowered at first is said at once.
        for _ in 0..<2 {
            node.caller.grant(200)
            node.look()
            node.obey()
            node.pass(100)
        }
        node.caller.grant(200)
        node.look()
        node.feed.noteDemand()
        let before = node.caller.reports.count
        // It is due from 1.75 s on, and 2 s after the answer at the latest. A turn that looks asks for news first.
        node.pass(2_000)
        #expect(node.caller.reports.count == before)
        node.standing?.demand = .watts(250)
        node.feed.noteDemand()
        #expect(node.caller.reports.count == before + 1 && node.caller.reports.last?.demand == .watts(250))
        node.caller.grant(150)
        node.look()
        node.obey()
        node.pass(100)
        #expect(node.caller.reports.map(\.inForce).last == .watts(150) && node.caller.reports.count == before + 2)
        // Where nobody looks it is sent all the same.
        node.caller.grant(150)
        node.look()
        node.pass(2_250)
        #expect(node.caller.reports.count == before + 3)
    }

    @Test("what is to be said while an answer is under way is said when that has come")
    func urgentLater() {
        let node = GrantedNode()
        node.look()
        node.standing?.inForce = .watts(100)
        node.feed.noteSet()
        node.pass(500)
        #expect(node.caller.reports.count == 1)
        node.caller.grant(100)
        node.look()
        node.pass(100)
        #expect(node.caller.reports.count == 2)
    }

    @Test(
        "what grants nothing is told by what it is, counted, and leaves what is in force",
        arguments: [
            (.answer(401, "no token"), "denied", "GRANT_TOKEN_FILE"), (.answer(403, "another node"), "other-node", "NODE_NAME"),
            (.answer(404, "in no budget"), "no-budget", "PowerBudget"), (.answer(413, ""), "not-understood", "413"),
            (.answer(426, ""), "version", "one release"), (.answer(429, ""), "too-often", "too often"),
            (.answer(503, "not the leader"), "not-leading", "leader"), (.answer(500, ""), "server-error", "500"),
            (.bytes("garbage"), "unreadable", "isn't JSON"), (.bytes("{\"version\":2}"), "version", "Version 2"),
            (.bytes("{\"version\":1}"), "unreadable", "epoch is missing"), (.lost(.silent), "silent", "in time"),
            (.lost(.untrusted("x")), "untrusted", "GRANT_CA_FILE"), (.superseded, "superseded", "taken over"),
            (.late, "late", "too slow"),
        ] as [(Mishap, String, String)])
    func mishaps(_ mishap: Mishap, _ kind: String, _ words: String) throws {
        let node = GrantedNode()
        node.look()
        node.caller.grant(200)
        node.look()
        node.pass(2_100)
        #expect(node.caller.isBusy)
        switch mishap {
        case .answer(let status, let words):
            node.caller.answer(.problem(.refused(place: "https://coordinator", status: status, words: words), retryAfter_ms: nil))
        case .bytes(let text): node.caller.answer(.grant(Array(text.utf8), place: "https://coordinator"))
        case .lost(let problem): node.caller.answer(.problem(.failed(place: "https://coordinator", problem), retryAfter_ms: nil))
        case .superseded: node.caller.grant(300, epoch: 6)
        case .late:
            node.sleep(14_400)
            node.caller.grant(300)
        }
        node.look()
        #expect(node.reading.power == (mishap == .late ? .watts(20) : .watts(200)))
        #expect(node.feed.state.counts == ["taken": 1, kind: 1])
        let sentence = try #require(node.feed.trouble)
        #expect(sentence.contains(words) && !sentence.hasSuffix("."), "\(sentence)")
        // And it is asked again.
        node.pass(4_000)
        #expect(node.caller.reports.count >= 3)
        node.caller.grant(100, epoch: 9)
        node.look()
        #expect(node.feed.trouble == nil && node.reading.power == .watts(100))
    }

    enum Mishap: Equatable, Sendable {
        case answer(Int, String)
        case bytes(String)
        case lost(HTTPProblem)
        case superseded, late
    }

    @Test("an answer to another report, or one that grants nothing yet, raises nothing")
    func nothing() {
        let node = GrantedNode()
        node.look()
        node.obey()
        node.caller.grant(300, nonce: 1)
        node.look()
        #expect(node.reading.lack?.cause == .notGranted && node.feed.state.counts == ["overtaken": 1])
        node.pass(4_000)
        node.caller.grant(nil, askAgain_ms: 100)
        node.look()
        #expect(node.reading.lack?.cause == .notGranted && node.feed.state.counts == ["overtaken": 1, "nothing-yet": 1])
        node.pass(400)
        #expect(node.caller.reports.last?.epoch == 7)
    }

    @Test("a coordinator that says for how long it is to be left alone is left alone for so long")
    func retryAfter() {
        let node = GrantedNode()
        node.look()
        node.caller.answer(.problem(.refused(place: "", status: 429, words: ""), retryAfter_ms: 20_000))
        node.look()
        node.pass(9_900)
        #expect(node.caller.reports.count == 1)
        node.pass(10_200)
        #expect(node.caller.reports.count == 2)
    }

    @Test("P17: a helper that takes longer to notice than before ends what is granted: it is asked for anew")
    func longerLease() {
        let node = GrantedNode()
        node.look()
        node.caller.grant(200)
        node.look()
        node.standing?.inForce = .watts(200)
        node.feed.end()
        node.feed.begin(boot: GrantedNode.boot, lease_ns: 8_000_000_000)
        node.look()
        #expect(node.reading.lack != nil)
    }
}
