import Foundation
import TestSupport
import Testing

/// Clients of a server over TLS: Python's, with OpenSSL.
final class SecureClients {
    private let child: Child

    init(of server: RunningServer, _ identity: ServerIdentity) throws {
        let script = Fixture.path("../crowd/secure.py")
        child = try Child("/usr/bin/env", ["python3", script, "\(server.port)", identity.authorities], reading: .output)
    }

    /// Carries a command out: what it printed.
    @discardableResult
    func callAsFunction(_ command: String) throws -> String { try child.answer(to: command) { _ in true } }

    func send(_ name: String, _ text: String, by verb: String = "send") throws {
        let json = String(decoding: try JSONEncoder().encode(text), as: UTF8.self)
        try #require(try self("\(verb) \(name) \(json)") == "sent")
    }

    /// Sends a request, and waits for its answer: `answer STATUS LENGTH BODY`.
    func ask(_ name: String, _ request: String) throws -> String {
        try send(name, request)
        return try self("answer \(name)")
    }

    /// The seconds until a connection ended.
    func wait(_ name: String) throws -> Double {
        try #require(try self("wait \(name)").split(separator: " ").dropFirst().first.flatMap { Double($0) })
    }

    static func post(_ path: String, _ body: String = "", _ headers: String = "") -> String {
        "POST \(path) HTTP/1.1\r\nHost: localhost\r\nContent-Length: \(body.utf8.count)\r\n\(headers)\r\n\(body)"
    }
}
