internal import PowercapProtocol

/// What the nodes of one budget are counted at, together, and the room that is left. Powers in µW.
struct Tally: Sendable {
    /// What the nodes may have together, the reserve taken off.
    var limit: UInt64
    private var counted: [UInt64]
    private var ceilings: [UInt64]
    private(set) var sum: UInt64
    private var gaps: Contingency

    /// - Parameters:
    ///   - counted, ceilings: for each node of the budget, what it is counted at and the most that it can jump to, which is no less.
    ///   - contingency: how many nodes may jump to their ceilings at once.
    init(limit: UInt64, counted: [UInt64], ceilings: [UInt64], contingency: Int) {
        (self.limit, self.counted, self.ceilings, sum) = (limit, counted, ceilings, counted.reduce(0, +))
        gaps = Contingency(zip(ceilings, counted).map { $0 - $1 }, largest: contingency)
    }

    /// Of all nodes with the room for jumps.
    var whole: UInt64 { sum + gaps.sum }
    var contingency: UInt64 { gaps.sum }

    mutating func set(_ slot: Int, counted value: UInt64, ceiling: UInt64) {
        sum = sum - counted[slot] + value
        (counted[slot], ceilings[slot]) = (value, ceiling)
        gaps.set(slot, to: ceiling - value)
    }

    /// The most that the node may count at so that the whole is within the limit; nil where no value is.
    ///
    /// With S and the K largest gaps of the others, of which a is the least and A is the sum of the rest, the whole is
    /// S + A + max(own + a, own ceiling): it grows with the node's own value, as soon as that isn't among the K largest gaps any more.
    func room(for slot: Int) -> UInt64? {
        let (most, least) = gaps.others(than: slot)
        let others = sum - counted[slot] + most
        let jump = isWithoutJumps ? 0 : ceilings[slot]
        guard others + max(least, jump) <= limit else { return nil }
        return limit - others - least
    }

    private var isWithoutJumps: Bool { gaps.isEmpty }
}
