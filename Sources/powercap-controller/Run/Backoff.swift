/// How long to wait before the next attempt: at once, then ever longer, so that a helper that is restarted is found within a
/// second and one that is away for good isn't asked all the time.
struct Backoff: Equatable, Sendable {
    static let first_ms: UInt64 = 250
    static let longest_ms: UInt64 = 10_000

    private(set) var next_ms = Backoff.first_ms

    mutating func fail() -> UInt64 {
        defer { next_ms = min(next_ms * 2, Backoff.longest_ms) }
        return next_ms
    }

    mutating func succeed() { next_ms = Backoff.first_ms }
}
