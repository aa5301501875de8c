import Foundation
import JSON
import Testing

/// A server of signals on this machine (Tests/signalserver), with certificates of its own.
public final class SignalServer {
    private let child: Child
    /// With TLS.
    public let url: String
    /// Without.
    public let plain: String
    public let certificates: String
    /// An authority that signed nothing.
    public let wrongCertificates: String

    /// A request as it came.
    public struct Asked: Sendable {
        public let method: String
        /// Path and query.
        public let target: String
        /// HTTP's, or the fault's name.
        public let status: String
        /// By names in small letters.
        public let fields: [String: String]
        public let body: String
    }

    public init(host: String = "127.0.0.1") throws {
        let program = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../signalserver/signalserver")
        child = try Child(
            "/usr/bin/python3", [program.standardized.path, "--host", host], environment: ["PATH": "/usr/bin:/bin"],
            reading: .output)
        let ready = try child.next("ready") { $0.hasPrefix("ready ") }
        let facts = try JSON(Array(ready.dropFirst(6).utf8)).texts
        url = try #require(facts["url"])
        plain = try #require(facts["plain"])
        certificates = try #require(facts["ca"])
        wrongCertificates = try #require(facts["wrong_ca"])
    }

    /// Waits until it has executed a line.
    public func tell(_ line: String) throws {
        _ = try child.answer(to: line) { $0 == "done \(line)" }
    }

    public func kill(_ signal: Int32) { child.kill(signal) }

    private static func asked(_ line: String) -> Asked? {
        guard line.hasPrefix("request "), let json = try? JSON(Array(line.dropFirst(8).utf8)) else { return nil }
        let status = json["status"]?.text ?? json["status"]?.integer.map { "\($0)" } ?? ""
        return Asked(
            method: json["method"]?.text ?? "", target: json["target"]?.text ?? "", status: status,
            fields: json["fields"]?.texts ?? [:], body: json["body"]?.text ?? "")
    }

    /// Waits for the next request, and passes over what is printed before it.
    @discardableResult
    public func next() throws -> Asked { try #require(Self.asked(try child.next("request") { $0.hasPrefix("request ") })) }

    /// The requests so far, for a path where one is given.
    public func requests(for path: String? = nil) throws -> [Asked] {
        try tell("type /none text/plain")
        return child.lines.compactMap(Self.asked).filter { asked in
            path.map { asked.target.split(separator: "?", omittingEmptySubsequences: false)[0] == $0 } ?? true
        }
    }
}
