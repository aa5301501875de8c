import Foundation
import TestSupport
import Testing

@testable import powercap_controller

struct ExecutableTests {
    private static let zones = Fixture.path("zones/two-sockets-psys.json")

    @Test(
        "P11: bad configuration ends every command with status 2 and one line",
        arguments: ["run", "plan", "status", "validate"])
    func badVariable(_ command: String) throws {
        let outcome = try Executable.run([command], environment: ["MAX_SOURCE": "abc\nd"])
        #expect(outcome.status == 2)
        #expect(outcome.output.isEmpty)
        #expect(
            outcome.errorLine
                == "powercap-controller: MAX_SOURCE=\"abc\\nd\" is not a power: give microwatts (40000000) or a number "
                + "with uW, mW, W or kW (40W), from 1 W to 1000 kW")
    }

    @Test(
        "P11: bad usage ends with status 2 and one line that says what would be right",
        arguments: [
            (["--max-sorce", "40W"], "\"--max-sorce\" is not an option: did you mean --max-source?"),
            (["plann"], "\"plann\" is not a command: did you mean `plan`?"),
            (
                ["limit", "40W"],
                "\"limit\" is not a command: there are run, plan, status, explain, top, set, unset, pause, resume, record, replay, "
                    + "check, validate, cleanup, coordinate, help, version"
            ),
            (
                ["--max-source", "40W"],
                "no command is given, so nothing was done: `run` limits this node's power, `help` lists the others"
            ),
            (
                ["validate", "--source", "demo", "--kube-server", "https://127.0.0.1", "--node-name", "n"],
                "--source=\"demo\" is for showing what this program does, not for a cluster's Node: give solar, sun or static, or "
                    + "KUBERNETES=off"
            ),
            (
                ["validate", "--env-file", "/nonexistent"],
                "/nonexistent does not exist: give a file of NAME=value lines (-/nonexistent takes it where it is there)"
            ),
            (
                ["validate", "--max-source", "5W"],
                "RAPL_MIN_POWER=\"10W\" (the default) is above --max-source=\"5W\", so the source could never decide anything: "
                    + "give a RAPL_MIN_POWER of at most 5 W, or a larger --max-source"
            ),
            (
                ["plan", "--zones", "/nonexistent"],
                "--zones=\"/nonexistent\" does not exist: give the output of `raplhelper --list --format json` in a file, or - for "
                    + "standard input"
            ),
            (
                ["plan", "--zones", zones, "--max-source", "1kW", "--rapl-min-power", "200W"],
                "--rapl-min-power=\"200W\" is above the ceiling of package-1: give at most 165 W"
            ),
            (
                ["plan", "--format", "svg", "--days", "32"],
                "--days=\"32\" is more than a chart can show: give at most 31, or --format csv"
            ),
            (["help", "--format", "html"], "--format=\"html\" is not known: give text, markdown, metrics or json"),
        ])
    func badUsage(_ arguments: [String], _ sentence: String) throws {
        let outcome = try Executable.run(arguments)
        #expect(outcome.status == 2)
        #expect(outcome.output.isEmpty)
        #expect(outcome.errorLine == "powercap-controller: \(sentence)")
    }

    @Test("P11: without a time zone database that is what is said, and UTC still works")
    func noTimeZoneDatabase() throws {
        let environment = ["TZDIR": "/nonexistent", "TIMEZONE": "Europe/Paris"]
        let outcome = try Executable.run(["validate"], environment: environment)
        #expect(outcome.status == 2)
        #expect(
            outcome.errorLine
                == "powercap-controller: TIMEZONE=\"Europe/Paris\" can't be looked up, as there is no time zone database "
                + "at /nonexistent (install tzdata, or set TZDIR): give a name of the time zone database (Europe/Paris), UTC or host"
        )
        #expect(try Executable.run(["validate", "--timezone", "UTC"], environment: environment).status == 0)
    }

    @Test(
        "P11: a misspelt TZ is refused while the zone is the host's, what only the C library understands is left to it",
        arguments: [
            ("Europe/Berln", 2), ("nonsense", 2), ("Europe/Berlin", 0), (":Europe/Berlin", 0), ("UTC", 0), ("CET-1CEST", 0),
            ("/usr/share/zoneinfo/UTC", 0), ("", 0),
        ] as [(String, Int32)])
    func hostZone(_ zone: String, _ status: Int32) throws {
        let outcome = try Executable.run(["validate"], environment: ["TZ": zone])
        #expect(outcome.status == status)
        if status == 2 {
            #expect(outcome.errorLine?.hasPrefix("powercap-controller: TZ=\"\(zone)\" is not known: give ") == true)
        }
        #expect(try Executable.run(["validate", "--timezone", "UTC"], environment: ["TZ": zone]).status == 0)
    }

    @Test("P11: an alias in the time zone database is a zone, a link to nothing or to a directory is none")
    func linkedTimeZone() throws {
        let database = FileManager.default.temporaryDirectory.appending(path: "zoneinfo-\(UUID().uuidString)").path
        try FileManager.default.createDirectory(atPath: database, withIntermediateDirectories: false)
        defer { try? FileManager.default.removeItem(atPath: database) }
        try FileManager.default.copyItem(atPath: "/usr/share/zoneinfo/Asia/Tokyo", toPath: database + "/Tokyo")
        for (name, target) in [("Alias", "Tokyo"), ("Dangling", "Nowhere"), ("Directory", ".")] {
            try FileManager.default.createSymbolicLink(atPath: "\(database)/\(name)", withDestinationPath: target)
        }
        let arguments = ["plan", "--assume-packages=1", "--date=2026-06-21", "--format=csv", "--step=1d", "--timezone"]
        let alias = try Executable.run(arguments + ["Alias"], environment: ["TZDIR": database])
        #expect(alias.output.contains("2026-06-21T00:00:00+09:00"))
        for name in ["Dangling", "Directory"] {
            #expect(try Executable.run(arguments + [name], environment: ["TZDIR": database]).status == 2)
        }
    }

    @Test("P11: a date that a zone left out is refused")
    func missingDate() throws {
        let outcome = try Executable.run([
            "plan", "--assume-packages=1", "--date=2011-12-30", "--timezone=Pacific/Apia", "--format=svg",
        ])
        #expect(outcome.status == 2)
        #expect(
            try Executable.run(["plan", "--assume-packages=1", "--date=2011-12-31", "--timezone=Pacific/Apia", "--format=svg"])
                .status == 0)
    }

    @Test("TIMEZONE moves the curve")
    func timeZone() throws {
        let arguments = ["plan", "--date", "2026-06-21", "--format", "csv", "--step", "12h", "--zones", Self.zones]
        let tokyo = try Executable.run(arguments, environment: ["TIMEZONE": "Asia/Tokyo", "TZ": "UTC"])
        #expect(tokyo.status == 0)
        #expect(tokyo.errors.isEmpty)
        #expect(tokyo.output.contains("2026-06-21T12:00:00+09:00,40000000,,40000000,"))
        let host = try Executable.run(arguments, environment: ["TZ": "America/New_York"])
        #expect(host.output.contains("2026-06-21T12:00:00-04:00,40000000,,40000000,"))
    }

    @Test("the sun is a source of validate and plan, also on a Node, and no time zone moves it")
    func sun() throws {
        let place = ["--source=sun", "--latitude=52.52", "--longitude=13.405", "--max-source=280W"]
        let node = try Executable.run(["validate", "--kube-server=https://127.0.0.1", "--node-name=n"] + place)
        #expect(node.status == 0 && node.errors.isEmpty)
        func plan(_ date: String, _ zone: String) throws -> [UInt64] {
            let arguments = [
                "plan", "--date", date, "--days=2", "--step=1h", "--format=csv", "--zones", Self.zones, "--timezone", zone,
            ]
            let outcome = try Executable.run(arguments + place)
            #expect(outcome.status == 0 && outcome.errors.isEmpty)
            return outcome.output.split(separator: "\n").dropFirst().compactMap { UInt64($0.split(separator: ",")[1]) }
        }
        let utc = try plan("2026-06-21", "UTC")
        #expect(utc.count == 48)
        // The clocks of Berlin are two hours ahead then, those of Kathmandu show quarters.
        #expect(try plan("2026-06-21", "Europe/Berlin").dropFirst(2) == utc.dropLast(2))
        #expect(try plan("2026-06-21", "Asia/Kathmandu") != utc)
        // 896.8 W per square metre at noon, which is at 11:08 UTC; a few minutes from it nearly as much.
        #expect((250_000_000...251_200_000).contains(utc[11]))
        let december = try plan("2026-12-21", "UTC")
        #expect((57_000_000...60_000_000).contains(december[11]))
        #expect(december[6] == 0 && december[16] == 0)
        // Where the clocks go forward the sun doesn't.
        let spring = try plan("2026-03-29", "Europe/Berlin")
        #expect(spring.count == 47)
        let before = try plan("2026-03-28", "UTC")
        #expect(spring.prefix(20) == before.dropFirst(23).prefix(20))
    }

    @Test("the plan of a file of zones is the golden one, from a file and from standard input")
    func plan() throws {
        let arguments = [
            "plan", "--date=2026-03-29", "--step=1h", "--timezone=Europe/Paris", "--max-source=400W", "--short-term=scaled",
            "--format=csv", "--zones",
        ]
        let golden = try Fixture.text("plan/spring-two-sockets.csv")
        #expect(try Executable.run(arguments + [Self.zones]).output == golden)
        let input = try Fixture.text("zones/two-sockets-psys.json")
        #expect(try Executable.run(arguments + ["-"], input: input).output == golden)
    }

    @Test("without a helper and without zones a plan says why there is none, and what to give, and its status is 1")
    func noPackages() throws {
        let outcome = try Executable.run(["plan", "--helper-socket", "/nonexistent/helper.sock"])
        #expect(outcome.status == 1)
        #expect(outcome.output.isEmpty)
        #expect(
            outcome.errorLine
                == "powercap-controller: the helper is not running: there is no socket /nonexistent/helper.sock (start raplhelper, "
                + "or set RAPLHELPER_SOCKET). To plan without a helper, give --zones FILE or --assume-packages 1")
    }

    @Test("--assume-packages plans for so many, asks nobody, and says so in one line")
    func assumedPackages() throws {
        let arguments = [
            "plan", "--date", "2026-06-21", "--step", "12h", "--format", "csv", "--max-source", "5kW", "--assume-packages",
        ]
        let one = try Executable.run(arguments + ["1"])
        #expect(one.status == 0)
        #expect(one.errorLine == "powercap-controller: assuming one package, with MAX_SOURCE, 5000 W, as ceiling and reference")
        // The ceiling is what the register holds.
        #expect(one.output.contains("T12:00:00"))
        let two = try Executable.run(arguments + ["2"])
        #expect(two.status == 0)
        #expect(two.output.contains("package-1"))
        let both = try Executable.run(arguments + ["1", "--zones", Self.zones])
        #expect(both.status == 2)
        #expect(both.errorLine == "powercap-controller: --assume-packages and --zones contradict each other: give one of them")
    }

    @Test("a plan larger than any buffer arrives whole and in order")
    func longPlan() throws {
        let arguments = [
            "plan", "--date", "2026-01-01", "--days", "10", "--step", "1m", "--format", "csv", "--zones", Self.zones,
        ]
        let lines = try Executable.run(arguments, environment: ["TZ": "UTC"]).output.split(separator: "\n")
        #expect(lines.count == 10 * 1_440 + 1)
        #expect(lines.dropFirst().elementsEqual(lines.dropFirst().sorted()))
        #expect(lines.last == "2026-01-10T23:59:00+00:00,0,,20000000,10000000,10000000,10000000,10000000,floor,floor,floor")
    }

    @Test("output that can't be written is a failure, not a success")
    func fullDisk() throws {
        let outcome = try Executable.run(["help"], output: "/dev/full")
        #expect(outcome.status == 1)
        #expect(outcome.errorLine == "powercap-controller: can't write to standard output: No space left on device (ENOSPC)")
    }

    @Test("validate prints every value in effect and where it came from")
    func validate() throws {
        let outcome = try Executable.run(
            ["validate", "--alpha", "2.5"], environment: ["MAX_SOURCE": "120000mW", "STABILISATION_TIME": "5m"])
        #expect(outcome.status == 0)
        let rows = outcome.output.split(separator: "\n").map { $0.split(separator: " ").joined(separator: " ") }
        #expect(rows.count == Option.all.count)
        #expect(
            rows.prefix(4) == [
                "MAX_SOURCE 120W environment", "STABILISATION_TIME 300s environment", "ALPHA 2.5 flag",
                "SOLAR_FROM 04:00 default",
            ])
        let json = try Executable.run(["validate", "--format", "json", "--alpha", "2.5"]).output
        #expect(json.contains(#"{"variable":"ALPHA","flag":"--alpha","value":"2.5","from":"flag"}"#))
        for row in outcome.output.split(separator: "\n") { #expect(row.utf8.count <= 80) }
        #expect(json.contains(#"{"variable":"RAPLHELPER_SOCKET","flag":"--helper-socket","#))
    }

    @Test("help names every command and every option with its variable and its default")
    func help() throws {
        let text = try Executable.run(["--help"], environment: ["MAX_SOURCE": "wrong"])
        #expect(text.status == 0)
        let markdown = try Executable.run(["help", "--format", "markdown"]).output
        for option in Option.all {
            let isLong = option.words.placeholder.utf8.count > 40
            #expect(text.output.contains("\(option.flag) \(isLong ? "NAME" : option.words.placeholder)"))
            if isLong { for name in option.words.placeholder.split(separator: "|") { #expect(text.output.contains(" \(name)")) } }
            #expect(text.output.contains(" \(option.variable)\n"))
            #expect(option.standard.isEmpty || text.output.contains("Default: \(option.standard)."))
            let standard = option.standard.isEmpty ? "none" : "`\(option.standard)`"
            #expect(markdown.contains("| `\(option.variable)` | `\(option.flag)` | \(standard) | "))
        }
        for command in Command.allCases { #expect(text.output.contains("\n  \(command.rawValue) ")) }
        #expect(markdown.split(separator: "\n").count == Option.all.count + 2)
    }

    @Test("every command has help of its own, with each of its flags", arguments: Command.allCases)
    func helpOfCommand(_ command: Command) throws {
        let text = try Executable.run(["help", command.rawValue])
        #expect(text.status == 0)
        #expect(text.errors.isEmpty)
        let argument = command == .help ? " [COMMAND]" : command.argument.map { " \($0.placeholder)" } ?? ""
        let flags = command.flags.isEmpty ? "" : " [--flag value]..."
        #expect(text.output.hasPrefix("Usage: powercap-controller \(command.rawValue)\(argument)\(flags)\n"))
        for flag in command.flags {
            #expect(text.output.contains(flag.name + (flag.words.isBare ? "\n" : " \(flag.words.placeholder)\n")))
            if let short = flag.short { #expect(text.output.contains("  \(short), \(flag.name)")) }
        }
        for other in [["-h"], ["--help"]] where command != .help {
            #expect(try Executable.run([command.rawValue] + other).output == text.output)
        }
    }

    @Test("help is at most 80 columns wide", arguments: [[]] + Command.allCases.map { [$0.rawValue] })
    func width(_ topic: [String]) throws {
        for line in try Executable.run(["help"] + topic).output.split(separator: "\n") {
            #expect(line.utf8.count <= 80, "\(line)")
        }
    }

    @Test("on a terminal a plan is as wide as the terminal, and in a pipe it is whole", arguments: [50, 60, 80, 200])
    func terminal(_ columns: Int) throws {
        let plan = "plan --date 2026-06-21 --step 12h --max-source 4W --rapl-min-power 1W --zones \(Self.zones)"
        let child = try Child(
            "/usr/bin/script",
            ["-qec", "stty cols \(columns); exec \(Executable.url("powercap-controller").path) \(plan)", "/dev/null"],
            reading: .output)
        #expect(try child.exitStatus() == 0)
        let lines = child.lines.map { $0.filter { $0 != "\r" && $0 != "\r\n" } }
        #expect(lines.count >= 5)
        for line in lines { #expect(line.utf8.count <= columns, "\(line)") }
        #expect(lines.contains { $0.contains("package-1") } == (columns >= 60))
        #expect(try Executable.run(plan.split(separator: " ").map(String.init)).output.contains("package-1"))
    }

    @Test("the program's name alone does nothing: it prints the commands, and says so with the status of a wrong usage")
    func bare() throws {
        let outcome = try Executable.run([])
        #expect(outcome.status == 2)
        for command in Command.allCases { #expect(outcome.output.contains("\n  \(command.rawValue) ")) }
        #expect(outcome.errorLine == "powercap-controller: \(UsageError.noCommand.sentence)")
    }

    @Test("help --format json has every command with its flags, and every option")
    func helpJSON() throws {
        let text = try Executable.run(["help", "--format", "json"]).output
        let table = try #require(try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any])
        let commands = try #require(table["commands"] as? [[String: Any]])
        #expect(commands.map { $0["name"] as? String } == Command.allCases.map(\.rawValue))
        for (row, command) in zip(commands, Command.allCases) {
            let flags = try #require(row["flags"] as? [[String: String]])
            #expect(flags.map { $0["flag"] } == command.flags.map(\.name))
            #expect(flags.map { $0["short"] } == command.flags.map { $0.short ?? "" })
            #expect(flags.map { $0["value"] } == command.flags.map(\.words.placeholder))
        }
        let options = try #require(table["options"] as? [[String: String]])
        for (row, option) in zip(options, Option.all) {
            #expect(row["variable"] == option.variable && row["flag"] == option.flag && row["default"] == option.standard)
            #expect(row["value"] == option.words.placeholder && row["valid"] == option.words.range && row["help"] == option.help)
        }
        #expect(options.count == Option.all.count)
    }

    @Test("--version is one line")
    func version() throws {
        let outcome = try Executable.run(["--version"])
        #expect(outcome.status == 0)
        #expect(outcome.output == "powercap-controller \(programVersion)\n")
    }
}
