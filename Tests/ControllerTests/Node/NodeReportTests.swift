import PowercapProtocol
import Testing

@testable import Policy
@testable import powercap_controller

/// What is published of limits as they are.
struct NodeReportTests {
    /// Two packages of 200 W and what was decided over them, after the node was sampled once more as `change` leaves it.
    private func record(
        _ watts: UInt64? = 100, overrides: Overrides = Overrides(), _ change: (inout TestNode) -> Void = { _ in },
        before: (inout TestNode) -> Void = { _ in }, refusing: Set<Int> = [], onDrift action: DriftAction = .leave,
        rejected: [Wishes.Rejection] = [], notes: [String] = []
    ) -> NodeRecord {
        var node = TestNode()
        before(&node)
        var limits = node.limits
        _ = limits.observe(node.sample, onDrift: .leave)
        var decision: Decision?
        if let watts {
            func decided() -> Decision {
                decide(
                    devices: limits.devices, policy: PowerPolicy(), reading: SourceReading(.watts(watts)))
            }
            for change in limits.changes(for: decided()) where refusing.contains(change.entry) {
                limits.note(change, Failure(.writeFailed))
            }
            let last = decided()
            for change in limits.changes(for: last) {
                limits.note(change, AppliedItem(effective: change.to, effectiveWindow_us: 0))
                let zone = Int(limits.entries[change.entry].zone)
                if change.isShortTerm {
                    node.shortTerm[zone] = change.to.rawValue / 1_000_000
                } else {
                    node.longTerm[zone] = change.to.rawValue / 1_000_000
                }
            }
            decision = last
        }
        change(&node)
        _ = limits.observe(node.sample, onDrift: action)
        return NodeRecord(
            .test(
                limits, decision, wishes: Wishes(node: overrides, rejected: rejected, notes: notes),
                environment: ["SOURCE": "static"]))
    }

    private func expect(
        _ record: NodeRecord, _ limit: UInt64?, _ status: Condition.Status, _ reason: String, _ message: String,
        _ location: SourceLocation = #_sourceLocation
    ) {
        #expect(record.effectiveLimit == limit.map { .watts($0) }, sourceLocation: location)
        #expect(record.condition == .init(status: status, reason: reason, message: message), sourceLocation: location)
        #expect(record.source == "static", sourceLocation: location)
    }

    @Test("limits in force are their sum, with the reference power and what decided")
    func inForce() {
        let record = self.record()
        expect(record, 100, .yes, "LimitInForce", "Limits are in force")
        #expect(record.state == .managed)
        #expect(record.reference == .watts(400))
        #expect(record.reason == "source")
    }

    @Test("before the first decision nothing is in force, whatever the registers hold")
    func starting() {
        expect(record(nil), nil, .unknown, "Starting", "No limit was set yet")
        expect(.uncontrolled(.constant), nil, .unknown, "NoControl", "The controller has no control over the limits: see its log")
    }

    @Test("P4: a limit that was refused is published as it is, not as it was asked")
    func refused() {
        let record = self.record(100, before: { $0.longTerm[0] = 60 }, refusing: [0])
        expect(record, 100, .no, "LimitRefused", "The limit was refused: package-0")
        #expect(record.reason == "source")
    }

    @Test("P4: a limit that can't be read makes the node's unknown, though it was read before")
    func unreadable() {
        expect(record { $0.unreadable = [2] }, nil, .unknown, "LimitUnreadable", "The limit can't be read: package-1")
        expect(
            record(before: { $0.unreadable = [0, 2] }), nil, .unknown, "LimitUnreadable",
            "The limit can't be read: package-0, package-1")
    }

    @Test("P4: a limit of a zone that is disabled is set, and not in force")
    func disabled() {
        expect(record { $0.enabled[2] = .no }, nil, .no, "ZoneDisabled", "Limits are set but not enforced: package-1")
        expect(record { $0.enabled = [.unknown, .unknown, .unknown] }, 100, .yes, "LimitInForce", "Limits are in force")
    }

    @Test("another party's limit is part of the sum, and is told where it is left")
    func drifted() {
        expect(record { $0.longTerm[0] = 70 }, 120, .no, "LimitLeft", "Another party's limit is left: package-0")
        expect(record(100, { $0.longTerm[0] = 70 }, onDrift: .reassert), 120, .yes, "LimitInForce", "Limits are in force")
    }

    @Test("a package that is locked counts as it is, and where all are nothing is in force")
    func locked() {
        let locked = { (node: inout TestNode) in (node.obstacle, node.locked) = (.locked, [0, 2]) }
        expect(
            record(before: { ($0.obstacle, $0.locked, $0.longTerm[0]) = (.locked, [0], 30) }), 100, .yes, "LimitInForce",
            "Limits are in force, but locked by firmware: package-0")
        expect(record(before: locked), 400, .no, "ZoneLocked", "Every limit is locked by firmware")
        // A locked zone reads as a disabled one.
        expect(
            record(100, { $0.enabled = [.no, .yes, .no] }, before: locked), 400, .no, "ZoneLocked",
            "Every limit is locked by firmware")
    }

    @Test("a package that isn't governed is no locked one: it is said why")
    func ungoverned() {
        let why = "its ceiling, 200 W, is below the helper's floor, 210 W (--min-power)"
        expect(
            record(before: { ($0.locked, $0.longTerm[0]) = ([0], 30) }), 100, .yes, "LimitInForce",
            "Limits are in force, but not governed: package-0 (\(why))")
        expect(
            record(before: { $0.locked = [0, 2] }), 400, .no, "NotGoverned",
            "Nothing is governed: package-0 (\(why)), package-1 (\(why))")
    }

    @Test(
        "whatever is in the way of every package, the condition has its own words",
        arguments: Obstacle.allCases.filter { !$0.takesLimits })
    func obstacles(_ obstacle: Obstacle) {
        if obstacle == .writesRefused || obstacle == .ceilingBelowFloor { return }
        let record = record(before: { ($0.obstacle, $0.locked) = (obstacle, [0, 2]) })
        #expect(record.condition.reason == "NotGoverned" && record.condition.status == .no)
        let why = "(\(obstacle.explanation))"
        #expect(record.condition.message == "Nothing is governed: package-0 \(why), package-1 \(why)")
    }

    @Test("a package that is gone counts no more, and where all are there is nothing to limit")
    func gone() {
        expect(record { $0.gone = [2] }, 50, .yes, "LimitInForce", "Limits are in force")
        let record = self.record { $0.gone = [0, 2] }
        expect(record, nil, .no, "NothingToLimit", "Nothing that is governed on this node has a power limit")
        #expect(record.reference == nil)
    }

    @Test("floors above the source, and a pause, are told")
    func special() {
        expect(record(5), 20, .yes, "FloorsExceedSource", "The floors take more than the source gives")
        expect(
            record(5, overrides: Overrides(limit: .watts(5))), 20, .yes, "FloorsExceedOverride",
            "The floors take more than powercap.dev/limit=5W allows")
        expect(
            record(5, overrides: Overrides(maxSource: .watts(5))), 20, .yes, "FloorsExceedSource",
            "The floors take more than the source gives at powercap.dev/max-source=5W")
        let paused = record(overrides: Overrides(paused: true))
        expect(paused, 100, .yes, "Paused", "Limits stay as they are while the node is paused")
        #expect(paused.state == .paused)
        // What is wrong comes first.
        expect(
            record(overrides: Overrides(paused: true)) { $0.enabled[0] = .no }, nil, .no, "ZoneDisabled",
            "Limits are set but not enforced: package-0"
        )
    }

    @Test("an override that can't be followed is told where limits are in force, with what holds instead")
    func rejected() {
        let bad = Wishes.Rejection(
            name: "powercap.dev/limit", value: "60 X",
            sentence: "powercap.dev/limit=60 X has the unknown unit \"X\": 60W holds, as before")
        expect(record(rejected: [bad]), 100, .yes, "OverrideRejected", bad.sentence)
        // What is wrong comes first.
        #expect(record(100, { $0.enabled[0] = .no }, rejected: [bad]).condition.reason == "ZoneDisabled")
        // What ends comes behind.
        expect(record(notes: ["a ends", "b ended"]), 100, .yes, "LimitInForce", "Limits are in force; a ends; b ended")
        expect(record(rejected: [bad], notes: ["a ends"]), 100, .yes, "OverrideRejected", bad.sentence + "; a ends")
        #expect(record(100, { $0.enabled[0] = .no }, notes: ["a ends"]) == record(100, { $0.enabled[0] = .no }))
        let long = Wishes.Rejection(name: "", value: "", sentence: String(repeating: "ü", count: 5_000))
        #expect(record(rejected: [long]).condition.message.utf8.count <= 1_024)
    }
}
