internal import PowercapProtocol

/// What a coordinator knows of one node. Powers in µW, times in ns of the coordinator's clock.
struct NodeClaim: Sendable {
    /// A place in a budget.
    struct Place: Sendable {
        var budget: Int
        /// Its number among the budget's nodes.
        var slot = 0
        /// Of its class.
        var priority = 0
        var weight: UInt64 = 1
        /// It isn't one of the budget's nodes any more, and counts there until then.
        var leaves_ns: UInt64?
    }

    let name: String
    var places: [Place] = []
    /// By the budgets that cover it.
    var bounds = Bounds(minimum: 0, maximum: .max, unknown: .max, ttl_ns: 0, priority: 0, weight: 1)

    struct Bounds: Equatable, Sendable {
        var minimum: UInt64
        /// No node counts at more.
        var maximum: UInt64
        /// What it counts at where nothing is known of it.
        var unknown: UInt64
        var ttl_ns: UInt64
        var priority: Int
        var weight: UInt64
    }

    // What it said.
    private(set) var boot: BootID?
    /// Of which nothing is heard any more; the last few.
    private var earlierBoots: [BootID] = []
    private var nonce: UInt64 = 0
    /// Its last report was sent after an answer of this coordinator.
    private(set) var isConfirmed = false
    private(set) var heard_ns: UInt64?
    private(set) var inForce: UInt64 = 0
    /// What it may be granted without room for it: it has it, and counts at it.
    private(set) var repeatable: UInt64 = 0
    private(set) var floor: UInt64 = 0
    /// nil: nobody has said.
    private(set) var saidCeiling: UInt64?
    private(set) var demand: UInt64 = 0
    private(set) var bootsAtRest = false

    // What follows.
    /// The most that may be in force by reports and grants, and until when.
    private(set) var belief: UInt64 = 0
    private(set) var ends_ns: UInt64 = 0
    /// The most that it may rest at.
    private(set) var rest: UInt64 = 0
    /// Until when it may hold what an earlier coordinator granted: so long it counts at its ceiling, or, once it has answered to this one, at what it said.
    var unknownUntil_ns: UInt64
    var granted: UInt64?
    /// What it should have; nil where that wasn't found since it is heard.
    var target: UInt64?
    /// What it counts at in the tallies, and the most that it can jump to.
    var (counted, ceiling): (UInt64, UInt64) = (0, 0)
    /// The demand that the allocation goes by: it follows what is said beyond a dead band.
    var settledDemand: UInt64 = 0
    /// Since when it has waited for room in vain, and what had changed by then.
    var waiting: (since_ns: UInt64, changes: UInt64)?

    // What is kept of it.
    /// What a next coordinator knows at least; nil where it may know nothing.
    private(set) var kept: NodeRecord?
    /// What was handed out to be kept last, and with which version.
    private(set) var handed: (record: NodeRecord, version: UInt64)?

    init(name: String, unknownUntil_ns: UInt64) { (self.name, self.unknownUntil_ns) = (name, unknownUntil_ns) }

    /// What its limit may be within: what it can't go below, what it is guaranteed, and the most that it may have.
    var range: (floor: UInt64, minimum: UInt64, ceiling: UInt64) {
        let ceiling = bounded(saidCeiling ?? bounds.unknown)
        let floor = min(self.floor, ceiling)
        return (floor, min(max(floor, bounds.minimum), ceiling), ceiling)
    }

    /// Whether any budget covers it.
    var isCovered: Bool { places.contains { $0.leaves_ns == nil } }

    func bounded(_ power: UInt64) -> UInt64 { min(power, bounds.maximum) }

    func isAlive(_ now_ns: UInt64) -> Bool { now_ns < ends_ns }

    /// Whether it can be granted anything: others are counted as they are.
    func isHeard(_ now_ns: UInt64) -> Bool { isConfirmed && isAlive(now_ns) }

    /// What it counts at, and the most that it can jump to.
    func count(_ now_ns: UInt64, _ rules: Rules) -> (counted: UInt64, ceiling: UInt64) {
        let ceiling = bounded(saidCeiling ?? bounds.unknown)
        let counted =
            if isAlive(now_ns) {
                max(belief, rest)
            } else if now_ns < unknownUntil_ns && rules.waitsForEarlierGrants {
                isConfirmed ? max(belief, rest) : ceiling
            } else {
                bootsAtRest || !rules.countsBootsAtCeiling ? rest : ceiling
            }
        return (min(counted, ceiling), ceiling)
    }

    // MARK: What it says

    enum Hearing { case confirmed, unconfirmed, overtaken }

    mutating func hear(_ report: Report, isEcho: Bool, now_ns: UInt64, _ rules: Rules) -> Hearing {
        if rules.dropsOvertaken {
            if earlierBoots.contains(report.boot) { return .overtaken }
            if report.boot == boot, report.nonce <= nonce { return .overtaken }
        }
        let isKnownBoot = report.boot == boot
        let before = count(now_ns, rules).counted
        if !isKnownBoot {
            if let boot { earlierBoots = Array(([boot] + earlierBoots).prefix(4)) }
            boot = report.boot
        }
        nonce = report.nonce
        heard_ns = now_ns
        demand = report.demand.rawValue
        if isKnownBoot && isEcho || !rules.wantsEcho {
            isConfirmed = true
            // An answer to this may be lost, and then what it has goes on to its own end, which may be later than grants of today have theirs.
            if report.inForce <= report.rest || now_ns + bounds.ttl_ns >= unknownUntil_ns { unknownUntil_ns = 0 }
            belief = report.inForce.rawValue
            rest = report.rest.rawValue
            saidCeiling = report.ceiling.rawValue
            bootsAtRest = report.bootsAtRest
        } else {
            // It may have been under way for long: it only raises what is believed.
            isConfirmed = false
            belief = max(before, report.inForce.rawValue)
            rest = max(rest, report.rest.rawValue)
            bootsAtRest = bootsAtRest && report.bootsAtRest
            saidCeiling = saidCeiling.map { max($0, report.ceiling.rawValue) }
        }
        inForce = report.inForce.rawValue
        // It may have been under way until what it says had ended, and others were given the room.
        repeatable = rules.repeatsWhatCounts ? min(bounded(inForce), before) : bounded(inForce)
        floor = report.floor.rawValue
        // A grant of longer time may have been given before.
        ends_ns = max(ends_ns, now_ns + bounds.ttl_ns)
        granted = nil
        return isConfirmed ? .confirmed : .unconfirmed
    }

    /// What it is granted counts from now on.
    mutating func grant(_ limit: UInt64, minimum: UInt64, now_ns: UInt64, _ rules: Rules) {
        granted = limit
        if rules.countsGrants { belief = rules.waitsForAcknowledgement ? max(belief, limit) : limit }
        if rules.countsRests { rest = max(rest, minimum) }
        ends_ns = max(ends_ns, now_ns + bounds.ttl_ns)
    }

    // MARK: What is kept

    /// What ought to be kept; nil where nothing is known yet.
    var record: NodeRecord? {
        guard isConfirmed, let saidCeiling else { return nil }
        let most = max(rest, range.minimum)
        return NodeRecord(
            node: name, ceiling: Microwatts(bounded(saidCeiling)), rest: Microwatts(most), bootsAtRest: bootsAtRest)
    }

    /// What an earlier coordinator knew of it. Of several the worst counts.
    mutating func remember(_ record: NodeRecord) {
        kept = kept.map { $0.orWorse(record) } ?? record
        guard heard_ns == nil else { return }
        bootsAtRest = record.bootsAtRest && (bootsAtRest || saidCeiling == nil)
        saidCeiling = max(saidCeiling ?? 0, record.ceiling.rawValue)
        rest = max(rest, record.rest.rawValue)
    }

    mutating func hand(_ record: NodeRecord, version: UInt64) {
        // Until it is known which of the two is kept, either may be.
        kept = kept.map { $0.orWorse(record) } ?? record
        handed = (record, version)
    }

    mutating func recorded(upTo version: UInt64) {
        if let handed, handed.version <= version { kept = handed.record }
    }
}
