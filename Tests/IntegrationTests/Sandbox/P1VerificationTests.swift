import Glibc
import LinuxSystem
import Processes
import Testing

/// A kernel that says it has taken a privilege away, and hasn't: the helper looks, and doesn't serve.
@Suite("P1: what the kernel says is checked before anything is served", .enabled(if: Intruder.works, Intruder.comment))
struct P1VerificationTests {
    let tree: TemporaryTree

    init() throws { tree = try TemporaryTree() }

    struct Pretence: CustomTestStringConvertible {
        let call: String
        var flags: [String] = []
        var wrapper: [String] = []
        let sentence: String

        var testDescription: String { call }
    }

    private static let stillThere = "giving up privileges: the kernel says that some are still there"

    static let pretences: [Pretence] = [
        // Another uid would take the capabilities with it (capabilities(7)).
        Pretence(call: "capset", flags: ["--user", "0"], sentence: stillThere),
        // PR_SET_NO_NEW_PRIVS.
        Pretence(call: "prctl,38", sentence: stillThere),
        // PR_SET_DUMPABLE: a change of the uid has the same effect.
        Pretence(call: "prctl,4", wrapper: Conditions.dropAll, sentence: stillThere),
        // To uid 0 the modes of files forbid nothing.
        Pretence(call: "landlock_restrict_self", wrapper: Conditions.dropAll, sentence: "/energy_uj can still be opened"),
        Pretence(call: "setresuid", sentence: "giving up privileges: uid and gid didn't change to "),
        Pretence(call: "setresgid", sentence: "giving up privileges: uid and gid didn't change to "),
        Pretence(
            call: "setgroups", wrapper: ["setpriv", "--groups=1,2"],
            sentence: "giving up privileges: setgroups, setresgid and setresuid failed: EPERM"),
    ]

    @Test("a privilege that is still there ends the start with status 1, and nobody is served", arguments: pretences)
    func pretended(_ pretence: Pretence) throws {
        let intruder = [Intruder.program, "--pretend", pretence.call, "--"]
        // setpriv is to do what it says: the kernel lies to the helper alone.
        let helper = try tree.spawnHelper(pretence.flags, through: pretence.wrapper + intruder)
        #expect(try helper.waitForEnd() == .exited(1))
        #expect(helper.log.split(separator: "\n").last?.contains(pretence.sentence) == true, "\(helper.log)")
        #expect(throws: Errno.self) { _ = try Socket.connect(to: tree.socket) }
        #expect(try tree.settings() == tree.originals())
    }
}
