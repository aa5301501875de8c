import Foundation
import TestSupport
import Testing

/// P14: the pod's memory. Its limit is 48Mi (deploy/kubernetes).
@Suite(.waiting)
struct MemoryTests {
    /// A cgroup of a test's own, of version 1 or 2.
    private final class Cgroup {
        static let limit = 48 << 20
        private let path: String
        private let isFirst: Bool

        static var problem: String? {
            guard Root.isHere else { return "takes root: a cgroup is made" }
            return root == nil ? "no cgroup hierarchy has a memory controller" : nil
        }

        private static var root: (path: String, isFirst: Bool)? {
            let files = FileManager.default
            if files.fileExists(atPath: "/sys/fs/cgroup/memory/memory.limit_in_bytes") { return ("/sys/fs/cgroup/memory", true) }
            let controllers = try? String(contentsOfFile: "/sys/fs/cgroup/cgroup.subtree_control", encoding: .utf8)
            return controllers?.contains("memory") == true ? ("/sys/fs/cgroup", false) : nil
        }

        init() throws {
            let root = try #require(Self.root)
            isFirst = root.isFirst
            path = "\(root.path)/powercap-test-\(UUID().uuidString)"
            try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: false)
            try set(isFirst ? "memory.limit_in_bytes" : "memory.max", "\(Self.limit)")
            // Without it the limit would be one of what isn't swapped.
            try? set(isFirst ? "memory.memsw.limit_in_bytes" : "memory.swap.max", isFirst ? "\(Self.limit)" : "0")
        }

        deinit { _ = unsafe rmdir(path) }

        private func set(_ name: String, _ value: String) throws {
            let file = try #require(FileHandle(forWritingAtPath: "\(path)/\(name)"))
            try file.write(contentsOf: Data(value.utf8))
        }

        func text(_ name: String) throws -> String { try String(contentsOfFile: "\(path)/\(name)", encoding: .utf8) }

        /// How often the kernel ended something here for want of memory.
        func kills() throws -> Int? {
            let events = try text(isFirst ? "memory.oom_control" : "memory.events")
            return events.split(separator: "\n").first { $0.hasPrefix("oom_kill ") }.flatMap { Int($0.dropFirst(9)) }
        }

        /// A command within.
        var prefix: [String] { ["-c", "echo $$ > \(path)/cgroup.procs && exec \"$0\" \"$@\""] }
    }

    private static let answers =
        ["lists", "objects", "deep", "text", "own"].map { "fill \($0) 2000" } + ["fill lists 4000", "headers", "gzip", "endless"]

    @Test(
        "P14: a pod with the manifest's limit outlives every answer, again and again",
        .enabled(if: Cgroup.problem == nil, Comment(rawValue: Cgroup.problem ?? "")), arguments: answers)
    func pod(_ answer: String) throws {
        let manifest = URL(filePath: #filePath).deletingLastPathComponent()
            .appending(path: "../../../deploy/kubernetes/base/daemonset.yaml").standardized
        #expect(try String(contentsOf: manifest, encoding: .utf8).contains("memory: 48Mi"), "the manifest has another limit")
        let cgroup = try Cgroup()
        let (server, mock) = (try ApiServer(), try Mock(devices: 2))
        try server.tell("fault every list * \(answer)")
        let controller = try RunningController(
            mock.socket, server.environment.merging(["LEASE_TIME": "3s"]) { $1 }, program: "/bin/sh",
            before: cgroup.prefix + [Executable.url("powercap-controller").path, "run"])
        for _ in 0..<3 { try mock.next("Renew") }
        // A server that shares its processor with many others takes longer to begin.
        var renewals = 3
        while try !server.requests.contains(where: { $0.fault != nil }), renewals < 30 {
            try mock.next("Renew")
            renewals += 1
        }
        #expect(try server.requests.contains { $0.fault != nil })
        #expect(try cgroup.kills() == 0)
        try controller.expectSmall()
        #expect(try controller.stop() == 0)
    }
}
