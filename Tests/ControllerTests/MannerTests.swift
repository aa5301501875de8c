import Foundation
import TestSupport
import Testing

@testable import powercap_controller

/// What docs/operations.md says of both programs, for this one.
struct MannerTests {
    private func said(_ arguments: [String], _ environment: [String: String] = [:]) throws -> Executable.Outcome {
        try Executable.run(arguments, environment: environment)
    }

    @Test("help and version have the forms that both programs understand")
    func helpAndVersion() throws {
        let help = try said(["help"])
        for form in [["-h"], ["--help"]] { #expect(try said(form).output == help.output) }
        for form in [["-V"], ["--version"], ["version"]] {
            #expect(try said(form).output == "powercap-controller \(programVersion)\n")
            #expect(try said(form).status == 0)
        }
    }

    @Test("an unknown flag has status 2 and names the nearest one", arguments: [["--lease-tme", "30s"], ["--lease-tme=30s"]])
    func unknownFlag(_ arguments: [String]) throws {
        let outcome = try said(["validate"] + arguments)
        #expect(outcome.status == 2)
        #expect(outcome.errorLine == "powercap-controller: \"--lease-tme\" is not an option: did you mean --lease-time?")
    }

    @Test(
        "powers and times are plain numbers or have a unit, after a blank or an equals sign",
        arguments: [
            ("--max-source", ["40000000", "40W", "40000mW", "0.04kW"], "MAX_SOURCE 40W flag"),
            ("--rapl-min-power", ["12500000", "12.5W", "12500mW"], "RAPL_MIN_POWER 12.5W flag"),
            ("--lease-time", ["120", "120s", "120000ms", "2m"], "LEASE_TIME 120s flag"),
            ("--sample-interval", ["3600", "1h", "60m"], "SAMPLE_INTERVAL 3600s flag"),
        ])
    func quantities(_ flag: String, _ texts: [String], _ row: String) throws {
        for text in texts {
            for arguments in [[flag, text], ["\(flag)=\(text)"]] {
                let rows = try said(["validate"] + arguments).output.split(separator: "\n")
                #expect(rows.contains { $0.split(separator: " ").joined(separator: " ") == row }, "\(arguments)")
            }
        }
    }

    @Test("output for programs is one object with a format", arguments: ["plan", "validate", "help"])
    func json(_ command: String) throws {
        let plan =
            command == "plan" ? ["--date=2026-06-21", "--step=12h", "--zones", Fixture.path("zones/two-sockets-psys.json")] : []
        let texts = try [["-o", "json"], ["-o=json"], ["--format", "json"]].map { try said([command] + plan + $0).output }
        #expect(Set(texts).count == 1)
        let object = try #require(try JSONSerialization.jsonObject(with: Data(texts[0].utf8)) as? [String: Any])
        #expect(object["format"] as? Int == 1)
    }
}
