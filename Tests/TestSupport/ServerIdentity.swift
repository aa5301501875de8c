import Foundation
import Testing

/// Certificates with their keys, each signed by itself, and which of them a server has. As in a Secret's volume, one link leads to both.
public final class ServerIdentity {
    private let directory: TemporaryDirectory
    public var certificate: String { "\(directory.path)/data/tls.crt" }
    public var key: String { "\(directory.path)/data/tls.key" }
    public var paths: [String] { [certificate, key] }
    /// All that were made: whom clients trust.
    public var authorities: String { "\(directory.path)/ca.crt" }

    /// Has one, of the name `first`.
    public init() throws {
        directory = try TemporaryDirectory()
        try make("first")
        try take("first")
    }

    private func openssl(_ arguments: String...) throws {
        let openssl = try Child("/usr/bin/openssl", arguments, reading: .errors)
        try #require(try openssl.exitStatus() == 0, "\(openssl.lines)")
    }

    public func make(_ name: String) throws {
        let place = "\(directory.path)/\(name)"
        try FileManager.default.createDirectory(atPath: place, withIntermediateDirectories: true)
        try openssl(
            "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "30", "-subj",
            "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1", "-keyout", "\(place)/tls.key", "-out",
            "\(place)/tls.crt")
        let known = (try? String(contentsOfFile: authorities, encoding: .utf8)) ?? ""
        try (known + String(contentsOfFile: "\(place)/tls.crt", encoding: .utf8)).write(
            toFile: authorities, atomically: true, encoding: .utf8)
    }

    /// Makes one of the same key that ended a day ago.
    public func end(_ name: String, as other: String) throws {
        try mix(other, certificate: name, key: name)
        let (old, new) = ("\(directory.path)/\(name)", "\(directory.path)/\(other)")
        try openssl("req", "-new", "-key", "\(old)/tls.key", "-subj", "/CN=localhost", "-out", "\(new)/request")
        try openssl(
            "x509", "-req", "-in", "\(new)/request", "-signkey", "\(old)/tls.key", "-days", "-1", "-out", "\(new)/tls.crt")
    }

    /// Makes one of the same key, which takes a password.
    public func lock(_ name: String, as other: String) throws {
        try mix(other, certificate: name, key: name)
        try openssl(
            "pkcs8", "-topk8", "-in", "\(directory.path)/\(name)/tls.key", "-passout", "pass:word", "-out",
            "\(directory.path)/\(other)/tls.key")
    }

    /// Makes one that is the certificate of one and the key of another, or any texts.
    public func mix(_ name: String, certificate: String, key: String) throws {
        let place = "\(directory.path)/\(name)"
        try FileManager.default.createDirectory(atPath: place, withIntermediateDirectories: true)
        func text(_ name: String, _ file: String) throws -> String {
            guard let first = name.first, first.isLetter else { return name }
            let path = "\(directory.path)/\(name)/\(file)"
            return FileManager.default.fileExists(atPath: path) ? try String(contentsOfFile: path, encoding: .utf8) : name
        }
        try text(certificate, "tls.crt").write(toFile: "\(place)/tls.crt", atomically: true, encoding: .utf8)
        try text(key, "tls.key").write(toFile: "\(place)/tls.key", atomically: true, encoding: .utf8)
    }

    /// Puts one in the place of what is there, both files at once.
    public func take(_ name: String) throws {
        let link = "\(directory.path)/new"
        try FileManager.default.createSymbolicLink(atPath: link, withDestinationPath: name)
        try #require(unsafe rename(link, "\(directory.path)/data") == 0)
    }

    public func remove(_ path: String) throws { try FileManager.default.removeItem(atPath: path) }
}
