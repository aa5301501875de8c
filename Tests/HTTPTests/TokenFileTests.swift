import Foundation
import LinuxSystem
import TestSupport
import Testing

@testable import HTTP

struct TokenFileTests {
    private let directory: TemporaryDirectory
    private var path: String { "\(directory.path)/token" }

    init() throws { directory = try TemporaryDirectory() }

    private func problem() -> TokenFile.Problem? {
        do throws(TokenFile.Problem) { _ = try TokenFile.read(path) } catch { return error }
        return nil
    }

    @Test(
        "a token is read without the white space around it",
        arguments: [("abc.def-_~+/=", "abc.def-_~+/="), ("abc\n", "abc"), (" \tabc\r\n\n", "abc")])
    func read(_ text: String, _ token: String) throws {
        try text.write(toFile: path, atomically: false, encoding: .utf8)
        #expect(try TokenFile.read(path) == token)
    }

    @Test("a long token is read whole, and one that may be cut off is none")
    func long() throws {
        try String(repeating: "x", count: 16_383).write(toFile: path, atomically: false, encoding: .utf8)
        #expect(try TokenFile.read(path).count == 16_383)
        try String(repeating: "x", count: 16_384).write(toFile: path, atomically: false, encoding: .utf8)
        #expect(problem() == .malformed)
    }

    @Test("a link is followed: the kubelet's files are links")
    func link() throws {
        try "abc".write(toFile: "\(directory.path)/data", atomically: false, encoding: .utf8)
        try FileManager.default.createSymbolicLink(atPath: path, withDestinationPath: "data")
        #expect(try TokenFile.read(path) == "abc")
    }

    @Test(
        "what isn't one token is none, and nothing of it becomes a header",
        arguments: [
            ("", .empty), ("\n \t\r\n", .empty), ("a b", .malformed), ("abc\nX-Injected: 1", .malformed),
            ("abc\r\nX-Injected: 1\r\n", .malformed),
            ("abc\ndef\n", .malformed), ("abc\u{0}def", .malformed), ("ab\u{7F}", .malformed), ("ä", .malformed),
            ("\u{FEFF}abc", .malformed),
        ] as [(String, TokenFile.Problem)])
    func none(_ text: String, _ expected: TokenFile.Problem) throws {
        try text.write(toFile: path, atomically: false, encoding: .utf8)
        #expect(problem() == expected)
    }

    @Test(
        "P14: what isn't a file is none, and isn't waited for: a FIFO that nobody writes to, and one that somebody does",
        .timeLimit(.minutes(10)))
    func fifo() throws {
        try #require(unsafe mkfifo(path, 0o600) == 0)
        #expect(problem() == .notAFile)
        let writer = unsafe open(path, O_RDWR)
        defer { close(writer) }
        #expect(problem() == .notAFile)
        try FileManager.default.removeItem(atPath: path)
        try FileManager.default.createSymbolicLink(atPath: path, withDestinationPath: "/dev/zero")
        #expect(problem() == .notAFile)
    }

    @Test("a file that is absent, denied or no file at all is told as that")
    func absent() throws {
        #expect(problem() == .file(.noEntry))
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: false)
        #expect(problem() == .file(Errno(21)))
    }
}
