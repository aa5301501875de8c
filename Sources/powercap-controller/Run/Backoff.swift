/// How long to wait before the next attempt: at first briefly, then ever longer, so that what is restarted is found soon and what
/// is away for good isn't asked all the time.
struct Backoff: Equatable, Sendable {
    let first_ms: UInt64
    let longest_ms: UInt64
    private(set) var next_ms: UInt64

    init(first_ms: UInt64, longest_ms: UInt64) {
        (self.first_ms, self.longest_ms, next_ms) = (first_ms, longest_ms, first_ms)
    }

    /// A helper that was restarted is found within a second.
    static let helper = Backoff(first_ms: 250, longest_ms: 10_000)

    mutating func fail() -> UInt64 {
        defer { next_ms = min(next_ms * 2, longest_ms) }
        return next_ms
    }

    /// Between half and the whole of it: the controllers of a thousand nodes must not come back at the same moment.
    mutating func failWithJitter() -> UInt64 {
        let wait_ms = fail()
        return UInt64.random(in: wait_ms / 2...wait_ms)
    }

    mutating func succeed() { next_ms = first_ms }
}
