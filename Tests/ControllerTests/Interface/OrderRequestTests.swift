import PowercapProtocol
import TestSupport
import Testing

@testable import Policy
@testable import powercap_controller

struct OrderRequestTests {
    private func request(_ kind: Order.Kind, _ body: String) throws(OrderRequest.Refusal) -> OrderRequest {
        try OrderRequest(kind, Array(body.utf8))
    }

    @Test("a limit has the units of the options, and an hour where nobody says for how long")
    func units() throws {
        for text in [#"{"limit":"90W"}"#, #"{"limit":"90 W"}"#, #"{"limit":"90000mW"}"#, #"{"limit":90000000}"#] {
            let found = try request(.limit, text)
            #expect(found.limit == .watts(90))
            #expect(found.time == .hour && found.reason.isEmpty)
        }
        #expect(try request(.limit, #"{"limit":"90W","for":"90s","reason":"ü"}"#).time == .seconds(90))
        #expect(try request(.limit, #"{"limit":"90W","for":"ever"}"#).time == nil)
        #expect(try request(.pause, "").time == .hour)
        #expect(try request(.pause, #"{"for":"2h"}"#).limit == nil)
    }

    @Test(
        "what can't be meant is refused with what would be right",
        arguments: [
            (.limit, "", "limit is missing: give a power, as 120W"),
            (.limit, "[]", "the body is no object of JSON"), (.limit, "{", "the body is no object of JSON"),
            (.limit, #"{"limit":"90X"}"#, #"limit="90X" has the unknown unit "X": give "#),
            (.limit, #"{"limit":"0.5W"}"#, #"limit="0.5W" is below 1 W: give "#),
            (.limit, #"{"limit":true}"#, "limit is neither a text nor a number: give "),
            (.limit, #"{"limit":"90W","for":"31d"}"#, #"for="31d" is above 30 d: give "#),
            (.limit, #"{"limit":"90W","for":"0"}"#, #"for="0" is below 1 s: give "#),
            (.limit, #"{"limit":"90W","reason":7}"#, "reason is no text"),
            (.limit, #"{"limit":"90W","untill":"x"}"#, #""untill" is not known: give limit, for, reason"#),
            (.pause, #"{"limit":"90W"}"#, #""limit" is not known: give for, reason"#),
        ] as [(Order.Kind, String, String)])
    func refused(_ kind: Order.Kind, _ body: String, _ words: String) {
        let refusal = #expect(throws: OrderRequest.Refusal.self) { try request(kind, body) }
        #expect(refusal?.status == 400)
        #expect(refusal?.sentence.hasPrefix(words) == true, "\(refusal?.sentence ?? "")")
    }

    @Test("a reason has at most 200 bytes")
    func longReason() throws {
        let most = String(repeating: "r", count: 200)
        #expect(try request(.pause, #"{"reason":"\#(most)"}"#).reason == most)
        #expect(throws: OrderRequest.Refusal.self) { try request(.pause, #"{"reason":"\#(most)r"}"#) }
    }

    @Test("a limit outside of what the node can have is refused with both numbers, and without control everything is")
    func bounds() throws {
        let limits = TestNode().limits
        let decision = decide(devices: limits.devices, policy: PowerPolicy(), reading: SourceReading(.watts(100)))
        let state = NodeState.test(limits, decision)
        func refusal(_ body: String, _ state: NodeState) throws -> OrderRequest.Refusal? {
            let request = try request(.limit, body)
            return #expect(throws: OrderRequest.Refusal.self) { try request.order(by: 0, state) }
        }
        #expect(
            try refusal(#"{"limit":"19W"}"#, state)?.sentence
                == "19 W is below the floor of this node, 20 W: give at least that, or lower RAPL_MIN_POWER or RAPL_LIMIT")
        #expect(
            try refusal(#"{"limit":"401W"}"#, state)?.sentence
                == "401 W is above the ceiling of this node, 400 W: give at most that")
        let order = try request(.limit, #"{"limit":"20W","for":"10s"}"#).order(by: 7, state)
        #expect(order.uid == 7 && order.wish == .limit(.watts(20)))
        #expect(order.end_ns == state.boot_ns + 10_000_000_000)
        for state in [NodeState.test(nil) { $0.problem = "no helper answers" }, .test(limits)] {
            let found = try refusal(#"{"limit":"90W"}"#, state)
            #expect(found?.status == 503)
            #expect(found?.sentence.contains(state.limits == nil ? "no helper answers" : "no limit was set yet") == true)
        }
    }
}
