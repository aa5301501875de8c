import PowercapProtocol
import Testing

@testable import Fleet

struct PartTests {
    @Test(
        "P17: a shard uses the smaller of what is given and what is acknowledged, and nothing without a parent",
        arguments: [
            (given: 800, acknowledged: 500, follows: true, usable: 500), (500, 800, true, 500), (500, 500, true, 500),
            (500, nil, true, 0), (500, 500, false, 0),
        ] as [(UInt64, UInt64?, Bool, UInt64)])
    func usable(_ given: UInt64, _ acknowledged: UInt64?, _ follows: Bool, _ usable: UInt64) {
        let part = Part(given: .watts(given), acknowledged: acknowledged.map { .watts($0) })
        #expect(part.usable(followsParent: follows) == .watts(usable))
    }

    @Test(
        "a larger part is acknowledged at once, and a smaller one when all that nodes may have fits",
        arguments: [
            // Given, acknowledged, counted, beginning; what is to be acknowledged.
            (800, 500, 400, false, 800), (500, 800, 700, false, 700), (500, 800, 795, false, nil), (500, 800, 500, false, 500),
            (500, 501, 500, false, 500), (500, 500, 300, false, nil), (500, 500, 600, false, 600), (500, nil, 700, false, 700),
            // What counts only because nobody has been heard yet isn't what an earlier coordinator granted.
            (500, 500, 900, true, nil), (800, 500, 900, true, 800), (0, nil, 900, true, 900),
        ] as [(UInt64, UInt64?, UInt64, Bool, UInt64?)])
    func due(_ given: UInt64, _ acknowledged: UInt64?, _ whole: UInt64, _ isBeginning: Bool, _ due: UInt64?) {
        let part = Part(given: .watts(given), acknowledged: acknowledged.map { .watts($0) })
        #expect(part.due(whole: .watts(whole), isBeginning: isBeginning) == due.map { .watts($0) })
    }

    @Test("a parent is there for 30 s after its Lease was seen to change, and not by being there")
    func sign() {
        var sign = ParentSign()
        sign.read("1", now_ns: 0)
        sign.read("1", now_ns: 5 * second_ns)
        #expect(!sign.isThere(20 * second_ns))
        sign.read("2", now_ns: 10 * second_ns)
        sign.read("2", now_ns: 15 * second_ns)
        #expect(sign.isThere(40 * second_ns - 1) && !sign.isThere(40 * second_ns))
    }

    @Test("P17: one that comes, or comes back, has 10 s to look at what has become less; a renewal in time begins nothing anew")
    func settling() {
        var sign = ParentSign()
        sign.read("1", now_ns: 0)
        sign.read("2", now_ns: 2 * second_ns)
        #expect(!sign.isThere(12 * second_ns - 1) && sign.isThere(12 * second_ns))
        sign.read("3", now_ns: 31 * second_ns)
        #expect(sign.isThere(32 * second_ns))
        sign.read("4", now_ns: 100 * second_ns)
        sign.read("5", now_ns: 105 * second_ns)
        #expect(!sign.isThere(110 * second_ns - 1) && sign.isThere(110 * second_ns))
    }
}
