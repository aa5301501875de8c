import Foundation
import LinuxSystem
import PowercapProtocol
import TestSupport
import Testing

@testable import Policy

/// P9 and P14: the API server by its name. Each test has files and a name server of its own in a mount namespace.
@Suite(
    .waiting,
    .enabled(if: Root.isHere, "takes root: /etc/resolv.conf and /etc/hosts are others there, and a name server has port 53"))
struct NamesTests {
    private final class NameServer {
        let child: Child

        /// An address of this machine that no other run of these tests has, at the same time: they all want port 53.
        static func address(_ number: Int) -> String {
            let pid = ProcessInfo.processInfo.processIdentifier
            return "127.\(number).\(pid >> 8 & 255).\(pid & 255)"
        }

        init(_ address: String) throws {
            let program = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../../apiserver/nameserver")
            child = try Child("/usr/bin/python3", [program.standardized.path, address], reading: .output)
            try child.next("ready") { $0 == "ready" }
        }

        func tell(_ line: String) throws {
            try child.write(line)
            try child.next("done \(line)") { $0 == "done \(line)" }
        }

        func nextQuestion() throws { try child.next("question") { $0 == "question" } }
    }

    private let directory: TemporaryDirectory
    private let server: ApiServer
    private let mock: Mock
    private var port: String { String(server.url.split(separator: ":").last!) }

    init() throws {
        directory = try TemporaryDirectory()
        (server, mock) = (try ApiServer(), try Mock(devices: 1))
    }

    /// A controller that is given the server's name.
    private func start(
        _ host: String, hosts: String = "", nameServer: String = "127.0.0.1", search: String = "",
        _ environment: [String: String] = [:]
    ) throws -> RunningController {
        let files = ["/etc/hosts": "\(directory.path)/hosts", "/etc/resolv.conf": "\(directory.path)/resolv.conf"]
        try hosts.write(toFile: files["/etc/hosts"]!, atomically: false, encoding: .utf8)
        try "nameserver \(nameServer)\nsearch \(search) a.test b.test c.test\noptions ndots:5\n".write(
            toFile: files["/etc/resolv.conf"]!, atomically: false, encoding: .utf8)
        let all = server.environment.merging(["KUBE_SERVER": "https://\(host):\(port)", "LEASE_TIME": "3s"]) { $1 }
        return try RunningController(covering: files, mock.socket, all.merging(environment) { $1 })
    }

    @Test("P14: while no name server answers renewals are punctual, that is told once, and SIGTERM ends the program in its time")
    func silent() throws {
        let names = try NameServer(NameServer.address(71))
        try names.tell("silence")
        let controller = try start("kubernetes.default.svc", nameServer: NameServer.address(71))
        try names.nextQuestion()
        // Two attempts of the resolver at each of four names take 40 s.
        try mock.outlive(renewals: 14)
        let why = try controller.next("the Node can't be watched")["why"]
        #expect(why?.contains("no name server answers for \"kubernetes.default.svc\"") == true)
        #expect(controller.count("the Node can't be watched") == 1)
        let start_ns = Clock.monotonic_ns
        #expect(try controller.stop() == 0)
        #expect(Clock.monotonic_ns - start_ns < 3_000_000_000)
    }

    @Test(
        "P9: a name of a search domain is found; when name servers fall silent, or know it no more, the addresses of old still do",
        arguments: [(72, "silence"), (75, "forget kubernetes.default.svc")])
    func search(_ number: Int, _ fault: String) throws {
        let names = try NameServer(NameServer.address(number))
        try names.tell("answer kubernetes.default.svc 127.0.0.1")
        let controller = try start("kubernetes.default", nameServer: NameServer.address(number), search: "svc")
        try controller.next(each: "watching the Node", "Node condition set")
        try names.tell(fault)
        try server.tell("drop")
        try server.annotate("powercap.dev/limit=80W")
        while try mock.nextApply().limits["intel-rapl:0/long_term"] != .watts(80) {}
        // The answer that nobody knows it comes at once, before a renewal is due.
        try mock.expectPunctual(renewals: fault == "silence" ? 1 : 0)
        #expect(try controller.stop() == 0)
    }

    @Test("P9: /etc/hosts counts, and a name whose server moved is looked up again after a failure")
    func moved() throws {
        // Nobody listens there.
        let controller = try start("kubernetes.default.svc", hosts: "127.0.0.2 kubernetes.default.svc\n")
        try controller.next("the Node can't be watched")
        try "127.0.0.1 kubernetes.default.svc\n".write(toFile: "\(directory.path)/hosts", atomically: false, encoding: .utf8)
        try controller.next("watching the Node")
        #expect(try controller.stop() == 0)
    }

    @Test("the server's certificate has to be of the name that was given")
    func otherName() throws {
        let controller = try start("other.test", hosts: "127.0.0.1 other.test\n")
        #expect(try controller.next("the Node can't be watched")["why"]?.contains("certificate is not trusted") == true)
        #expect(try controller.stop() == 0)
    }

    @Test("a name that isn't known is told of with the resolver's reason")
    func unknown() throws {
        let names = try NameServer(NameServer.address(73))
        try names.tell("answer other 127.0.0.1")
        let controller = try start("kubernetes.default.svc", nameServer: NameServer.address(73))
        let why = try controller.next("the Node can't be watched")["why"]
        #expect(why?.contains("\"kubernetes.default.svc\" can't be looked up: ") == true)
        try names.tell("answer kubernetes.default.svc 127.0.0.1")
        try controller.next("watching the Node")
        #expect(try controller.stop() == 0)
    }

    @Test("P14: the name of the environment's proxy is looked up in the same way, and no other is")
    func proxy() throws {
        let names = try NameServer(NameServer.address(74))
        try names.tell("silence")
        let environment = ["HTTPS_PROXY": "http://proxy.test:3128"]
        let controller = try start("kubernetes.default.svc", nameServer: NameServer.address(74), environment)
        try names.nextQuestion()
        try mock.outlive(renewals: 6)
        let why = try controller.next("the Node can't be watched")["why"]
        #expect(why?.contains("no name server answers for \"proxy.test\" ") == true)
        #expect(try controller.stop() == 0)
    }

    @Test(
        "the system's authorities count where none is given, and beside one that is given they don't", arguments: [true, false])
    func authorities(_ isGiven: Bool) throws {
        let system = "\(directory.path)/certs"
        try FileManager.default.createDirectory(atPath: system, withIntermediateDirectories: false)
        let authority = try Data(contentsOf: URL(filePath: server.certificates))
        try authority.write(to: URL(filePath: "\(system)/ca-certificates.crt"))
        // As OpenSSL finds it in a directory: by its name, so that the one that is given has to have another.
        let hash = try Child(
            "/usr/bin/openssl", ["x509", "-noout", "-hash", "-in", server.certificates], reading: .output
        ).next("a hash") { $0.count == 8 }
        try authority.write(to: URL(filePath: "\(system)/\(hash).0"))
        var environment = server.environment.merging(["KUBE_CA_FILE": server.otherCertificates]) { $1 }
        if !isGiven { environment["KUBE_CA_FILE"] = nil }
        let controller = try RunningController(covering: ["/etc/ssl/certs": system], mock.socket, environment)
        if isGiven {
            #expect(try controller.next("the Node can't be watched")["why"]?.contains("certificate is not trusted") == true)
        } else {
            try controller.next("watching the Node")
        }
        #expect(try controller.stop() == 0)
    }
}
