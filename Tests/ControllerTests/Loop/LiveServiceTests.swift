import Foundation
import PowercapProtocol
import TestSupport
import Testing

@testable import Policy

/// `run` with a live value that a device is asked for.
@Suite(.waiting)
struct LiveServiceTests {
    private static let long = "intel-rapl:0/long_term"
    private let server: SignalServer
    private let directory: TemporaryDirectory

    init() throws { (server, directory) = (try SignalServer(), try TemporaryDirectory()) }

    private func run(_ mock: Mock, _ environment: [String: String] = [:]) throws -> RunningController {
        let own = [
            "LIVE_URL": "\(server.plain)/rpc/Switch.GetStatus?id=0", "LIVE_VALUE": "$.apower", "LIVE_REFRESH": "10s",
            "LEASE_TIME": "3s",
            "STABILISATION_TIME": "1h",
        ]
        return try RunningController(mock.socket, own.merging(environment) { $1 })
    }

    private func expect(_ watts: UInt64, _ mock: Mock, _ location: SourceLocation = #_sourceLocation) throws {
        #expect(try mock.nextApply().limits[Self.long] == .watts(watts), sourceLocation: location)
    }

    @Test("P16: what a device measures, which wants a digest, stands for the source while it is fresh, and no longer")
    func measured() throws {
        let login = "\(directory.path)/login"
        try "admin:device-secret".write(toFile: login, atomically: true, encoding: .utf8)
        try server.tell("digest /rpc/Switch.GetStatus admin:device-secret")
        try server.tell("body /rpc/Switch.GetStatus {\"apower\":42.5}")
        let mock = try Mock(devices: 1)
        let controller = try run(mock, ["LIVE_LOGIN_FILE": login, "LIVE_FOR": "12s"])
        try expect(100, mock)
        #expect(try mock.nextApply().limits[Self.long] == Microwatts(42_500_000))
        try server.tell("fault /rpc/Switch.GetStatus every hang")
        let told = try controller.next("the live value can't be fetched: the source is gone by when it is over")
        #expect(told["why"] == "\(server.plain)/rpc/Switch.GetStatus did not answer in time")
        if mock.lines.filter({ $0.hasPrefix("Apply ") }).count < 3 { try expect(100, mock) }
        #expect(try mock.limits()[Self.long] == .watts(100))
        try server.tell("forget")
        try controller.next("the live value can be fetched again")
        #expect(try mock.nextApply().limits[Self.long] == Microwatts(42_500_000))
        #expect(try controller.stop() == 0)
        try mock.expectPunctual(renewals: 10)
        #expect(!controller.child.lines.contains { $0.contains("device-secret") })
    }

    @Test("a device that has nothing to say, as an inverter at night, leaves it to the source")
    func night() throws {
        try server.tell("body /x {\"power\":null}")
        let mock = try Mock(devices: 1)
        let controller = try run(mock, ["LIVE_URL": "\(server.plain)/x", "LIVE_VALUE": "$.power"])
        try expect(100, mock)
        try server.next()
        for _ in 0..<2 { try mock.next("Renew") }
        #expect(try mock.batches().count == 1)
        #expect(try controller.stop() == 0)
    }

    @Test(
        "P11: a live value that can't be asked for as it is configured is refused",
        arguments: [
            (["LIVE_FILE": "/x"], "LIVE_FILE and LIVE_URL contradict each other"),
            (["LIVE_URL_FILE": "/x"], "LIVE_URL and LIVE_URL_FILE contradict each other"),
            (["LIVE_REFRESH": "30s", "LIVE_URL": "https://api.example.org/"], "LIVE_REFRESH=\"30s\" is too often"),
            (["LIVE_URL": "", "LIVE_HEADER_FILE": "/x"], "LIVE_HEADER_FILE=\"/x\" has no effect without LIVE_URL"),
            (["LIVE_URL": "", "LIVE_VALUE": "$.x"], "LIVE_VALUE=\"$.x\" has no effect"),
        ] as [([String: String], String)])
    func refused(_ change: [String: String], _ words: String) throws {
        let own = ["LIVE_URL": "http://10.0.0.1/", "KUBERNETES": "off"]
        let outcome = try Executable.run(["validate"], environment: own.merging(change) { $1 })
        #expect(outcome.status == 2)
        #expect(outcome.errorLine?.contains(words) == true, "\(outcome.errors)")
    }
}
