/// What goes wrong with one activity, told when it begins, when it becomes another, and when it is over: not at every attempt.
struct Trouble {
    /// What an administrator reads: `the Node can't be watched`.
    let message: String
    private let log: Log
    private var kind: String?
    private var backoff = Backoff(first_ms: 500, longest_ms: 30_000)
    /// For what somebody has to change first.
    private var lastingBackoff = Backoff(first_ms: 5_000, longest_ms: 300_000)

    init(_ message: String, _ log: Log) { (self.message, self.log) = (message, log) }

    /// Logs the problem if it isn't the last one, and says when to try again, on CLOCK_MONOTONIC.
    mutating func met(_ problem: APIProblem, _ now_ns: UInt64, _ fields: Log.Field...) -> UInt64 {
        if kind != problem.kind {
            kind = problem.kind
            log.error(message, fields + [("why", .text(problem.sentence)), ("next", .text("trying again, ever less often"))])
        }
        let wait_ms = problem.isLasting ? lastingBackoff.failWithJitter() : backoff.failWithJitter()
        // No server may silence the controller for good.
        let asked_ms = UInt64(min(problem.retryAfter_s, 300)) * 1_000
        return now_ns + max(wait_ms, asked_ms) * 1_000_000
    }

    /// It is over: true where there was any, which is then worth telling.
    mutating func end() -> Bool {
        defer { kind = nil }
        backoff.succeed()
        lastingBackoff.succeed()
        return kind != nil
    }
}
