import Testing

@testable import Policy
@testable import powercap_controller

struct CommandLineTests {
    @Test("a flag's value follows it or an equals sign, before or after the command")
    func forms() throws {
        let expected = ["--max-source": "40W", "--alpha": "2"]
        #expect(try Invocation(["plan", "--max-source", "40W", "--alpha=2"]).flags == expected)
        #expect(try Invocation(["--max-source=40W", "plan", "--alpha", "2"]).flags == expected)
        #expect(try Invocation(["--max-source=40W", "plan"]).command == .plan)
        #expect(try Invocation(["plan", "--max-source=a=b"]).flags == ["--max-source": "a=b"])
        #expect(try Invocation(["plan", "--max-source="]).flags == ["--max-source": ""])
        #expect(try Invocation(["plan", "--max-source", "-5"]).flags == ["--max-source": "-5"])
    }

    @Test("a letter stands for --format", arguments: [["-o", "json"], ["-o=json"], ["--format=json"]])
    func shortFlag(_ arguments: [String]) throws {
        for command in ["plan", "status", "validate", "help"] {
            #expect(try Invocation([command] + arguments).flags == ["--format": "json"])
        }
    }

    @Test("no limit is changed unless `run` is written: every other command line is another command or a refusal")
    func onlyRun() throws {
        for arguments in [[], ["--max-source", "40W"], ["--once"], ["--kubernetes=off", "--alpha", "2"]] {
            #expect(throws: UsageError.noCommand) { try Invocation(arguments) }
        }
        for command in Command.allCases where command.argument == nil {
            #expect(try Invocation([command.rawValue]).command == command)
        }
    }

    @Test(
        "--help and --version win over everything beside them, and help is about the command that is named",
        arguments: [
            (["--help"], .help, nil), (["-h"], .help, nil), (["--version"], .version, nil), (["-V"], .version, nil),
            (["plan", "--nonsense=1", "--help"], .help, .plan), (["plan", "-h"], .help, .plan),
            (["--help", "plan"], .help, .plan), (["help", "plan"], .help, .plan), (["help", "plan", "-h"], .help, .plan),
            (["help"], .help, nil), (["help", "--help"], .help, nil), (["--date", "x", "-h"], .help, nil),
            (["plan", "--nonsense=1", "--version"], .version, nil), (["run", "--max-source", "5W", "-h"], .help, .run),
        ] as [([String], Command, Command?)])
    func helpAndVersion(_ arguments: [String], _ command: Command, _ topic: Command?) throws {
        let invocation = try Invocation(arguments)
        #expect(invocation.command == command)
        #expect(invocation.topic == topic)
        #expect(invocation.flags.isEmpty)
    }

    @Test(
        "P11: what can't be understood is refused",
        arguments: [
            (["--max-sorce", "4"], .unknownFlag("--max-sorce", nearest: "--max-source")),
            (["--MAX-SOURCE", "4"], .unknownFlag("--MAX-SOURCE", nearest: nil)),
            (["plan", "--stpe=5m"], .unknownFlag("--stpe", nearest: "--step")),
            (["-x"], .unknownFlag("-x", nearest: nil)),
            (["run", "--date", "2026-01-01"], .foreignFlag("--date", command: "run", belongsTo: "plan")),
            (["check", "-o", "json"], .foreignFlag("-o", command: "check", belongsTo: "plan")),
            (["help", "--alpha", "2"], .unknownFlag("--alpha", nearest: "--alpha")),
            (["run", "--alpha", "1", "--alpha=2"], .repeatedFlag("--alpha")),
            (["plan", "-o", "csv", "--format=csv"], .repeatedFlag("--format")),
            (["run", "--alpha"], .missingValue("--alpha", ValueKind<Double>.number(atMost: 100).words)),
            (["run", "--alpha", "--source", "solar"], .missingValue("--alpha", ValueKind<Double>.number(atMost: 100).words)),
            (["plann"], .unknownCommand("plann", nearest: "plan", among: Command.allCases.map(\.rawValue))),
            (["get", "40W"], .unknownCommand("get", nearest: "set", among: Command.allCases.map(\.rawValue))),
            (["limit", "--help"], .unknownCommand("limit", nearest: nil, among: Command.allCases.map(\.rawValue))),
            (["set"], .missingArgument("set", OrderRequest.power.words)),
            (["set", "--for", "1h"], .missingArgument("set", OrderRequest.power.words)),
            (["set", "40W", "50W"], .extraArgument("50W")), (["unset", "40W"], .extraArgument("40W")),
            (["set", "40W", "--date", "today"], .foreignFlag("--date", command: "set", belongsTo: "plan")),
            (["help", "plann"], .unknownCommand("plann", nearest: "plan", among: Command.allCases.map(\.rawValue))),
            (["plan", "2026-01-01"], .extraArgument("2026-01-01")),
            (["help", "plan", "run"], .extraArgument("run")),
        ] as [([String], UsageError)])
    func refused(_ arguments: [String], _ error: UsageError) { #expect(throws: error) { try Invocation(arguments) } }

    @Test(
        "P11: a command's own flags are checked like options",
        arguments: [
            ("--days", "0", ValueProblem.tooLow), ("--days", "3661", .tooHigh), ("--days", "1.5", .tooFine),
            ("--days", "-1", .negative),
            ("--days", "", .empty), ("--days", "two", .malformed),
        ])
    func days(_ flag: String, _ text: String, _ problem: ValueProblem) throws {
        let invocation = try Invocation(["plan", "\(flag)=\(text)"])
        #expect(throws: UsageError.value(Given(name: flag, text: text), problem, PlanFlags.days.kind.words)) {
            try PlanFlags.days.value(in: invocation)
        }
    }

    @Test(
        "P11: a step has whole seconds",
        arguments: [("0", ValueProblem.tooLow), ("500ms", .tooLow), ("1.5s", .tooFine), ("2d", .tooHigh)])
    func step(_ text: String, _ problem: ValueProblem) throws {
        #expect(throws: problem) { try PlanFlags.step.kind.parse(text) }
        #expect(try PlanFlags.step.kind.parse("15m") == .seconds(900))
    }

    @Test(
        "P11: a date is a day that exists",
        arguments: [
            "2026-02-29", "2026-13-01", "2026-00-10", "2026-04-31", "2026-1-1", "1969-12-31", "2100-02-29", "Today", "now",
            "2026-06-21T00:00",
            "+026-01-01", "-2026-01-01", "2026-06-00",
        ])
    func date(_ text: String) throws {
        #expect(throws: ValueProblem.malformed) { try PlanFlags.date.kind.parse(text) }
        #expect(try PlanFlags.date.kind.parse("2028-02-29") == .day(LocalDay(year: 2028, month: 2, day: 29)))
        #expect(try PlanFlags.date.kind.parse("2000-02-29") == .day(LocalDay(year: 2000, month: 2, day: 29)))
    }
}
