/// Whether the node has had nothing to do for long enough.
public struct Idleness: Equatable, Sendable {
    /// Of the last look; nil where it can't be told.
    public private(set) var hasWork: Bool? = nil
    /// Since when nothing has been to do, on whatever clock `note` is given.
    private var since_ns: UInt64?

    public init() {}

    /// Takes note of what was seen.
    /// - Parameter hasWork: nil where it can't be told, which is taken for work: nobody is slowed down by a guess.
    public mutating func note(hasWork: Bool?, at now_ns: UInt64) {
        self.hasWork = hasWork
        if hasWork == false { since_ns = since_ns ?? now_ns } else { since_ns = nil }
    }

    /// Whether there has been nothing to do for this long.
    public func lasts(_ time_ns: UInt64, at now_ns: UInt64) -> Bool {
        guard let since_ns else { return false }
        return now_ns >= since_ns && now_ns - since_ns >= time_ns
    }
}
