import PowercapProtocol
import Testing

@testable import Policy
@testable import powercap_controller

extension Order {
    static func limit(
        _ watts: UInt64, uid: UInt32 = 0, reason: String = "", since: Int64 = 1_781_697_540, start_ns: UInt64 = 1_940_000_000_000,
        for seconds: UInt64? = 3_600
    ) -> Order {
        Order(
            wish: .limit(.watts(watts)), uid: uid, reason: reason, since: since, start_ns: start_ns,
            end_ns: seconds.map { start_ns + $0 * 1_000_000_000 })
    }

    static func pause(uid: UInt32 = 0, end_ns: UInt64? = nil) -> Order {
        Order(wish: .pause, uid: uid, reason: "", since: 1_781_697_540, start_ns: 1_940_000_000_000, end_ns: end_ns)
    }
}

struct OrdersTests {
    @Test("an order takes the place of the one of its kind, and leaves the other kind alone")
    func oneOfAKind() {
        var orders = Orders()
        orders.put(.limit(100))
        orders.put(.pause())
        orders.put(.limit(90))
        #expect(orders.standing == [.limit(90), .pause()])
        #expect(orders.overrides == Overrides(paused: true, limit: .watts(90)))
        #expect(orders.remove(.limit) == .limit(90))
        #expect(orders.remove(.limit) == nil)
        #expect(orders.overrides == Overrides(paused: true))
    }

    @Test("an order ends at its nanosecond and not before, each by itself; one without an end stays")
    func ends() {
        var orders = Orders()
        orders.put(.limit(100, start_ns: 1_000, for: 1))
        orders.put(.pause(end_ns: 5_000_000_000))
        #expect(orders.nextEnd_ns == 1_000_001_000)
        #expect(orders.end(at: 1_000_000_999).isEmpty)
        #expect(orders.end(at: 1_000_001_000) == [.limit(100, start_ns: 1_000, for: 1)])
        #expect(orders.nextEnd_ns == 5_000_000_000)
        orders.put(.pause())
        #expect(orders.nextEnd_ns == nil)
        #expect(orders.end(at: .max).isEmpty)
    }

    @Test(
        "of two parties' limits the lower one counts, and a pause of either",
        arguments: [
            (Overrides(limit: .watts(90)), Overrides(limit: .watts(80)), Overrides(limit: .watts(80))),
            (Overrides(limit: .watts(70)), Overrides(limit: .watts(80)), Overrides(limit: .watts(70))),
            (Overrides(), Overrides(limit: .watts(80)), Overrides(limit: .watts(80))),
            (Overrides(paused: true), Overrides(limit: .watts(80)), Overrides(paused: true, limit: .watts(80))),
            (
                Overrides(maxSource: .watts(5), minPower: .watts(3)), Overrides(),
                Overrides(maxSource: .watts(5), minPower: .watts(3))
            ),
            (Overrides(minPower: .watts(9)), Overrides(minPower: .watts(3)), Overrides(minPower: .watts(3))),
        ])
    func together(_ left: Overrides, _ right: Overrides, _ both: Overrides) {
        #expect(left.together(with: right) == both)
        #expect(right.together(with: left) == both)
    }

    @Test("P16: saved orders that can't be read are the floor, whatever the Node allows")
    func unreadable() {
        #expect(Wishes(node: Overrides(limit: .watts(90)), ordersProblem: "are damaged").together.limit == .zero)
        #expect(Wishes(ordersProblem: "are damaged").limitHolder == .unreadable)
        #expect(Wishes(node: Overrides(limit: .watts(90))).limitHolder == .node)
    }
}
