import Testing

@testable import Kubernetes

struct CalmTests {
    @Test("the first change is let through at once, those after it in their time, and of several the last one")
    func pace() {
        var calm = Calm<Int>(pause_ns: 1_000)
        calm.offer(0)
        #expect(calm.next(5) == 0)
        // The beginning is no change.
        calm.offer(1)
        #expect(calm.next(6) == 1)
        calm.offer(2)
        #expect(calm.next(7) == nil)
        #expect(calm.due_ns == 1_006)
        calm.offer(3)
        calm.offer(4)
        #expect(calm.passedOver == 2)
        #expect(calm.next(1_005) == nil)
        #expect(calm.next(1_006) == 4)
        #expect(calm.next(9_000) == nil)
        #expect(calm.due_ns == .max)
        calm.offer(5)
        #expect(calm.next(9_000) == 5)
    }

    @Test("what is offered again, or taken back in time, is no change")
    func same() {
        var calm = Calm<Int>(pause_ns: 1_000)
        for value in [1, 1] { calm.offer(value) }
        #expect(calm.next(0) == 1)
        calm.offer(1)
        #expect(calm.next(5_000) == nil)
        calm.offer(2)
        #expect(calm.next(5_000) == 2)
        calm.offer(3)
        calm.offer(2)
        #expect(calm.due_ns == .max)
        #expect(calm.next(90_000) == nil)
    }

    @Test("changes without end are let through once in a pause")
    func flood() {
        var calm = Calm<Int>(pause_ns: 1_000)
        var through = 0
        for now_ns in 0..<100_000 as Range<UInt64> {
            calm.offer(Int(now_ns))
            if calm.next(now_ns) != nil { through += 1 }
        }
        #expect(through <= 102)
        #expect(calm.passedOver > 90_000)
    }

    @Test("an allowance is so much at once, and then what time gives back")
    func allowance() {
        var allowance = Allowance(burst: 3, refill_ns: 1_000)
        #expect((0..<5).map { _ in allowance.take(10_000) } == [true, true, true, false, false])
        #expect((0..<3).map { _ in allowance.take(12_000) } == [true, true, false])
        #expect((0..<5).map { _ in allowance.take(.max) } == [true, true, true, false, false])
        // It never refills faster for being asked more often.
        var busy = Allowance(burst: 1, refill_ns: 1_000)
        #expect((0..<10_000 as Range<UInt64>).filter { busy.take(1_000_000 + $0) }.count == 10)
        var returned = Allowance(burst: 2, refill_ns: 1_000)
        for _ in 0..<2 { _ = returned.take(10_000) }
        for _ in 0..<3 { returned.giveBack() }
        #expect((0..<3).map { _ in returned.take(10_000) } == [true, true, false])
        #expect(!returned.isWhole(11_999) && returned.isWhole(12_000))
    }

    @Test("as many origins as are kept have accounts, those that owe nothing make room, and others wait")
    func strangers() {
        var strangers = Strangers(burst: 2, refill_ns: 1_000)
        #expect((0..<3).map { _ in strangers.take(1, 10_000) } == [true, true, false])
        let refused = (2...UInt64(Strangers.most)).filter { !strangers.take($0, 10_500) }
        #expect(refused == [])
        var taken = [strangers.take(9_999, 10_500)]
        strangers.giveBack(7, 10_500)
        taken += [10_500, 10_500].map { strangers.take(9_999, $0) }
        taken += [11_499, 11_500].map { strangers.take(8_888, $0) }
        #expect(taken == [false, true, true, false, true])
    }
}
