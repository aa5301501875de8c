import JSON
import PowercapProtocol
import Testing

@testable import Fleet
@testable import powercap_controller

struct GrantDeskTests {
    private static let report = Report(
        node: "n1", boot: BootID("6f1c2a0e-91b3-4d7f-8a55-0123456789ab")!, nonce: 1, epoch: 0, inForce: Microwatts(100_000_000),
        rest: Microwatts(50_000_000), floor: Microwatts(20_000_000), ceiling: Microwatts(200_000_000),
        demand: Microwatts(200_000_000), bootsAtRest: true)
    private static let grant = Grant(
        epoch: 1, nonce: 1, limit: Microwatts(100_000_000), minimum: .zero, ttl_ms: 20_000, askAgain_ms: 2_000)

    private func ask(
        _ desk: inout GrantDesk, _ verdict: Verdict = .node("n1"), _ body: [UInt8] = report.bytes, at now_ns: UInt64 = 0,
        closed: GrantReply? = nil, refusal: Refusal? = nil
    ) -> GrantReply {
        desk.answer(
            body: body, now_ns: now_ns, judge: { verdict },
            coordinator: { _ throws(Refusal) in
                if let refusal { throw refusal }
                return GrantDeskTests.grant
            }, closed: closed)
    }

    private func cause(_ reply: GrantReply) -> GrantReply.Cause? {
        if case .refused(let cause, _, _) = reply { cause } else { nil }
    }

    @Test("whose token it is comes before what is said: strangers learn nothing of the fleet")
    func order() {
        var desk = GrantDesk()
        for (verdict, expected) in [
            (Verdict.pending, GrantReply.Cause.pending), (.refused("no"), .unauthorized), (.forbidden("no"), .forbidden),
            (.unknown("no"), .pending), (.node("n1"), .malformed),
        ] { #expect(cause(ask(&desk, verdict, Array("x".utf8))) == expected) }
    }

    @Test("a closed coordinator says so whoever asks, and has who asks looked up meanwhile")
    func closed() {
        var (desk, looks) = (GrantDesk(), 0)
        let closed = GrantReply.refused(.following, "another one leads", retryAfter_s: 1)
        let reply = desk.answer(
            body: [], now_ns: 0,
            judge: {
                looks += 1
                return .refused("no")
            }, coordinator: { _ throws(Refusal) in GrantDeskTests.grant }, closed: closed)
        #expect(reply == closed && looks == 1)
        #expect(desk.counts == ["following": 1])
    }

    @Test("a report of another node than the token's is refused, and both are named")
    func other() {
        var desk = GrantDesk()
        #expect(
            ask(&desk, .node("n2"))
                == .refused(.forbidden, "The token is of a pod on the node n2, and the report is one of n1."))
    }

    @Test("another version of the messages has a status of its own")
    func version() {
        var desk = GrantDesk()
        let text = String(decoding: Self.report.bytes, as: UTF8.self).replacing("\"version\":1", with: "\"version\":2")
        #expect(cause(ask(&desk, .node("n1"), Array(text.utf8))) == .version)
    }

    @Test("ten reports at once are taken, then five a second, of each node for itself")
    func flood() {
        var desk = GrantDesk()
        for _ in 0..<10 { #expect(cause(ask(&desk)) == nil) }
        #expect(cause(ask(&desk)) == .flood)
        #expect(cause(ask(&desk, .node("n2"))) == .forbidden)
        for tenth in UInt64(1)...20 {
            #expect((cause(ask(&desk, at: tenth * 100_000_000)) == nil) == (tenth % 2 == 0))
        }
    }

    @Test(
        "what the ledger refuses",
        arguments: [
            (Refusal.notLeading, GrantReply.Cause.following, 503), (.superseded, .following, 503), (.overtaken, .overtaken, 503),
            (.inNoBudget("n1"), .uncovered, 404),
        ] as [(Refusal, GrantReply.Cause, UInt32)])
    func ledger(_ refusal: Refusal, _ expected: GrantReply.Cause, _ status: UInt32) {
        var desk = GrantDesk()
        let reply = ask(&desk, refusal: refusal)
        #expect(cause(reply) == expected && expected.status == status)
    }

    @Test("every outcome is counted by its name")
    func counts() {
        var desk = GrantDesk()
        _ = ask(&desk)
        _ = ask(&desk, .pending)
        _ = ask(&desk, .pending)
        #expect(desk.counts == ["granted": 1, "pending": 2])
    }
}
