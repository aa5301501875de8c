import Foundation
import Glibc
import LinuxSystem
import PowercapProtocol
import Processes
import Testing

@testable import Simulator

@Suite("P18: SIGKILL at any moment")
struct P18KillStormTests {
    let tree: TemporaryTree

    init() throws { tree = try TemporaryTree(Machine(packages: 4, hasPsys: true, hasMMIO: true)) }

    private static let ids = ["intel-rapl:0", "intel-rapl:1", "intel-rapl:2", "intel-rapl:4", "intel-rapl-mmio:0"]
    private var kept: [String] { ["--boot-state-dir", "\(tree.directory)/boot"] }

    /// Kills of one seed.
    static let kills = 40

    @Test(
        "in a storm of batches with fallback limits: none rises at the next start, and every original comes back",
        arguments: [1, 2, 3] as [UInt64])
    func storm(_ seed: UInt64) throws {
        var random = SplitMix(seed: seed)
        for kill in 1...Self.kills {
            let helper = try tree.startHelper(kept)
            #expect(!helper.log.contains("level=error"), "seed \(seed), kill \(kill): \(helper.log)")
            let client = try WireClient(tree.socket)
            _ = try client.takeOver()
            let zones = try client.zones()
            let (pid, time_us) = (helper.pid, UInt32.random(in: 0...5_000, using: &random))
            Thread {
                usleep(time_us)
                Glibc.kill(pid, SIGKILL)
            }.start()
            // The highest fallback limit that was asked for and may have been taken.
            var highest: UInt64 = 0
            do {
                while true {
                    if Int.random(in: 0..<12, using: &random) == 0 {
                        try client.release([.fallback, .hold].randomElement(using: &random)!)
                        _ = try client.acquire()
                    }
                    let batch = batch(zones, &random)
                    highest = max(highest, batch.map { $0.fallback?.rawValue ?? 0 }.max()!)
                    try client.apply(batch)
                }
            } catch {
                let isOfDeath = [.brokenPipe, .connectionReset].contains(error as? Errno)
                guard error is WireClient.Closed || isOfDeath else { throw error }
            }
            #expect(try helper.waitForEnd() == .killed(SIGKILL))
            let before = try tree.settings()
            // Now and then the next one dies too, perhaps while it sets them.
            if Int.random(in: 0..<3, using: &random) == 0 {
                let next = try tree.spawnHelper(kept)
                usleep(.random(in: 0...15_000, using: &random))
                next.kill()
            }
            let last = try tree.startHelper(kept)
            for (path, text) in try tree.settings() where path.hasSuffix("_limit_uw") {
                let (now, then) = (UInt64(text)!, UInt64(before[path]!)!)
                #expect(now <= then, "seed \(seed), kill \(kill): \(path) rose from \(then) to \(now)")
                #expect(now == then || now <= max(highest, 60_000_000), "seed \(seed), kill \(kill): \(path) is \(now)")
            }
            if kill % 5 == 0 {
                let release = try tree.spawn("release-\(kill)", [Programs.helper, "--release", "--socket", tree.socket])
                #expect(try release.waitForEnd() == .exited(0), "\(release.log)")
                #expect(try tree.settings() == tree.originals(), "seed \(seed), kill \(kill): \(last.log)")
            }
            try last.stop()
        }
        try tree.startHelper(kept)
        let client = try WireClient(tree.socket)
        _ = try client.acquire()
        #expect(try client.release().failed == 0)
        #expect(try tree.settings() == tree.originals())
    }

    private func batch(_ zones: WireClient.ZoneList, _ random: inout SplitMix) -> [ApplyItem] {
        var batch: [ApplyItem] = []
        for id in Self.ids where batch.isEmpty || Bool.random(using: &random) {
            let watts = Double(Int.random(in: 10...140, using: &random))
            batch.append(zones.item(id, watts: watts, fallback: Double(Int.random(in: 10...Int(watts), using: &random))))
        }
        return batch
    }

    @Test(
        "before each of its writes in turn: no limit rises, none is lost, and every original comes back",
        .enabled(if: Conditions.has("strace"), "needs strace, which can deliver SIGKILL at the Nth system call"))
    func everyWrite() throws {
        var kills = 0
        for number in 1...200 {
            // A start that has something to set, so that its own writes are among those that are cut short.
            let first = try tree.startHelper(kept)
            try change(tree.socket)
            first.kill()
            let strace = [
                "strace", "-D", "-qq", "-o", "/dev/null", "-e", "trace=pwrite64", "-e",
                "inject=pwrite64:signal=SIGKILL:when=\(number)",
            ]
            let second = try tree.spawnHelper(kept, through: strace)
            var survived = true
            do {
                try second.waitUntilReady()
                try change(tree.socket)
                let client = try WireClient(tree.socket)
                _ = try client.takeOver()
                try client.release(.fallback)
            } catch {
                let isOfDeath = [.brokenPipe, .connectionReset, .connectionRefused].contains(error as? Errno)
                guard error is WireClient.Closed || error is HelperProcess.NotReady || isOfDeath else { throw error }
                survived = false
            }
            // The stop writes, too.
            if survived, try second.stop() == .exited(0) {
                #expect(kills > 15)
                return
            }
            #expect(try second.waitForEnd() == .killed(SIGKILL), "write \(number): \(second.log)")
            kills += 1
            let before = try tree.settings()
            let third = try tree.startHelper(kept)
            let now = try tree.settings()
            for (path, text) in now { #expect(UInt64(text)! <= UInt64(before[path]!)!, "write \(number): \(path)") }
            #expect(UInt64(now["\(package0)/constraint_0_power_limit_uw"]!)! <= 50_000_000, "write \(number): \(third.log)")
            #expect(!third.log.contains("level=error"), "write \(number): \(third.log)")
            let client = try WireClient(tree.socket)
            _ = try client.takeOver()
            #expect(try client.release().failed == 0)
            #expect(try tree.settings() == tree.originals(), "killed before write \(number): \(third.log)")
            try third.stop()
        }
        Issue.record("it writes without end")
    }

    /// A fallback limit that comes, rises, and falls.
    private func change(_ socket: String) throws {
        let client = try WireClient(socket)
        _ = try client.takeOver()
        let zones = try client.zones()
        try client.apply([
            zones.item("intel-rapl:0", watts: 60, fallback: 40), zones.item("intel-rapl:1", watts: 70, fallback: 30),
        ])
        try client.apply([zones.item("intel-rapl:0", watts: 80, fallback: 50)])
        try client.apply([zones.item("intel-rapl:0", watts: 50, fallback: 20)])
    }
}
