public import Foundation
import LinuxSystem
import Processes

/// A program that runs beside a test. Its lines are waited for, never slept for.
public final class Child {
    /// How long a line or an exit is waited for. Only a failing test takes so long.
    public static let patience_ms: UInt64 = 30_000

    /// Something that was waited for in vain.
    public struct Missing: Error, CustomStringConvertible {
        public let description: String

        public init(description: String) { self.description = description }
    }

    private let name: String
    private let process: Spawned
    private var input: Descriptor?
    private let output: Descriptor
    private var partial: [UInt8] = []
    private var isAtEnd = false
    /// Every line so far, without its end.
    public private(set) var lines: [String] = []
    /// Lines before it were waited for already.
    private var cursor = 0

    public enum Stream { case output, errors }

    public var pid: Int32 { process.pid }

    /// - Parameters:
    ///   - program: as it was built beside these tests, or an absolute path.
    ///   - stream: whose lines are read; the other one goes where the tests' own goes.
    ///   - errors: where standard error goes instead.
    public init(
        _ program: String, _ arguments: [String], environment: [String: String] = [:], reading stream: Stream,
        errors: FileHandle? = nil
    ) throws {
        name = URL(filePath: program).lastPathComponent
        let input = try Ends()
        let output = try Ends()
        let written = output.write.number
        let files = stream == .output ? [written, errors?.fileDescriptor ?? 2] : [1, written]
        process = try Spawned(
            [program.hasPrefix("/") ? program : Executable.url(program).path] + arguments, environment: environment,
            files: [input.read.number] + files)
        self.input = input.takeWrite()
        self.output = output.takeRead()
    }

    deinit {
        process.signal(SIGKILL)
        process.wait()
    }

    public func kill(_ signal: Int32) { process.signal(signal) }

    public func write(_ line: String) throws {
        // Nobody reads the pipe then, and the signal would end the tests.
        guard process.isRunning else { throw missing("that it takes \(line), because it has ended") }
        let bytes = Array("\(line)\n".utf8)
        var done = 0
        while done < bytes.count { done += try input?.write(bytes.span.extracting(done..<bytes.count)) ?? bytes.count }
    }

    /// Ends its standard input.
    public func finish() { input = nil }

    // MARK: Lines

    /// Waits for the next line that matches, and passes over those before it.
    @discardableResult
    public func next(_ what: String, where matches: (String) -> Bool) throws -> String {
        let deadline_ns = Clock.monotonic_ns + Child.patience_ms * 1_000_000
        while true {
            while cursor < lines.count {
                cursor += 1
                if matches(lines[cursor - 1]) { return lines[cursor - 1] }
            }
            if isAtEnd { throw missing("\(what), before it ended") }
            try read(until: deadline_ns, what)
        }
    }

    /// Reads what is there already.
    public func poll() throws {
        while !isAtEnd, try output.wait(milliseconds: 0) { try read(until: Clock.monotonic_ns + 1_000_000_000, "anything") }
    }

    /// Writes a line, and waits for the answer to it. No line is passed over.
    public func answer(to line: String, where matches: (String) -> Bool) throws -> String {
        let before = cursor
        defer { cursor = before }
        cursor = lines.count
        try write(line)
        return try next("the answer to \(line)", where: matches)
    }

    /// Waits for the program's end: its exit status.
    public func exitStatus() throws -> Int32 {
        let deadline_ns = Clock.monotonic_ns + Child.patience_ms * 1_000_000
        while !isAtEnd { try read(until: deadline_ns, "its end") }
        let deadline = process.kill(after_ms: Int(Child.patience_ms))
        defer { deadline.cancel() }
        return process.wait().status
    }

    private func read(until deadline_ns: UInt64, _ what: String) throws {
        let now_ns = Clock.monotonic_ns
        guard now_ns < deadline_ns, try output.wait(milliseconds: Int32((deadline_ns - now_ns) / 1_000_000 + 1)) else {
            throw missing("\(what) within \(Child.patience_ms / 1_000) s")
        }
        var chunk = [UInt8](repeating: 0, count: 4096)
        let count = try output.read(into: &chunk, from: 0, atMost: chunk.count)
        isAtEnd = count == 0
        partial += chunk[..<count]
        while let end = partial.firstIndex(of: UInt8(ascii: "\n")) {
            lines.append(String(decoding: partial[..<end], as: UTF8.self))
            partial.removeFirst(end + 1)
        }
    }

    private func missing(_ what: String) -> Missing {
        Missing(description: "\(name) never showed \(what). It showed:\n\(lines.joined(separator: "\n"))")
    }
}
