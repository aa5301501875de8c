/// How long to wait before the next attempt: at first briefly, then ever longer, so that what is restarted is found soon and what
/// is away for good isn't asked all the time.
public struct Backoff: Equatable, Sendable {
    let first_ms: UInt64
    let longest_ms: UInt64
    private(set) var next_ms: UInt64

    /// - Parameter longest_ms: at least `first_ms`.
    public init(first_ms: UInt64, longest_ms: UInt64) {
        (self.first_ms, self.longest_ms, next_ms) = (first_ms, longest_ms, first_ms)
    }

    /// An attempt failed: how long to wait, in ms.
    public mutating func fail() -> UInt64 {
        defer { next_ms = min(next_ms * 2, longest_ms) }
        return next_ms
    }

    /// Between half and the whole of it: the controllers of a thousand nodes must not come back at the same moment.
    public mutating func failWithJitter() -> UInt64 {
        let wait_ms = fail()
        return UInt64.random(in: wait_ms / 2...wait_ms)
    }

    /// An attempt succeeded: the next failure waits briefly again.
    public mutating func succeed() { next_ms = first_ms }
}
