import Foundation
import PowercapProtocol
import TestSupport
import Testing

@testable import Policy

/// P7 as the helper sees it.
@Suite(.waiting)
struct ControlTests {
    private static let waiting = "no control over the limits"

    @Test("P7: control is renewed when a third of the lease is over")
    func renewed() throws {
        let mock = try Mock(devices: 1)
        let controller = try RunningController(mock.socket, ["LEASE_TIME": "6s", "SAMPLE_INTERVAL": "1h"])
        let renewal = try mock.next("Renew")
        // 4 s are left, or less where this machine is slow.
        #expect(try #require(UInt32(renewal.split(separator: "=").last!)) >= 3_000)
        #expect(try controller.stop() == 0)
    }

    @Test(
        "P7: where the node's work is looked at every 2 s, a lease that has time for it is renewed then, and not between two looks",
        arguments: [
            // By itself it is renewed every 0.8 s, and can't wait for a look.
            (lease_ms: 2_400, isWithLooks: false, longest_ms: 1_850),
            // Every 1.4 s, and every 2.05 s: the second look would be too late for what the first one leaves.
            (lease_ms: 4_200, isWithLooks: true, longest_ms: 3_150),
            (lease_ms: 6_150, isWithLooks: true, longest_ms: 3_150),
        ])
    func renewedWithLooks(_ lease_ms: Int, _ isWithLooks: Bool, _ longest_ms: Int) throws {
        let mock = try Mock(devices: 1, "lease 1000 \(lease_ms)\n")
        let controller = try RunningController(mock.socket, ["SPLIT": "demand", "LEASE_TIME": "1h", "SAMPLE_INTERVAL": "1h"])
        for _ in 0..<6 { try mock.next("Renew") }
        #expect(try controller.stop() == 0)
        let requests = mock.lines.filter { $0.hasPrefix("Renew") || $0 == "ReadSample" }
        let renewals = requests.indices.filter { requests[$0].hasPrefix("Renew") }
        // The first may be before the first look.
        let isAlternating = zip(renewals[1...], renewals[2...]).allSatisfy { $1 == $0 + 2 }
        #expect(isAlternating == isWithLooks, "\(requests)")
        let silences_ms = try renewals.map { lease_ms - (try #require(Int(requests[$0].split(separator: "=").last!))) }
        #expect(silences_ms.allSatisfy { $0 <= longest_ms }, "\(silences_ms)")
    }

    @Test("P7: a lease that is shorter than asked for is renewed in its own time")
    func shortened() throws {
        let mock = try Mock(devices: 1, "lease 1000 3000\n")
        let controller = try RunningController(mock.socket, ["LEASE_TIME": "1h", "SAMPLE_INTERVAL": "1h"])
        #expect(try mock.next("AcquireControl").contains("lease_ms=3600000"))
        for _ in 0..<3 { try mock.next("Renew") }
        #expect(!mock.lines.contains("expired"))
        #expect(try controller.next("in control")["lease_ms"] == "3000")
        #expect(try controller.stop() == 0)
    }

    @Test("P7: a controller that was stopped for longer than its lease takes control again and sets the limits again")
    func expired() throws {
        let mock = try Mock(devices: 1)
        let controller = try RunningController(mock.socket, ["LEASE_TIME": "3s"])
        try mock.next("Apply")
        controller.child.kill(SIGSTOP)
        try mock.next("expired")
        #expect(try mock.limits()["intel-rapl:0/long_term"] == .watts(200))
        controller.child.kill(SIGCONT)
        #expect(try mock.next("AcquireControl").hasSuffix("previous_token=1"))
        #expect(try mock.nextApply().limits == ["intel-rapl:0/long_term": .watts(100), "intel-rapl:0/short_term": .watts(100)])
        let loss = try controller.next("lost control over the limits")
        #expect(loss.level == "error")
        #expect(loss["why"] == "the token isn't that of the controller in control; acquire control again")
        #expect(try controller.next("in control")["resumed"] == "false")
        #expect(try controller.stop() == 0)
        #expect(controller.count("another party changed a limit") == 0, "the helper restored the limits, nobody else")
        #expect(controller.count("lost control over the limits") == 1)
    }

    @Test("a lease that ends between two renewals is noticed at the next Apply or Renew")
    func expiredUnnoticed() throws {
        let mock = try Mock(devices: 1, "expiry hold\n")
        let controller = try RunningController(mock.socket)
        try mock.next("Apply")
        try mock.tell("expire")
        try mock.tell("set intel-rapl:0 long_term 150W")
        #expect(try mock.nextApply().token == 1)
        #expect(try mock.nextApply().token == 2)
        #expect(try mock.limits()["intel-rapl:0/long_term"] == .watts(100))
        #expect(try controller.stop() == 0)
    }

    @Test("while another controller holds control nothing is written; who it is is told once; later control is taken")
    func held() throws {
        let mock = try Mock(devices: 1, "holder other-controller 3600000\n")
        let controller = try RunningController(mock.socket)
        for _ in 0..<4 { try mock.next("AcquireControl") }
        let waiting = try controller.next(Self.waiting)
        #expect(waiting.level == "error")
        #expect(waiting["why"] == "another controller holds control")
        #expect(waiting["holder"] == "other-controller")
        #expect(try mock.batches().isEmpty)
        try mock.tell("holder -")
        try mock.next("Apply")
        try controller.next("in control")
        #expect(try controller.stop() == 0)
        #expect(controller.count(Self.waiting) == 1)
        #expect(controller.count("connected to the helper") == 1)
        #expect(controller.count("device") == 1)
    }

    @Test(
        "a helper that takes no limits is told of once with the reason, asked ever less often, and used when it does",
        arguments: [
            ("readOnly", "the helper was started with --read-only"),
            ("stateUnreadable", "the saved original limits can't be read; see the helper's log and --discard-state"),
            ("stateUnwritable", "the original limits can't be saved, so no limit is changed; see the helper's log"),
        ])
    func policy(_ policy: String, _ why: String) throws {
        let mock = try Mock(devices: 1, "writes \(policy)\n")
        let controller = try RunningController(mock.socket)
        for _ in 0..<2 { try mock.next("AcquireControl") }
        #expect(try controller.next(Self.waiting)["why"] == why)
        try mock.tell("writes accepted")
        try mock.next("Apply")
        #expect(try controller.stop() == 0)
        #expect(controller.count(Self.waiting) == 1)
    }

    @Test("a batch that fails as a whole is told once, and tried at every decision")
    func batchFails() throws {
        let mock = try Mock(devices: 1, "before Apply every error stateUnwritable errno=28\n")
        let controller = try RunningController(mock.socket, ["STABILISATION_TIME": "1s"])
        for _ in 0..<3 { try mock.next("Apply") }
        let problem = try controller.next("the limits could not be set")
        #expect(problem.level == "error")
        #expect(
            problem["why"]
                == "the original limits can't be saved, so no limit is changed; see the helper's log (ENOSPC)")
        try mock.tell("forget")
        try mock.next("Apply")
        try controller.next("limit changed")
        #expect(try controller.stop() == 0)
        #expect(controller.count(problem.message) == 1)
    }

    @Test("a lease that is over at once doesn't make the controller ask without pause")
    func noLease() throws {
        let mock = try Mock(devices: 1, "lease 1 1\n")
        let controller = try RunningController(mock.socket)
        for _ in 0..<3 { try mock.next("AcquireControl") }
        #expect(mock.requests.filter { $0 == "Renew" }.count <= 2)
        _ = try controller.stop()
    }

    @Test("an answer to Renew that makes no sense doesn't make the controller ask without pause")
    func renewFails() throws {
        let mock = try Mock(devices: 1, "before Renew every error readFailed\n")
        let controller = try RunningController(mock.socket, ["LEASE_TIME": "3s", "SAMPLE_INTERVAL": "1s"])
        try mock.next("Renew")
        for _ in 0..<2 { try mock.next("ReadSample") }
        #expect(mock.requests.filter { $0 == "Renew" }.count <= 3)
        _ = try controller.stop()
    }
}
