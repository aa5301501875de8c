import Foundation
import JSON
import Testing

/// A double of a service that has devices (Tests/devices).
public final class DeviceDouble {
    public enum Service: String { case zeusd, redfish }

    private let child: Child
    /// As DEVICE_URL has it; of Redfish the origin.
    public let url: String
    /// Of Redfish: what has signed its certificate.
    public let certificates: String?

    /// A request as it came.
    public struct Asked: Sendable {
        public let method: String
        /// Path and query.
        public let target: String
        /// By names in small letters.
        public let fields: [String: String]
        public let body: String
        /// Empty where there was none.
        public let fault: String
    }

    /// A limit that was set.
    public struct Limit: Equatable, Sendable {
        public let device: String
        /// In the service's own unit; nil where it has none.
        public let limit: UInt64?
        public let mode: String?

        public init(device: String, limit: UInt64?, mode: String? = nil) {
            (self.device, self.limit, self.mode) = (device, limit, mode)
        }
    }

    /// - Parameter directory: where the daemon's socket is made.
    public init(_ service: Service, gpus: Int = 2, in directory: String) throws {
        let program = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../devices/\(service.rawValue)")
        var arguments = [program.standardized.path, "--gpus", "\(gpus)"]
        if service == .zeusd { arguments.append("\(directory)/zeusd.sock") }
        child = try Child("/usr/bin/python3", arguments, environment: ["PATH": "/usr/bin:/bin"], reading: .output)
        let facts = try JSON(Array(try child.next("ready") { $0.hasPrefix("ready ") }.dropFirst(6).utf8)).texts
        url = try #require(facts["url"])
        certificates = facts["ca"]
    }

    /// Waits until it has carried a line out.
    public func tell(_ line: String) throws { _ = try child.answer(to: line) { $0 == "done \(line)" } }

    public func kill(_ signal: Int32) { child.kill(signal) }

    /// Waits for the next request of a method, and passes over what is printed before it.
    @discardableResult
    public func next(_ method: String) throws -> Asked {
        var found: Asked?
        _ = try child.next("a \(method)") { line in
            guard let asked = Self.asked(line), asked.method == method else { return false }
            found = asked
            return true
        }
        return try #require(found)
    }

    /// Waits for the next limit that is set.
    @discardableResult
    public func nextLimit() throws -> Limit { try #require(Self.limit(try child.next("a limit") { $0.hasPrefix("limit ") })) }

    /// The requests so far.
    public func requests() throws -> [Asked] {
        try child.poll()
        return child.lines.compactMap(Self.asked)
    }

    /// The limits that were set so far, in order.
    public func limits() throws -> [Limit] {
        try child.poll()
        return child.lines.compactMap(Self.limit)
    }

    private static func asked(_ line: String) -> Asked? {
        guard line.hasPrefix("request "), let json = try? JSON(Array(line.dropFirst(8).utf8)) else { return nil }
        return Asked(
            method: json["method"]?.text ?? "", target: json["target"]?.text ?? "", fields: json["fields"]?.texts ?? [:],
            body: json["body"]?.text ?? "", fault: json["fault"]?.text ?? "")
    }

    private static func limit(_ line: String) -> Limit? {
        guard line.hasPrefix("limit "), let json = try? JSON(Array(line.dropFirst(6).utf8)) else { return nil }
        return Limit(device: json["device"]?.text ?? "", limit: json["limit"]?.integer, mode: json["mode"]?.text)
    }
}
