import Foundation
import PowercapProtocol
import TestSupport
import Testing

@testable import Policy

/// `run` with SOURCE=http, and a service that does as it likes.
@Suite(.waiting)
struct FollowedServiceTests {
    private static let long = "intel-rapl:0/long_term"
    private let server: SignalServer
    private let directory: TemporaryDirectory
    private let control: String

    init() throws {
        (server, directory) = (try SignalServer(), try TemporaryDirectory())
        control = "\(directory.path)/control.sock"
    }

    private func file(_ text: String, _ name: String) throws -> String {
        let path = "\(directory.path)/\(name)"
        try text.write(toFile: path, atomically: true, encoding: .utf8)
        return path
    }

    /// Of one power from now on, or of several an hour each.
    private func answer(_ watts: Int..., to path: String = "/x") throws {
        let now = Int64(Date.now.timeIntervalSince1970)
        let values = watts.enumerated().map { "{\"t\":\(now - 1 + Int64($0) * 3_600),\"v\":\($1)}" }
        try server.tell("body \(path) {\"d\":[\(values.joined(separator: ","))]}")
    }

    /// Asked every 10 s, and soon again after a failure.
    private func run(_ mock: Mock, _ environment: [String: String] = [:]) throws -> RunningController {
        let own = [
            "SOURCE": "http", "SOURCE_URL": "\(server.url)/x", "SOURCE_CA_FILE": server.certificates, "SOURCE_REFRESH": "10s",
            "SOURCE_VALUE": "$.d[*].v", "SOURCE_TIME": "$.d[*].t", "STABILISATION_TIME": "1h", "CONTROL_SOCKET": control,
            "LEASE_TIME": "3s",
        ]
        return try RunningController(mock.socket, own.merging(environment) { $1 })
    }

    private func expect(_ watts: UInt64, _ mock: Mock, _ location: SourceLocation = #_sourceLocation) throws {
        #expect(try mock.nextApply().limits[Self.long] == .watts(watts), sourceLocation: location)
    }

    private func asked(_ command: String...) throws -> String {
        try Executable.run(command + ["--control-socket", control]).output
    }

    @Test("P16: the first limit is the floor, which waits for nobody; the answer is followed when it comes")
    func start() throws {
        try answer(80, 60)
        try server.tell("fault /x 1 hang")
        let mock = try Mock(devices: 1)
        let controller = try run(mock)
        try expect(10, mock)
        try server.next()
        #expect(try asked("status", "-o", "json").contains("\"lack\":\"not-fetched\""))
        #expect(
            try asked("explain").replacing(#/\s+/#, with: " ").contains(
                "The source's first answer is still to come: the floor holds"))
        try server.tell("forget")
        try controller.next("the source can't be fetched: what it said before is gone by")
        try controller.next("the source can be fetched again")
        try expect(80, mock)
        let status = try asked("status", "-o", "json")
        #expect(status.contains("\"lack\":null") && status.contains("{\"result\":\"ok\",\"count\":1}"))
        try mock.outlive(renewals: 1)
        #expect(try controller.stop() == 0)
    }

    @Test(
        "P14, P16: whatever a service does renewals are punctual, memory stays small and the floor holds; a good answer is followed then",
        arguments: [
            "hang", "silent", "drip", "endless", "large 3", "large 5", "html", "truncated", "short", "gzip", "headers", "nohttp",
            "reset",
            "empty",
            "redirect /x", "redirect http://127.0.0.1:1/x", "status 401", "status 404", "status 429", "status 500",
            "status 503 1",
            "status 304",
        ])
    func misbehaviour(_ fault: String) throws {
        try answer(80)
        try server.tell("fault /x every \(fault)")
        let mock = try Mock(devices: 1)
        let controller = try run(mock)
        try expect(10, mock)
        try controller.next("the source can't be fetched: what it said before is gone by")
        try mock.outlive(renewals: 4)
        try controller.expectSmall()
        #expect(try mock.batches().allSatisfy { $0.limits[Self.long] == .watts(10) })
        try server.tell("forget")
        try expect(80, mock)
        try controller.next("the source can be fetched again")
        try controller.expectSmall()
        try controller.expectTwoThreads()
        #expect(try controller.stop() == 0)
        try mock.expectPunctual(renewals: 4)
    }

    @Test("P16: what was said is gone by until it is too old, although it covers the hours to come; then ON_STALE holds")
    func stale() throws {
        try answer(80, 90)
        let mock = try Mock(devices: 1)
        let controller = try run(mock, ["STALE_AFTER": "1s", "ON_STALE": "30W"])
        try expect(10, mock)
        try expect(80, mock)
        try server.tell("fault /x every status 503")
        let told = try controller.next("the source can't be fetched: what it said before is gone by")
        #expect(told["why"] == "\(server.url)/x answered HTTP 503: it can't answer at present")
        #expect(try mock.limits()[Self.long] == .watts(80))
        #expect(try asked("explain").replacing(#/\s+/#, with: " ").contains("answered HTTP 503"))
        try expect(30, mock)
        try controller.next("the source says nothing of the moment")
        #expect(try asked("status", "-o", "json").contains("\"reason\":\"SourceStale\""))
        #expect(controller.count(told.message) == 1)
        try answer(70, 75)
        try server.tell("forget")
        try expect(70, mock)
        #expect(try controller.stop() == 0)
    }

    @Test("what hasn't changed is asked for by its tag, isn't sent again, and is as good as new")
    func unchanged() throws {
        try answer(80, 60)
        try server.tell("tag /x \"v1\"")
        let mock = try Mock(devices: 1)
        let controller = try run(mock, ["STALE_AFTER": "0"])
        try expect(10, mock)
        try expect(80, mock)
        #expect(try server.next().status == "200")
        for _ in 0..<2 { #expect(try server.next().status == "304") }
        #expect(try mock.batches().count == 2)
        #expect(try asked("status", "-o", "json").contains("{\"result\":\"unchanged\",\"count\":"))
        #expect(try controller.stop() == 0)
    }

    @Test("what is shown to a service is in no line of the log, and in no view")
    func secrets() throws {
        let (key, token, password) = ("query-secret-1", "header-secret-2", "login-secret-3")
        let urls = try file("\(server.url)/path-secret-4?key=\(key)\n", "urls")
        let fields = try file("auth-token: \(token)\n", "fields")
        let login = try file("solar:\(password)\n", "login")
        let body = try file("{\"k\":\"body-secret-5\"}", "body")
        try answer(80, to: "/path-secret-4")
        try server.tell("fault /path-secret-4 1 status 500")
        let mock = try Mock(devices: 1)
        let port = UInt16.random(in: 20_000...29_999)
        let controller = try run(
            mock,
            [
                "SOURCE_URL": "", "SOURCE_URL_FILE": urls, "SOURCE_HEADER_FILE": fields, "SOURCE_LOGIN_FILE": login,
                "SOURCE_BODY_FILE": body, "SOURCE_REFRESH": "1m", "LOG_LEVEL": "debug", "METRICS_ADDRESS": "127.0.0.1:\(port)",
            ])
        var views = ""
        func look() throws {
            for command in [["status"], ["status", "-o", "json"], ["explain"], ["top", "--count", "1"]] {
                views += try Executable.run(command + ["--control-socket", control]).output
            }
            for path in ["", "metrics", "status"] {
                let curl = try Child("/usr/bin/curl", ["--silent", "http://127.0.0.1:\(port)/\(path)"], reading: .output)
                #expect(try curl.exitStatus() == 0)
                views += curl.lines.joined(separator: "\n")
            }
        }
        try controller.next("the source can't be fetched: what it said before is gone by")
        try look()
        try controller.next("the source can be fetched again")
        #expect(try server.requests().last?.fields["auth-token"] == token)
        try look()
        #expect(views.contains("powercap_source_stale") && views.contains(urls))
        #expect(try controller.stop() == 0)
        let all = views + controller.child.lines.joined(separator: "\n")
        for secret in [key, token, password, "path-secret-4", "body-secret-5"] { #expect(!all.contains(secret), "\(secret)") }
    }

    @Test(
        "`run --once` waits for an answer as long as for one, and no longer",
        arguments: [("", 80), ("hang", 10)] as [(String, UInt64)])
    func once(_ fault: String, _ watts: UInt64) throws {
        try answer(80)
        if !fault.isEmpty { try server.tell("fault /x every \(fault)") }
        let mock = try Mock(devices: 1)
        let controller = try RunningController(
            mock.socket,
            [
                "SOURCE": "http", "SOURCE_URL": "\(server.url)/x", "SOURCE_CA_FILE": server.certificates, "SOURCE_REFRESH": "10s",
                "SOURCE_VALUE": "$.d[*].v", "SOURCE_TIME": "$.d[*].t", "ON_EXIT": "hold",
            ], arguments: ["--once"])
        try expect(watts, mock)
        #expect(try controller.child.exitStatus() == 0)
    }

    @Test("a plan is that of the service's answer, or of one that is at hand, and says why there is none")
    func plan() throws {
        try answer(80)
        let environment = [
            "SOURCE": "http", "SOURCE_URL": "\(server.url)/x?key=secret", "SOURCE_CA_FILE": server.certificates,
            "MAX_SOURCE": "100W",
            "SOURCE_VALUE": "$.v", "TIMEZONE": "UTC", "KUBERNETES": "off",
        ]
        try server.tell("body /x {\"v\":42}")
        let arguments = ["plan", "--assume-packages=1", "--format=csv", "--date=tomorrow"]
        let fetched = try Executable.run(arguments, environment: environment)
        #expect(fetched.status == 0 && fetched.output.contains(",42000000,"))
        #expect(try server.requests().count == 1)
        let given = try Executable.run(arguments + ["--answer=-"], environment: environment, input: "{\"v\":24}")
        #expect(given.output.contains(",24000000,"))
        #expect(try server.requests().count == 1)
        try server.tell("fault /x every status 404")
        let refused = try Executable.run(arguments, environment: environment)
        #expect(refused.status == 2)
        #expect(
            refused.errorLine
                == "powercap-controller: nothing could be fetched for the source: \(server.url)/x answered HTTP 404: "
                + "there is nothing at that address")
        #expect(try Executable.run(["validate"], environment: environment).status == 0)
        #expect(try server.requests().count == 2)
    }

    @Test(
        "P11: what can't be asked is refused with what would be right",
        arguments: [
            (["SOURCE_URL": ""], "SOURCE=\"http\" asks a service, but neither SOURCE_URL nor SOURCE_URL_FILE is set"),
            (["SOURCE_URL": "h/x"], "SOURCE_URL=\"h/x\" is not a list of addresses: give https://"),
            (["SOURCE_URL": "https://h/{zone}"], "has {zone} in it, which has to be filled in: give https://"),
            (["SOURCE_URL_FILE": "/x"], "SOURCE_URL and SOURCE_URL_FILE contradict each other"),
            (
                ["SOURCE_LOGIN_URL": "https://h/login"],
                "SOURCE_LOGIN_URL=\"https://h/login\" has no effect without SOURCE_LOGIN_FILE"
            ),
            (["SOURCE_LOGIN_TOKEN": "$.t"], "has no effect without SOURCE_LOGIN_URL"),
            (["SOURCE_REFRESH": "59s"], "SOURCE_REFRESH=\"59s\" is too often for a server that isn't in your own network"),
            (["SOURCE_REFRESH": "9s"], "is below 10 s"), (["SOURCE_LOGIN_TOKEN": "t"], "SOURCE_LOGIN_TOKEN=\"t\""),
            (["SOURCE": "static"], "SOURCE_URL=\"https://api.example.org/x\" has no effect with SOURCE=\"static\""),
            (["SOURCE_HEADER_FILE": "/none"], "SOURCE_HEADER_FILE, /none, does not exist"),
        ] as [([String: String], String)])
    func refused(_ change: [String: String], _ words: String) throws {
        let own = ["SOURCE": "http", "SOURCE_URL": "https://api.example.org/x", "SOURCE_VALUE": "$.v", "KUBERNETES": "off"]
        let outcome = try Executable.run(["validate"], environment: own.merging(change) { $1 })
        #expect(outcome.status == 2)
        #expect(outcome.errorLine?.contains(words) == true, "\(outcome.errors)")
    }
}
