import Foundation
import LinuxSystem
import TestSupport
import Testing

@testable import HTTP

struct SecretFileTests {
    private let directory: TemporaryDirectory
    private let path: String

    init() throws {
        directory = try TemporaryDirectory()
        path = "\(directory.path)/secret"
    }

    private func put(_ text: String) throws { try text.write(toFile: path, atomically: true, encoding: .utf8) }

    @Test("a head's lines are names and values, with comments and blanks passed over")
    func fields() throws {
        try put("# of the service\r\n\r\nauth-token: a:b c \nX-Authorization:Token 1\n")
        #expect(
            try SecretFile.fields(path)
                == [HTTPField("auth-token", "a:b c")!, HTTPField("X-Authorization", "Token 1")!])
    }

    @Test(
        "what is no head is refused by its line, and never shown",
        arguments: [
            ("", .empty), ("#\n", .empty), ("x", .noField(line: 1)), ("a: b\n: c", .noField(line: 2)), ("a:", .noField(line: 1)),
            ("a b: c", .noField(line: 1)), ("a: \u{1}", .noField(line: 1)), ("a: é", .noField(line: 1)), ("a: \u{0}", .notText),
            ("A: b\nHost: c", .reserved("Host", line: 2)), ("content-length: 1", .reserved("content-length", line: 1)),
            ("Accept-Encoding: gzip", .reserved("Accept-Encoding", line: 1)),
            (String(repeating: "a: b\n", count: 33), .tooLarge), (String(repeating: "#", count: 16_385), .tooLarge),
        ] as [(String, SecretFile.Problem)])
    func noFields(_ text: String, _ problem: SecretFile.Problem) throws {
        try put(text)
        #expect(throws: problem) { try SecretFile.fields(path) }
    }

    @Test("a login is a name, a colon and a password that may have anything in it")
    func login() throws {
        try put("solar:p:ä ss \n")
        #expect(try SecretFile.login(path, .basic) == Login(user: "solar", password: "p:ä ss", .basic))
    }

    @Test(
        "what is no login, or more than a line, is refused",
        arguments: [
            ("", .empty), ("\n", .empty), ("solar", .noLogin), (":word", .noLogin), ("a:b\u{1}c", .noLogin),
            ("a:b\nc:d", .manyLines),
        ] as [(String, SecretFile.Problem)])
    func noLogin(_ text: String, _ problem: SecretFile.Problem) throws {
        try put(text)
        #expect(throws: problem) { try SecretFile.login(path, .basic) }
    }

    @Test("what isn't there, or is no plain file, is told, and nobody waits for it")
    func noFile() throws {
        #expect(throws: SecretFile.Problem.file(.noEntry)) { try SecretFile.line(path) }
        let made = unsafe mkfifo(path, 0o600)
        try #require(made == 0)
        #expect(throws: SecretFile.Problem.notAFile) { try SecretFile.line(path) }
    }
}
