/// What each node should have, whatever it has now. Guaranteed minimums first; then, by priority, what the nodes want; and what is left for
/// all, up to their ceilings. Each of these is divided in proportion to the weights (water-filling), and where several budgets cover a
/// node the one that has least for it counts (progressive filling: max-min fairness with several linear constraints).
///
/// In each budget the sum of all, with the K largest distances to a ceiling for as many jumps, is within the limit. Powers in µW.
struct Allocation {
    struct Share {
        /// What it has in any case, and in the end at most.
        var least: UInt64
        var ceiling: UInt64
        /// The most that it can jump to; where a grant may not be as large it is more than `ceiling`.
        var jump: UInt64
        var demand: UInt64
        var priority: Int
        var weight: UInt64
        /// It can't be told anything: it has what it has.
        var isFixed = false
        var result: UInt64 = 0
    }

    struct Bound {
        let limit: UInt64
        let contingency: Int
        /// Numbers of shares.
        var members: [Int] = []
        /// The least that all have together is more than the limit allows.
        fileprivate(set) var isExceeded = false
        /// Of the last sum.
        fileprivate var gaps: [UInt64] = []

        init(limit: UInt64, contingency: Int) { (self.limit, self.contingency) = (limit, max(0, contingency)) }
    }

    var shares: [Share] = []
    var bounds: [Bound] = []
    /// While one level is filled: who isn't at the end of what he can have of it.
    private var isRising: [Bool] = []
    private var upper: [UInt64] = []
    private var lower: [UInt64] = []

    /// Finds every `result`.
    mutating func divide() {
        for index in shares.indices { shares[index].result = shares[index].least }
        for index in bounds.indices { bounds[index].isExceeded = whole(&bounds[index]) > bounds[index].limit }
        isRising = Array(repeating: false, count: shares.count)
        let priorities = Set(shares.lazy.filter { !$0.isFixed }.map(\.priority)).sorted(by: >)
        for priority in priorities { fill { $0.priority == priority ? min($0.demand, $0.ceiling) : 0 } }
        fill { $0.ceiling }
        useJumps()
    }

    /// Raises the shares up to what is given for each, as far as the budgets allow.
    private mutating func fill(to most: (Share) -> UInt64) {
        lower = shares.map(\.result)
        upper = shares.map { $0.isFixed ? $0.result : max($0.result, most($0)) }
        for index in shares.indices { isRising[index] = upper[index] > lower[index] }
        // Who is where a limit is exceeded doesn't rise.
        for bound in bounds where bound.isExceeded { stop(bound) }
        // What each has for one of weight: it has been shown that `low` fits.
        var low: UInt64 = 0
        while isRising.contains(true) {
            var high: UInt64 = 0
            for index in shares.indices where isRising[index] { high = max(high, upper[index] / shares[index].weight + 1) }
            if rise(to: high) { break }
            while high - low > 1 {
                let middle = low + (high - low) / 2
                if rise(to: middle) { low = middle } else { high = middle }
            }
            _ = rise(to: high)
            let full = bounds.indices.filter { !bounds[$0].isExceeded && whole(&bounds[$0]) > bounds[$0].limit }
            _ = rise(to: low)
            for index in full { stop(bounds[index]) }
            for index in shares.indices where shares[index].result == upper[index] { isRising[index] = false }
        }
    }

    private mutating func stop(_ bound: Bound) { for index in bound.members { isRising[index] = false } }

    /// Puts all that rise at a level: what each has for one of weight.
    /// - Returns: whether all budgets have room for it.
    private mutating func rise(to level: UInt64) -> Bool {
        for index in shares.indices where isRising[index] {
            shares[index].result = min(max(level * shares[index].weight, lower[index]), upper[index])
        }
        for index in bounds.indices where !bounds[index].isExceeded {
            if whole(&bounds[index]) > bounds[index].limit { return false }
        }
        return true
    }

    /// What all have together, with the room for jumps.
    private func whole(_ bound: inout Bound) -> UInt64 {
        let count = bound.contingency
        var (sum, jumps): (UInt64, UInt64) = (0, 0)
        bound.gaps.removeAll(keepingCapacity: true)
        for index in bound.members {
            let (result, jump) = (shares[index].result, shares[index].jump)
            sum += result
            let gap = jump - min(jump, result)
            guard count > 0, bound.gaps.count < count || gap > bound.gaps[0] else { continue }
            // Ascending: the least of the largest is first.
            if bound.gaps.count == count { bound.gaps.removeFirst() }
            bound.gaps.insert(gap, at: bound.gaps.firstIndex { $0 > gap } ?? bound.gaps.count)
        }
        for gap in bound.gaps { jumps += gap }
        return sum + jumps
    }

    /// The room that is kept for a node's jump is there for its limit, too, as far as no other's jump takes it.
    private mutating func useJumps() {
        guard bounds.contains(where: { $0.contingency > 0 }) else { return }
        var tallies = bounds.map { bound in
            Tally(
                limit: bound.limit, counted: bound.members.map { shares[$0].result },
                ceilings: bound.members.map { max(shares[$0].jump, shares[$0].result) }, contingency: bound.contingency)
        }
        for bound in bounds where !bound.isExceeded && bound.contingency > 0 {
            for index in widest(of: bound) where !shares[index].isFixed && shares[index].result < shares[index].ceiling {
                let places = bounds.indices.compactMap { number in
                    bounds[number].members.firstIndex(of: index).map { (bound: number, slot: $0) }
                }
                guard places.allSatisfy({ !bounds[$0.bound].isExceeded }) else { continue }
                let room = places.map { tallies[$0.bound].room(for: $0.slot) ?? 0 }.min() ?? 0
                let result = min(room, shares[index].ceiling)
                guard result > shares[index].result else { continue }
                shares[index].result = result
                for place in places {
                    tallies[place.bound].set(place.slot, counted: result, ceiling: max(shares[index].jump, result))
                }
            }
        }
    }

    /// The nodes that the jumps are kept for, the widest first.
    private func widest(of bound: Bound) -> [Int] {
        func gap(_ index: Int) -> UInt64 { shares[index].jump - min(shares[index].jump, shares[index].result) }
        guard let least = bound.gaps.first else { return [] }
        return Array(bound.members.filter { gap($0) >= least }.sorted { gap($0) > gap($1) }.prefix(bound.contingency))
    }
}
