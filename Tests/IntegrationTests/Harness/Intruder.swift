import Glibc
import Processes
import Testing

/// The program that makes another do what nobody wrote into it (Tests/Intruder).
enum Intruder {
    static let program = Programs.path(of: "Intruder")
    static let works =
        Conditions.isRoot && Conditions.succeeds([program, "--landlock", "1", "--", "true"]) && !Conditions.sandboxIsHidden
    static let comment: Comment = "needs root, ptrace(2), and a kernel with its Landlock and seccomp not hidden"

    enum Outcome: Equatable {
        /// By the system call filter.
        case killed
        case result(Int)
    }

    struct Unexpected: Error { let output: String, log: String, end: ChildProcess.End }

    /// A wrapper for a helper on a kernel that lacks system calls.
    static func hiding(_ calls: [String]) -> [String] { [program] + calls.flatMap { ["--without", $0] } + ["--"] }

    /// A wrapper for a helper on a kernel with an older Landlock.
    /// - Parameter known: the version whose rights it knows, where that isn't the one it claims.
    static func landlock(_ version: Int, known: Int? = nil) -> [String] {
        [program, "--landlock", "\(version),\(known ?? version)", "--"]
    }

    /// Makes a helper, once it serves, do `call` in its loop's place.
    static func outcome(
        of call: String, after preparation: [String] = [], without hidden: [String] = [], in tree: TemporaryTree,
        through wrapper: [String] = [], landlock version: Int? = nil
    ) throws -> Outcome {
        var intruder = [program]
        if let version { intruder += ["--landlock", "\(version)"] }
        for call in hidden { intruder += ["--without", call] }
        for call in preparation { intruder += ["--prepare", call] }
        intruder += ["--attempt", call, "--"]
        let helper = try tree.spawnHelper(through: intruder + wrapper)
        let end = try helper.waitForEnd()
        let output = helper.process.outputText
        if end == .killed(SIGSYS) && output == "killed \(SIGSYS)\n" { return .killed }
        guard end == .killed(SIGKILL), output.hasPrefix("result "), let result = Int(output.dropFirst(7).dropLast()) else {
            throw Unexpected(output: output, log: helper.log, end: end)
        }
        return .result(result)
    }
}
