internal import HTTP
internal import Policy

/// When a service is asked next. In as much time as 24 refreshes take it is never asked more than 24 times, whatever goes wrong: by default
/// that is a day. Times are of a clock that goes on while the machine is asleep.
struct FetchPace: Equatable, Sendable {
    /// When it is asked next; `.max` while it is being asked, and before anybody has begun.
    private(set) var due_ns: UInt64 = .max
    private let refresh_ns: UInt64
    private var backoff: Backoff
    /// When it was asked, within the time that counts.
    private var asked_ns: [UInt64] = []

    private static let most = 24
    /// A server that asks for more is asked again all the same: none may silence a node for good.
    private static let longestRest_s = 86_400

    /// - Parameter refresh: at least a second.
    init(refresh: Milliseconds) {
        refresh_ns = refresh.nanoseconds
        // What goes wrong for a moment is asked for again soon, and what is away for good as often as it would be without that.
        backoff = Backoff(first_ms: max(1_000, min(60_000, refresh.rawValue / 8)), longest_ms: max(1_000, refresh.rawValue))
    }

    /// It may be asked from now on.
    mutating func start(_ now_ns: UInt64) { due_ns = now_ns }

    /// It is asked now.
    mutating func begin(_ now_ns: UInt64) {
        let window_ns = window_ns
        asked_ns.removeAll { $0 + window_ns <= now_ns }
        asked_ns.append(now_ns)
        due_ns = .max
    }

    /// It has answered. The next time is a little later than it could be, at random, so that a fleet's nodes don't ask together for ever.
    mutating func succeed(_ now_ns: UInt64) {
        backoff.succeed()
        due_ns = now_ns + max(refresh_ns, evenly_ns(now_ns)) + UInt64.random(in: 0...refresh_ns / 16)
    }

    /// It has not.
    /// - Parameters:
    ///   - isLasting: somebody has to change something first, so that asking soon makes no sense.
    ///   - retryAfter_s: for how long the server wants to be left alone.
    mutating func fail(_ now_ns: UInt64, isLasting: Bool, retryAfter_s: Int = 0) {
        let wait_ns =
            isLasting ? max(refresh_ns, evenly_ns(now_ns)) : max(backoff.failWithJitter() * 1_000_000, enough_ns(now_ns))
        due_ns = now_ns + max(wait_ns, UInt64(min(max(retryAfter_s, 0), FetchPace.longestRest_s)) * 1_000_000_000)
    }

    private var window_ns: UInt64 { refresh_ns * UInt64(FetchPace.most) }

    /// How long until it may be asked at all.
    private func enough_ns(_ now_ns: UInt64) -> UInt64 {
        guard asked_ns.count >= FetchPace.most else { return 0 }
        let free_ns = asked_ns[asked_ns.count - FetchPace.most] + window_ns
        return free_ns - min(free_ns, now_ns)
    }

    /// What is left to ask for, spread over the time for which it has to do.
    private func evenly_ns(_ now_ns: UInt64) -> UInt64 {
        guard asked_ns.count < FetchPace.most, let oldest = asked_ns.first else { return enough_ns(now_ns) }
        let end_ns = oldest + window_ns
        return (end_ns - min(end_ns, now_ns)) / UInt64(FetchPace.most - asked_ns.count + 1)
    }
}
