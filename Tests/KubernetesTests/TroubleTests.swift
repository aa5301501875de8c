import Synchronization
import TestSupport
import Testing

@testable import HTTP
@testable import Kubernetes
@testable import Logging

struct TroubleTests {
    private final class Lines: Sendable {
        let all = Mutex<[LogLine]>([])
    }

    private let lines = Lines()
    private var log: Log {
        let lines = lines
        return Log(format: .logfmt, level: .debug) { bytes in
            lines.all.withLock { $0.append(LogLine(String(decoding: bytes.dropLast(), as: UTF8.self))) }
        }
    }
    private var told: [LogLine] { lines.all.withLock { $0 } }

    private static func refused(_ status: Int, retryAfter_s: Int = 0) -> APIProblem {
        .refused(.init(status: status, reason: "R", message: "", retryAfter_s: retryAfter_s))
    }

    @Test("a problem is told when it begins and when it becomes another, not at every attempt; its end is worth telling once")
    func oncePerState() {
        var trouble = Trouble("it can't be done", log)
        func end() -> Bool { trouble.end() }
        #expect(!end())
        for _ in 0..<5 { _ = trouble.met(.failed(.silent), 0, ("node", .text("n"))) }
        for detail in ["a", "b"] { _ = trouble.met(.failed(.broken(detail)), 0) }
        for _ in 0..<2 { _ = trouble.met(Self.refused(403), 0) }
        _ = trouble.met(Self.refused(500), 0)
        #expect(told.map(\.message) == Array(repeating: "it can't be done", count: 4))
        #expect(told.map(\.level) == Array(repeating: "error", count: 4))
        #expect(told[0]["node"] == "n")
        #expect(told[0]["why"] == APIProblem.failed(.silent).sentence)
        #expect(told[0]["next"] == "trying again, ever less often")
        #expect(end())
        #expect(!end())
        _ = trouble.met(.failed(.silent), 0)
        #expect(told.count == 5)
    }

    @Test("causes that alternate are told once each, and at most eight of them")
    func alternating() {
        var trouble = Trouble("it can't be done", log)
        for _ in 0..<50 {
            for problem in [Self.refused(401), .failed(.broken("GOAWAY")), Self.refused(403)] { _ = trouble.met(problem, 0) }
        }
        #expect(told.count == 3)
        for status in 400..<500 { _ = trouble.met(Self.refused(status), 0) }
        #expect(told.count <= 3 + 8)
    }

    @Test("what every activity meets is told by the first; what is one's own by each")
    func shared() {
        let causes = SharedCauses()
        var (watch, write) = (Trouble("watch", log, causes), Trouble("write", log, causes))
        func end(_ trouble: inout Trouble) -> Bool { trouble.end() }
        for problem in [
            Self.refused(401), .failed(.silent), .failed(.unreachable("x")), Self.refused(503),
            .failed(.noToken(path: "", .empty)),
        ] {
            for _ in 0..<3 { (_, _) = (watch.met(problem, 0), write.met(problem, 0)) }
        }
        #expect(told.map(\.message) == Array(repeating: "watch", count: 5))
        // It said nothing that would have to be taken back.
        #expect(!end(&write))
        _ = write.met(.failed(.silent), 0)
        #expect(told.count == 5)
        // Nobody else speaks for it any more.
        #expect(end(&watch))
        _ = write.met(.failed(.silent), 0)
        #expect(told.last?.message == "write")
        _ = watch.met(.failed(.silent), 0)
        #expect(told.count == 6)
        for problem in [Self.refused(403), Self.refused(404), .failed(.garbled("x")), .failed(.tooLarge)] {
            (_, _) = (watch.met(problem, 0), write.met(problem, 0))
        }
        #expect(told.count == 14)
    }

    @Test("attempts are half of 0.5, 1, 2 ... 30 s apart or up to the whole, and start again after a success")
    func backoff() {
        var trouble = Trouble("", log)
        for expected: UInt64 in [500, 1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000] {
            let wait_ms = (trouble.met(.failed(.silent), 1_000_000_000) - 1_000_000_000) / 1_000_000
            #expect((expected / 2...expected).contains(wait_ms))
        }
        _ = trouble.end()
        #expect(trouble.met(.failed(.silent), 0) <= 500_000_000)
    }

    @Test("what somebody has to change first is tried after 5, 10 ... 300 s")
    func lasting() {
        var trouble = Trouble("", log)
        for expected: UInt64 in [5_000, 10_000, 20_000, 40_000, 80_000, 160_000, 300_000, 300_000] {
            #expect((expected / 2...expected).contains(trouble.met(Self.refused(403), 0) / 1_000_000))
        }
    }

    @Test("Retry-After is waited for, and not for ever")
    func retryAfter() {
        var trouble = Trouble("", log)
        #expect(trouble.met(Self.refused(429, retryAfter_s: 7), 1) == 7_000_000_001)
        #expect(trouble.met(Self.refused(429, retryAfter_s: 100_000), 0) == 300_000_000_000)
    }

    @Test("pauses of many are spread over half of their time")
    func jitter() {
        var waits: Set<UInt64> = []
        for _ in 0..<200 {
            var backoff = Backoff(first_ms: 1_000, longest_ms: 4_000)
            let wait_ms = backoff.failWithJitter()
            #expect((500...1_000).contains(wait_ms))
            #expect((1_000...2_000).contains(backoff.failWithJitter()))
            waits.insert(wait_ms)
        }
        #expect(waits.count > 100)
        #expect(waits.min()! < 600)
        #expect(waits.max()! > 900)
    }
}
