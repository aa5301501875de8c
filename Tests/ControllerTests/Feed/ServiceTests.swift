import Foundation
import HTTP
import LinuxSystem
import Signals
import TestSupport
import Testing

@testable import Policy
@testable import powercap_controller

/// A service as a test waits for it.
private struct Asking {
    let server: SignalServer
    let service: Service

    init(_ server: SignalServer, _ change: (inout ServiceSettings) throws -> Void) throws {
        self.server = server
        var settings = ServiceSettings()
        settings.certificateFile = server.certificates
        try change(&settings)
        let reader = SignalReader(
            .document(DocumentShape(value: try SignalPath("$.d[*].v"), time: .path(try SignalPath("$.d[*].t")))))
        service = try Service(ServiceAccess(prefix: "SOURCE", settings: settings, zone: .utc), reader)
    }

    /// Asks it once, and waits until that has ended.
    func callAsFunction() throws {
        service.start()
        let epoll = try Epoll()
        try epoll.add(service.descriptorNumber, token: 0)
        let end_ns = Clock.monotonic_ns + Child.patience_ms * 1_000_000
        while Clock.monotonic_ns < end_ns {
            let before_ns = Clock.monotonic_ns
            if service.step() { return }
            // P14.
            #expect(Clock.monotonic_ns - before_ns < 1_000_000_000)
            let now_ns = Clock.monotonic_ns
            _ = try epoll.wait(milliseconds: Int32(min((max(service.due_ns, now_ns) - now_ns) / 1_000_000 + 1, 1_000)))
        }
        Issue.record("the service wasn't asked to the end")
    }

    func values(_ index: Int) -> [Double?]? {
        guard case .points(let points, _)? = service.answers[index]?.signal else { return nil }
        return points.map(\.value)
    }
}

@Suite(.waiting)
struct ServiceTests {
    private let server: SignalServer
    private let directory: TemporaryDirectory
    private static let good = #"{"d":[{"t":1781560800,"v":80},{"t":1781564400,"v":60}]}"#

    init() throws {
        (server, directory) = (try SignalServer(), try TemporaryDirectory())
        try server.tell("body /x \(Self.good)")
    }

    private func asking(_ addresses: String..., change: (inout ServiceSettings) throws -> Void = { _ in }) throws -> Asking {
        try Asking(server) { settings in
            settings.addresses = try AddressTemplate.all(in: addresses.map { server.url + $0 }.joined(separator: " "))
            try change(&settings)
        }
    }

    private func file(_ text: String, _ name: String = "secret") throws -> String {
        let path = "\(directory.path)/\(name)"
        try text.write(toFile: path, atomically: true, encoding: .utf8)
        return path
    }

    @Test("what it says is kept, and not asked for again before its time")
    func kept() throws {
        let asking = try asking("/x")
        try asking()
        #expect(asking.values(0) == [80, 60])
        let next = try #require(asking.service.next)
        #expect((Clock.wall.seconds + 3_590...Clock.wall.seconds + 3_600 + 230).contains(next))
        let first = try #require(asking.service.answers[0])
        // What has just been answered is asked for at the next refresh alone.
        try asking()
        #expect(try server.requests().count == 1)
        #expect(asking.service.counts == ["ok": 1])
        #expect(asking.service.answers[0]?.boot_ns == first.boot_ns)
    }

    @Test("secret files are read anew each time, and sent to the service alone")
    func secrets() throws {
        let path = try file("auth-token: first-secret\n")
        let asking = try asking("/x", "/y") { $0.fieldFile = path }
        try asking()
        #expect(try server.requests().allSatisfy { $0.fields["auth-token"] == "first-secret" })
        _ = try file("auth-token: second-secret\n")
        try asking()
        #expect(try server.requests().last?.fields["auth-token"] == "second-secret")
        try FileManager.default.removeItem(atPath: path)
        try asking()
        #expect(asking.service.problem?.sentence == "SOURCE_HEADER_FILE, \(path), does not exist: put it there")
    }

    @Test("a body is posted, and addresses come from a file where that is named")
    func fileOfAddresses() throws {
        let urls = try file("\(server.url)/x?key=very-secret\n")
        let body = try file("{\"query\":1}", "body")
        let asking = try asking { ($0.addressFile, $0.bodyFile) = (urls, body) }
        try asking()
        #expect(asking.values(0) == [80, 60])
        let asked = try server.requests()[0]
        #expect(asked.method == "POST" && asked.body == "{\"query\":1}" && asked.target == "/x?key=very-secret")
    }

    @Test("no problem tells what is shown to a service, even where the service says it")
    func untold() throws {
        let (key, password) = ("key-of-16-letters", "pass-word")
        let urls = try file("\(server.url)/path-secret/x?key=\(key)")
        let fields = try file("auth: Token field-secret", "fields")
        let login = try file("solar:\(password)", "login")
        for fault in [
            "status 500", "status 401", "status 404", "html", "redirect http://h/\(key)", "redirect https://\(key).example/",
            "nohttp",
        ] {
            try server.tell("fault /path-secret/x every \(fault)")
            let asking = try asking { ($0.addressFile, $0.fieldFile, $0.loginFile) = (urls, fields, login) }
            try asking()
            let sentence = try #require(asking.service.problem?.sentence)
            for secret in [key, password, "field-secret", "path-secret"] {
                #expect(!sentence.contains(secret), "\(fault): \(sentence)")
            }
            #expect(sentence.contains("127.0.0.1"), "\(sentence)")
        }
        try server.tell("forget")
        try server.tell("body /path-secret/x {\"error\":\"\(key) field-secret \(password) c29sYXI6cGFzcy13b3Jk\"}")
        let asking = try asking { ($0.addressFile, $0.fieldFile, $0.loginFile) = (urls, fields, login) }
        try asking()
        for secret in [key, password, "field-secret", "c29sYXI6cGFzcy13b3Jk"] {
            #expect(asking.service.problem.map { !$0.sentence.contains(secret) } ?? true)
        }
    }

    @Test("a login is exchanged for a token, which is kept in memory and renewed once when it is refused")
    func login() throws {
        try server.tell("body /login {\"token\":\"t-1\"}")
        try server.tell("basic /login solar:word")
        try server.tell("bearer /x t-1")
        let path = try file("solar:word\n")
        let asking = try asking("/x", "/x?2") {
            $0.loginFile = path
            $0.loginAddress = try AddressTemplate(server.url + "/login")
        }
        try asking()
        #expect(asking.values(1) == [80, 60])
        #expect(try server.requests().map(\.target) == ["/login", "/x", "/x?2"])
        // The password is for the login alone.
        #expect(try server.requests(for: "/x").allSatisfy { $0.fields["authorization"] == "Bearer t-1" })
        try server.tell("body /login {\"token\":\"t-2\"}")
        try server.tell("bearer /x t-3")
        let again = try self.asking("/x") {
            $0.loginFile = path
            $0.loginAddress = try AddressTemplate(server.url + "/login")
        }
        try again()
        #expect(try server.requests().dropFirst(3).map(\.target) == ["/login", "/x", "/login", "/x"])
        #expect(again.service.problem?.kind == "denied")
    }

    @Test(
        "a login that comes to nothing is told, and nobody is asked for data without it",
        arguments: [
            ("status 401", "the login came to nothing"), ("html", "has no token at $.token"), ("status 503", "answered HTTP 503"),
        ])
    func noLogin(_ fault: String, _ words: String) throws {
        try server.tell("fault /login every \(fault)")
        let path = try file("solar:word")
        let asking = try asking("/x") {
            $0.loginFile = path
            $0.loginAddress = try AddressTemplate(server.url + "/login")
        }
        try asking()
        #expect(asking.service.problem?.sentence.contains(words) == true, "\(asking.service.problem?.sentence ?? "")")
        #expect(try server.requests(for: "/x").isEmpty)
    }

    @Test("of several addresses one that fails loses none of the others, and it alone is asked again soon")
    func several() throws {
        try server.tell("fault /y 1 status 503")
        try server.tell("body /y \(Self.good)")
        let asking = try asking("/x", "/y")
        try asking()
        #expect(asking.values(0) == [80, 60] && asking.service.answers[1] == nil)
        #expect(asking.service.problem?.sentence == "\(server.url)/y answered HTTP 503: it can't answer at present")
        let next = try #require(asking.service.next)
        #expect(next - Clock.wall.seconds <= 60)
        try asking()
        #expect(asking.values(1) == [80, 60] && asking.service.problem == nil)
        #expect(try server.requests().map(\.target) == ["/x", "/y", "/y"])
    }

    @Test(
        "that there is nothing yet is an answer: nothing at all, or a list without anything in it",
        arguments: ["status 204", "body"])
    func nothing(_ what: String) throws {
        try server.tell(what == "body" ? "body /x {\"d\":[]}" : "fault /x every \(what)")
        let asking = try asking("/x")
        try asking()
        #expect(asking.service.problem == nil)
        #expect(asking.values(0) == [])
        #expect(asking.service.counts == ["nothing": 1])
    }

    @Test(
        "when it is asked again depends on what went wrong",
        arguments: [
            ("status 400", 3_600), ("status 401", 3_600), ("status 403", 3_600), ("status 404", 3_600), ("html", 3_600),
            ("truncated", 3_600), ("large 5", 3_600), ("redirect http://127.0.0.1/", 3_600), ("status 500", 60),
            ("status 503", 60),
            ("status 503 120", 120), ("status 429 5000", 5_000), ("status 429", 60), ("status 503 99999999", 86_400),
            ("reset", 60),
            ("status 429 -5", 60),
        ])
    func again(_ fault: String, _ most_s: Int64) throws {
        try server.tell("fault /x every \(fault)")
        let asking = try asking("/x")
        try asking()
        #expect(asking.service.problem != nil)
        let wait_s = try #require(asking.service.next) - Clock.wall.seconds
        #expect((most_s / 2 - 2...most_s + 240).contains(wait_s), "\(wait_s)")
        #expect(most_s == 60 || wait_s >= most_s - 2, "\(wait_s)")
    }
}
