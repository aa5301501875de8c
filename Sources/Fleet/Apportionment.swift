public import PowercapProtocol

/// Divides one budget over shards: what the parent does. A part shrinks at once, and one grows when there is room for it: the sum over all
/// shards of the larger of what is given and what is acknowledged, with the growth, is within the limit.
///
/// Pure: the owner tells what stands on the shards' objects, and makes one change after the other. Each names the state that it changes, and where
/// it isn't known what became of one, the object is written anew and read before the next: then it can't come any more.
public struct Apportionment: Sendable {
    /// What is to be written.
    public struct Change: Equatable, Sendable {
        /// Whose part, from 0 on.
        public let shard: Int
        /// What it gives from now on.
        public let limit: Microwatts
    }

    private struct Entry {
        /// As the object stands; nil where it isn't there, or was never seen.
        var part: Part?
        /// What may be in force while nothing is acknowledged, because the object was lost; nil: nobody knows.
        var held: Microwatts?
        var wants = ShardDemand()
        var target: Microwatts?
        var grew_ns: UInt64?
    }

    package var rules = Rules()
    private var entries: [Entry]
    private var decided_ns: UInt64?
    private var decidedLimit = Microwatts.zero

    /// Between two divisions, and between two growths of a part: what a part is changes no more often, but to shrink.
    static let pace_ns: UInt64 = 30_000_000_000
    /// A part that is less than its nodes' minimums is looked at so often.
    static let hurry_ns: UInt64 = 5_000_000_000
    /// Some shards never acknowledge, because they are gone: then the others grow as far as there is room.
    private static let patience_ns: UInt64 = 25_000_000_000

    /// - Parameter shards: how many there are, within `Sharding.range`.
    public init(shards: Int) { entries = Array(repeating: Entry(), count: shards) }

    // MARK: What is known

    /// A state of a shard's object, which isn't older than one that is known.
    public mutating func know(_ shard: Int, _ part: Part, _ wants: ShardDemand) {
        if part.acknowledged == nil { hold(shard) } else { entries[shard].held = nil }
        (entries[shard].part, entries[shard].wants) = (part, wants)
    }

    /// The object isn't there. What its nodes have goes on, so what was known of it counts until it is back and says something.
    public mutating func lose(_ shard: Int) {
        hold(shard)
        entries[shard].part = nil
    }

    /// Shards of which nobody knows what their nodes have: until they say it nothing grows.
    public var unknown: [Int] { entries.indices.filter { counted(entries[$0]) == nil } }
    /// What all parts count at; nil where that isn't known of each.
    var counted: Microwatts? {
        entries.reduce(Microwatts.zero as Microwatts?) { sum, entry in
            guard let sum, let own = counted(entry) else { return nil }
            return sum + own
        }
    }

    /// Remembers what a part was when it last said something.
    private mutating func hold(_ shard: Int) {
        guard entries[shard].held == nil, let part = entries[shard].part, let acknowledged = part.acknowledged else { return }
        entries[shard].held = max(part.given, acknowledged)
    }

    private func counted(_ entry: Entry) -> Microwatts? {
        guard let part = entry.part else { return rules.countsLostParts ? entry.held : .zero }
        guard rules.shrinksFirst else { return part.given }
        guard let least = part.acknowledged ?? (rules.countsLostParts ? entry.held : .zero) else { return nil }
        return max(part.given, least)
    }

    // MARK: What is to be

    /// What is to be written next; nil where nothing is. Shrinking comes first.
    /// - Parameter limit: of the whole budget, the reserve taken off.
    public mutating func next(limit: Microwatts, now_ns: UInt64) -> Change? {
        decideIfDue(limit, now_ns)
        for (shard, entry) in entries.enumerated() {
            if let part = entry.part, let target = entry.target, target < part.given {
                return Change(shard: shard, limit: target)
            }
        }
        guard let counted, counted < limit else { return nil }
        var room = limit - counted
        for (shard, entry) in entries.enumerated() {
            guard let part = entry.part, let target = entry.target, target > part.given, let own = self.counted(entry) else {
                continue
            }
            let isShort = part.given < entry.wants.minimum
            if let grew_ns = entry.grew_ns, now_ns < grew_ns + (isShort ? Self.hurry_ns : Self.pace_ns) { continue }
            let most = own + room
            let isLate = now_ns >= (decided_ns ?? 0) + Self.patience_ns
            let isWorth = target <= most || (isLate || isShort) && most > part.given && isFar(most, part.given)
            if isWorth {
                entries[shard].grew_ns = now_ns
                return Change(shard: shard, limit: min(target, most))
            }
            // What it waits for isn't another's.
            room = room - min(room, target - own)
        }
        return nil
    }

    private mutating func decideIfDue(_ limit: Microwatts, _ now_ns: UInt64) {
        let known = entries.compactMap(\.part)
        guard !known.isEmpty else { return }
        let isOver = limit < decidedLimit && sumOfTargets > limit
        let isNew = entries.contains { $0.part != nil && $0.target == nil }
        let isShort = entries.contains { ($0.part?.given ?? .zero) < $0.wants.minimum && $0.part != nil }
        let since_ns = decided_ns.map { now_ns - min($0, now_ns) } ?? .max
        guard isOver || isNew || since_ns >= (isShort ? Self.hurry_ns : Self.pace_ns) else { return }
        // What falls all the time, as the sun in the evening, isn't followed in every step.
        let isFalling = isOver && since_ns < Self.pace_ns && !isNew
        decide(isFalling ? limit - Microwatts(limit.rawValue / 50) : limit)
        (decided_ns, decidedLimit) = (now_ns, limit)
    }

    private var sumOfTargets: Microwatts {
        entries.reduce(.zero) { $0 + ($1.part == nil ? .zero : $1.target ?? $1.part?.given ?? .zero) }
    }

    private mutating func decide(_ limit: Microwatts) {
        let targets = ShardDemand.divide(limit, among: entries.map { $0.part == nil ? nil : $0.wants })
        for (shard, target) in targets.enumerated() { entries[shard].target = entries[shard].part == nil ? nil : target }
        // Where each stays as it is, because it is nearly right, and all fit.
        let calm = entries.map { entry -> Microwatts? in
            guard let part = entry.part, let target = entry.target else { return entry.target }
            let isShort = part.given < entry.wants.minimum
            return isFar(part.given, target) || isShort ? target : part.given
        }
        guard calm.reduce(.zero, { $0 + ($1 ?? .zero) }) <= limit else { return }
        for (shard, target) in calm.enumerated() { entries[shard].target = target }
    }

    /// By more than 1 %.
    private func isFar(_ one: Microwatts, _ other: Microwatts) -> Bool {
        max(one, other) - min(one, other) > Microwatts(max(one, other).rawValue / 100)
    }
}
