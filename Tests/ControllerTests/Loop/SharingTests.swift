import Foundation
import PowercapProtocol
import TestSupport
import Testing

@testable import Policy

/// SPLIT=demand as the helper sees it.
@Suite(.waiting)
struct SharingTests {
    /// Package 0 draws 45 W and package 1 120 W, whatever their limits are.
    private static let devices = [ScriptedPackage(number: 0, power: 45), ScriptedPackage(number: 1, power: 120)]
    private static let environment = [
        "SPLIT": "demand", "MAX_SOURCE": "200W", "STABILISATION_TIME": "1h", "SAMPLE_INTERVAL": "1h",
    ]

    private static func limits(_ zone: Int, _ milliwatts: UInt64) -> [String: Microwatts] {
        [
            "intel-rapl:\(zone)/long_term": Microwatts(milliwatts * 1_000),
            "intel-rapl:\(zone)/short_term": Microwatts(milliwatts * 1_000),
        ]
    }

    @Test("P8: what one package doesn't need goes to one at its limit: first the one goes down, then the other up")
    func handsOver() throws {
        let mock = try Mock(Self.devices)
        let controller = try RunningController(mock.socket, Self.environment)
        #expect(try mock.nextApply().limits == Self.limits(0, 100_000).merging(Self.limits(1, 100_000)) { $1 })
        // Long before SAMPLE_INTERVAL and STABILISATION_TIME are over.
        #expect(try mock.nextApply().limits == Self.limits(0, 50_625))
        #expect(try mock.nextApply().limits == Self.limits(1, 149_375))
        #expect(try controller.stop() == 0)
        #expect(controller.count("limit changed") == 4, "moves within one and the same limit aren't told each")
        let samples = mock.requests.filter { $0 == "ReadSample" }.count
        #expect(samples < 60, "nothing spins: \(samples) samples")
    }

    @Test("a limit of the node that falls is in force at once, and is told")
    func budgetFalls() throws {
        let mock = try Mock(Self.devices)
        let directory = try TemporaryDirectory()
        let schedule = "\(directory.path)/schedule"
        try "00:00-24:00,200W\n".write(toFile: schedule, atomically: true, encoding: .utf8)
        let environment = Self.environment.merging(["SOURCE": "schedule", "SCHEDULE_FILE": schedule]) { $1 }
        let controller = try RunningController(mock.socket, environment)
        for _ in 0..<3 { try mock.next("Apply") }
        try "00:00-24:00,120W\n".write(toFile: schedule, atomically: true, encoding: .utf8)
        let fall = try mock.nextApply().limits
        #expect(fall["intel-rapl:1/long_term"] == Microwatts(69_375_000))
        #expect(try mock.limits().filter { $0.key.hasSuffix("/long_term") }.values.reduce(.zero, +) == .watts(120))
        #expect(try controller.stop() == 0)
        #expect(controller.log.contains { $0.message == "limit changed" && $0["node_limit_uw"] == "120000000" })
    }

    @Test("a package whose counter can't be read: the limit is divided in proportion, and that is told once")
    func unknown() throws {
        let blind = ScriptedPackage(number: 1).lines.replacing(" energy_uj=0", with: " energy_errno=61")
        let mock = try Mock(Self.devices[0].lines + blind)
        let controller = try RunningController(mock.socket, Self.environment)
        let told = try controller.next("it isn't known what a package draws: the limit is divided in proportion")
        #expect(told["packages"] == "package-1")
        #expect(try mock.limits().filter { $0.key.hasSuffix("/long_term") }.values.allSatisfy { $0 == .watts(100) })
        #expect(try controller.stop() == 0)
    }
}
