import Testing

@testable import powercap_controller

struct GrantTimeTests {
    private let second: UInt64 = 1_000_000_000

    @Test("a longer time is granted when every part has it, and not before")
    func longer() {
        var time = GrantTime(earlier_s: 20)
        #expect(time.most_s(60, kept_s: 20, 0) == 20)
        #expect(time.due_s(60, isAfterEarlier: true, 0) == 60)
        #expect(time.most_s(60, kept_s: 60, 0) == 60)
    }

    @Test("a shorter time is granted at once, and kept when no grant of the longer can hold any more")
    func shorter() {
        var time = GrantTime(earlier_s: 120)
        #expect(time.most_s(120, kept_s: 120, 0) == 120)
        #expect(time.most_s(20, kept_s: 120, second) == 20)
        #expect(time.due_s(20, isAfterEarlier: true, 121 * second - 1) == 120)
        #expect(time.due_s(20, isAfterEarlier: true, 121 * second) == 20)
    }

    @Test("shorter twice in a row: the longest of what may hold is kept until it can't")
    func twice() {
        var time = GrantTime(earlier_s: 120)
        _ = time.most_s(120, kept_s: 120, 0)
        _ = time.most_s(60, kept_s: 120, second)
        _ = time.most_s(20, kept_s: 120, 2 * second)
        #expect(time.due_s(20, isAfterEarlier: true, 100 * second) == 120)
        #expect(time.due_s(20, isAfterEarlier: true, 122 * second) == 20)
    }

    @Test("P17: what grants of an earlier coordinator may hold is kept until none can, though less is granted now")
    func earlier() {
        var time = GrantTime(earlier_s: 120)
        #expect(time.most_s(20, kept_s: 120, 0) == 20)
        #expect(time.due_s(20, isAfterEarlier: false, second) == 120)
        #expect(time.due_s(20, isAfterEarlier: true, second) == 20)
    }

    @Test("what somebody shortened on a part isn't granted any more, and what was granted before is put there again")
    func shortened() {
        var time = GrantTime(earlier_s: 10)
        _ = time.most_s(60, kept_s: 60, 0)
        #expect(time.most_s(60, kept_s: 10, second) == 10)
        #expect(time.due_s(60, isAfterEarlier: true, second) == 60)
    }

    @Test("what is kept below the least that a budget can have is of another version, and keeps nobody from the least")
    func least() {
        var time = GrantTime(earlier_s: 1)
        #expect(time.most_s(20, kept_s: 1, 0) == 10)
    }

    @Test("a write whose end isn't known leaves the shorter of both, and nothing kept is the longest")
    func unknown() {
        var shard = KeptShard()
        #expect(shard.wait_s == 120)
        shard.sent(grant_s: 20)
        #expect(shard.wait_s == 20)
        shard.sent(grant_s: 60)
        #expect(shard.wait_s == 20)
        shard.know(grant_s: 60)
        #expect(shard.wait_s == 60)
    }
}
