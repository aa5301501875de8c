import Foundation
import TestSupport
import Testing

@testable import JSON
@testable import Kubernetes

/// Candidates, a server and a network, all under a clock and with a luck that a seed decides. One number repeats a failure:
/// ELECTION_SEED.
struct ElectionSimulationTests {
    private static var seeds: [UInt64] {
        ProcessInfo.processInfo.environment["ELECTION_SEED"].flatMap(UInt64.init).map { [$0] } ?? Array(1...24)
    }

    @Test("two never lead at the same time, and a later leader's number is higher", arguments: seeds)
    func alone(seed: UInt64) throws {
        var world = World(seed: seed, deletes: false)
        try world.run(steps: 10_000)
        // It was no idle world.
        #expect(world.terms > 1)
    }

    @Test("not even where the Lease is deleted now and then", arguments: seeds)
    func deleted(seed: UInt64) throws {
        var world = World(seed: seed, deletes: true)
        try world.run(steps: 10_000)
        #expect(world.terms > 1)
    }

    private struct World {
        /// Of true time; a step is 20 ms.
        var now_ns: UInt64 = 100_000_000_000
        var luck: SeededGenerator
        let deletes: Bool
        // The server's.
        var stored: Lease?
        var version = 0
        var candidates: [Candidate] = []
        var births = 0
        /// Requests and answers on their way.
        var mail: [Mail] = []
        /// How many leaders there were.
        var terms = 0
        /// Who led last, and with which number.
        var last: (identity: String, epoch: UInt64)?
        let seed: UInt64

        struct Candidate {
            var election: Election
            /// How fast its clock goes, in millionths more.
            let drift: Int64
            var isPausedUntil_ns: UInt64 = 0
            /// Its clock began when the machine was started.
            let offset_ns: UInt64
            var attempt = 0

            func clock(_ now_ns: UInt64) -> UInt64 {
                UInt64(Int64(offset_ns + now_ns) + Int64(now_ns / 1_000_000) * drift)
            }
        }

        struct Mail {
            let at_ns: UInt64
            let identity: String
            let attempt: Int
            var step: Election.Step?
            var outcome: Election.Outcome?
        }

        init(seed: UInt64, deletes: Bool) {
            (self.seed, self.deletes, luck) = (seed, deletes, SeededGenerator(seed: seed))
            for _ in 0..<3 { candidates.append(born()) }
        }

        mutating func born() -> Candidate {
            births += 1
            return Candidate(
                election: Election(identity: "c\(births)"), drift: .random(in: -900...900, using: &luck),
                offset_ns: .random(in: 0...1_000_000_000_000, using: &luck))
        }

        mutating func oneIn(_ count: Int) -> Bool { Int.random(in: 0..<count, using: &luck) == 0 }

        /// Mostly some milliseconds, now and then seconds.
        mutating func delay() -> UInt64 {
            oneIn(8) ? .random(in: 0...6_000_000_000, using: &luck) : .random(in: 0...60_000_000, using: &luck)
        }

        mutating func run(steps: Int) throws {
            for _ in 0..<steps {
                now_ns += 20_000_000
                deliver()
                for index in candidates.indices { act(index) }
                if deletes, oneIn(1_500) { stored = nil }
                try check()
            }
        }

        mutating func act(_ index: Int) {
            if oneIn(1_500) {
                // It is started anew, and what it knew is gone; some give the Lease back before.
                candidates[index] = born()
                return
            }
            if oneIn(900) { candidates[index].isPausedUntil_ns = now_ns + .random(in: 0...25_000_000_000, using: &luck) }
            guard now_ns >= candidates[index].isPausedUntil_ns else { return }
            if oneIn(3_000) { candidates[index].election.release(candidates[index].clock(now_ns)) }
            if candidates[index].election.isOver { candidates[index] = born() }
            let time_ns = candidates[index].clock(now_ns)
            if let step = candidates[index].election.next(time_ns, at: "\(now_ns)") {
                candidates[index].attempt += 1
                let mine = candidates[index]
                if !oneIn(10) {
                    let copies = oneIn(20) ? 2 : 1
                    for _ in 0..<copies {
                        mail.append(
                            Mail(at_ns: now_ns + delay(), identity: mine.election.identity, attempt: mine.attempt, step: step))
                    }
                }
                // And the time that it waits at most.
                mail.append(
                    Mail(
                        at_ns: now_ns + mine.election.timing.answer_ns, identity: mine.election.identity, attempt: mine.attempt,
                        outcome: .failed))
            }
        }

        mutating func deliver() {
            let due = mail.filter { $0.at_ns <= now_ns }.sorted { $0.at_ns < $1.at_ns }
            mail.removeAll { $0.at_ns <= now_ns }
            for letter in due {
                if let step = letter.step {
                    let outcome = serve(step)
                    if !oneIn(10) {
                        mail.append(
                            Mail(at_ns: now_ns + delay(), identity: letter.identity, attempt: letter.attempt, outcome: outcome))
                    }
                } else if let outcome = letter.outcome,
                    let index = candidates.firstIndex(where: { $0.election.identity == letter.identity })
                {
                    if now_ns < candidates[index].isPausedUntil_ns {
                        mail.append(
                            Mail(
                                at_ns: candidates[index].isPausedUntil_ns, identity: letter.identity, attempt: letter.attempt,
                                outcome: outcome))
                    } else if candidates[index].attempt == letter.attempt {
                        candidates[index].election.took(outcome, candidates[index].clock(now_ns))
                    }
                }
            }
        }

        mutating func serve(_ step: Election.Step) -> Election.Outcome {
            func write(_ spec: Lease.Spec) -> Election.Outcome {
                version += 1
                let made = try? Lease(["metadata": ["name": "x", "resourceVersion": .text("\(version)")], "spec": [:]])
                guard var lease = made else { return .failed }
                lease.spec = spec
                stored = lease
                return .found(lease)
            }
            switch step {
            case .read: return stored.map { .found($0) } ?? .absent
            case .create(let spec): return stored == nil ? write(spec) : .conflict
            case .update(let lease, let spec):
                guard let stored else { return .absent }
                return stored.version == lease.version ? write(spec) : .conflict
            }
        }

        mutating func check() throws {
            let leaders = candidates.filter { $0.election.leads(at: $0.clock(now_ns)) }.map(\.election)
            try #require(leaders.count <= 1, "seed \(seed): \(leaders.map(\.identity)) lead at \(now_ns)")
            guard let leader = leaders.first, leader.identity != last?.identity else { return }
            if !deletes, let last {
                try #require(leader.epoch > last.epoch, "seed \(seed): \(leader.identity) has \(leader.epoch) after \(last)")
            }
            (last, terms) = ((leader.identity, leader.epoch), terms + 1)
        }
    }
}
