import Foundation
import HTTP
import JSON
import LinuxSystem
import TestSupport
import Testing

@testable import Kubernetes
@testable import Logging

/// Candidates at a server, each with a clock that the test sets: nobody waits for a Lease in true time.
@Suite(.waiting)
struct LeaseElectionTests {
    private static let path = "/apis/coordination.k8s.io/v1/namespaces/powercap-system/leases/powercap-coordinator-0"
    private let server: ApiServer
    private let hands = Hands()

    init() throws {
        server = try ApiServer(["--empty"])
        try server.allow(verbs: ["get", "create", "update"], resources: ["leases"], groups: ["coordination.k8s.io"])
    }

    /// What all candidates' clocks show more than the machine's.
    private final class Hands { var ahead_ns: UInt64 = 0 }

    private final class Candidate {
        let client: APIClient
        let election: LeaseElection

        init(_ identity: String, _ server: ApiServer, _ hands: Hands) throws {
            client = try APIClient(server.access, userAgent: "tests")
            election = LeaseElection(
                client, lease: "powercap-coordinator-0", in: "powercap-system", identity: identity,
                Log(format: .logfmt, level: .error, output: { _ in }),
                clock: { Clock.boottime_ns + hands.ahead_ns })
        }

        func step() {
            client.run()
            election.step()
            client.run()
        }
    }

    private var now_ns: UInt64 { Clock.boottime_ns + hands.ahead_ns }
    private func leads(_ candidate: Candidate) -> Bool { candidate.election.term.isValid(at: now_ns) }
    private func spec() throws -> JSON? { try server.show(LeaseElectionTests.path)["spec"] }

    /// Lets candidates go on until something is so. With `jump` the clocks go on a second with each turn.
    private func until(_ what: String, _ candidates: [Candidate], jump: Bool = false, _ isSo: () throws -> Bool) throws {
        let deadline_ns = Clock.monotonic_ns + Child.patience_ms * 1_000_000
        while Clock.monotonic_ns < deadline_ns {
            for candidate in candidates { candidate.step() }
            #expect(candidates.filter(leads).count <= 1)
            if try isSo() { return }
            if jump, candidates.allSatisfy({ !$0.election.isBusy }) { hands.ahead_ns += 250_000_000 }
            let epoll = try Epoll()
            for candidate in candidates { try epoll.add(candidate.client.descriptorNumber, token: 0) }
            _ = try epoll.wait(milliseconds: 10)
        }
        Issue.record("never: \(what)")
    }

    /// One that leads, and is the first.
    private func leader(_ identity: String = "a") throws -> Candidate {
        let candidate = try Candidate(identity, server, hands)
        try until("it leads", [candidate], jump: true) { leads(candidate) }
        return candidate
    }

    @Test("the first makes the Lease and leads, the second watches, and leads with a higher number when the first is killed")
    func succession() throws {
        var first: Candidate? = try leader()
        #expect(first?.election.term.epoch == 1)
        #expect(try spec()?["holderIdentity"] == .text(first!.election.identity))
        #expect(first!.election.identity.hasPrefix("a_"))
        #expect(try spec()?["leaseDurationSeconds"] == .number("8"))
        let second = try Candidate("b", server, hands)
        try until("it sees the first", [first!, second]) { second.election.holder?.hasPrefix("a_") == true }
        let begin_ns = now_ns
        // As long as the first renews the second waits.
        try until("20 s are over", [first!, second], jump: true) { now_ns > begin_ns + 20_000_000_000 }
        #expect(leads(first!))
        first = nil
        let killed_ns = now_ns
        try until("the second leads", [second], jump: true) { leads(second) }
        #expect(second.election.term.epoch == 2)
        #expect(now_ns - killed_ns > 5_900_000_000 && now_ns - killed_ns < 11_000_000_000)
        // In powers of the API: get, create and update of this one name are enough.
        #expect(try server.rulesUsed().allSatisfy { $0.hasPrefix("coordination.k8s.io leases ") })
    }

    @Test("a candidate that is started again is another one")
    func again() throws {
        let first = try leader()
        let again = try Candidate("a", server, hands)
        try until("it sees the first", [first, again]) { again.election.holder == first.election.identity }
        #expect(leads(first) && !leads(again))
    }

    @Test("who gives the Lease back is followed at once")
    func release() throws {
        let first = try leader()
        let second = try Candidate("b", server, hands)
        try until("it sees the first", [first, second]) { second.election.holder?.hasPrefix("a_") == true }
        first.election.release()
        #expect(!leads(first))
        try until("it is given back", [first]) { first.election.isOver }
        #expect(try spec()?["holderIdentity"] == "")
        let begin_ns = now_ns
        try until("the second leads", [second], jump: true) { leads(second) }
        #expect(now_ns - begin_ns < 4_000_000_000)
        #expect(second.election.term.epoch == 2)
    }

    @Test("one that was paused does not lead when it comes back, though nobody has told it, and gets the Lease no more")
    func paused() throws {
        let first = try leader()
        let second = try Candidate("b", server, hands)
        try until("the second leads", [second], jump: true) { leads(second) }
        #expect(!leads(first))
        try until("the first sees it", [first, second]) { first.election.holder == second.election.identity }
        #expect(leads(second) && first.election.term.epoch == 2)
    }

    @Test("with the server away the term ends by itself, and goes on with the same number when it is back")
    func away() throws {
        let only = try leader()
        try server.tell("stop")
        try until("its term ends", [only], jump: true) { !leads(only) }
        try until("it says why", [only]) { only.election.why?.contains("no connection") == true }
        try server.tell("listen")
        try until("it leads again", [only], jump: true) { leads(only) }
        #expect(only.election.term.epoch == 1 && only.election.why == nil)
    }

    @Test("an answer that doesn't come is given up in time for another attempt")
    func slow() throws {
        let only = try leader()
        try server.tell("fault 1 update * freeze")
        let before = only.election.term
        try until("a renewal hangs, and the next one doesn't", [only], jump: true) {
            only.election.term.validUntil_ns > before.validUntil_ns
        }
        #expect(leads(only))
        try server.next("frozen")
    }

    @Test("a renewal whose answer was lost is found, and another one follows")
    func lost() throws {
        let only = try leader()
        try server.tell("fault 1 update * lost")
        let before = only.election.term
        try until("it renews", [only], jump: true) { only.election.term.validUntil_ns > before.validUntil_ns }
        #expect(leads(only) && only.election.term.epoch == 1)
    }

    @Test("what others have written on the Lease stays, and another's write only makes one more look")
    func others() throws {
        let only = try leader()
        let patch = #"{"metadata":{"labels":{"team":"power"},"annotations":{"a":"b"}}}"#
        try server.tell("patch \(LeaseElectionTests.path) \(patch)")
        let before = only.election.term
        try until("it renews", [only], jump: true) { only.election.term.validUntil_ns > before.validUntil_ns }
        let metadata = try server.show(LeaseElectionTests.path)["metadata"]
        #expect(metadata?["labels"]?["team"] == "power" && metadata?["annotations"]?["a"] == "b")
        #expect(metadata?["labels"]?["app.kubernetes.io/name"] == "powercap")
    }

    @Test("a Lease that is deleted is made again, and belongs to nobody for a while")
    func deleted() throws {
        let first = try leader()
        let second = try Candidate("b", server, hands)
        try until("it sees the first", [first, second]) { second.election.holder?.hasPrefix("a_") == true }
        try server.tell("delete \(LeaseElectionTests.path)")
        try until("it is made again", [first, second], jump: true) { try spec()?["holderIdentity"] == .text(Election.nobody) }
        try until("one of them leads", [first, second], jump: true) {
            first.election.term.epoch == 2 && (leads(first) || leads(second))
        }
    }

    @Test("a role that is missing, and an answer that makes no sense, are told and tried again")
    func refused() throws {
        let only = try leader()
        try server.allow(verbs: ["get"], resources: ["leases"], groups: ["coordination.k8s.io"])
        try until("it says so", [only], jump: true) { only.election.why?.contains("HTTP 403") == true }
        try server.allow(verbs: ["get", "update"], resources: ["leases"], groups: ["coordination.k8s.io"])
        try server.tell("fault 1 update * body {\"metadata\":{\"resourceVersion\":\"1\"},\"spec\":{\"holderIdentity\":5}}")
        try until("it says that", [only], jump: true) {
            only.election.why?.contains("the Lease's spec.holderIdentity is of another type") == true
        }
        try until("it leads again", [only], jump: true) { leads(only) && only.election.why == nil }
    }
}
