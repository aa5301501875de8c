public import Foundation
import LinuxSystem
import Processes
public import Testing

/// Random numbers that are the same in every run (SplitMix64).
public struct SeededGenerator: RandomNumberGenerator {
    private var state: UInt64

    public init(seed: UInt64) { state = seed }

    public mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var value = state
        value = (value ^ (value >> 30)) &* 0xBF58_476D_1CE4_E5B9
        value = (value ^ (value >> 27)) &* 0x94D0_49BB_1331_11EB
        return value ^ (value >> 31)
    }
}

/// Tests that set the time zone, which is the process's. They run one after the other; no other test may use it.
@Suite(.serialized) public enum ProcessTimeZone {}

public enum Fixture {
    private static let directory = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .appending(path: "Fixtures")

    public static func path(_ name: String) -> String { directory.appending(path: name).path }

    public static func text(_ name: String) throws -> String { try String(contentsOfFile: path(name), encoding: .utf8) }

    /// Whether what is golden is made anew (UPDATE_GOLDEN=1).
    public static var areGoldenWritten: Bool { ProcessInfo.processInfo.environment["UPDATE_GOLDEN"] == "1" }

    /// Compares a text with a golden file, whole. With UPDATE_GOLDEN=1 the file is written instead, to be read before it is
    /// committed.
    public static func expect(_ text: String, isGolden name: String, _ location: SourceLocation = #_sourceLocation) throws {
        if areGoldenWritten {
            try text.write(toFile: path(name), atomically: true, encoding: .utf8)
        }
        #expect(try text == Self.text(name), sourceLocation: location)
    }
}

/// The programs as they were built beside these tests.
public enum Executable {
    public struct Outcome {
        public let status: Int32
        public let output: String
        public let errors: String
        /// Standard error without its last line break; it must have exactly one.
        public var errorLine: String? {
            errors.hasSuffix("\n") && errors.filter { $0 == "\n" }.count == 1 ? String(errors.dropLast()) : nil
        }
    }

    /// A program that was built beside these tests.
    public static func url(_ program: String) -> URL {
        URL(filePath: CommandLine.arguments[0]).deletingLastPathComponent().appending(path: program)
    }

    public static func run(
        _ arguments: [String], environment: [String: String] = [:], input: String = "", output path: String? = nil
    )
        throws -> Outcome
    {
        try outcome(
            of: [url("powercap-controller").path] + arguments, environment: environment, input: input, output: path)
    }

    /// Runs a command to its end.
    /// - Parameters:
    ///   - environment: nil is the tests' own.
    ///   - output: a file that standard output goes to instead.
    public static func outcome(
        of command: [String], environment: [String: String]?, input: String = "", output path: String? = nil
    ) throws -> Outcome {
        let given = try Ends()
        let output = try Ends()
        let errors = try Ends()
        let sink = if let path { try Descriptor(opening: path, .write) } else { Descriptor(owning: try output.write.duplicate()) }
        let process = try Spawned(
            command, environment: environment, files: [given.read.number, sink.number, errors.write.number])
        let deadline = process.kill(after_ms: 60_000)
        defer { deadline.cancel() }
        _ = consume sink
        let from = output.takeRead()
        let wrong = errors.takeRead()
        // Every text here fits into a pipe (64 KiB), so no end waits for the other.
        let bytes = Array(input.utf8)
        if !bytes.isEmpty { _ = try given.write.write(bytes.span) }
        _ = given.takeRead()
        let outputText = String(decoding: try Ends.everything(from: from), as: UTF8.self)
        let errorText = String(decoding: try Ends.everything(from: wrong), as: UTF8.self)
        return Outcome(status: process.wait().status, output: outputText, errors: errorText)
    }
}
