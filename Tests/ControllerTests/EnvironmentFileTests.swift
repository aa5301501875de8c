import Foundation
import LinuxSystem
import TestSupport
import Testing

@testable import powercap_controller

private func parse(_ text: String) throws -> [String] {
    try EnvironmentFile.parse(Array(text.utf8)).map { "\($0.line) \($0.name)=\($0.value)" }
}

struct EnvironmentFileTests {
    // As systemd 252's parser takes each: tried with its environment generator, which shares it with EnvironmentFile= and would
    // expand variables besides.
    @Test(
        "a file says what it says to systemd",
        arguments: [
            ("", []), ("\n\n", []), ("A=1", ["1 A=1"]), ("A=1\n", ["1 A=1"]), ("A=1\r\nB=2\r\n", ["1 A=1", "2 B=2"]),
            ("# A=1\n;B=2\n  # C\nD=4", ["4 D=4"]), ("  A =  1  \n", ["1 A=1"]), ("\tA\t=\t1\t\n", ["1 A=1"]),
            ("A=\nB=2", ["1 A=", "2 B=2"]), ("A=1=2", ["1 A=1=2"]), ("A=1 # one", ["1 A=1 # one"]), ("A=a b", ["1 A=a b"]),
            ("A='a b '\n", ["1 A=a b "]), ("A=\"a b \"\n", ["1 A=a b "]), ("A=\"\"", ["1 A="]),
            ("A=\"1\"2", ["1 A=12"]), ("A=\"1\" '2'", ["1 A=12"]), ("A=\"1\" # one", ["1 A=1# one"]),
            ("A=1\"2\"", ["1 A=1\"2\""]),
            ("A=$HOME\n", ["1 A=$HOME"]), ("A=\"${B}\"\n", ["1 A=${B}"]), ("A=`id`", ["1 A=`id`"]), ("A=~", ["1 A=~"]),
            ("A=1\\\n2\nB=3", ["1 A=12", "3 B=3"]), ("A=1 \\\n 2", ["1 A=1  2"]), ("A=\\\n1", ["1 A=1"]),
            ("A=\\a\\ \n", ["1 A=a "]), ("A=\"a\\\nb\"\nB=1", ["1 A=ab", "3 B=1"]), ("A=\"a\nb\"\nB=1", ["1 A=a\nb", "3 B=1"]),
            ("A=\"\\a\\\"\\\\\\$\\`\"", ["1 A=\\a\"\\$`"]), ("A='\\a\\'", ["1 A=\\a\\"]), ("A=1\nA=2", ["1 A=1", "2 A=2"]),
            ("_A1=x", ["1 _A1=x"]), ("A=é", ["1 A=é"]),
        ] as [(String, [String])])
    func syntax(_ text: String, _ expected: [String]) throws { #expect(try parse(text) == expected) }

    @Test(
        "P11: what systemd passes over in silence, or takes in two ways, is refused with its line",
        arguments: [
            ("A=1\nMAX_SOURCE 240W\n", .noAssignment("MAX_SOURCE 240W", line: 2)), ("A=1\n\nB", .noAssignment("B", line: 3)),
            ("export A=1", .badName("export A", line: 1)), ("1A=1", .badName("1A", line: 1)), ("=1", .badName("", line: 1)),
            ("A-B=1", .badName("A-B", line: 1)), ("A=\"1\nB=2\n", .openQuote(line: 1)), ("B=2\nA='1", .openQuote(line: 2)),
            ("A=\"1\\", .openQuote(line: 1)), ("# C:\\\nA=1", .openComment(line: 1)), ("A=1\0", .notText(line: 1)),
        ] as [(String, EnvironmentFile.Problem)])
    func refused(_ text: String, _ problem: EnvironmentFile.Problem) {
        #expect(throws: problem) { try EnvironmentFile.parse(Array(text.utf8)) }
    }

    @Test("P11: bytes that are no text are refused")
    func notText() {
        #expect(throws: EnvironmentFile.Problem.notText(line: 2)) { try EnvironmentFile.parse(Array("A=1\nB=".utf8) + [0xFF]) }
    }

    @Test("P11: a FIFO is refused, and not waited for")
    func fifo() throws {
        let directory = try TemporaryDirectory()
        let path = "\(directory.path)/settings"
        try #require(unsafe mkfifo(path, 0o600) == 0)
        let outcome = try Executable.run(["run", "--env-file", path], environment: [:])
        #expect(outcome.status == 2)
        #expect(
            outcome.errors
                == "powercap-controller: \(path) is no file, but a FIFO, a device or a socket: give a file of NAME=value lines\n")
    }

    private func validate(_ text: String, _ environment: [String: String] = [:], _ flags: [String] = []) throws
        -> (outcome: Executable.Outcome, path: String)
    {
        let path = FileManager.default.temporaryDirectory.appending(path: "powercap-\(UUID().uuidString).env").path
        try text.write(toFile: path, atomically: true, encoding: .utf8)
        defer { try? FileManager.default.removeItem(atPath: path) }
        return (try Executable.run(["validate", "--env-file", path] + flags, environment: environment), path)
    }

    @Test("validate shows what a terminal would obey as what it is", arguments: ["table", "json"])
    func printable(_ format: String) throws {
        let outcome = try Executable.run(
            ["validate", "--format", format], environment: ["RAPLHELPER_SOCKET": "/run/\u{1B}[31mx\u{9B}1m\u{202E}"])
        #expect(outcome.status == 0)
        let escaped = format == "json" ? #"/run/\u001b[31mx\u009b1m\u202e"# : #"/run/\u{1b}[31mx\u{9b}1m\u{202e}"#
        #expect(outcome.output.contains(escaped))
        #expect(!outcome.output.unicodeScalars.contains { $0 == "\u{1B}" || $0 == "\u{9B}" || $0 == "\u{202E}" })
    }

    @Test("a file's values win over the environment's, a flag wins over both, and validate says which it was")
    func precedence() throws {
        let environment = ["MAX_SOURCE": "50W", "ALPHA": "2", "SOURCE": "static"]
        let outcome = try validate("MAX_SOURCE=60W\nMAX_SOURCE=70W\nALPHA=3\nTZ=Asia/Tokyo\n", environment, ["--alpha=5"]).outcome
        #expect(outcome.status == 0)
        let rows = outcome.output.split(separator: "\n").map { $0.split(separator: " ").joined(separator: " ") }
        for row in ["MAX_SOURCE 70W file", "ALPHA 5 flag", "SOURCE static environment", "ON_EXIT restore default"] {
            #expect(rows.contains(row))
        }
    }

    @Test(
        "P11: an unknown name or a bad value in a file is refused with file and line",
        arguments: [
            ("# x\nMAXSOURCE=240W\n", ":2: \"MAXSOURCE\" is not a variable of this program: did you mean MAX_SOURCE?"),
            (
                "STABILIZATION_TIME=60",
                ":1: \"STABILIZATION_TIME\" is not a variable of this program: did you mean STABILISATION_TIME?"
            ),
            ("HOME=/root", ":1: \"HOME\" is not a variable of this program: `powercap-controller help` lists them"),
            ("\nMAX_SOURCE", ":2: \"MAX_SOURCE\" has no `=`: write NAME=value, or # before a comment"),
        ])
    func badFile(_ text: String, _ end: String) throws {
        let (outcome, path) = try validate(text)
        #expect(outcome.status == 2)
        #expect(outcome.output.isEmpty)
        #expect(outcome.errorLine == "powercap-controller: \(path)\(end)")
    }

    @Test(
        "what is no option, and known to this program or its libraries, may be in a file",
        arguments: [
            "TZ", "TZDIR", "SSL_CERT_FILE", "SSL_CERT_DIR", "KUBERNETES_SERVICE_HOST", "KUBERNETES_SERVICE_PORT", "http_proxy",
            "https_proxy", "all_proxy", "no_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY",
        ])
    func others(_ name: String) throws {
        // What it makes of the value is another matter.
        #expect(try !validate("\(name)=x\n").outcome.errors.contains("is not a variable"))
        #expect(try validate("\(name)_X=x\n").outcome.errors.contains("is not a variable"))
    }

    @Test("P11: a bad value is told with its file and line")
    func badValue() throws {
        let (outcome, path) = try validate("\nALPHA=\"0\"\n")
        #expect(outcome.status == 2)
        #expect(
            outcome.errorLine
                == "powercap-controller: ALPHA=\"0\" (\(path):2) is below 0.000001: give a number above 0 and at most "
                + "100, such as 4 or 2.5")
    }

    @Test("a file with a dash before its name may be absent, and its time zone is the curve's")
    func optionalAndTimeZone() throws {
        #expect(try Executable.run(["validate", "--quiet", "--env-file=-/nonexistent"]).output.isEmpty)
        let path = FileManager.default.temporaryDirectory.appending(path: "powercap-\(UUID().uuidString).env").path
        try "TZ=Asia/Tokyo\n".write(toFile: path, atomically: true, encoding: .utf8)
        defer { try? FileManager.default.removeItem(atPath: path) }
        let arguments = ["plan", "--date=2026-06-21", "--step=12h", "--format=csv", "--env-file=-\(path)"]
        let plan = try Executable.run(arguments + ["--zones", Fixture.path("zones/two-sockets-psys.json")])
        #expect(plan.output.contains("2026-06-21T12:00:00+09:00,40000000,"))
    }

    @Test("validate --quiet prints nothing where all is well, and the same refusal where it isn't")
    func quiet() throws {
        let well = try validate("MAX_SOURCE=60W", [:], ["--quiet"]).outcome
        #expect(well.status == 0 && well.output.isEmpty && well.errors.isEmpty)
        #expect(try validate("MAX_SOURCE=6", [:], ["--quiet"]).outcome.status == 2)
    }

    @Test("the unit's file is pointed to where it exists and wasn't given, and not within the unit")
    func hint() throws {
        let path = Fixture.path("zones/two-sockets-psys.json")
        func hints(_ arguments: [String], _ environment: [String: String] = [:]) throws -> [String] {
            let invocation = try Invocation(arguments)
            return invocation.command.hints(invocation, environment: { environment[$0] }, unit: path).filter {
                $0.contains("--env-file")
            }
        }
        #expect(
            try hints(["plan"]) == [
                "powercap-controller.service reads \(path), this command did not: `--env-file \(path)` takes it in"
            ])
        #expect(try hints(["validate"]).count == 1)
        for quiet in [["status"], ["check"], ["run"], ["validate", "--env-file", path]] { #expect(try hints(quiet).isEmpty) }
        #expect(try hints(["validate"], ["INVOCATION_ID": "1"]).isEmpty)
    }
}

struct LikelyNameTests {
    @Test(
        "P11: a variable that looks like an option is named with what was meant",
        arguments: [
            ("MAXSOURCE", "MAX_SOURCE"), ("MAX_SORCE", "MAX_SOURCE"), ("max_source", "MAX_SOURCE"), ("MAX-SOURCE", "MAX_SOURCE"),
            ("MAX_SOURCE_W", "MAX_SOURCE"), ("MAX_SOURCE_UW", "MAX_SOURCE"), ("POWERCAP_MAX_SOURCE", "MAX_SOURCE"),
            ("STABILIZATION_TIME", "STABILISATION_TIME"), ("STABILISATIONTIME", "STABILISATION_TIME"),
            ("STABILISATION_TIME_SECONDS", "STABILISATION_TIME"), ("RAPL_MINPOWER", "RAPL_MIN_POWER"),
            ("RAPL_MAX_POWER", "RAPL_MIN_POWER"), ("RAPL_LIMITS", "RAPL_LIMIT"), ("TIME_ZONE", "TIMEZONE"),
            ("PMAXFUNC", "PMAX_FUNC"),
            ("NODENAME", "NODE_NAME"), ("HELPER_SOCKET", "RAPLHELPER_SOCKET"), ("RAPL_HELPER_SOCKET", "RAPLHELPER_SOCKET"),
            ("LOGLEVEL", "LOG_LEVEL"), ("LOG_LEVL", "LOG_LEVEL"), ("ONDRIFT", "ON_DRIFT"), ("KUBE_SERVERS", "KUBE_SERVER"),
            ("POWERCAP_SOURCE", "SOURCE"), ("LEASETIME", "LEASE_TIME"), ("SAMPLE_INTERVALL", "SAMPLE_INTERVAL"),
        ])
    func likely(_ name: String, _ meant: String) {
        #expect(Option.meant(by: name, among: .surely) == meant)
        #expect(Option.meant(by: name, among: .all) == meant)
    }

    @Test(
        "no other program's variable is taken for one of ours",
        arguments: [
            "PATH", "HOME", "HOSTNAME", "LOGNAME", "USER", "SHELL", "LANG", "LC_ALL", "TERM", "PWD", "OLDPWD", "SHLVL", "MAIL",
            "EDITOR", "PAGER", "TZ", "TZDIR", "_", "", "SOURCE_DATE_EPOCH", "SOURCES", "source", "alpha", "LS_COLORS", "COLUMNS",
            "KUBECONFIG", "KUBERNETES_SERVICE_HOST", "KUBERNETES_SERVICE_PORT", "KUBERNETES_SERVICE_PORT_HTTPS",
            "KUBERNETES_PORT",
            "KUBERNETES_PORT_443_TCP_ADDR", "POWERCAP_PORT", "POWERCAP_SERVICE_HOST", "RAPLHELPER_PORT_1_TCP", "ALPHA_PORT",
            "NODE_IP", "NODE_ENV", "NODE_PATH", "NODE_OPTIONS", "NODE_VERSION", "HOST_IP", "POD_NAME", "POD_NAMESPACE", "LOG_DIR",
            "LOG_FILE", "LOG_PATH", "JOURNAL_STREAM", "INVOCATION_ID", "SYSTEMD_EXEC_PID", "NOTIFY_SOCKET", "WATCHDOG_USEC",
            "WATCHDOG_PID", "LISTEN_FDS", "CREDENTIALS_DIRECTORY", "RUNTIME_DIRECTORY", "SSH_CONNECTION", "SUDO_USER", "DISPLAY",
            "XDG_RUNTIME_DIR", "DBUS_SESSION_BUS_ADDRESS", "SSL_CERT_FILE", "HTTP_PROXY", "http_proxy", "NO_PROXY",
            "RELEASE_TIME",
            "LEASE_FILE", "TIMEOUT", "TIMEFORMAT", "MAX_SIZE", "ON_ERROR", "MAX_RESOURCES", "POWERCAP_HELPER", "POWERCAP_SANDBOX",
        ] + Option.all.map(\.variable))
    func unlikely(_ name: String) { #expect(Option.meant(by: name, among: .surely) == nil) }

    @Test("P11: validate and plan say it on standard error and go on")
    func said() throws {
        let outcome = try Executable.run(["validate"], environment: ["MAXSOURCE": "240W", "HOME": "/root"])
        #expect(outcome.status == 0)
        #expect(
            outcome.errors.contains(
                "powercap-controller: \"MAXSOURCE\" in the environment has no effect: did you mean MAX_SOURCE?\n"))
    }
}
