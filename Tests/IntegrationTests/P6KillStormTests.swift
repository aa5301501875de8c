import Foundation
import Glibc
import LinuxSystem
import PowercapProtocol
import Processes
import Testing

@testable import Simulator

@Suite("P6: SIGKILL at any moment")
struct P6KillStormTests {
    let tree: TemporaryTree

    init() throws {
        // Enough constraints for a state that fills several pages, which is not written in one step.
        tree = try TemporaryTree(Machine(packages: 4, hasPsys: true, hasMMIO: true))
    }

    /// Kills of one seed. All seeds together make 200.
    static let kills = 50

    @Test("in a storm of requests, 50 times: after each restart every original is back", arguments: [1, 2, 3, 4] as [UInt64])
    func storm(_ seed: UInt64) throws {
        var random = SplitMix(seed: seed)
        var restored = 0
        for kill in 1...Self.kills {
            let helper = try tree.startHelper()
            #expect(try tree.settings() == tree.originals(), "seed \(seed), after kill \(kill - 1): \(helper.log)")
            #expect(isClean(helper.log), "seed \(seed), after kill \(kill - 1): \(helper.log)")
            if helper.log.contains("an earlier helper died with limits in force") { restored += 1 }

            let client = try WireClient(tree.socket)
            _ = try client.acquire()
            let zones = try client.zones()
            killLater(helper.pid, microseconds: .random(in: 0...5_000, using: &random))
            try untilDeath { try rage(client, zones, &random) }
            #expect(try helper.waitForEnd() == .killed(SIGKILL))
            try expectWithinBounds("seed \(seed), kill \(kill)")

            // Now and then the next one dies too, perhaps while it restores.
            if Int.random(in: 0..<4, using: &random) == 0 {
                let next = try tree.spawnHelper()
                usleep(.random(in: 0...15_000, using: &random))
                next.kill()
            }
        }
        let last = try tree.startHelper()
        #expect(try tree.settings() == tree.originals(), "seed \(seed): \(last.log)")
        #expect(try WireClient(tree.socket).welcome.writes == .accepted)
        // Otherwise the kills came when there was nothing to lose.
        #expect(restored > Self.kills / 2)
        print("seed \(seed): \(Self.kills) kills, \(restored) of them with limits in force")
    }

    /// Whether a helper restored whatever there was without an error and without a stranger's limit.
    private func isClean(_ log: String) -> Bool {
        !log.contains("level=error") && (!log.contains("foreign=") || log.contains("foreign=0 failed=0"))
    }

    /// Runs a conversation that the helper's death may end.
    /// - Returns: whether it came to its own end.
    @discardableResult
    private func untilDeath(_ body: () throws -> Void) throws -> Bool {
        do { try body() } catch {
            guard error is WireClient.Closed || error is HelperProcess.NotReady || isOfDeath(error as? Errno) else { throw error }
            return false
        }
        return true
    }

    private func isOfDeath(_ errno: Errno?) -> Bool {
        errno == .brokenPipe || errno == .connectionReset || errno == .connectionRefused
    }

    private func killLater(_ pid: pid_t, microseconds: UInt32) {
        Thread {
            usleep(microseconds)
            kill(pid, SIGKILL)
        }.start()
    }

    /// Sends whatever a controller may send until nobody answers any more.
    private func rage(_ client: WireClient, _ zones: WireClient.ZoneList, _ random: inout SplitMix) throws {
        while true {
            switch Int.random(in: 0..<20, using: &random) {
            case 0:
                try client.release()
                _ = try client.acquire()
            case 1:
                try client.release(.hold)
                _ = try client.acquire()
            case 2:
                _ = try failure { try client.apply(batch(zones, &random) + [zones.item("intel-rapl:0", 1, watts: 4_000)]) }
            case 3: _ = try client.sample()
            case 4:
                // Several at once, so that the helper always has the next one to do.
                for _ in 0..<5 { try client.send(client.applyFrame(batch(zones, &random))) }
                for _ in 0..<5 { guard try client.receive() != nil else { return } }
            default: try client.apply(batch(zones, &random))
            }
        }
    }

    private func batch(_ zones: WireClient.ZoneList, _ random: inout SplitMix) -> [ApplyItem] {
        var batch: [ApplyItem] = []
        for id in ["intel-rapl:0", "intel-rapl:1", "intel-rapl:2", "intel-rapl:4", "intel-rapl-mmio:0", "intel-rapl-mmio:3"] {
            for constraint in 0...1 as ClosedRange<UInt8> where Bool.random(using: &random) {
                let window: UInt64? =
                    Int.random(in: 0..<4, using: &random) == 0 ? .random(in: 1_000...2_000_000, using: &random) : nil
                batch.append(
                    zones.item(id, constraint, watts: Double(Int.random(in: 10...140, using: &random)), window_us: window))
            }
        }
        return batch.isEmpty ? [zones.item("intel-rapl:0", watts: 50)] : batch
    }

    /// P3 holds at every moment.
    private func expectWithinBounds(_ when: String) throws {
        let originals = tree.originals()
        for (path, text) in try tree.settings() where path.hasSuffix("_limit_uw") && text != originals[path] {
            let limit = UInt64(text) ?? 0
            #expect(10_000_000...140_000_000 ~= limit, "\(when): \(path) is \(text)")
        }
    }

    // MARK: At every write

    @Test(
        "before each of its writes in turn: the originals come back every time",
        .enabled(if: Conditions.has("strace"), "needs strace, which can deliver SIGKILL at the Nth system call"))
    func everyWrite() throws {
        var kills = 0
        for number in 1...200 {
            // A start that has something to restore, so that its own writes are among those that are cut short.
            let first = try tree.startHelper()
            try cap(tree.socket)
            first.kill()

            let strace = [
                "strace", "-D", "-qq", "-o", "/dev/null", "-e", "trace=pwrite64", "-e",
                "inject=pwrite64:signal=SIGKILL:when=\(number)",
            ]
            let second = try tree.spawnHelper(through: strace)
            let survived = try untilDeath {
                try second.waitUntilReady()
                try cap(tree.socket)
                let client = try WireClient(tree.socket)
                _ = try client.takeOver()
                try client.apply([try client.zones().item("intel-rapl:1", watts: 70, window_us: 5_000)])
                try client.release()
            }
            if survived {
                #expect(try second.stop() == .exited(0))
                #expect(kills > 20)
                return
            }
            #expect(try second.waitForEnd() == .killed(SIGKILL), "write \(number): \(second.log)")
            kills += 1
            let third = try tree.startHelper()
            #expect(try tree.settings() == tree.originals(), "killed before write \(number): \(third.log)")
            #expect(isClean(third.log), "killed before write \(number): \(third.log)")
            try third.stop()
        }
        Issue.record("it writes without end")
    }

    /// Changes three constraints in two batches, and goes.
    private func cap(_ socket: String) throws {
        let client = try WireClient(socket)
        _ = try client.acquire()
        let zones = try client.zones()
        try client.apply([zones.item("intel-rapl:0", watts: 60), zones.item("intel-rapl:0", 1, watts: 80, window_us: 3_000)])
        try client.apply([zones.item("intel-rapl:0", watts: 50), zones.item("intel-rapl-mmio:2", watts: 50)])
    }
}
