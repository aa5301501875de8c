import Foundation
import Glibc
import LinuxSystem
import Processes
import Synchronization
import Testing

/// What this machine and this user allow. A test that needs more is skipped, with the reason.
enum Conditions {
    static let isRoot = geteuid() == 0
    static let root: Comment = "needs root: the helper must have something to give up, or another uid must try"

    /// Whether a program can be found in PATH.
    static func has(_ program: String) -> Bool {
        let path = ProcessInfo.processInfo.environment["PATH"] ?? "/usr/bin:/bin"
        return path.split(separator: ":").contains { Files.exists("\($0)/\(program)") }
    }

    /// Whether a command succeeds: for what only trying tells.
    static func succeeds(_ arguments: [String]) -> Bool {
        let log = "\(NSTemporaryDirectory())pc-condition-\(UUID().uuidString.prefix(8))"
        defer { try? unlink(log) }
        return (try? ChildProcess(arguments, log: log).waitForEnd()) == .exited(0)
    }

    /// Executes a program as a pod with every capability dropped does: as uid 0 with nothing else.
    static let dropAll = ["setpriv", "--bounding-set=-all", "--inh-caps=-all", "--clear-groups"]

    /// POWERCAP_SANDBOX=hidden: helpers run on a kernel without Landlock and seccomp. What they do must not differ.
    static let sandboxIsHidden = ProcessInfo.processInfo.environment["POWERCAP_SANDBOX"] == "hidden"

    /// Whether Yama keeps a process from tracing others of its uid (Documentation/admin-guide/LSM/Yama.rst).
    static let hasYama = ((try? Files.firstLine("/proc/sys/kernel/yama/ptrace_scope")) ?? "0") != "0"

    static let canMount = isRoot && succeeds(["unshare", "--mount", "true"])
    static let mount: Comment = "needs root with CAP_SYS_ADMIN: a mount of its own"

    static let canMakeInterface =
        canMount && has("ip") && succeeds(["unshare", "--net", "ip", "tuntap", "add", "t0", "mode", "tap"])
    static let interface: Comment = "needs root, mounts, and a tap interface in a network namespace (iproute2)"
}
