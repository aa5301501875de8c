import Foundation
import PowercapProtocol
import TestSupport
import Testing

@testable import Policy
@testable import powercap_controller

/// `record` and `replay` as programs.
@Suite(.waiting)
struct RecordCommandTests {
    private static let zones = """
        zone intel-rapl:0 package-0 energy_uj=0 power=45W
        constraint intel-rapl:0 long_term 205W max=205W
        zone intel-rapl-mmio:0 package-0 type=intel-rapl-mmio energy_uj=0 power=45W
        constraint intel-rapl-mmio:0 long_term 120W index=0 max=205W
        zone intel-rapl:1 package-1 energy_uj=0 power=30W
        constraint intel-rapl:1 long_term 165W max=165W locked obstacle=locked

        """

    private func record(_ mock: Mock, _ arguments: [String]) throws -> Child {
        try Child(
            "powercap-controller", ["record", "--helper-socket", mock.socket] + arguments, reading: .output)
    }

    @Test("record writes what is drawn and what is in force, and replay says what would have come of a configuration")
    func both() throws {
        let mock = try Mock(Self.zones)
        let recorder = try record(mock, ["--interval", "200ms", "--for", "1s"])
        #expect(try recorder.exitStatus() == 0)
        let text = recorder.lines.joined(separator: "\n") + "\n"
        let recording = try RecordingFile.parse(Array(text.utf8)).recording
        #expect(recording.samples.count >= 2)
        // The counter of the mock gives exactly its power to who divides exactly.
        for sample in recording.samples.dropFirst() {
            #expect(sample.devices.map(\.power) == [.watts(45), .watts(30)])
            #expect(sample.devices.map(\.limit) == [.watts(120), .watts(165)])
        }
        #expect(recording.devices.map(\.fixed) == [nil, .watts(165)])
        // Nothing was asked of the helper but to be looked at.
        #expect(Set(mock.requests).isSubset(of: ["Hello", "ListZones", "ReadSample"]))

        let directory = try TemporaryDirectory()
        let path = "\(directory.path)/samples.csv"
        try text.write(toFile: path, atomically: true, encoding: .utf8)
        let outcome = try Executable.run(
            ["replay", "--samples", path, "--source", "static", "--max-source", "185W", "--format", "json"])
        #expect(outcome.status == 0 && outcome.errors.isEmpty)
        let document = try #require(
            JSONSerialization.jsonObject(with: Data(outcome.output.utf8)) as? [String: Any])
        let outcomes = try #require(document["outcomes"] as? [[String: Any]])
        #expect(outcomes.map { $0["name"] as? String } == ["recorded", "configured"])
        // 20 W are left for package-0 beside the locked one, of its 45.
        let (drawn, least) = (outcomes[1]["drawn_j"] as? Int ?? 0, outcomes[1]["energy_least_j"] as? Int ?? 0)
        #expect(abs(drawn - least * 75 / 50) <= 3, "\(drawn) J were drawn, \(least) J would have been")
    }

    @Test("a helper that goes is told once; what is missing is left empty, and what comes when it is back is recorded")
    func lost() throws {
        let mock = try Mock(Self.zones)
        let recorder = try record(mock, ["--interval", "100ms"])
        try recorder.next("a sample") { $0.contains(",45000000,") }
        try mock.tell("stop")
        try recorder.next("an empty one") { $0.hasSuffix("Z,,,,") }
        try mock.tell("listen")
        try recorder.next("a sample") { $0.contains(",45000000,") }
        recorder.kill(SIGKILL)
    }

    @Test("P11: replay says what is missing or wrong, with status 2, and what was passed over")
    func refusals() throws {
        let directory = try TemporaryDirectory()
        let path = "\(directory.path)/samples.csv"
        func replay(_ arguments: [String]) throws -> Executable.Outcome { try Executable.run(["replay"] + arguments) }
        var outcome = try replay([])
        #expect(outcome.status == 2)
        #expect(
            outcome.errorLine
                == "powercap-controller: `replay` lacks a recording: give a recording's file, as in `replay --samples FILE`")
        outcome = try replay(["--samples", path])
        #expect(outcome.status == 2)
        #expect(
            outcome.errorLine
                == "powercap-controller: --samples=\"\(path)\" does not exist: give what `powercap-controller record` wrote, or - for "
                + "standard input")
        try "Hello\n".write(toFile: path, atomically: true, encoding: .utf8)
        outcome = try replay(["--samples", path])
        #expect(outcome.status == 2)
        #expect(
            outcome.errorLine
                == "powercap-controller: --samples=\"\(path)\" doesn't begin as a recording: give what `powercap-controller record` wrote"
        )
    }
}
