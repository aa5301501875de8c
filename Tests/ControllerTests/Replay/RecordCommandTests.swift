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

    private static let mixed = """
        zone intel-rapl:0 package-0 energy_uj=0 power=45W
        constraint intel-rapl:0 long_term 150W max=150W
        zone intel-rapl:1 psys energy_uj=0 power=400W
        constraint intel-rapl:1 long_term 500W max=500W
        zone xe:0000:03:00.0 0000:03:00.0 type=xe energy_uj=0 power=120W
        constraint xe:0000:03:00.0 power1_max 250W max=300W

        """

    @Test(
        "record has every device that GOVERN names, of the helper and of a service, beside the server's meter; replay divides over them, and says what is left out"
    )
    func kinds() throws {
        let mock = try Mock(Self.mixed)
        let directory = try TemporaryDirectory()
        let double = try DeviceDouble(.zeusd, gpus: 1, in: directory.path)
        let recorder = try record(
            mock,
            [
                "--interval", "200ms", "--for", "1s", "--govern", "intel-rapl,gpu", "--device-url", double.url,
                "--device-state-file",
                "\(directory.path)/devices.json",
            ])
        #expect(try recorder.exitStatus() == 0)
        let text = recorder.lines.joined(separator: "\n") + "\n"
        let recording = try RecordingFile.parse(Array(text.utf8)).recording
        #expect(recording.devices.map(\.name.text) == ["package-0", "xe:0000:03:00.0", "zeusd:0000:01:00.0"])
        #expect(recording.devices.map(\.kind) == [.package, .gpu, .gpu])
        #expect(recording.devices.map(\.fixed) == [nil, nil, nil])
        for sample in recording.samples.dropFirst() {
            #expect(sample.devices.map(\.limit) == [.watts(150), .watts(250), .watts(300)])
            #expect(sample.devices.prefix(2).map(\.power) == [.watts(45), .watts(120)])
            #expect(sample.devices[2].power != nil)
            #expect(sample.server == .watts(400))
        }
        // They were looked at, and nothing else.
        #expect(Set(mock.requests).isSubset(of: ["Hello", "ListZones", "ReadSample"]))
        #expect(try double.requests().allSatisfy { $0.method == "GET" })
        #expect(try !FileManager.default.contentsOfDirectory(atPath: directory.path).contains("devices.json"))

        let path = "\(directory.path)/samples.csv"
        try text.write(toFile: path, atomically: true, encoding: .utf8)
        func replay(_ arguments: [String]) throws -> Executable.Outcome {
            try Executable.run(["replay", "--samples", path, "--source", "static", "--max-source", "300W"] + arguments)
        }
        let both = try replay(["--govern", "intel-rapl,gpu", "--budget-of", "server"])
        #expect(both.status == 0 && both.errors.isEmpty, "\(both.errors)")
        #expect(both.output.contains("samples of one package and 2 GPUs from"))
        #expect(both.output.contains("\nabove its limit, at most "))
        let packages = try replay([])
        #expect(packages.errorLine?.contains("GOVERN names no GPUs: those that were recorded draw what they drew") == true)
        let none = try replay(["--govern", "power_meter", "--budget-of", "server"])
        #expect(none.status == 2)
        #expect(
            none.errorLine?.hasSuffix("has nothing that GOVERN=power_meter names: give the GOVERN that it was recorded with")
                == true)
    }

    @Test("record and plan say what GOVERN names and isn't here, and end where nothing of it is")
    func nothing() throws {
        let mock = try Mock(Self.zones)
        let partly = try Executable.run(["plan", "--helper-socket", mock.socket, "--govern", "intel-rapl,gpu", "--step", "12h"])
        #expect(partly.status == 0)
        #expect(partly.errors.contains("powercap-controller: gpu is in GOVERN, and isn't here\n"))
        for command in ["plan", "record"] {
            let outcome = try Executable.run([command, "--helper-socket", mock.socket, "--govern", "gpu"])
            #expect(outcome.status == 1)
            #expect(
                outcome.errors.contains(
                    "nothing with a limit that GOVERN=gpu names is on this machine: there is nothing to limit"))
        }
    }

    @Test("plan divides over the devices of a service that answers, and says of one that doesn't that its devices are left out")
    func planned() throws {
        let mock = try Mock(Self.mixed)
        let directory = try TemporaryDirectory()
        let double = try DeviceDouble(.zeusd, gpus: 1, in: directory.path)
        func plan(_ url: String) throws -> Executable.Outcome {
            try Executable.run(
                [
                    "plan", "--helper-socket", mock.socket, "--step", "12h", "--format", "csv", "--source", "static",
                    "--max-source", "300W",
                ],
                environment: [
                    "GOVERN": "intel-rapl,gpu", "WEIGHTS": "package:1,gpu:2", "DEVICE_URL": url,
                    "DEVICE_STATE_FILE": "\(directory.path)/devices.json", "DEVICE_MIN_POWER": "10W",
                ])
        }
        let all = try plan(double.url)
        #expect(all.status == 0 && all.errors.isEmpty, "\(all.errors)")
        let head = all.output.split(separator: "\n").first.map { String($0) } ?? ""
        #expect(
            head.hasPrefix(
                "time,source_uw,signal,node_limit_uw,package-0_long_term_uw,xe:0000:03:00.0_long_term_uw,zeusd:0000:01:00.0_long_term_uw,"
            ))
        #expect(try double.requests().allSatisfy { $0.method == "GET" })
        let rest = try Executable.run(["plan", "--assume-packages", "1", "--rest", "150W"])
        #expect(rest.status == 2)
        #expect(rest.errorLine?.hasSuffix("has no effect without BUDGET_OF=server: give both, or take it away") == true)
        let away = try plan("unix:\(directory.path)/nobody.sock")
        #expect(away.status == 0)
        #expect(away.errorLine?.contains("nobody.sock") == true && away.errorLine?.hasSuffix("Its devices are left out") == true)
        #expect(!away.output.contains("zeusd"))
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
