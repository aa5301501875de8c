import Documents
import Glibc
import LinuxSystem
import Testing

/// The Intruder makes the real helper try, from inside, once it serves.
@Suite("P1: what a helper that was taken over can do", .enabled(if: Intruder.works, Intruder.comment))
struct P1AttemptsTests {
    let tree: TemporaryTree

    init() throws { tree = try TemporaryTree() }

    private static let starts: [(wrapper: [String], uid: UInt32)] = [([], 65523), (Conditions.dropAll, 0)]

    @Test("every attempt is a row")
    func table() { #expect(Attempt.all.count == 50) }

    @Test("the system call filter kills it when it tries to", arguments: Attempt.all)
    func killed(_ attempt: Attempt) throws {
        for (wrapper, uid) in Self.starts {
            #expect(try Scenery(tree, wrapper, uid: uid).outcome(of: attempt) == .killed, "as uid \(uid)")
        }
    }

    @Test("where the kernel has no system call filters, Landlock and the rest answer", arguments: Attempt.all)
    func withoutFilter(_ attempt: Attempt) throws {
        try expectAnswers(attempt, without: ["seccomp"], landlock: Kernel.landlockVersion)
    }

    @Test("where it has no Landlock either, the uid and the lack of capabilities answer", arguments: Attempt.all)
    func withoutBoth(_ attempt: Attempt) throws {
        try expectAnswers(attempt, without: ["seccomp", "landlock_create_ruleset"], landlock: 0)
    }

    private func expectAnswers(_ attempt: Attempt, without calls: [String], landlock version: Int) throws {
        for (wrapper, uid) in Self.starts {
            let outcome = try Scenery(tree, wrapper, uid: uid).outcome(of: attempt, without: calls)
            let expected = attempt.answer(landlock: version, isRoot: uid == 0)
            #expect(Attempt.agrees(expected, outcome), "as uid \(uid): \(expected) expected, not \(outcome)")
        }
    }

    /// Every number that there is, in portions that run side by side.
    @Test(
        "a system call that isn't on the list kills it, whatever its number", arguments: Array(stride(from: 0, to: 512, by: 64)))
    func others(_ first: Int) throws {
        let passed = Set(SystemCalls.allowed.values).union(SystemCalls.neverFiltered)
        for number in first..<(first + 64) where !passed.contains(number) {
            #expect(try Intruder.outcome(of: "\(number)", in: tree) == .killed, "system call \(number)")
        }
    }

    @Test("a system call that no filter sees does nothing", arguments: SystemCalls.neverFiltered)
    func neverFiltered(_ number: Int) throws {
        // Refused, or ended by SIGILL.
        let outcome = try? Intruder.outcome(of: "\(number)", in: tree)
        if case .result(let result) = outcome { #expect(result < 0) }
    }

    /// What the document lists, and not what the code does: a call that is missing from the code kills a helper in the middle of its
    /// work, and some are needed seldom.
    @Test("a system call that is on the document's list is let through")
    func listed() throws {
        let rows = try Document(page: "docs/security.md").table("System calls", startingWith: "system call")
        #expect(rows.count > 15)
        let names = rows.map { SystemCalls.allowed.keys.contains($0[0]) ? $0[0] : SystemCalls.elsewhere[$0[0]] ?? $0[0] }
        for name in names where name != "exit_group" {
            let outcome = try Intruder.outcome(of: name, in: tree)
            guard case .result = outcome else {
                Issue.record("\(name) is \(outcome)")
                continue
            }
        }
    }

    /// Called by the kernel on a process's behalf, where SIGSTOP and SIGCONT come during a poll. Without anything to go on with it
    /// answers EINTR.
    @Test("the kernel may go on with what a stop has interrupted")
    func restart() throws { #expect(try Intruder.outcome(of: "restart_syscall", in: tree) == .result(-Int(EINTR))) }
}
