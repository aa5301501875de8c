import Foundation
import LinuxSystem
import Processes
import TestSupport
import Testing

/// What the tests themselves go by.
@Suite(.waiting)
struct SpawnedTests {
    private func shell(_ script: String) throws -> Executable.Outcome {
        try Executable.outcome(of: ["sh", "-c", script], environment: nil)
    }

    @Test("a process has the files that it is given, and none of the many others that are open")
    func files() throws {
        var others: [Epoll] = []
        for _ in 0..<200 { others.append(try Epoll()) }
        let listed = try shell("ls /proc/self/fd")
        // The last one is the directory.
        #expect(listed.output == "0\n1\n2\n3\n" && others.count == 200)
    }

    @Test("it has them where they belong, also those whose numbers are the places of others")
    func places() throws {
        let ends = try Ends()
        let output = ends.write.number
        let process = try Spawned(
            ["sh", "-c", "names=$(readlink /proc/$$/fd/0 /proc/$$/fd/1 /proc/$$/fd/3); echo \"$names\" >&0"], environment: nil,
            files: [output, 0, 2, 1, 0])
        let expected = try [output, 0, 1].map { try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/fd/\($0)") }
        try #require(expected[0] != expected[1])
        let ours = ends.takeRead()
        #expect(process.wait() == .exited(0))
        let listed = try String(decoding: Ends.everything(from: ours), as: UTF8.self)
        #expect(listed == expected.map { "\($0)\n" }.joined())
    }

    @Test("it has the environment that it is given, or the tests' own")
    func environment() throws {
        #expect(try Executable.outcome(of: ["env"], environment: ["A": "b c"]).output == "A=b c\n")
        #expect(try shell("echo \"$PATH\"").output == "\(Process.environment("PATH")!)\n")
    }

    @Test(
        "how it ended is told",
        arguments: [("exit 0", .exited(0)), ("exit 3", .exited(3)), ("kill -TERM $$", .killed(15))] as [(String, Spawned.End)])
    func end(_ script: String, _ end: Spawned.End) throws {
        let process = try Spawned(["sh", "-c", script], environment: nil, files: [0, 1, 2])
        #expect(process.wait() == end)
        // And again; nobody is signalled any more.
        process.signal(9)
        #expect(process.wait() == end && !process.isRunning)
    }

    @Test("one that hangs is killed after its time")
    func hangs() throws {
        let process = try Spawned(["sleep", "60"], environment: nil, files: [0, 1, 2])
        #expect(process.isRunning)
        _ = process.kill(after_ms: 100)
        #expect(process.wait() == .killed(9))
    }

    @Test("a program that isn't there is told")
    func missing() {
        #expect(throws: Errno.noEntry) { try Spawned(["/nowhere/program"], environment: nil, files: [0, 1, 2]) }
    }
}
