public import PowercapProtocol

/// What one shard may give of a budget: between the parent, which gives the shard its part, and the shard, which acknowledges what it keeps
/// to. Both stand on one object, and are known of one state of it.
///
/// Whoever adds the parts up counts the larger of the two. So a larger part is acknowledged before it is used, and a smaller one is used
/// at once and acknowledged when all that the shard's nodes may have fits.
public struct Part: Equatable, Sendable {
    /// What the parent gives.
    public private(set) var given: Microwatts
    /// What nodes of this shard have at most, as the parent may read it; nil where nobody has said.
    public private(set) var acknowledged: Microwatts?
    package var rules = Rules()

    public init(given: Microwatts, acknowledged: Microwatts?) { (self.given, self.acknowledged) = (given, acknowledged) }

    /// A state of the object is known: by a read that isn't older than what is known, or by the answer to a write.
    public mutating func know(given: Microwatts, acknowledged: Microwatts?) {
        (self.given, self.acknowledged) = (given, acknowledged)
    }

    /// What the shard's nodes may have together.
    /// - Parameter followsParent: a parent is there, which would say if there were less. Where none is nodes have their minimums.
    public func usable(followsParent: Bool) -> Microwatts {
        guard followsParent || !rules.needsParent else { return .zero }
        return rules.acknowledgesFirst ? min(given, acknowledged ?? .zero) : given
    }

    /// What is to be acknowledged now; nil where what stands there is right.
    /// - Parameters:
    ///   - whole: what all nodes count at, with the room for jumps.
    ///   - isBeginning: nodes count at their ceilings because nobody has heard them yet. What stands there was true of an earlier coordinator,
    ///     and goes on to be.
    public func due(whole: Microwatts, isBeginning: Bool) -> Microwatts? {
        let kept = rules.acknowledgesKept ? whole : .zero
        guard let acknowledged else { return max(given, kept) }
        let due = max(given, isBeginning ? min(kept, acknowledged) : kept)
        if due >= acknowledged { return due > acknowledged ? due : nil }
        // On the way down each step is worth a write only where others can do something with it.
        return due == given || acknowledged - due > Microwatts(acknowledged.rawValue / 50) ? due : nil
    }
}

/// Whether there is a parent, by its Lease: whoever renews it would give a smaller part if the budget had become less.
public struct ParentSign: Equatable, Sendable {
    private var version: String?
    private var seen_ns: UInt64?
    /// When the first sign came of those that came without a gap since.
    private var since_ns: UInt64?

    /// For so long a parent may be gone: another one takes over within some 10 s.
    package static let patience_ns: UInt64 = 30_000_000_000
    /// One that comes after a gap may have found a smaller budget, and takes some seconds to divide it: until then its sign says nothing of parts
    /// that it hasn't looked at.
    package static let settling_ns: UInt64 = 10_000_000_000

    public init() {}

    /// The Lease was read.
    /// - Parameters:
    ///   - version: its `resourceVersion`: another one than before is a sign of life.
    ///   - now_ns: when the request was sent, on a clock that goes on while the machine is asleep.
    public mutating func read(_ version: String, now_ns: UInt64) {
        // What was read first may be old.
        if let before = self.version, before != version {
            if !isSeen(now_ns) { since_ns = now_ns }
            seen_ns = now_ns
        }
        self.version = version
    }

    /// Whether it was seen to be renewed within `patience_ns`, and has been for `settling_ns`, by the same clock.
    public func isThere(_ now_ns: UInt64) -> Bool {
        guard let since_ns else { return false }
        return isSeen(now_ns) && now_ns >= since_ns + Self.settling_ns
    }

    private func isSeen(_ now_ns: UInt64) -> Bool { seen_ns.map { now_ns < $0 + Self.patience_ns } ?? false }
}
