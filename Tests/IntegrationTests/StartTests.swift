import Foundation
import Glibc
import LinuxSystem
import PowercapProtocol
import Processes
import Testing

@Suite("The helper's start")
struct StartTests {
    let tree: TemporaryTree

    init() throws { tree = try TemporaryTree() }

    /// The one line that a helper says when it doesn't start, without the program's name.
    private func refusal(_ helper: HelperProcess, status: Int32) throws -> String {
        #expect(try helper.waitForEnd() == .exited(status))
        let lines = helper.log.split(separator: "\n")
        #expect(lines.count == 1, "\(helper.log)")
        #expect(helper.log.hasPrefix("raplhelper: "))
        return String(lines.last?.dropFirst("raplhelper: ".utf8.count) ?? "")
    }

    // MARK: Command lines

    @Test(
        "a command line that isn't understood: exit 2, one line, nothing touched",
        arguments: [
            (["--bogus"], "\"--bogus\" is not an option: `raplhelper --help` lists them"),
            (["--lease-time"], "--lease-time needs a value: TIME"),
            (
                ["--min-power", "0"],
                "--min-power=\"0\" isn't valid: give a power from 1W to 4095.875W, in microwatts or with uW, mW, W or kW"
            ),
            (["--socket", "relative"], "--socket=\"relative\" isn't valid: give an absolute path of at most 100 bytes"),
            (
                ["--user=-1"],
                "--user=\"-1\" isn't valid: give a numeric uid, or the name of a user in /etc/passwd (useradd --system makes one)"
            ),
            (["--read-only=yes"], "--read-only takes no value, but was given --read-only=yes"),
            (["--read-only", "--discard-state"], "--read-only and --discard-state contradict each other"),
            (["--format", "json"], "--format goes with --list only"),
            (["extra"], "\"extra\" is not an option: `raplhelper --help` lists them"),
        ])
    func commandLine(_ flags: [String], _ sentence: String) throws {
        let before = try tree.settings()
        #expect(try refusal(try tree.spawnHelper(flags), status: 2) == sentence)
        #expect(!Files.exists(tree.socket) && !Files.exists(tree.stateDirectory))
        #expect(try tree.settings() == before)
    }

    @Test(
        "--help and --version go to standard output, exit 0",
        arguments: [("--help", "Usage: raplhelper [flags]\n"), ("--version", "raplhelper 0.1.0\n")])
    func help(_ flag: String, _ text: String) throws {
        let helper = try tree.spawnHelper([flag])
        #expect(try helper.waitForEnd() == .exited(0))
        #expect(helper.process.outputText.hasPrefix(text))
        #expect(helper.log == "")
        #expect(!Files.exists(tree.socket))
    }

    @Test("output that can't be written is a failure")
    func fullOutput() throws {
        let helper = try tree.spawnHelper(["--help"], through: ["sh", "-c", "exec \"$@\" >/dev/full", "sh"])
        #expect(try refusal(helper, status: 1) == "can't write to standard output")
    }

    // MARK: Absent, denied, failed

    @Test("no tree: it says that there is no RAPL and what to do, exit 1, no socket left")
    func absent() throws {
        try FileManager.default.removeItem(atPath: tree.root)
        #expect(
            try refusal(try tree.spawnHelper(), status: 1).hasPrefix(
                "no RAPL zones: there is no directory \(tree.root). Load the driver (modprobe intel_rapl_msr"))
        try makeDirectory(tree.root, mode: 0o755)
        #expect(try refusal(try tree.spawnHelper(), status: 1).hasPrefix("no RAPL zones: \(tree.root) has no zones. "))
        #expect(!Files.exists(tree.socket) && !Files.exists(tree.statePath))
    }

    @Test(
        "a tree that may not be read: it says which file and how to start instead, exit 1, no socket left",
        .enabled(if: Conditions.isRoot, Conditions.root))
    func denied() throws {
        let own = "\(tree.directory)/own"
        try makeDirectory(own, mode: 0o755)
        try changeOwner(own, uid: 65534, gid: 65534)
        let helper = try tree.spawnHelper(
            ["--socket", "\(own)/socket", "--state-dir", own],
            through: ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"])
        let sentence = try refusal(helper, status: 1)
        #expect(
            sentence.hasPrefix(
                "permission denied: can't open for writing \(tree.root)/\(package0)/constraint_0_power_limit_uw (EACCES). Start as root"
            ))
        #expect(!Files.exists("\(own)/socket") && !Files.exists("\(own)/state"))
    }

    @Test("a tree that makes no sense: it names what it is and why, exit 1, no socket left")
    func failed() throws {
        for zone in [package0, package1] {
            try changeMode(tree.path(zone, "name"), 0o644)
            try Files.put(tree.path(zone, "name"), "zwölf\n")
        }
        #expect(
            try refusal(try tree.spawnHelper(), status: 1).hasPrefix(
                "failed: every zone had to be left out: what=\(tree.root)/\(package0) why=\"its name isn't 1 to 63"
            ))
        #expect(!Files.exists(tree.socket) && !Files.exists(tree.statePath))
    }

    // MARK: What it inherits

    @Test("closed standard streams are /dev/null before anything is opened, also with a socket from systemd")
    func closedStreams() throws {
        let path = "\(tree.directory)/systemd"
        let listening = try Socket.listen(at: path, mode: 0o600)
        let helper = try tree.spawnHelper(
            through: ["sh", "-c", "export LISTEN_PID=$$ LISTEN_FDS=1; exec \"$@\" 0<&- 1>&- 2>&-", "sh"],
            inheriting: [listening.number])
        try wait(for: "an answer") { (try? WireClient(path)) != nil }
        let open = try helper.descriptors()
        #expect(open[0] == "/dev/null" && open[1] == "/dev/null" && open[2] == "/dev/null")
        #expect(open[3]?.hasPrefix("socket:") == true)
        let client = try WireClient(path)
        _ = try client.acquire()
        try client.apply([try client.zones().item("intel-rapl:0", watts: 60)])
        // Neither the state nor a limit has a line of the log in it.
        #expect(try Files.text(tree.statePath).hasPrefix("raplhelper-state 3\n"))
        #expect(try !Files.text(tree.statePath).contains("level="))
        helper.process.signal(SIGTERM)
        try wait(for: "the originals") { try tree.settings() == tree.originals() }
    }

    @Test(
        "no number of the environment is too large",
        arguments: [
            "18446744073709551615", "18446744073709551616", "18446744073709552", "9223372036854775807", "-1",
            "99999999999999999999999",
        ])
    func largeNumbers(_ number: String) throws {
        for variable in ["WATCHDOG_USEC", "WATCHDOG_PID", "LISTEN_PID", "LISTEN_FDS"] {
            let helper = try tree.startHelper(environment: ["WATCHDOG_USEC": "1000000"].merging([variable: number]) { $1 })
            try WireClient(tree.socket).ping()
            #expect(try helper.stop() == .exited(0), "\(variable)")
        }
        let helper = try tree.spawnHelper(through: ["sh", "-c", "export LISTEN_PID=$$ LISTEN_FDS=\(number); exec \"$@\"", "sh"])
        // A number is a wrong count, anything else no systemd.
        if UInt64(number) != nil { #expect(try helper.waitForEnd() == .exited(1)) } else { try helper.waitUntilReady() }
    }

    // MARK: Its own user

    @Test(
        "it becomes a user that nobody else is, and says so where the one it is told isn't",
        .enabled(if: Conditions.isRoot && !Conditions.sandboxIsHidden, Conditions.root))
    func ownUser() throws {
        let helper = try tree.startHelper()
        let uid = try #require(UInt32(try helper.status()["Uid"]?.split(separator: " ").first ?? ""))
        #expect(
            try Files.text("/etc/passwd").split(separator: "\n").allSatisfy {
                $0.hasPrefix("raplhelper:") || $0.split(separator: ":")[2] != "\(uid)"
            })
        #expect(uid != 65_534 && !helper.log.contains("shares its uid"))
        let pid = helper.pid
        #expect(try OtherUser.run(uid: 65_534, gid: 65_534) { kill(pid, SIGSTOP) == -1 && errno == EPERM })
        try helper.stop()
        let shared = try tree.startHelper(["--user", "65534"])
        #expect(
            shared.log.contains(
                "level=warning msg=\"the helper shares its uid: whoever has it may stop or kill the helper\" uid=65534 user=nobody"
            ))
    }

    // MARK: The socket

    @Test("it makes the socket's directory, and a socket of the right mode whatever the umask")
    func socketMode() throws {
        let path = "\(tree.directory)/run/socket"
        try tree.startHelper(["--socket", path], through: ["sh", "-c", "umask 077; exec \"$@\"", "sh"])
        var status = stat()
        #expect(unsafe stat(path, &status) == 0)
        #expect(status.st_mode & 0o7777 == 0o660)
        try WireClient(path).ping()
    }

    @Test(
        "the group is given to the socket itself, never to what a path names meanwhile",
        .enabled(if: Conditions.isRoot && Conditions.has("strace"), "needs root, and strace to see the calls"))
    func socketGroup() throws {
        let trace = "\(tree.directory)/trace"
        let calls = "chmod,fchmod,fchmodat,chown,lchown,fchown,fchownat"
        try tree.startHelper(
            ["--socket-group", "12345", "--socket-mode", "0620"],
            through: ["strace", "-D", "-qq", "-o", trace, "-e", "trace=\(calls)"])
        var status = stat()
        #expect(unsafe lstat(tree.socket, &status) == 0)
        #expect(status.st_mode & 0o7777 == 0o620 && status.st_gid == 12_345)
        let lines = try Files.text(trace).split(separator: "\n")
        #expect(lines.count == 1 && lines[0].contains(/fchownat\(\d+, "", -1, 12345, AT_EMPTY_PATH\) += 0/), "\(lines)")
    }

    @Test("a stale socket is replaced")
    func stale() throws {
        try tree.startHelper().kill()
        #expect(try fileKind(of: tree.socket) == .socket)
        try tree.startHelper()
        try WireClient(tree.socket).ping()
    }

    @Test("what isn't a socket is never removed", arguments: ["file", "directory", "link", "fifo"])
    func notASocket(_ kind: String) throws {
        switch kind {
        case "file": try Files.put(tree.socket, "precious")
        case "directory": try makeDirectory(tree.socket, mode: 0o755)
        case "link": #expect(unsafe symlink("elsewhere", tree.socket) == 0)
        default: #expect(unsafe mkfifo(tree.socket, 0o600) == 0)
        }
        let before = try fileKind(of: tree.socket)
        #expect(
            try refusal(try tree.spawnHelper(), status: 1)
                == "\(tree.socket) exists and isn't a socket: remove it, or choose another --socket")
        #expect(try fileKind(of: tree.socket) == before)
        if kind == "file" { #expect(try Files.text(tree.socket) == "precious") }
    }

    @Test("a second helper on the same socket stops, and leaves the first and its socket alone")
    func sameSocket() throws {
        let first = try tree.startHelper()
        let client = try WireClient(tree.socket)
        _ = try client.acquire()
        try client.apply([try client.zones().item("intel-rapl:0", watts: 60)])
        let other = try TemporaryTree()
        let second = try tree.spawnHelper(["--powercap-root", other.root, "--state-dir", other.stateDirectory])
        #expect(
            try refusal(second, status: 1) == "another raplhelper listens on \(tree.socket): stop it, or choose another --socket")
        try client.renew()
        try WireClient(tree.socket).ping()
        #expect(try tree.limit_uw(package0) == 60_000_000)
        #expect(try first.stop() == .exited(0))
    }

    @Test("P6: a second helper with the same state directory stops, and leaves the originals that the first has saved")
    func sameStateDirectory() throws {
        let first = try tree.startHelper()
        let client = try WireClient(tree.socket)
        _ = try client.acquire()
        try client.apply([try client.zones().item("intel-rapl:0", watts: 60)])
        let state = try Files.contents(tree.statePath)
        let other = try TemporaryTree()
        let second = try tree.spawnHelper(["--powercap-root", other.root, "--socket", other.socket])
        #expect(
            try refusal(second, status: 1)
                == "another raplhelper saves its state in \(tree.stateDirectory): stop it, or choose another --state-dir")
        #expect(try Files.contents(tree.statePath) == state)
        #expect(try first.stop() == .exited(0))
        #expect(try tree.limit_uw(package0) == 150_000_000)
    }

    @Test("a second helper on the same tree stops before it touches a limit, the state or its own socket's place")
    func sameTree() throws {
        let first = try tree.startHelper()
        let client = try WireClient(tree.socket)
        _ = try client.acquire()
        try client.apply([try client.zones().item("intel-rapl:0", watts: 60)])
        let state = try Files.contents(tree.statePath)
        let socket = "\(tree.directory)/other"
        let second = try tree.spawnHelper(["--socket", socket])
        #expect(
            try refusal(second, status: 1)
                == "another raplhelper already controls \(tree.root) (perhaps in a container): stop it, or use --read-only. One "
                + "that was killed is gone when its driver lets it go")
        #expect(!Files.exists(socket))
        #expect(try tree.limit_uw(package0) == 60_000_000)
        #expect(try Files.contents(tree.statePath) == state)
        // Watching is allowed.
        let third = try tree.startHelper(["--socket", socket, "--read-only"])
        #expect(try WireClient(socket).sample().zones[0].limits[0] == Reading(60_000_000))
        #expect(try third.stop() == .exited(0))
        #expect(try client.release() == Released(restored: 1))
        #expect(try first.stop() == .exited(0))
    }

    @Test("of many helpers that are started at once one serves, and its socket is the one that is there", arguments: 1...10)
    func race(_ round: Int) throws {
        try tree.startHelper().kill()
        let helpers = try (0..<6).map { _ in try tree.spawnHelper() }
        var serving: [HelperProcess] = []
        for helper in helpers {
            do {
                try helper.waitUntilReady()
                serving.append(helper)
            } catch let end as HelperProcess.NotReady { #expect(end.log.contains("another raplhelper")) }
        }
        #expect(serving.count == 1)
        try WireClient(tree.socket).ping()
        try serving.first?.stop()
        #expect(throws: (any Error).self) { try WireClient(tree.socket) }
    }

    // MARK: --read-only

    @Test("--read-only writes nothing anywhere")
    func readOnly() throws {
        let helper = try tree.startHelper(["--read-only"])
        let client = try WireClient(tree.socket)
        #expect(client.welcome.writes == .readOnly)
        #expect(try failure { try client.acquire() } == Failure(.readOnly))
        #expect(try failure { try client.apply([try client.zones().item("intel-rapl:0", watts: 60)]) } == Failure(.readOnly))
        #expect(try client.zones().zones.allSatisfy { $0.constraints.allSatisfy { !$0.obstacle.takesLimits } })
        #expect(try client.zones()["intel-rapl:0"].constraints[0].obstacle == .writesRefused)
        #expect(try client.sample().zones[0].limits[0] == Reading(150_000_000))
        #expect(try helper.stop() == .exited(0))
        #expect(!Files.exists(tree.stateDirectory))
        #expect(try tree.settings() == tree.originals())
    }

    @Test("--read-only needs no right to write", .enabled(if: Conditions.isRoot, Conditions.root))
    func readOnlyUnprivileged() throws {
        for zone in [package0, "\(package0)/intel-rapl:0:0", package1, "\(package1)/intel-rapl:1:0"] {
            try changeMode(tree.path(zone, "energy_uj"), 0o444)
        }
        let own = "\(tree.directory)/own"
        try makeDirectory(own, mode: 0o755)
        try changeOwner(own, uid: 65534, gid: 65534)
        let user = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]
        try tree.startHelper(
            ["--read-only", "--socket", "\(own)/socket", "--socket-mode", "0666", "--allow-uid", "0"], through: user)
        #expect(try WireClient("\(own)/socket").sample().zones[0].limits[0] == Reading(150_000_000))
        let writing = try tree.spawnHelper(["--socket", "\(own)/other", "--state-dir", own], through: user)
        #expect(try refusal(writing, status: 1).contains("for monitoring alone --read-only needs no write access"))
    }
}
