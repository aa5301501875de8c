internal import HTTP
public import Logging

/// What goes wrong with one activity, told when it begins, when it becomes another, and when it is over: not at every attempt, and not
/// again when it comes and goes.
public struct Trouble {
    /// What an administrator reads: `the Node can't be watched`.
    let message: String
    private let log: Log
    private let causes: SharedCauses
    /// The causes told of that are this activity's alone, since it began.
    private var told: Set<String> = []
    private var hasTold = false
    /// What is wrong, in a sentence; nil where nothing is.
    public private(set) var sentence: String?
    private var backoff = Backoff(first_ms: 500, longest_ms: 30_000)
    /// For what somebody has to change first.
    private var lastingBackoff = Backoff(first_ms: 5_000, longest_ms: 300_000)

    /// A server can give any reason for a refusal, and another one each time.
    private static let mostCauses = 8

    public init(_ message: String, _ log: Log, _ causes: SharedCauses = SharedCauses()) {
        (self.message, self.log, self.causes) = (message, log, causes)
    }

    /// Logs the problem if nobody was told of it, and says when to try again, on CLOCK_MONOTONIC.
    public mutating func met(_ problem: APIProblem, _ now_ns: UInt64, _ fields: Log.Field...) -> UInt64 {
        met(problem, now_ns, fields)
    }

    mutating func met(_ problem: APIProblem, _ now_ns: UInt64, _ fields: [Log.Field]) -> UInt64 {
        sentence = "\(message): \(problem.sentence)"
        if isNews(problem) {
            hasTold = true
            log.error(message, fields + [("why", .text(problem.sentence)), ("next", .text("trying again, ever less often"))])
        }
        let wait_ms = problem.isLasting ? lastingBackoff.failWithJitter() : backoff.failWithJitter()
        // No server may silence the controller for good.
        let asked_ms = UInt64(min(problem.retryAfter_s, 300)) * 1_000
        return now_ns + max(wait_ms, asked_ms) * 1_000_000
    }

    private mutating func isNews(_ problem: APIProblem) -> Bool {
        if problem.isShared { return causes.tell(problem.kind, of: message, atMost: Trouble.mostCauses) }
        return told.count < Trouble.mostCauses && told.insert(problem.kind).inserted
    }

    /// It is over: true where somebody was told of it, and is then worth telling.
    public mutating func end() -> Bool {
        defer { (told, hasTold, sentence) = ([], false, nil) }
        backoff.succeed()
        lastingBackoff.succeed()
        causes.end(message)
        return hasTold
    }
}

/// Causes that every activity meets which has the same server, connection and token: the first one tells of it, for as long as its
/// own trouble lasts.
public final class SharedCauses {
    public init() {}

    /// The activity that told of each.
    private var tellers: [String: String] = [:]

    /// True for the first.
    fileprivate func tell(_ cause: String, of activity: String, atMost most: Int) -> Bool {
        if tellers[cause] != nil || tellers.count >= most { return false }
        tellers[cause] = activity
        return true
    }

    fileprivate func end(_ activity: String) { tellers = tellers.filter { $0.value != activity } }
}
