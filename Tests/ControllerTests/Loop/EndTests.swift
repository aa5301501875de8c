import Foundation
import LinuxSystem
import PowercapProtocol
import TestSupport
import Testing

@testable import Policy

@Suite(.waiting)
struct EndTests {
    private static let originals: [String: Microwatts] = [
        "intel-rapl:0/long_term": .watts(200), "intel-rapl:0/short_term": .watts(240),
    ]
    private static let set: [String: Microwatts] = [
        "intel-rapl:0/long_term": .watts(100), "intel-rapl:0/short_term": .watts(100),
    ]

    @Test(
        "a signal ends the run with status 0 and the original limits, or with those set where ON_EXIT=hold",
        arguments: [
            (SIGTERM, "restore", "stopped, original limits restored", originals),
            (SIGINT, "restore", "stopped, original limits restored", originals),
            (SIGTERM, "hold", "stopped, limits held", set),
        ])
    func signal(_ signal: Int32, _ onExit: String, _ message: String, _ limits: [String: Microwatts]) throws {
        let mock = try Mock(devices: 1)
        let controller = try RunningController(mock.socket, ["ON_EXIT": onExit])
        try controller.next("limit changed", of: "package-0", "short_term")
        #expect(try controller.stop(signal) == 0)
        #expect(try mock.next("Release") == "Release token=1 disposal=\(onExit)")
        #expect(try mock.limits() == limits)
        let names: [Int32: String] = [SIGTERM: "SIGTERM", SIGINT: "SIGINT"]
        #expect(try controller.next(message)["reason"] == names[signal])
    }

    @Test(
        "SIGHUP hands over: the limits stay, the status is 75, and a successor has control at once",
        arguments: ["restore", "hold"])
    func handOver(_ onExit: String) throws {
        let mock = try Mock(devices: 1)
        let controller = try RunningController(mock.socket, ["ON_EXIT": onExit])
        try controller.next("limit changed", of: "package-0", "short_term")
        #expect(try controller.stop(SIGHUP) == 75)
        let end = try controller.next("handing over: the limits stay until a successor takes control")
        #expect(end["reason"] == "SIGHUP")
        #expect(end["lease_ms"] == "30000")
        #expect(try mock.limits() == Self.set)

        let successor = try RunningController(mock.socket, ["MAX_SOURCE": "90W"])
        try successor.next("in control")
        let change = try successor.next("limit changed", of: "package-0", "long_term")
        #expect(change["from_uw"] == "100000000")
        #expect(change["in_force_uw"] == "90000000")
        #expect(try successor.stop() == 0)
        #expect(try mock.limits() == Self.originals)
    }

    @Test("SIGHUP without a helper is a hand-over too: the status is 75")
    func handOverWithoutControl() throws {
        let directory = try TemporaryDirectory()
        let controller = try RunningController("\(directory.path)/none.sock")
        try controller.next("no control over the limits")
        #expect(try controller.stop(SIGHUP) == 75)
        #expect(try controller.next("handing over, without control")["on_lease_expiry"] == "-")
    }

    @Test("a limit that can't be restored is told as an error, and the exit status is 1")
    func restoreFails() throws {
        let mock = try Mock(devices: 1)
        let controller = try RunningController(mock.socket)
        try controller.next("limit changed", of: "package-0", "short_term")
        try mock.tell("fail intel-rapl:0 long_term refused 5")
        #expect(try controller.stop() == 1)
        let end = try controller.next("stopped, but not every original limit could be restored: see the helper's log")
        #expect(end.level == "error")
        #expect(end["restored"] == "1")
        #expect(end["failed"] == "1")
    }

    @Test("a limit that another party has changed is not restored over, and the exit status is 0")
    func foreign() throws {
        let mock = try Mock(devices: 1)
        let controller = try RunningController(mock.socket, ["SAMPLE_INTERVAL": "1h"])
        try controller.next("limit changed", of: "package-0", "short_term")
        try mock.tell("set intel-rapl:0 long_term 150W")
        #expect(try controller.stop() == 0)
        let end = try controller.next("stopped, limits that another party set are left as they are")
        #expect(end.level == "warning")
        #expect(end["restored"] == "1")
        #expect(end["foreign"] == "1")
        #expect(try mock.limits()["intel-rapl:0/long_term"] == .watts(150))
    }

    @Test("nothing is called restored where no limit was set")
    func nothingToRestore() throws {
        let mock = try Mock("zone intel-rapl:0 package-0 energy_uj=0\n")
        let controller = try RunningController(mock.socket)
        try controller.next("no device has a power limit: there is nothing to govern here")
        try controller.next("in control")
        #expect(try controller.stop() == 0)
        let end = try controller.next("stopped, no limit had to be restored")
        #expect(end.level == "info" && end["restored"] == "0")
    }

    @Test("stopped before the first connection, the status is 0 and the log says that no limit was set")
    func neverConnected() throws {
        let mock = try Mock(devices: 1)
        try mock.tell("stop")
        let controller = try RunningController(mock.socket)
        try controller.next("no control over the limits")
        #expect(try controller.stop() == 0)
        #expect(try controller.next("stopped, no limit was ever set")["reason"] == "SIGTERM")
    }

    @Test("stopped while the helper is away, the status is 1 and the log says what becomes of the limits")
    func disconnected() throws {
        let mock = try Mock(devices: 1)
        let controller = try RunningController(mock.socket)
        try mock.next("Apply")
        try mock.tell("stop")
        try controller.next("no control over the limits")
        #expect(try controller.stop() == 1)
        let end = try controller.next("stopped without control: the helper deals with the limits by itself")
        #expect(end.level == "warning")
        #expect(end["on_lease_expiry"] == "restore")
    }

    @Test(
        "a signal while the helper is silent ends the run within its patience of 2 s, with status 1",
        arguments: ["ReadSample 2", "Release 1"])
    func silent(_ request: String) throws {
        let mock = try Mock(devices: 1, "before \(request) silence\n")
        let controller = try RunningController(mock.socket)
        try mock.next("Apply")
        try mock.next("ReadSample")
        let start_ns = Clock.monotonic_ns
        #expect(try controller.stop() == 1)
        // 2 s, and as much again for a slow machine.
        #expect(Clock.monotonic_ns - start_ns < 4_000_000_000)
        #expect(controller.log.last?["reason"] == "SIGTERM")
        #expect(controller.log.last?["on_lease_expiry"] == "restore")
    }

    @Test(
        "run --once does one cycle, and then what ON_EXIT says",
        arguments: [("restore", originals), ("hold", set)])
    func once(_ onExit: String, _ limits: [String: Microwatts]) throws {
        let mock = try Mock(devices: 1)
        let controller = try RunningController(mock.socket, ["ON_EXIT": onExit], arguments: ["--once"])
        #expect(try controller.child.exitStatus() == 0)
        try mock.next("closed")
        #expect(mock.requests == ["Hello", "ListZones", "ReadSample", "AcquireControl", "Apply", "Release"])
        #expect(mock.lines.contains("Release token=1 disposal=\(onExit)"))
        #expect(try mock.limits() == limits)
    }

    @Test(
        "run --once ends with status 1 when not everything was set, and doesn't promise to try again",
        arguments: [
            "stop", "serve nobody", "holder other 3600000", "writes readOnly", "fail intel-rapl:0 long_term refused 5",
            "fail intel-rapl:0 short_term ignored", "before Apply 1 error stateUnwritable", "before Apply 1 disconnect",
            "before Release 1 disconnect",
        ])
    func onceFails(_ statement: String) throws {
        let mock = try Mock(devices: 2)
        try mock.tell(statement)
        let controller = try RunningController(mock.socket, arguments: ["--once"])
        #expect(try controller.child.exitStatus() == 1)
        #expect(controller.log.contains { $0.level == "error" })
        #expect(controller.log.allSatisfy { $0["next"] == nil })
    }

    @Test("P11: a floor above a package's ceiling ends the run with status 2 and one line, and nothing is written")
    func floorAboveCeiling() throws {
        let mock = try Mock([ScriptedPackage(number: 0), ScriptedPackage(number: 1, original: 60, maxPower: 65)])
        let controller = try RunningController(mock.socket, ["RAPL_MIN_POWER": "70W"])
        #expect(try controller.child.exitStatus() == 2)
        #expect(
            controller.child.lines == [
                "powercap-controller: RAPL_MIN_POWER=\"70W\" is above the ceiling of package-1: give at most 65 W"
            ])
        try mock.next("closed")
        #expect(mock.requests == ["Hello", "ListZones", "ReadSample"])
    }
}
