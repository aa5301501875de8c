import Foundation
import LinuxSystem
import PowercapProtocol
import Testing

@testable import raplhelper

@Suite("The helper's command line")
struct OptionsTests {
    /// What a command line is refused with, or nil.
    private func refusal(
        _ arguments: [String], userFile: String = AccountFile.users, groupFile: String = AccountFile.groups
    ) -> String? {
        do throws(Options.UsageError) {
            _ = try Options(parsing: arguments, userFile: userFile, groupFile: groupFile)
            return nil
        } catch { return error.sentence.string }
    }

    static let valid: [(Flag, String)] = [
        (.socket, "/run/x.sock"), (.socketMode, "0600"), (.socketMode, "777"), (.socketGroup, "0"), (.socketGroup, "4294967294"),
        (.powercapRoot, "/host/powercap"), (.sysfs, "/host/sys"), (.govern, "intel-rapl"), (.govern, "opal"),
        (.govern, "intel-rapl,intel-rapl-mmio,amd_hsmp,arm-scmi,dtpm,gpu,power_meter,opal"), (.govern, "gpu,gpu"),
        (.stateDir, "/"), (.user, "65534"), (.user, "root"), (.allowUID, "0"),
        (.allowUID, "root"), (.allowGID, "65532"), (.allowGID, "root"),
        (.minPower, "1W"), (.minPower, "1000000"), (.minPower, "4095.875W"), (.minPower, "12500mW"), (.minPower, "1.5W"),
        (.ceiling, "max-power"), (.ceiling, "original"), (.leaseTime, "1"), (.leaseTime, "3600"), (.leaseTime, "1s"),
        (.leaseTime, "1.5s"), (.leaseTime, "2500ms"), (.leaseTime, "1m"), (.leaseTime, "1h"), (.logFormat, "logfmt"),
        (.logFormat, "json"),
        (.bootStateDir, "/var/lib/raplhelper"), (.onLeaseExpiry, "fallback"), (.onLeaseExpiry, "restore"),
        (.onLeaseExpiry, "hold"),
    ]

    @Test("takes a value behind a space or an equals sign", arguments: valid)
    func takes(_ flag: Flag, _ value: String) {
        #expect(refusal(["\(flag.row.name)", value]) == nil)
        #expect(refusal(["\(flag.row.name)=\(value)"]) == nil)
    }

    static let invalid: [(Flag, [String])] = [
        (.socket, ["relative.sock", "@abstract", "/" + String(repeating: "x", count: 100)]),
        (.socketMode, ["0", "0599", "0577", "1777", "0888", "rw", "00000001000", "600 "]),
        (.socketGroup, ["4294967295", "4294967296", "no such group", "1.0"]),
        (.powercapRoot, ["sys/devices", "./x", "~"]),
        (.sysfs, ["sys", "./x", "~"]),
        (.govern, ["", ",", "gpu,", "gpu, opal", "GPU", "amdgpu", "intel_rapl", "none", "intel-rapl intel-rapl-mmio"]),
        (.stateDir, ["run", "/" + String(repeating: "y", count: 100)]),
        (.bootStateDir, ["var/lib", "/" + String(repeating: "y", count: 100)]),
        (.user, ["4294967295", "18446744073709551616", "no such user", "0x10"]),
        (.allowUID, ["4294967295", "no such user", "1,2"]),
        (.allowGID, ["4294967295", "no such group", "1 2"]),
        (.minPower, ["0", "999999", "0.999W", "4095.876W", "4096W", "4kW ", "10w", "1e7", "10 W", "0.0000001W", "W", "10WW"]),
        (.ceiling, ["max", "Original", "max_power", "original "]),
        (
            .leaseTime,
            ["0", "3601", "0.999s", "999ms", "3600.001s", "61m", "2h", "30 s", "30S", "s", "1e1", "18446744073709551616s"]
        ),
        (.logFormat, ["text", "JSON"]),
        (.onLeaseExpiry, ["drop", "RESTORE", "holdd"]),
        (.format, ["yaml", "JSON"]),
    ]

    @Test("refuses values out of range or of another kind, naming the flag, the value and what is valid", arguments: invalid)
    func refuses(_ flag: Flag, _ values: [String]) throws {
        for value in values + ["", "-1", "junk?"] {
            let sentence = try #require(refusal(["\(flag.row.name)", value]), "\(flag) took \(value)")
            #expect(sentence.contains("\(flag.row.name)=\"\(value)\" isn't valid: give "))
            #expect(refusal(["\(flag.row.name)=\(value)"]) == sentence)
        }
    }

    @Test("every flag with a value is in both tables")
    func complete() {
        for flag in Flag.allCases where flag.row.value != nil {
            #expect(Self.invalid.contains { $0.0 == flag }, "\(flag)")
            #expect(flag == .format || Self.valid.contains { $0.0 == flag }, "\(flag)")
        }
    }

    @Test("says which value is missing", arguments: Flag.allCases.filter { $0.row.value != nil })
    func missingValue(_ flag: Flag) {
        #expect(refusal(["\(flag.row.name)"]) == "\(flag.row.name) needs a value: \(flag.row.value!)")
    }

    @Test("refuses a value where none is taken", arguments: Flag.allCases.filter { $0.row.value == nil })
    func superfluousValue(_ flag: Flag) {
        #expect(refusal(["\(flag.row.name)"]) == nil)
        #expect(refusal(["\(flag.row.name)=1"]) == "\(flag.row.name) takes no value, but was given \(flag.row.name)=1")
        #expect(refusal(["\(flag.row.name)="]) != nil)
    }

    @Test(
        "refuses what it doesn't know: a misspelt flag is an error",
        arguments: [
            ("--lease-tme", "--lease-time"), ("--Socket", "--socket"), ("--socket-grup=0", "--socket-group"), ("help", "--help"),
            ("--read-only ", "--read-only"), ("--réad-only", "--read-only"), ("socket=/x", "--socket"),
            ("--alow-uid", "--allow-uid"),
            ("-x", nil), ("", nil), ("--", nil), ("--frobnicate", nil), (String(repeating: "x", count: 100_000), nil),
        ])
    func unknown(_ argument: String, _ meant: String?) {
        let hint = meant.map { "did you mean \($0)?" } ?? "`raplhelper --help` lists them"
        #expect(refusal([argument, "1"]) == "\"\(argument)\" is not an option: \(hint)")
    }

    @Test("takes one letter for a flag that has one, and --lease-seconds as it was called before")
    func otherNames() throws {
        guard case .help = try Options(parsing: ["-h"]).action, case .version = try Options(parsing: ["-V"]).action,
            case .list(json: true) = try Options(parsing: ["--list", "-o", "json"]).action
        else {
            Issue.record("-h, -V or -o means something else")
            return
        }
        #expect(try Options(parsing: ["--lease-seconds", "7"]).leaseTime_ms == 7_000)
        #expect(try Options(parsing: ["--lease-seconds=90s"]).leaseTime_ms == 90_000)
    }

    @Test(
        "reads a time as the controller does",
        arguments: [
            ("30", 30_000), ("30s", 30_000), ("1.5s", 1_500), ("1500ms", 1_500), ("2m", 120_000), ("2min", 120_000),
            ("1h", 3_600_000),
            ("0.5m", 30_000),
        ] as [(String, UInt32)])
    func times(_ text: String, _ time_ms: UInt32) throws {
        #expect(try Options(parsing: ["--lease-time", text]).leaseTime_ms == time_ms)
    }

    @Test(
        "refuses flags that contradict each other",
        arguments: [
            (["--read-only", "--discard-state"], "--read-only and --discard-state contradict each other"),
            (["--discard-state", "--read-only"], "--read-only and --discard-state contradict each other"),
            (["--format", "json"], "--format goes with --list only"),
        ])
    func contradiction(_ arguments: [String], _ sentence: String) { #expect(refusal(arguments) == sentence) }

    @Test("reports the first mistake, and one behind --help too")
    func firstMistake() {
        #expect(refusal(["--user", "x", "--bogus"])?.hasPrefix("--user=") == true)
        #expect(refusal(["--help", "--bogus"])?.contains(" is not an option: ") == true)
    }

    @Test("without flags means the documented defaults")
    func defaults() throws {
        let options = try Options(parsing: [])
        #expect(options.socketPath == "/run/powercap/raplhelper.sock")
        #expect(options.socketMode == 0o660)
        #expect(options.socketGroup == nil)
        #expect(options.places.powercap == "/sys/devices/virtual/powercap")
        #expect(options.places.hwmon == "/sys/class/hwmon")
        #expect(options.places.opal == "/sys/firmware/opal/powercap")
        for kind in GovernedKind.allCases { #expect(options.governed.contains(kind) == (kind == .rapl)) }
        #expect(options.stateDirectory == "/run/raplhelper")
        #expect(options.user == nil)
        #expect(options.allowedUIDs == [Process.uid])
        #expect(options.allowedGIDs == [])
        #expect(options.minPower == Microwatts(10_000_000))
        #expect(options.ceilingRule == .maxPower)
        #expect(options.leaseTime_ms == 30_000)
        #expect(options.onLeaseExpiry == .fallback)
        #expect(!options.readOnly && !options.requireSandbox && !options.discardState)
        guard case .serve = options.action else {
            Issue.record("\(options.action)")
            return
        }
    }

    @Test("allows nobody but those who are named, once somebody is")
    func allowed() throws {
        let options = try Options(parsing: ["--allow-uid=7", "--allow-uid", "8", "--allow-gid=9"])
        #expect(options.allowedUIDs == [7, 8])
        #expect(options.allowedGIDs == [9])
        #expect(try Options(parsing: ["--allow-gid=9"]).allowedUIDs == [])
    }

    @Test("takes a group's name from the group file")
    func groupNames() throws {
        let directory = try TemporaryDirectory()
        let file = "\(directory.path)/group"
        try "root:x:0:\npowercaps:x:7:\npowercap:x:65532:a,b\npowercap:x:9:\n".write(
            toFile: file, atomically: true, encoding: .utf8)
        let options = try Options(parsing: ["--allow-gid", "powercap", "--allow-gid=3", "--socket-group=root"], groupFile: file)
        #expect(options.allowedGIDs == [65532, 3])
        #expect(options.socketGroup == 0)
    }

    @Test(
        "refuses a group that the group file doesn't have, and a group file that can't be read",
        arguments: ["--allow-gid", "--socket-group"])
    func unknownGroup(_ flag: String) throws {
        let directory = try TemporaryDirectory()
        let file = "\(directory.path)/group"
        let absent = "\(flag)=\"powercap\" isn't valid: give a numeric gid: \(file) can't be read (ENOENT)"
        #expect(refusal([flag, "powercap"], groupFile: file) == absent)
        try "root:x:0:\n".write(toFile: file, atomically: true, encoding: .utf8)
        let unknown = "a numeric gid, or the name of a group in \(file) (groupadd --system makes one)"
        #expect(refusal([flag, "powercap"], groupFile: file) == "\(flag)=\"powercap\" isn't valid: give \(unknown)")
        #expect(
            refusal([flag, "7up"], groupFile: file)?.hasSuffix("give a numeric gid, 0 to 4294967294, or the name of a group")
                == true)
    }

    @Test("takes a user's name from the user file, for --allow-uid and --user")
    func userNames() throws {
        let directory = try TemporaryDirectory()
        let file = "\(directory.path)/passwd"
        try "root:x:0:0:root:/root:/bin/bash\nraplhelper:x:65523:65523::/:/usr/sbin/nologin\n".write(
            toFile: file, atomically: true, encoding: .utf8)
        let options = try Options(parsing: ["--allow-uid", "root", "--allow-uid=7", "--user=raplhelper"], userFile: file)
        #expect(options.allowedUIDs == [0, 7])
        #expect(options.user == 65523)
        let unknown = "a numeric uid, or the name of a user in \(file) (useradd --system makes one)"
        #expect(refusal(["--user", "carol"], userFile: file) == "--user=\"carol\" isn't valid: give \(unknown)")
    }

    @Test("takes the last of two values")
    func lastCounts() throws {
        #expect(try Options(parsing: ["--lease-time=5", "--lease-time=6"]).leaseTime_ms == 6_000)
    }

    @Test("--help shows every flag with its letter, its value and its meaning, in 80 columns")
    func help() {
        let help = Options.help.string
        let words = help.split(whereSeparator: \.isWhitespace).joined(separator: " ")
        for flag in Flag.allCases {
            let short = flag.row.short.utf8CodeUnitCount > 0 ? "\(flag.row.short), " : ""
            let value = flag.row.value.map { " \($0)" } ?? ""
            #expect(words.contains(" \(short)\(flag.row.name)\(value) \(flag.row.help) "), "\(flag)")
        }
        #expect(help.contains("\nExit status: 0 "))
        #expect(help.split(separator: "\n").allSatisfy { $0.utf8.count <= 80 })
    }

    @Test("--list prints a table, or JSON")
    func list() throws {
        for (arguments, isJSON) in [
            (["--list"], false), (["--list", "--format", "table"], false), (["--format=json", "--list"], true),
        ] {
            guard case .list(let json) = try Options(parsing: arguments).action else {
                Issue.record("\(arguments)")
                continue
            }
            #expect(json == isJSON)
        }
    }

    @Test("refuses to save fallback limits where the state of this boot is, and a boot that may not write")
    func boot() {
        #expect(refusal(["--state-dir", "/x", "--boot-state-dir", "/x"])?.contains("are the same") == true)
        for flag in ["--read-only", "--discard-state"] {
            #expect(refusal(["--boot", flag]) == "--boot writes what is saved: \(flag) contradicts it")
        }
    }
}
