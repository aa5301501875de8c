import Foundation
import Glibc
import LinuxSystem
import Processes

/// A program that a test has started. The end of its standard output tells that it is gone; standard error goes to a file.
final class ChildProcess: @unchecked Sendable {
    private let process: Spawned
    var pid: pid_t { process.pid }
    let logPath: String
    private let output: Descriptor
    private var input: Descriptor?
    private var outputBytes: [UInt8] = []

    typealias End = Spawned.End

    /// - Parameters:
    ///   - descriptors: numbers that the child gets as 3, 4, …
    ///   - keepsInput: standard input is open until `closeInput()`, and not /dev/null.
    init(
        _ arguments: [String], environment: [String: String] = [:], log: String, inheriting descriptors: [Int32] = [],
        keepsInput: Bool = false
    ) throws {
        logPath = log
        let ends = try Ends()
        let ours = Descriptor(owning: try ends.write.duplicate())
        output = ends.takeRead()
        let stdin: Descriptor
        if keepsInput {
            let given = try Ends()
            stdin = Descriptor(owning: try given.read.duplicate())
            input = given.takeWrite()
        } else {
            stdin = try Descriptor(opening: "/dev/null", .read)
        }
        let stderr = try Descriptor(opening: log, .create, mode: 0o644)

        let path = ProcessInfo.processInfo.environment["PATH"] ?? "/usr/bin:/bin"
        process = try Spawned(
            arguments, environment: ["PATH": path, "LANG": "C"].merging(environment) { $1 },
            files: [stdin.number, ours.number, stderr.number] + descriptors)
    }

    // MARK: While it runs

    func signal(_ number: Int32) { process.signal(number) }

    func closeInput() { input = nil }

    /// Writes a line to its standard input, which it keeps.
    func say(_ line: String) throws { _ = try input?.write([UInt8]("\(line)\n".utf8).span) }

    /// What it has written to standard error.
    var log: String { (try? Files.text(logPath)) ?? "" }

    /// The number to watch for the end of standard output.
    var outputNumber: Int32 { output.number }

    /// What it has written to standard output so far.
    /// - Returns: false when nothing more comes: it has exited, or closed the pipe.
    @discardableResult
    func readOutput(within milliseconds: Int32) throws -> Bool {
        guard try output.wait(milliseconds: milliseconds) else { return true }
        var storage = InlineArray<4096, UInt8>(repeating: 0)
        var buffer = storage.mutableSpan
        let count = try output.read(into: &buffer)
        for index in 0..<count { outputBytes.append(storage[index]) }
        return count > 0
    }

    var outputText: String { String(decoding: outputBytes, as: UTF8.self) }

    func waitForOutput(_ text: String, _ deadline: Deadline = Deadline()) throws {
        while !outputText.contains(text) {
            guard try !deadline.isOver && readOutput(within: deadline.remaining_ms) else {
                throw TimeOut(what: "\(text) on standard output; standard error: \(log)")
            }
        }
    }

    // MARK: Its end

    /// Waits until it has ended by itself.
    @discardableResult
    func waitForEnd(_ deadline: Deadline = Deadline()) throws -> End {
        while try readOutput(within: deadline.remaining_ms) {
            if deadline.isOver { throw TimeOut(what: "the end of process \(pid); standard error: \(log)") }
        }
        // It could have closed its output, and go on.
        let killing = process.kill(after_ms: max(1_000, Int(deadline.remaining_ms)))
        defer { killing.cancel() }
        return process.wait()
    }

    /// SIGKILL, and waits for it.
    func kill() {
        signal(SIGKILL)
        process.wait()
    }
}
