/// When a node asks: every two to three seconds, a little apart from the others; sooner when it has something to say, and ever later while nobody
/// answers.
public struct Pace: Equatable, Sendable {
    /// Between two reports, where nothing happens to a node of few.
    static let usual_ms: UInt64 = 2_000
    static let first_ms: UInt64 = 250
    static let longest_ms: UInt64 = 3_000
    /// No report comes sooner after another.
    static let least_ms: UInt64 = 50

    private var wait_ms = first_ms

    public init() {}

    /// Between two reports of a node, where nothing happens. From 1,000 nodes of a coordinator on a little longer, 3 s from 2,000 on: a
    /// post over TLS takes about 100 µs of a core. Never so long that a grant isn't asked for several times while it holds.
    static func usual_ms(nodes: Int, ttl_ms: UInt64) -> UInt64 {
        let longer_ms = UInt64(min(max(0, nodes - 1_000), 1_000))
        return max(usual_ms, min(usual_ms + longer_ms, ttl_ms / 5))
    }

    /// In ns from the answer's receipt.
    mutating func answered(_ askAgain_ms: UInt64, using random: inout some RandomNumberGenerator) -> UInt64 {
        wait_ms = Self.first_ms
        let wait_ms = min(max(askAgain_ms, Self.least_ms), Self.longest_ms)
        // Never later than asked: the others' growth may wait for what this one says.
        return UInt64.random(in: (wait_ms - wait_ms / 8)...wait_ms, using: &random) * 1_000_000
    }

    /// In ns from when it is known that there is no answer.
    mutating func failed(_ retryAfter_ms: UInt64?, using random: inout some RandomNumberGenerator) -> UInt64 {
        let next_ms = min(max(retryAfter_ms ?? 0, wait_ms), max(Self.longest_ms, min(retryAfter_ms ?? 0, 30_000)))
        wait_ms = min(wait_ms * 2, Self.longest_ms)
        return UInt64.random(in: (next_ms / 2)...next_ms, using: &random) * 1_000_000
    }
}
