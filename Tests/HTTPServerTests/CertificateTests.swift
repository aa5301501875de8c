import Foundation
import LinuxSystem
import TestSupport
import Testing

@testable import HTTPServer

/// What a server over TLS is given, and what becomes of it while it runs.
@Suite(.waiting)
struct CertificateTests {
    private let identity: ServerIdentity

    init() throws { identity = try ServerIdentity() }

    private func start() throws -> (RunningServer, SecureClients) {
        let server = try RunningServer(identity)
        return (server, try SecureClients(of: server, identity))
    }

    /// Of the certificate that a new connection is shown.
    private func serial(_ clients: SecureClients) throws -> String {
        let opened = try clients("open serial")
        try #require(opened.hasPrefix("opened"), "\(opened)")
        return String(opened.split(separator: " ")[2])
    }

    @Test("files that became others are used for who comes, and who is there stays")
    func replaced() throws {
        let (server, clients) = try start()
        let old = try serial(clients)
        try clients("open kept")
        #expect(try clients.ask("kept", SecureClients.post("/posted")).hasPrefix("answer 200"))
        for name in ["second", "third"] {
            let before = try serial(clients)
            try identity.make(name)
            try identity.take(name)
            try server.wait(until: "the new certificate is shown") { try serial(clients) != before }
            #expect(try clients.ask("kept", SecureClients.post("/posted")).hasPrefix("answer 200"))
            #expect(try clients.ask("serial", SecureClients.post("/posted")).hasPrefix("answer 200"))
        }
        #expect(try serial(clients) != old)
    }

    @Test("where the new files are broken what was in use stays in use, and it is said why; then those that aren't are taken")
    func broken() throws {
        let (server, clients) = try start()
        let old = try serial(clients)
        try identity.make("second")
        try identity.mix("misfit", certificate: "second", key: "first")
        try identity.take("misfit")
        let told = try server.next("that they don't fit") { $0.hasPrefix("problem: ") }
        #expect(told.contains("isn't that of the certificate") && told.hasSuffix("what was in use before stays in use"))
        #expect(try serial(clients) == old)
        try identity.take("second")
        try server.wait(until: "the new certificate is shown") { try serial(clients) != old }
    }

    @Test("a certificate that clients don't take any more is served, and told of")
    func lapsed() throws {
        try identity.end("first", as: "old")
        try identity.take("old")
        let told = try RunningServer(identity).next("that it has ended") { $0.hasPrefix("problem: ") }
        #expect(told.hasPrefix("problem: the certificate in \(identity.certificate) ended 24 h ago"), "\(told)")
    }

    @Test(
        "whether clients take a certificate is told to the second",
        arguments: [
            (999, .early("x", hours: 0)), (1_000, nil), (9_000, nil), (9_001, .expired("x", hours: 0)),
            (-7_199, .early("x", hours: 2)), (16_200, .expired("x", hours: 2)),
        ] as [(Int64, CertificateProblem?)])
    func lapse(_ now_s: Int64, _ problem: CertificateProblem?) {
        #expect(Certificate(chain: "", key: "", from_s: 1_000, until_s: 9_000).lapse(of: "x", now_s) == problem)
    }

    @Test("without a certificate and its key nothing is served, and it is said what is wrong")
    func refusals() throws {
        try identity.make("other")
        try identity.lock("first", as: "locked")
        let long = String(repeating: "x", count: 300_000)
        for (certificate, key, words) in [
            ("first", "other", "the key in \(identity.key) isn't that of the certificate in \(identity.certificate)"),
            ("nothing", "first", "\(identity.certificate) holds no certificate in PEM"),
            ("first", "locked", "\(identity.key) holds no private key in PEM that can be used without a password"),
            ("first", "nothing", "\(identity.key) holds no private key in PEM"),
            ("", "first", "\(identity.certificate) holds no certificate in PEM"),
            ("\u{0}", "first", "\(identity.certificate) is no text in PEM"),
            (long, "first", "\(identity.certificate) is no text in PEM, or has more than 256 kB"),
        ] {
            try identity.mix("mixed", certificate: certificate, key: key)
            try identity.take("mixed")
            let refusal = try RunningServer.refusal("any", identity)
            #expect(refusal.hasPrefix(words), "\(refusal)")
            #expect(!refusal.contains("PRIVATE"))
        }
        try identity.take("other")
        try identity.remove(identity.key)
        #expect(try RunningServer.refusal("any", identity).hasPrefix("\(identity.key) can't be read: "))
        try #require(unsafe mkfifo(identity.key, 0o600) == 0)
        #expect(try RunningServer.refusal("any", identity).hasPrefix("\(identity.key) is no file, but a FIFO"))
    }

    @Test("without room for the descriptors of all connections nothing is served")
    func descriptors() throws {
        let refusal = try RunningServer.refusal("any", through: ["prlimit", "--nofile=1024:4096"], identity)
        #expect(refusal.hasPrefix("5128 descriptors are needed, and this process may have 4096"), "\(refusal)")
        // The soft limit is no obstacle.
        let server = try RunningServer(through: ["prlimit", "--nofile=1024:8192"], identity)
        #expect(try serial(SecureClients(of: server, identity)) != "")
    }
}

extension RunningServer {
    static func refusal(_ place: String, _ identity: ServerIdentity) throws -> String {
        try refusal(place, through: [], identity)
    }
}
