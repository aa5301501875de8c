import Foundation
import LinuxSystem
import TestSupport
import Testing

@testable import powercap_controller

/// A tree of files as the kernel has them: four processors, two to a package.
private final class Tree {
    let directory: TemporaryDirectory
    var root: String { directory.path }

    init() throws {
        directory = try TemporaryDirectory()
        for processor in 0..<4 {
            try write("sys/devices/system/cpu/cpu\(processor)/topology/physical_package_id", "\(processor / 2)\n")
            try frequency(processor, 3_000_000)
            try write("sys/devices/system/cpu/cpu\(processor)/cpufreq/scaling_max_freq", "3000000\n")
        }
    }

    func write(_ path: String, _ text: String) throws {
        let url = URL(filePath: "\(root)/\(path)")
        try FileManager.default.createDirectory(at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
        try text.write(to: url, atomically: true, encoding: .utf8)
    }

    func frequency(_ processor: Int, _ kilohertz: Int) throws {
        try write("sys/devices/system/cpu/cpu\(processor)/cpufreq/scaling_cur_freq", "\(kilohertz)\n")
    }

    func remove(_ path: String) throws { try FileManager.default.removeItem(atPath: "\(root)/\(path)") }

    /// Ticks of each processor, busy and idle, in the kernel's columns.
    func times(_ ticks: [(busy: Int, idle: Int)]) throws {
        let lines = ticks.enumerated().map { "cpu\($0) \($1.busy - 3) 1 1 \($1.idle - 1) 1 1 0 5 9 9\n" }
        try write("proc/stat", "cpu  1 2 3 4 5 6 7 8 9 10\n\(lines.joined())intr 12345 0 0\nctxt 99\n")
    }
}

struct ProcessorTests {
    @Test("busy time is that of all processors together between two looks")
    func busy() throws {
        let tree = try Tree()
        let watch = ProcessorWatch(root: tree.root)
        try tree.times([(100, 100), (100, 100), (100, 100), (100, 100)])
        watch.look()
        #expect(watch.activity == nil && watch.problem == nil)
        try tree.times([(300, 100), (200, 200), (110, 290), (100, 300)])
        watch.look()
        let activity = try #require(watch.activity)
        #expect(activity.processors == 4)
        #expect(abs(activity.busy - 1.55) < 1e-9)
        #expect(activity.slowed.isEmpty)
        watch.look()
        #expect(watch.activity?.busy == 0, "no time has passed")
    }

    @Test("a package whose busy processors run below their maximum is slowed; idle ones aren't asked")
    func slowed() throws {
        let tree = try Tree()
        let watch = ProcessorWatch(root: tree.root)
        try tree.times([(100, 100), (100, 100), (100, 100), (100, 100)])
        watch.look()
        try tree.frequency(0, 2_000_000)
        try tree.frequency(2, 2_000_000)
        try tree.remove("sys/devices/system/cpu/cpu3/cpufreq")
        try tree.times([(200, 100), (200, 200), (120, 180), (100, 200)])
        watch.look()
        // 2 and 3 GHz of twice 3: 83 %.
        #expect(watch.activity?.slowed == [0])
        #expect(watch.frequencyProblem == nil)
        try tree.frequency(0, 2_500_000)
        try tree.times([(300, 100), (300, 200), (220, 180), (200, 200)])
        watch.look()
        #expect(watch.activity?.slowed == [1])
        #expect(watch.frequencyProblem == .noEntry)
    }

    @Test("processors that go and come are looked at while they are there")
    func hotplug() throws {
        let tree = try Tree()
        let watch = ProcessorWatch(root: tree.root)
        try tree.write("proc/stat", "cpu 0\ncpu0 100 0 0 100 0 0 0 0\ncpu2 100 0 0 100 0 0 0 0\nintr 0\n")
        watch.look()
        try tree.write("proc/stat", "cpu 0\ncpu1 900 0 0 100 0 0 0 0\ncpu2 200 0 0 100 0 0 0 0\nintr 0\n")
        watch.look()
        #expect(watch.activity == ProcessorWatch.Activity(processors: 2, busy: 1))
    }

    @Test("what can't be read is said, and looked at again")
    func problems() throws {
        let tree = try Tree()
        let watch = ProcessorWatch(root: tree.root)
        watch.look()
        #expect(watch.problem == .noEntry && watch.activity == nil)
        try tree.times([(100, 100), (100, 100), (100, 100), (100, 100)])
        watch.look()
        try tree.times([(200, 100), (200, 100), (200, 100), (200, 100)])
        watch.look()
        #expect(watch.problem == nil && watch.activity?.busy == 4)
    }

    @Test("a machine of more processors than fit into the first read is read whole")
    func many() throws {
        let tree = try Tree()
        let watch = ProcessorWatch(root: tree.root)
        for busy in [100, 200] {
            try tree.times(Array(repeating: (busy, 100), count: 1_024))
            watch.look()
        }
        #expect(watch.activity?.processors == 1_024)
        #expect(watch.activity?.busy == 1_024)
    }

    @Test(
        "only whole lines of processors count",
        arguments: [
            ("", 0, true), ("cpu0 1 1 1 1 1 1 1 1", 0, true), ("cpu0 1 1 1 1 1 1 1 1\n", 1, true),
            ("cpu0 1 1 1 1 1 1 1 1\nintr 1\n", 1, false), ("cpu0 1 1 1 1\nx\n", 0, false),
            ("cpux 1 1 1 1 1 1 1 1\nx\n", 0, false),
            ("cpu0 1 1 1 1 1 1 1 99999999999999999999\nx\n", 0, false), ("cpu0 1  1 1 1 1 1 1 1\nx\n", 1, false),
            ("\n", 0, false),
            ("cpu\nx\n", 0, false),
        ] as [(String, Int, Bool)])
    func lines(_ text: String, _ count: Int, _ isCutOff: Bool) {
        let bytes = Array(text.utf8)
        let times = ProcessorTimes(bytes.span)
        #expect(times.processors.count == count)
        #expect(times.isCutOff == isCutOff)
    }

    @Test(
        "pods of best effort: what their cgroup used between two looks, wherever the kubelet puts it",
        arguments: BestEffortWatch.places)
    func bestEffort(_ place: String) throws {
        let tree = try Tree()
        let watch = BestEffortWatch(directory: tree.root)
        watch.look(1_000_000_000)
        #expect(watch.busy == nil && watch.problem == .noEntry)
        try tree.write("\(place)/cpu.stat", "usage_usec 1000000\nuser_usec 1\nsystem_usec 2\n")
        watch.look(2_000_000_000)
        #expect(watch.busy == nil && watch.problem == nil)
        try tree.write("\(place)/cpu.stat", "usage_usec 4000000\nuser_usec 1\nsystem_usec 2\n")
        watch.look(4_000_000_000)
        #expect(watch.busy == 1.5)
        try tree.write("\(place)/cpu.stat", "usage_usec 1\n")
        watch.look(6_000_000_000)
        #expect(watch.busy == nil, "the slice was made anew")
        try tree.write("\(place)/cpu.stat", "nothing\n")
        watch.look(8_000_000_000)
        #expect(watch.problem == .badMessage)
    }
}
