import PowercapProtocol
import TestSupport
import Testing

/// `check` is what probes run, so its exit status is what counts.
@Suite(.waiting)
struct CheckTests {
    private func check(_ socket: String, alive: Bool = false) throws -> Executable.Outcome {
        try Executable.run(["check", "--helper-socket", socket] + (alive ? ["--alive"] : []))
    }

    /// - Parameters:
    ///   - sentence: nil where there is nothing to complain about.
    ///   - isMended: starting the controller again could help.
    private func expect(
        _ mock: Mock, _ sentence: String?, isMended: Bool = false, _ location: SourceLocation = #_sourceLocation
    ) throws {
        let (ready, alive) = (try check(mock.socket), try check(mock.socket, alive: true))
        #expect(ready.status == (sentence == nil ? 0 : 1), sourceLocation: location)
        #expect(ready.errorLine == sentence.map { "powercap-controller: \($0)" }, sourceLocation: location)
        #expect(alive.status == (isMended ? 1 : 0), sourceLocation: location)
        #expect(alive.errorLine == (isMended ? ready.errorLine : nil), sourceLocation: location)
        #expect(ready.output.isEmpty && alive.output.isEmpty, sourceLocation: location)
    }

    @Test("in control, and what was asked for in force: status 0; and the check itself asks for nothing else")
    func inControl() throws {
        let mock = try Mock(devices: 2)
        let controller = try RunningController(mock.socket, ["SAMPLE_INTERVAL": "1h"])
        try controller.next("limit changed", of: "package-1", "short_term")
        try mock.tell("forget")
        try expect(mock, nil)
        try mock.next("closed")
        #expect(Set(mock.requests(after: "done forget")) == ["Hello", "ListZones", "ReadSample"])
        #expect(try controller.stop() == 0)
    }

    @Test(
        "what GOVERN names and isn't here is a note and no fault; of GPUs that may be behind a service the helper can't say that")
    func missing() throws {
        let mock = try Mock(devices: 1)
        let controller = try RunningController(mock.socket, ["SAMPLE_INTERVAL": "1h"])
        try controller.next("limit changed", of: "package-0", "short_term")
        func notes(_ environment: [String: String]) throws -> String {
            let outcome = try Executable.run(
                ["check", "--helper-socket", mock.socket],
                environment: environment.merging(["GOVERN": "intel-rapl,amd_hsmp,gpu"]) { $1 })
            #expect(outcome.status == 0)
            return outcome.errors
        }
        let hsmp = "powercap-controller: amd_hsmp is in GOVERN, and isn't here\n"
        #expect(try notes([:]) == hsmp + "powercap-controller: gpu is in GOVERN, and isn't here\n")
        #expect(try notes(["DEVICE_URL": "unix:/run/zeusd/zeusd.sock"]) == hsmp)
        #expect(try controller.stop() == 0)
    }

    @Test("nobody in control: a restart could help")
    func nobody() throws {
        try expect(try Mock(devices: 1), "nobody is in control of the limits: see the controller's log", isMended: true)
    }

    @Test("another program in control: a restart can't help")
    func other() throws {
        let mock = try Mock(devices: 1, "holder other 60000\n")
        try expect(mock, "other is in control of the limits, not this program")
    }

    @Test(
        "a helper that takes no writes: a restart of the controller can't help",
        arguments: [
            ("readOnly", "read-only"), ("stateUnreadable", "refused: the saved originals can't be read"),
            ("stateUnwritable", "refused: the originals can't be saved"),
        ])
    func noWrites(_ policy: String, _ words: String) throws {
        let mock = try Mock(devices: 1, "writes \(policy)\n")
        try expect(mock, "the helper takes no writes: \(words) (see its log)")
    }

    @Test("a limit that another party changed is not in force, until it is within the hardware's step of what was asked")
    func drifted() throws {
        let mock = try Mock(devices: 1)
        let controller = try RunningController(mock.socket, ["SAMPLE_INTERVAL": "1h"])
        try controller.next("limit changed", of: "package-0", "short_term")
        try mock.tell("set intel-rapl:0 long_term 150W")
        try expect(
            mock, "package-0 long_term was set to 100 W, but 150 W is in force: another party changed it")
        try mock.tell("set intel-rapl:0 long_term 100125mW")
        try expect(mock, nil)
        try mock.tell("unreadable intel-rapl:0 short_term 5")
        try expect(mock, "package-0 short_term was set to 100 W, but can't be read")
        #expect(try controller.stop() == 0)
    }

    @Test("a limit that was refused was not asked with success, so the check of what is in force passes")
    func refused() throws {
        let mock = try Mock(devices: 1, "fail intel-rapl:0 long_term refused 5\n")
        let controller = try RunningController(mock.socket, ["SAMPLE_INTERVAL": "1h"])
        try controller.next("limit refused: the device keeps what it has, the others share the rest")
        try expect(mock, nil)
        #expect(try controller.stop() == 0)
    }

    @Test("a zone that is gone has nothing in force, and that is no fault")
    func gone() throws {
        let mock = try Mock(devices: 2)
        let controller = try RunningController(mock.socket, ["SAMPLE_INTERVAL": "1h"])
        try controller.next("limit changed", of: "package-1", "short_term")
        try mock.tell("gone intel-rapl:1")
        try expect(mock, nil)
        #expect(try controller.stop() == 0)
    }

    @Test(
        "without a helper, or with one that hangs: a restart of the controller can't help",
        arguments: ["stop", "before Hello every silence"])
    func noHelper(_ misery: String) throws {
        let mock = try Mock(devices: 1)
        try mock.tell(misery)
        let ready = try check(mock.socket)
        #expect(ready.status == 1)
        #expect(ready.errorLine?.hasPrefix("powercap-controller: the helper ") == true)
        #expect(try check(mock.socket, alive: true).status == 0)
    }
}
