import PowercapProtocol
import TestSupport
import Testing

/// `status` where no controller can be asked: the helper alone knows who is in control.
@Suite(.waiting)
struct StatusTests {
    /// Two packages of which one is governed, and everything that a zone can lack.
    private static let zones = """
        zone intel-rapl:0 package-0 energy_uj=262143328000 power=45W
        constraint intel-rapl:0 long_term 205W max=205W window_us=999424
        constraint intel-rapl:0 short_term 246W index=1 max=395W window_us=7808
        zone intel-rapl:0:0 dram parent=intel-rapl:0 energy_uj=0 power=3125mW range_uj=65712999613 enabled=no
        constraint intel-rapl:0:0 long_term 41W
        zone intel-rapl:1 psys enabled=unknown
        constraint intel-rapl:1 long_term 800W
        zone intel-rapl:2 package-1 energy_uj=5000000 power=30W
        constraint intel-rapl:2 long_term 165W max=165W locked
        zone intel-rapl:3 package-2 energy_uj=0
        constraint intel-rapl:3 long_term 100W
        zone intel-rapl-mmio:0 package-0 type=intel-rapl-mmio energy_uj=0 power=45W
        constraint intel-rapl-mmio:0 long_term 205W index=0 max=205W
        gone intel-rapl:3
        unreadable intel-rapl:1 long_term 61
        sandbox 111

        """

    private func status(_ socket: String, _ format: String) throws -> Executable.Outcome {
        try Executable.run(
            ["status", "--helper-socket", socket, "--format", format],
            environment: ["CONTROL_SOCKET": "/nonexistent/control.sock"])
    }

    @Test("status is the golden table or JSON, with the power that was measured over a second", arguments: ["table", "json"])
    func golden(_ format: String) throws {
        let mock = try Mock(Self.zones)
        let controller = try RunningController(mock.socket, ["MAX_SOURCE": "250W", "SAMPLE_INTERVAL": "1h"])
        try mock.next("Apply")
        let outcome = try status(mock.socket, format)
        #expect(outcome.status == 0)
        #expect(outcome.errors.isEmpty)
        let remaining = format == "json" ? #/"remaining_ms":\d+/# : #/\d+ ms left/#
        let text = outcome.output.replacing(remaining) { "\($0.output)".replacing(#/\d+/#, with: "MS") }
        try Fixture.expect(text, isGolden: "run/status.\(format)")
        #expect(try controller.stop() == 0)
    }

    @Test(
        "status says who is in control, and for how long still",
        arguments: [("table", "\ncontrol  other, "), ("json", "\"other\"")])
    func holder(_ format: String, _ words: String) throws {
        let mock = try Mock(devices: 1, "holder other 20000\n")
        let outcome = try status(mock.socket, format)
        #expect(outcome.status == 0)
        #expect(outcome.output.contains(words))
        try mock.next("closed")
        #expect(Set(mock.requests) == ["Hello", "ListZones", "ReadSample"])
    }

    @Test("status says when nobody is in control", arguments: [("table", "\ncontrol  nobody\n"), ("json", "\"control\":null")])
    func nobody(_ format: String, _ words: String) throws {
        let mock = try Mock(devices: 1)
        #expect(try status(mock.socket, format).output.contains(words))
        try mock.next("closed")
    }

    @Test("without a helper status is one line that says what to do, and status 1")
    func absent() throws {
        let outcome = try status("/nonexistent/helper.sock", "table")
        #expect(outcome.status == 1)
        #expect(outcome.output.isEmpty)
        #expect(
            outcome.errorLine
                == "powercap-controller: the helper is not running: there is no socket /nonexistent/helper.sock "
                + "(start raplhelper, or set RAPLHELPER_SOCKET)")
    }

    @Test("a helper that goes away while it is asked is one line and status 1", arguments: ["disconnect", "garbage", "silence"])
    func broken(_ fault: String) throws {
        let mock = try Mock(devices: 1, "before ReadSample 2 \(fault)\n")
        let outcome = try status(mock.socket, "json")
        #expect(outcome.status == 1)
        #expect(outcome.output.isEmpty)
        #expect(outcome.errorLine?.hasPrefix("powercap-controller: the helper ") == true)
    }
}
