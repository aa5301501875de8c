import PowercapProtocol
import Testing

@testable import Fleet

private let standing = Tenure.Standing(
    inForce: .watts(100), rest: .watts(50), floor: .watts(20), ceiling: .watts(300), demand: .watts(300), bootsAtRest: true)

private func tenure() -> Tenure { Tenure(node: "n1", boot: .test(1), lease_ns: 5 * second_ns) }

extension Grant {
    fileprivate static func test(
        _ report: Report, epoch: UInt64 = 1, limit: UInt64? = 90, minimum: UInt64 = 0, askAgain_ms: UInt64 = 2_000
    ) -> Grant {
        Grant(
            epoch: epoch, nonce: report.nonce, limit: limit.map { .watts($0) }, minimum: .watts(minimum), ttl_ms: 20_000,
            askAgain_ms: askAgain_ms)
    }
}

private func expect(_ outcome: Tenure.Outcome, _ expected: Tenure.Outcome, at location: SourceLocation = #_sourceLocation) {
    #expect(outcome == expected, sourceLocation: location)
}

struct TenureTests {
    @Test("a grant holds from the report's sending for 99 % of its time, less the helper's lease and half a second")
    func time() {
        for delay_s in [UInt64(0), 1, 13] {
            var tenure = tenure()
            let report = tenure.ask(standing, now_ns: 100 * second_ns)
            expect(tenure.take(.test(report), now_ns: (100 + delay_s) * second_ns), .taken)
            #expect(tenure.ends_ns == 114_300_000_000)
            #expect(tenure.limit(at: 114_299_999_999) == .watts(90))
            #expect(tenure.limit(at: 114_300_000_000) == nil)
        }
        var tenure = tenure()
        let report = tenure.ask(standing, now_ns: 100 * second_ns)
        expect(tenure.take(.test(report), now_ns: 114_300_000_000), .late)
        #expect(tenure.limit(at: 114_300_000_000) == nil)
    }

    @Test("only the answer to the newest report is taken")
    func newest() {
        var tenure = tenure()
        let first = tenure.ask(standing, now_ns: second_ns)
        let second = tenure.ask(standing, now_ns: second_ns)
        #expect(second.nonce > first.nonce)
        expect(tenure.take(.test(first), now_ns: second_ns), .overtaken)
        #expect(tenure.limit(at: second_ns) == nil)
        expect(tenure.take(.test(second), now_ns: second_ns), .taken)
    }

    @Test("a controller that starts again goes on above what the one before it had")
    func restart() {
        var before = tenure()
        var last: Report?
        for step in 1...1_000 as ClosedRange<UInt64> { last = before.ask(standing, now_ns: step * 50_000_000) }
        var after = tenure()
        let next = after.ask(standing, now_ns: 50_010_000_000)
        #expect(next.nonce > last!.nonce)
    }

    @Test("an epoch below the highest one seen is refused, until a ttl has passed since")
    func epoch() {
        var tenure = tenure()
        var report = tenure.ask(standing, now_ns: second_ns)
        #expect(report.epoch == 0)
        expect(tenure.take(.test(report, epoch: 7), now_ns: second_ns), .taken)
        report = tenure.ask(standing, now_ns: 2 * second_ns)
        #expect(report.epoch == 7)
        expect(tenure.take(.test(report, epoch: 6), now_ns: 2 * second_ns), .superseded)
        report = tenure.ask(standing, now_ns: 21 * second_ns)
        #expect(report.epoch == 0)
        expect(tenure.take(.test(report, epoch: 1), now_ns: 21 * second_ns), .taken)
    }

    @Test("an answer that grants nothing yet leaves what is held, and its epoch is in the next report")
    func nothingYet() {
        var tenure = tenure()
        var report = tenure.ask(standing, now_ns: second_ns)
        _ = tenure.take(.test(report), now_ns: second_ns)
        report = tenure.ask(standing, now_ns: 3 * second_ns)
        expect(tenure.take(.test(report, epoch: 2, limit: nil, askAgain_ms: 100), now_ns: 3 * second_ns), .nothingYet)
        #expect(tenure.limit(at: 3 * second_ns) == .watts(90) && tenure.ends_ns == 15_300_000_000)
        #expect(tenure.asksAgain_ns <= 3_100_000_000)
        report = tenure.ask(standing, now_ns: 4 * second_ns)
        #expect(report.epoch == 2)
    }

    @Test("the rest is the minimum, never below the floor and never above what is in force")
    func rest() {
        var tenure = tenure()
        #expect(tenure.rest(held: nil, inForce: .watts(100), floor: .watts(20)) == .watts(20))
        #expect(tenure.rest(held: .watts(40), inForce: .watts(100), floor: .watts(20)) == .watts(40))
        let report = tenure.ask(standing, now_ns: second_ns)
        _ = tenure.take(.test(report, minimum: 60), now_ns: second_ns)
        #expect(tenure.rest(held: .watts(40), inForce: .watts(100), floor: .watts(20)) == .watts(60))
        #expect(tenure.rest(held: .watts(40), inForce: .watts(30), floor: .watts(20)) == .watts(30))
        #expect(tenure.rest(held: .watts(40), inForce: .watts(100), floor: .watts(70)) == .watts(70))
    }

    @Test("until the answer to a report is taken, nothing goes above what the report says, though a grant that holds allows it")
    func unanswered() {
        var tenure = tenure()
        var report = tenure.ask(standing, now_ns: second_ns)
        _ = tenure.take(.test(report, limit: 200, minimum: 80), now_ns: second_ns)
        #expect(tenure.limit(at: 2 * second_ns) == .watts(200), "it may go up late")
        #expect(tenure.rest(held: .watts(50), inForce: .watts(200), floor: .watts(20)) == .watts(80))

        var open: [Tenure] = []
        report = tenure.ask(standing, now_ns: 3 * second_ns)
        open.append(tenure)
        tenure.fail(now_ns: 4 * second_ns)
        open.append(tenure)
        let next = tenure.ask(standing, now_ns: 5 * second_ns)
        expect(tenure.take(.test(report, limit: 200), now_ns: 5 * second_ns), .overtaken)
        open.append(tenure)
        expect(tenure.take(.test(next, limit: nil), now_ns: 5 * second_ns), .nothingYet)
        open.append(tenure)
        for tenure in open {
            #expect(tenure.limit(at: 5 * second_ns) == .watts(100))
            #expect(tenure.granted(at: 5 * second_ns) == .watts(200))
            #expect(tenure.rest(held: .watts(50), inForce: .watts(100), floor: .watts(20)) == .watts(50))
        }
        expect(tenure.take(.test(next, limit: 200, minimum: 80), now_ns: 5 * second_ns), .taken)
        #expect(tenure.limit(at: 5 * second_ns) == .watts(200))
        #expect(tenure.rest(held: .watts(50), inForce: .watts(200), floor: .watts(20)) == .watts(80))
    }

    @Test("it asks every two seconds, a little apart from others; at once when hurried; ever later without an answer")
    func pace() {
        var tenure = tenure()
        var times: Set<UInt64> = []
        for _ in 0..<100 {
            let report = tenure.ask(standing, now_ns: second_ns)
            _ = tenure.take(.test(report), now_ns: second_ns)
            #expect((2_750_000_000...3_000_000_000).contains(tenure.asksAgain_ns))
            times.insert(tenure.asksAgain_ns)
        }
        #expect(times.count > 10)
        tenure.hurry(now_ns: second_ns + 1)
        #expect(tenure.asksAgain_ns == 1_050_000_000, "not sooner than a moment after the last time")
        let report = tenure.ask(standing, now_ns: second_ns)
        tenure.hurry(now_ns: second_ns + 1)
        _ = tenure.take(.test(report), now_ns: second_ns + 10_000_000)
        #expect(tenure.asksAgain_ns == 1_050_000_000, "also where an answer is under way, which can't know of it")
        var waits: [UInt64] = []
        for _ in 0..<8 {
            _ = tenure.ask(standing, now_ns: second_ns)
            tenure.fail(now_ns: second_ns)
            waits.append(tenure.asksAgain_ns - second_ns)
        }
        #expect(waits[0] <= 250_000_000 && waits[7] >= 1_500_000_000 && waits[7] <= 3_000_000_000)
        tenure.fail(retryAfter_ms: 10_000, now_ns: second_ns)
        #expect((6 * second_ns...11 * second_ns).contains(tenure.asksAgain_ns))
    }
}
