import TestSupport
import Testing

@testable import JSON
@testable import Kubernetes

private let second_ns: UInt64 = 1_000_000_000

/// A Lease at a server that holds what was written last.
private func lease(_ holder: String, version: Int, transitions: UInt64 = 1, duration_s: UInt64 = 8) throws -> Lease {
    var lease = try Lease(["metadata": ["name": "x", "resourceVersion": .text("\(version)")], "spec": [:]])
    lease.spec = Lease.Spec(holder: holder, duration_s: duration_s, transitions: transitions, acquired: "", renewed: "")
    return lease
}

struct ElectionTests {
    /// Asks at a time and gives the outcome at once.
    @discardableResult
    private func ask(_ election: inout Election, at_s: Double, _ outcome: Election.Outcome) -> Election.Step? {
        let now_ns = UInt64(at_s * 1e9)
        let step = election.next(now_ns, at: "\(at_s)")
        if step != nil { election.took(outcome, now_ns) }
        return step
    }

    /// A candidate that got the Lease at 0, by a write sent then.
    private func leader() throws -> Election {
        var election = Election(identity: "a")
        ask(&election, at_s: 0, .found(try lease("", version: 1)))
        ask(&election, at_s: 0, .found(try lease("a", version: 2)))
        return election
    }

    @Test(
        "a Lease that was given back is taken at once; one that is not there is made for nobody, and taken a whole duration later"
    )
    func free() throws {
        var election = Election(identity: "a")
        #expect(ask(&election, at_s: 0, .found(try lease("", version: 1, transitions: 6))) == .read)
        guard case .update(_, let spec) = ask(&election, at_s: 0, .found(try lease("a", version: 2, transitions: 7))) else {
            Issue.record("no update")
            return
        }
        #expect((spec.holder, spec.transitions, spec.duration_s) == ("a", 7, 8))
        #expect(election.leads(at: 0) && election.epoch == 7)

        var other = Election(identity: "b")
        let fresh = try lease(Election.nobody, version: 3, transitions: 0)
        #expect(ask(&other, at_s: 0, .absent) == .read)
        guard case .create(let made) = ask(&other, at_s: 0, .found(fresh)) else {
            Issue.record("no Lease made")
            return
        }
        #expect(made.holder == Election.nobody && made.transitions == 0)
        for at_s in stride(from: 0.5, to: 8, by: 0.5) {
            #expect([nil, .read].contains(ask(&other, at_s: at_s, .found(fresh))))
        }
        guard case .update(_, let first) = ask(&other, at_s: 8, .found(try lease("b", version: 4))) else {
            Issue.record("not taken")
            return
        }
        #expect(first.transitions == 1 && other.leads(at: 8 * second_ns))
    }

    @Test("somebody else's Lease is taken when nothing was written for its whole duration, and each write begins that anew")
    func expiry() throws {
        var election = Election(identity: "b")
        for at_s in stride(from: 0.0, to: 20, by: 2) {
            #expect(ask(&election, at_s: at_s, .found(try lease("a", version: Int(at_s)))) == .read)
        }
        // The last one was seen at 18.
        for at_s in [20.0, 22, 24, 25.9] {
            #expect([nil, .read].contains(ask(&election, at_s: at_s, .found(try lease("a", version: 18)))))
        }
        guard case .update(let seen, let spec) = ask(&election, at_s: 26, .conflict) else {
            Issue.record("not taken")
            return
        }
        #expect((seen.version, spec.transitions) == ("18", 2))
        #expect(!election.leads(at: 26 * second_ns))
        // Somebody was faster: what stands there is looked at first, and waited for.
        #expect(ask(&election, at_s: 26.2, .found(try lease("c", version: 27, transitions: 2))) == .read)
        #expect(ask(&election, at_s: 33, .found(try lease("c", version: 27, transitions: 2))) == .read)
        guard case .update(_, let later) = ask(&election, at_s: 34.2, .failed) else {
            Issue.record("not taken")
            return
        }
        #expect(later.transitions == 3)
    }

    @Test("a holder's own duration counts where it is longer, up to a minute", arguments: [(1, 8), (30, 30), (86_400, 60)])
    func duration(told_s: UInt64, counts_s: UInt64) throws {
        var election = Election(identity: "b")
        let held = Election.Outcome.found(try lease("a", version: 1, duration_s: told_s))
        ask(&election, at_s: 0, held)
        #expect(ask(&election, at_s: Double(counts_s) - 0.1, held) == .read)
        guard case .update = ask(&election, at_s: Double(counts_s), held) else {
            Issue.record("not taken")
            return
        }
    }

    @Test("a term counts from the sending of what succeeded, and ends by itself")
    func term() throws {
        var election = Election(identity: "a")
        ask(&election, at_s: 0, .found(try lease("", version: 1)))
        _ = election.next(1 * second_ns, at: "")
        election.took(.found(try lease("a", version: 2)), 3 * second_ns)
        #expect(election.validUntil_ns == 8_920_000_000)
        // Renewed at once: two seconds since the last sending are over.
        #expect(election.due_ns == 3 * second_ns)
        _ = election.next(3 * second_ns, at: "")
        election.took(.failed, 5 * second_ns)
        #expect(election.validUntil_ns == 8_920_000_000)
        #expect(election.leads(at: 8_919_999_999) && !election.leads(at: 8_920_000_000))
        // The Lease is still this candidate's, and so is what comes of the next sign of life.
        ask(&election, at_s: 20, .found(try lease("a", version: 3)))
        #expect(election.leads(at: 20 * second_ns) && election.epoch == 1)
    }

    @Test("an answer that comes after the term gives none")
    func late() throws {
        var election = try leader()
        _ = election.next(2 * second_ns, at: "")
        election.took(.found(try lease("a", version: 3)), 60 * second_ns)
        #expect(!election.leads(at: 60 * second_ns))
        #expect(election.due_ns == 60 * second_ns)
    }

    @Test("a write that changed nothing is no sign of life")
    func unchanged() throws {
        var election = try leader()
        ask(&election, at_s: 2, .found(try lease("a", version: 2)))
        #expect(election.validUntil_ns == 7_920_000_000)
        #expect(election.due_ns == 2 * second_ns + election.timing.retry_ns)
    }

    @Test("whoever sees that another has the Lease does not lead from that moment on")
    func deposed() throws {
        var election = try leader()
        ask(&election, at_s: 2, .conflict)
        #expect(election.leads(at: 2 * second_ns))
        ask(&election, at_s: 2.5, .found(try lease("b", version: 9, transitions: 2)))
        #expect(!election.leads(at: 2_500_000_000) && !election.isHolder && election.epoch == 2)
    }

    @Test("a Lease that is deleted is made again, and its holder leads to the end of his term and not longer")
    func deleted() throws {
        var election = try leader()
        guard case .update = ask(&election, at_s: 2, .absent) else {
            Issue.record("no renewal")
            return
        }
        guard case .create(let spec) = ask(&election, at_s: 2, .absent) else {
            Issue.record("not made again")
            return
        }
        #expect(spec.transitions == 1 && spec.holder == Election.nobody)
        // Its namespace is gone, too: no loop.
        #expect(election.due_ns == 2 * second_ns + election.timing.retry_ns)
        let made = Election.Outcome.found(try lease(Election.nobody, version: 5))
        ask(&election, at_s: 2.5, made)
        for at_s in [4.0, 6, 8, 10.4] { #expect([nil, .read].contains(ask(&election, at_s: at_s, made))) }
        #expect(election.validUntil_ns == 7_920_000_000)
        guard case .update(_, let later) = ask(&election, at_s: 10.5, .failed) else {
            Issue.record("not taken")
            return
        }
        #expect(later.transitions == 2)
    }

    @Test("who ends gives the Lease back after his term has ended, whatever was on its way")
    func release() throws {
        var election = try leader()
        _ = election.next(2 * second_ns, at: "")
        election.release(2 * second_ns)
        #expect(!election.leads(at: 2 * second_ns))
        guard case .update(_, let spec) = ask(&election, at_s: 2, .conflict) else {
            Issue.record("not given back")
            return
        }
        #expect(spec.holder.isEmpty && spec.transitions == 1)
        // What was on its way had been written: once more.
        #expect(ask(&election, at_s: 2, .found(try lease("a", version: 3))) == .read)
        #expect(!election.isOver)
        ask(&election, at_s: 2, .found(try lease("", version: 4)))
        #expect(election.isOver && !election.leads(at: 2 * second_ns))
        #expect(ask(&election, at_s: 30, .absent) == nil)

        var other = Election(identity: "b")
        ask(&other, at_s: 0, .found(try lease("a", version: 1)))
        other.release(0)
        #expect(other.isOver)
    }

    @Test("a Lease that says nonsense is refused with its member's name")
    func nonsense() {
        for (spec, words): (JSON, String) in [
            (["holderIdentity": .number("7")], "spec.holderIdentity is of another type"),
            (["leaseTransitions": .number("-1")], "spec.leaseTransitions is out of range"),
            (["leaseDurationSeconds": .number("99999999999")], "spec.leaseDurationSeconds is out of range"),
        ] {
            #expect(throws: JSONField.Problem(words: words)) {
                try Lease(["metadata": ["resourceVersion": "1"], "spec": spec])
            }
        }
        #expect(throws: JSONField.Problem.self) { try Lease(["metadata": [:]]) }
    }
}
