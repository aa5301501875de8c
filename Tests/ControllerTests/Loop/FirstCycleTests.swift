import Foundation
import PowercapProtocol
import TestSupport
import Testing

@testable import Logging
@testable import Policy
@testable import powercap_controller

@Suite(.waiting)
struct FirstCycleTests {
    @Test("the first cycle is Hello, ListZones, ReadSample, AcquireControl, Apply, in this order and once each")
    func order() throws {
        let mock = try Mock(devices: 2)
        let controller = try RunningController(mock.socket)
        try mock.next("Apply")
        #expect(mock.requests == ["Hello", "ListZones", "ReadSample", "AcquireControl", "Apply"])
        #expect(mock.lines.contains("Hello versions=2-3 client=powercap-controller"))
        #expect(mock.lines.contains("AcquireControl lease_ms=30000 previous_token=0"))
        #expect(try controller.stop() == 0)
    }

    @Test(
        "the first Apply asks for what decide() says of the zones, and for nothing else",
        arguments: [
            [:], ["SHORT_TERM": "scaled"], ["SHORT_TERM": "untouched"], ["PMAX_FUNC": "max"], ["RAPL_LIMIT": "60"],
            ["MAX_SOURCE": "1kW", "RAPL_MIN_POWER": "15W"], ["MAX_SOURCE": "10W"], ["MAX_SOURCE": "123456789"],
        ])
    func decided(_ environment: [String: String]) throws {
        let mock = try Mock([
            ScriptedPackage(number: 0, zone: 0, original: 205, maxPower: 205, shortTerm: 246),
            ScriptedPackage(number: 4, zone: 2, original: 140, maxPower: 165, shortTerm: 300, floor: 12),
            ScriptedPackage(number: 1, zone: 1, original: 90, maxPower: 0, shortTerm: nil),
        ])
        let client = try HelperClient(connecting: mock.socket)
        let devices = NodeLimits(try client.zones(), try client.sample()).devices
        let settings = try Settings(flags: [:]) { environment[$0] ?? ["SOURCE": "static", "MAX_SOURCE": "100W"][$0] }
        let decision = decide(
            devices: devices, policy: settings.configuration.policy,
            reading: powerSource(for: settings.configuration.policy).reading(at: .now))
        var expected: [String: Microwatts] = [:]
        for (device, limit) in zip(devices, decision.devices) {
            expected["\(device.zone)/long_term"] = limit.longTerm
            expected["\(device.zone)/short_term"] = limit.shortTerm
        }

        let controller = try RunningController(mock.socket, environment)
        #expect(try mock.nextApply().limits == expected)
        let inForce = try mock.limits()
        for (target, power) in expected { #expect(inForce[target] == power) }
        #expect(try controller.stop() == 0)
    }

    @Test("the log of a first cycle and its end is the golden one", arguments: [LogFormat.logfmt, .json])
    func goldenLog(_ format: LogFormat) throws {
        let mock = try Mock(devices: 2, "zone intel-rapl:0:0 dram parent=intel-rapl:0\nlease 1000 20000\nsandbox 15")
        let controller = try RunningController(mock.socket, ["LOG_FORMAT": format.rawValue])
        try mock.next("Apply")
        #expect(try controller.stop() == 0)
        let time = #/\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d[+-]\d\d:\d\d/#
        let text = controller.child.lines.map { $0.replacing(time, with: "TIME").replacing(mock.socket, with: "SOCKET") + "\n" }
        try Fixture.expect(text.joined(), isGolden: "run/first-cycle.\(format.rawValue)")
    }

    @Test("logfmt and JSON have the same fields in the same order, and a reader of JSON reads every line")
    func formats() throws {
        let logfmt = try Fixture.text("run/first-cycle.logfmt").split(separator: "\n").map { LogLine(String($0)) }
        let json = try Fixture.text("run/first-cycle.json").split(separator: "\n")
        #expect(logfmt.count == json.count)
        for (left, right) in zip(logfmt, json) {
            #expect(left.keys.starts(with: ["time", "level", "msg"]))
            #expect(LogLevel(rawValue: left.level) != nil)
            let object = try #require(try JSONSerialization.jsonObject(with: Data(right.utf8)) as? [String: Any])
            #expect(Set(object.keys) == Set(left.keys))
            for key in left.keys {
                let value = object[key]!
                #expect(left[key] == "\(value)" || left[key] == (value as? Bool).map { "\($0)" })
            }
        }
    }

    @Test("an idle cycle sends nothing but ReadSample and Renew, and logs nothing")
    func idle() throws {
        let mock = try Mock(devices: 2)
        let controller = try RunningController(mock.socket, ["LEASE_TIME": "3s"])
        try mock.next("Apply")
        for _ in 0..<2 { try mock.next("ReadSample") }
        try mock.next("Renew")
        #expect(try controller.stop() == 0)
        #expect(Set(mock.requests.dropFirst(5)).isSubset(of: ["ReadSample", "Renew"]))
        let messages = controller.log.map(\.message)
        #expect(messages.filter { $0 == "limit changed" }.count == 4)
        #expect(messages.suffix(3) == ["limit changed", "Kubernetes is off", "stopped, original limits restored"])
    }

    @Test("with LOG_LEVEL=error a run without errors is silent; with debug every sample has the measured power")
    func levels() throws {
        let mock = try Mock(devices: 2)
        let silent = try RunningController(mock.socket, ["LOG_LEVEL": "error"])
        try mock.next("Apply")
        #expect(try silent.stop() == 0)
        #expect(silent.log.isEmpty)
        let talkative = try RunningController(mock.socket, ["LOG_LEVEL": "debug"])
        #expect(try talkative.next("decided")["node_limit_uw"] == "100000000")
        for _ in 0..<2 {
            let sample = try talkative.next("sample")
            #expect(sample.level == "debug")
            #expect(sample["power_uw"] == "50000000")
        }
        #expect(try talkative.stop() == 0)
    }
}
