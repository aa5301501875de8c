import Foundation
import Logging
import PowercapProtocol
import TestSupport
import Testing

@testable import Policy
@testable import powercap_controller

private let second: UInt64 = 1_000_000_000

/// Two packages of TestNode, whose files of processors and cgroups are a directory's.
private final class Watched {
    let directory: TemporaryDirectory
    let watch: WorkWatch
    let limits = TestNode(longTerm: [100, 400, 100]).limits
    private var (energy_uj, step): ([UInt64], UInt64) = ([0, 0], 0)
    private var (busy, bestEffort_us): (Double, UInt64) = (0, 0)

    init(_ change: (inout PowerPolicy) -> Void) throws {
        directory = try TemporaryDirectory()
        watch = try #require(
            WorkWatch(.test(change), Log(format: .logfmt, level: .error), root: directory.path))
        watch.begin(sample, limits)
    }

    /// Both at the same number of processors, of which there are four.
    func processors(busy: Double, bestEffort: Double? = nil) throws {
        self.busy += busy * 200
        let ticks = (step + 1) * 200
        let idle = Int(Double(4 * ticks) - self.busy)
        // One line for each, and the first has what all of them have done together.
        var lines = "cpu 0\n"
        for processor in 0..<4 { lines += "cpu\(processor) \(Int(self.busy) / 4) 0 0 \(idle / 4) 0 0 0 0\n" }
        try write("proc/stat", lines + "intr 0\n")
        guard let bestEffort else { return }
        bestEffort_us += UInt64(bestEffort * 2e6)
        try write("sys/fs/cgroup/\(BestEffortWatch.places[0])/cpu.stat", "usage_usec \(bestEffort_us)\n")
    }

    private func write(_ path: String, _ text: String) throws {
        let url = URL(filePath: "\(directory.path)/\(path)")
        try FileManager.default.createDirectory(at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
        try text.write(to: url, atomically: true, encoding: .utf8)
    }

    /// Two seconds in which the packages draw so many watts.
    func pass(_ first: UInt64, _ other: UInt64) {
        step += 1
        energy_uj[0] += first * 2_000_000
        energy_uj[1] += other * 2_000_000
        watch.note(sample, limits)
        watch.endStep(limits, minPower: nil, now_ns)
    }

    private var now_ns: UInt64 { (10 + 2 * step) * second }

    private var sample: HelperSample {
        let zones = TestNode(longTerm: [100, 400, 100]).sample.zones.map { zone in
            var zone = zone
            if zone.index != 1 { zone.reading = Reading(1 + energy_uj[zone.index == 0 ? 0 : 1]) }
            return zone
        }
        return HelperSample(time_ns: now_ns, zones: zones)
    }

    /// The helper was away for so many seconds.
    func reconnect(after seconds: UInt64) {
        let later = HelperSample(time_ns: now_ns + seconds * second, zones: sample.zones)
        watch.begin(later, limits)
    }

    var isIdle: Bool { watch.workload(limits).isIdle }
}

struct WorkWatchTests {
    @Test("nothing is watched where nothing goes by it")
    func off() { #expect(WorkWatch(PowerPolicy(), Log(format: .logfmt, level: .error)) == nil) }

    @Test(
        "demands are the packages', in their order, when a step has been measured; a new connection goes on where there was no gap"
    )
    func demands() throws {
        let watched = try Watched { $0.split = .demand }
        #expect(watched.watch.workload(watched.limits).demands == nil)
        watched.pass(50, 100)
        let demands = try #require(watched.watch.workload(watched.limits).demands)
        #expect(demands.map { $0?.basis } == [.drawn, .atLimit])
        #expect(demands[0]?.power == .watts(56))
        #expect(!watched.isIdle)
        #expect(watched.watch.state(isMoving: false).demands.count == 2)
        watched.reconnect(after: 4)
        #expect(watched.watch.workload(watched.limits).demands == demands)
        watched.reconnect(after: 10)
        #expect(watched.watch.workload(watched.limits).demands == nil)
    }

    @Test("a node whose processors have nothing to do for IDLE_AFTER is idle, whatever it draws, until they have")
    func processors() throws {
        let watched = try Watched { ($0.strategy, $0.idleAfter) = (.idleDown, .seconds(4)) }
        var seen: [Bool] = []
        for busy in [0, 0.4, 0.4, 0.4, 0.6, 0.4, 0.4, 0.4] {
            try watched.processors(busy: busy)
            watched.pass(90, 90)
            seen.append(watched.isIdle)
        }
        // The first look has nothing to compare with, and 90 W are more than the floor.
        #expect(seen == [false, false, false, true, false, false, false, true])
    }

    @Test("QOS=on: what pods of best effort do is no work, and with QOS=off it is")
    func bestEffort() throws {
        for qos in Switch.allCases {
            let watched = try Watched { ($0.strategy, $0.idleAfter, $0.qosHint) = (.idleDown, .seconds(2), qos) }
            for _ in 0..<4 {
                try watched.processors(busy: 3, bestEffort: 2.8)
                watched.pass(90, 90)
            }
            #expect(watched.isIdle == (qos == .on), "\(qos)")
            try watched.processors(busy: 3, bestEffort: 2)
            watched.pass(90, 90)
            #expect(!watched.isIdle)
        }
    }

    @Test(
        "without processors a node is idle while each of its packages draws less than its floor, and where that isn't known it isn't"
    )
    func power() throws {
        let watched = try Watched { ($0.strategy, $0.idleAfter, $0.raplMinPower) = (.idleDown, .seconds(2), .watts(50)) }
        for _ in 0..<2 { watched.pass(45, 45) }
        #expect(watched.isIdle)
        let state = watched.watch.state(isMoving: false)
        #expect(state.hasWork == false && state.missing.count == 1)
        watched.pass(45, 49)
        #expect(!watched.isIdle)
        for _ in 0..<2 { watched.pass(45, 45) }
        #expect(watched.isIdle)
        watched.pass(45, 0)
        #expect(!watched.isIdle && watched.watch.state(isMoving: false).hasWork == nil)
    }
}
