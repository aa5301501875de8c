import Testing

@testable import powercap_controller

struct GrantTimeTests {
    private let second: UInt64 = 1_000_000_000

    @Test("where nothing is kept the next coordinator waits for the longest anyway, and any time can be granted")
    func first() {
        var time = GrantTime(kept_s: nil)
        #expect(time.grant(120, 0) == 120)
        #expect(time.due_s(120, 0) == 120)
    }

    @Test("a longer time is granted when it is kept, and not before")
    func longer() {
        var time = GrantTime(kept_s: 20)
        #expect(time.grant(60, 0) == 20)
        #expect(time.due_s(60, 0) == 60)
        time.sent(60)
        #expect(time.grant(60, 0) == 20)
        time.arrived(60)
        #expect(time.grant(60, 0) == 60)
    }

    @Test("a shorter time is granted at once, and kept when no grant of the longer can hold any more")
    func shorter() {
        var time = GrantTime(kept_s: 120)
        #expect(time.grant(120, 0) == 120)
        #expect(time.grant(20, second) == 20)
        #expect(time.due_s(20, 120 * second) == 120)
        #expect(time.due_s(20, 121 * second) == 20)
    }

    @Test("shorter twice in a row: the longest of what may hold is kept until it can't")
    func twice() {
        var time = GrantTime(kept_s: 120)
        _ = time.grant(120, 0)
        _ = time.grant(60, second)
        _ = time.grant(20, 2 * second)
        #expect(time.due_s(20, 100 * second) == 120)
        #expect(time.due_s(20, 122 * second) == 20)
    }

    @Test("a write whose end isn't known leaves the shorter of both")
    func unknown() {
        var time = GrantTime(kept_s: 60)
        time.sent(20)
        #expect(time.grant(60, 0) == 20)
    }
}
