import PowercapProtocol
import TestSupport
import Testing

@testable import Policy

/// The limits that a sequence of writes brings about, one write after the other.
private struct Replay {
    private(set) var limits: [String: Microwatts]

    var longTerm: Microwatts { limits.filter { $0.key.hasSuffix("/long_term") }.values.reduce(.zero, +) }

    /// Carries a batch out: the highest that the long-term limits were together after any of its writes.
    mutating func write(_ batch: Batch) -> Microwatts {
        var highest = Microwatts.zero
        for (target, power) in batch.items {
            limits[target] = power
            highest = max(highest, longTerm)
        }
        return highest
    }
}

/// P8 as the helper sees it.
@Suite(.waiting)
struct BudgetTests {
    private static let long = "intel-rapl:0/long_term"
    private static let other = "intel-rapl:1/long_term"

    @Test("P8: 1, 2 or 8 packages of different references have the node's budget together", arguments: [1, 2, 8])
    func sum(_ count: Int) throws {
        let devices = (0..<count).map { ScriptedPackage(number: $0, original: 100 + 17 * UInt64($0), maxPower: 200) }
        let mock = try Mock(devices)
        let controller = try RunningController(mock.socket, ["MAX_SOURCE": "123.4W"])
        try mock.next("Apply")
        let limits = try mock.limits().filter { $0.key.hasSuffix("/long_term") }.values
        let total = limits.reduce(.zero, +)
        #expect(limits.count == count)
        #expect(limits.allSatisfy { $0 >= .watts(10) })
        #expect(total <= Microwatts(123_400_000))
        #expect(total > Microwatts(123_400_000 - 125_000 * UInt64(count)))
        #expect(try controller.stop() == 0)
    }

    @Test("P8: within a batch decreases come before increases, so the limits never exceed the budget or what was there")
    func decreasesFirst() throws {
        let originals: [UInt64] = [20, 200, 20, 150, 60, 200]
        let mock = try Mock(
            originals.enumerated().map { ScriptedPackage(number: $0, original: $1, maxPower: 200, shortTerm: $1) })
        var replay = Replay(limits: try mock.limits())
        let before = replay.longTerm
        let controller = try RunningController(mock.socket, ["MAX_SOURCE": "300W"])
        let batch = try mock.nextApply()
        #expect(batch.items.contains { replay.limits[$0.target]! < $0.power }, "some limits have to rise in this test")
        #expect(replay.write(batch) <= before)
        #expect(replay.longTerm <= .watts(300))
        #expect(try controller.stop() == 0)
    }

    @Test("P8: a package that firmware has locked is not written, and the others divide what it leaves")
    func locked() throws {
        let mock = try Mock([ScriptedPackage(number: 0, original: 70, isLocked: true), ScriptedPackage(number: 1)])
        let controller = try RunningController(mock.socket)
        #expect(try mock.nextApply().limits == [Self.other: .watts(30), "intel-rapl:1/short_term": .watts(30)])
        #expect(try controller.stop() == 0)
    }

    @Test(
        "a limit that is refused leaves the others the rest, is told once, tried at every decision, and told when it works",
        arguments: [
            ("refused 5", "the kernel refused the limit; what was written of the batch was put back (EIO)"),
            (
                "ignored", "the kernel took the limit but it isn't in force; what was written of the batch was put back"
            ),
        ])
    func refused(_ fault: String, _ why: String) throws {
        let mock = try Mock(devices: 3, "set \(Self.long.replacing("/", with: " ")) 40W\nfail intel-rapl:0 long_term \(fault)\n")
        let controller = try RunningController(mock.socket, ["STABILISATION_TIME": "1s"])
        try mock.next("Apply")
        let rest = try mock.nextApply()
        #expect(rest.limits[Self.long] == nil)
        #expect(rest.limits[Self.other] == .watts(30))
        #expect(rest.limits["intel-rapl:2/long_term"] == .watts(30))
        let refusal = try controller.next("limit refused: the device keeps what it has, the others share the rest")
        #expect(refusal.level == "error")
        #expect(refusal["device"] == "package-0")
        #expect(refusal["constraint"] == "long_term")
        #expect(refusal["in_force_uw"] == "40000000")
        #expect(refusal["why"] == why)
        for _ in 0..<2 {
            let again = try mock.nextApply()
            #expect(again.limits[Self.long] == Microwatts(33_250_000), "tried again")
        }
        #expect(controller.count(refusal.message) == 1)
        try mock.tell("fail intel-rapl:0 long_term no")
        let changed = try controller.next("limit changed", of: "package-0", "long_term")
        #expect(changed["in_force_uw"] == "33250000")
        let limits = try mock.limits()
        for zone in 0..<3 { #expect(limits["intel-rapl:\(zone)/long_term"] == Microwatts(33_250_000)) }
        #expect(try controller.stop() == 0)
        #expect(controller.count(refusal.message) == 1)
    }

    @Test("P8: when a refused increase works at last, the others have made room before it is written")
    func recoveredIncrease() throws {
        let mock = try Mock(
            [ScriptedPackage(number: 0, original: 20), ScriptedPackage(number: 1)], "fail intel-rapl:0 long_term refused 5\n")
        let controller = try RunningController(mock.socket, ["STABILISATION_TIME": "1s"])
        try controller.next("limit refused: the device keeps what it has, the others share the rest")
        try controller.next("limit changed", of: "package-1", "long_term")
        var replay = Replay(limits: try mock.limits())
        #expect(replay.limits[Self.other] == .watts(80))
        try mock.tell("fail intel-rapl:0 long_term no")
        let batch = try mock.nextApply()
        #expect(batch.limits[Self.long] == .watts(50))
        #expect(replay.write(batch) <= .watts(100))
        #expect(try controller.stop() == 0)
    }

    @Test("a short-term limit that is refused keeps its package's long-term limit governed")
    func refusedShortTerm() throws {
        let mock = try Mock(devices: 2, "fail intel-rapl:0 short_term refused 5\n")
        let controller = try RunningController(mock.socket)
        let refusal = try controller.next("limit refused: the device keeps what it has, the others share the rest")
        #expect(refusal["constraint"] == "short_term")
        try controller.next("limit changed", of: "package-0", "long_term")
        let limits = try mock.limits()
        #expect(limits[Self.long] == .watts(50))
        #expect(limits[Self.other] == .watts(50))
        #expect(limits["intel-rapl:0/short_term"] == .watts(240))
        #expect(try controller.stop() == 0)
    }

    @Test("a zone that goes is told once within a sample, and the others get its share at once")
    func gone() throws {
        let mock = try Mock(devices: 2)
        let controller = try RunningController(mock.socket)
        try mock.next("Apply")
        try mock.tell("gone intel-rapl:1")
        try mock.next("ReadSample")
        #expect(try mock.nextApply().limits == [Self.long: .watts(100), "intel-rapl:0/short_term": .watts(100)])
        let warning = try controller.next("zone gone: its device went offline, or its driver was unloaded")
        #expect(warning.level == "warning")
        #expect(warning["device"] == "package-1")
        try mock.next("ReadSample")
        try mock.next("ReadSample")
        #expect(try controller.stop() == 0)
        #expect(controller.count(warning.message) == 1)
        #expect(mock.requests.filter { $0 == "Apply" }.count == 2)
    }

    @Test("a zone that is gone from the start is told as such, and no limit is asked of it")
    func goneBefore() throws {
        let mock = try Mock(devices: 2, "gone intel-rapl:1\n")
        let controller = try RunningController(mock.socket)
        #expect(try mock.nextApply().limits == [Self.long: .watts(100), "intel-rapl:0/short_term": .watts(100)])
        try controller.next("zone gone: its device went offline, or its driver was unloaded")
        #expect(try controller.stop() == 0)
    }

    @Test("a zone that goes between a sample and a batch costs nothing but its own limit")
    func goneInBatch() throws {
        let mock = try Mock(devices: 2, "before Apply 1 error zoneGone errno=19 item=2\n")
        let controller = try RunningController(mock.socket)
        try mock.next("Apply")
        #expect(try mock.nextApply().limits == [Self.long: .watts(100), "intel-rapl:0/short_term": .watts(100)])
        #expect(try controller.stop() == 0)
    }

    @Test("40 packages take two batches, and over both of them decreases come first")
    func manyPackages() throws {
        let mock = try Mock((0..<40).map { ScriptedPackage(number: $0, original: $0 < 20 ? 20 : 200, maxPower: 200) })
        var replay = Replay(limits: try mock.limits())
        let before = replay.longTerm
        let controller = try RunningController(mock.socket, ["MAX_SOURCE": "2kW"])
        let batches = [try mock.nextApply(), try mock.nextApply()]
        #expect(batches.map(\.items.count) == [64, 16])
        for batch in batches { #expect(replay.write(batch) <= before) }
        #expect(replay.longTerm == .watts(2_000))
        try mock.next("ReadSample")
        #expect(mock.requests.filter { $0 == "Apply" }.count == 2)
        #expect(try controller.stop() == 0)
    }

    @Test("a zone that is disabled is told of at once, and when it is enabled again")
    func disabled() throws {
        let mock = try Mock(devices: 2, "enabled intel-rapl:1 no\n")
        let controller = try RunningController(mock.socket, ["SAMPLE_INTERVAL": "1h"])
        let warning = try controller.next(
            "zone disabled: its limits are not enforced until somebody writes 1 to its file `enabled`")
        #expect(warning.level == "warning")
        #expect(warning["device"] == "package-1")
        #expect(try controller.stop() == 0)
        let other = try RunningController(mock.socket)
        try other.next(warning.message)
        try mock.tell("enabled intel-rapl:1 yes")
        #expect(try other.next("zone enabled again")["device"] == "package-1")
        #expect(try other.stop() == 0)
    }

    @Test("a node without packages is told of, governed not at all, and left cleanly")
    func noPackages() throws {
        let mock = try Mock("zone intel-rapl:0 psys energy_uj=0\nconstraint intel-rapl:0 long_term 200W\n")
        let controller = try RunningController(mock.socket)
        #expect(try controller.next("no device has a power limit: there is nothing to govern here").level == "warning")
        try mock.next("ReadSample")
        try mock.next("ReadSample")
        #expect(try controller.stop() == 0)
        #expect(try mock.batches().isEmpty)
    }

    @Test("floors above the source are told once, and the floors win")
    func floorsWin() throws {
        let mock = try Mock(devices: 4)
        let controller = try RunningController(mock.socket, ["MAX_SOURCE": "30W", "STABILISATION_TIME": "1s"])
        #expect(Set(try mock.nextApply().limits.values) == [.watts(10)])
        let warning = try controller.next("the floors take more than the source gives: the floors win")
        #expect(warning["node_limit_uw"] == "40000000")
        for _ in 0..<2 { try mock.next("ReadSample") }
        #expect(try controller.stop() == 0)
        #expect(controller.count(warning.message) == 1)
    }
}
