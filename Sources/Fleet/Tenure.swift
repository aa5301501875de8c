public import PowercapProtocol

/// What a node has by grants, and when it asks for the next: the state of its side of the conversation. Times are its own CLOCK_BOOTTIME
/// in ns, which goes on while it is asleep; nobody else's clock counts.
///
/// Who owns one reads what is in force only after the helper has given it control: then nobody else's write is under way.
public struct Tenure: Sendable {
    /// What is so on the node when it asks.
    public struct Standing: Equatable, Sendable {
        /// All packages together: the most that is in force, or may be by a write under way.
        public var inForce: Microwatts
        /// The helper's fallback, or the most that it may be by a change under way.
        public var rest: Microwatts
        /// The least that may be set.
        public var floor: Microwatts
        /// The most that may be set.
        public var ceiling: Microwatts
        /// What the node's work could use.
        public var demand: Microwatts
        /// It is at its rest as soon as it boots.
        package var bootsAtRest: Bool

        public init(
            inForce: Microwatts, rest: Microwatts, floor: Microwatts, ceiling: Microwatts, demand: Microwatts, bootsAtRest: Bool
        ) {
            (self.inForce, self.rest, self.floor, self.ceiling) = (inForce, rest, floor, ceiling)
            (self.demand, self.bootsAtRest) = (demand, bootsAtRest)
        }
    }

    /// What became of an answer.
    public enum Outcome: Equatable, Sendable {
        /// Its limit holds from now on.
        case taken
        /// It grants nothing yet. What held goes on to hold.
        case nothingYet
        /// It answers another report than the newest.
        case overtaken
        /// It came when its time was nearly over.
        case late
        /// It is of a coordinator that another one has taken over from.
        case superseded
    }

    private let node: String
    private let boot: BootID
    private let lease_ns: UInt64
    private var pace = Pace()
    package var rules = Rules()
    private var nonce: UInt64 = 0
    private var asked_ns: UInt64?
    /// There is something to say that the newest report doesn't have.
    private var isHurried = false
    private var taken: Grant?
    /// What the newest report says, until the answer to it is taken: for so long nothing goes above that. Whoever heard the report may
    /// have given to others what it leaves of a grant that still holds, and that answer may be lost.
    public private(set) var unanswered: Standing?
    /// The highest epoch seen, and until when it counts.
    private var epoch: UInt64 = 0
    private var epochEnds_ns: UInt64 = 0

    /// How long a renewal may be under way to the helper, and a write to the registers.
    static let latency_ns: UInt64 = 500_000_000

    /// When the limit of the grant that was taken ends: then the node goes to its rest. nil where there is none.
    public private(set) var ends_ns: UInt64?
    /// When to ask. It doesn't wait for an answer under way: who asks gives that up, because only answers to the newest report are taken.
    package private(set) var asksAgain_ns: UInt64 = 0

    /// A report that is due so shortly before the node's work is looked at, and isn't urgent, goes with what is seen then: to wake up for it takes
    /// more of a processor than the report.
    static let slack_ns: UInt64 = 250_000_000

    /// When to ask, of a node whose work is looked at next at `look_ns`: what waits for that look has time to be asked by it.
    public func asksAgain_ns(lookingAt look_ns: UInt64) -> UInt64 {
        let waits = !isHurried && asksAgain_ns <= look_ns && look_ns - asksAgain_ns <= Self.slack_ns
        return waits ? look_ns + Self.slack_ns : asksAgain_ns
    }

    /// - Parameter lease_ns: the time of the helper's lease. Should the controller die when the grant ends, the helper acts that much
    ///   later, and that has to be in time.
    public init(node: String, boot: BootID, lease_ns: UInt64) {
        (self.node, self.boot, self.lease_ns) = (node, boot, lease_ns)
    }

    /// Makes the report to be sent now.
    public mutating func ask(_ standing: Standing, now_ns: UInt64) -> Report {
        // By the clock, so that a controller which starts again goes on above what the one before it had.
        nonce = max(nonce + 1, now_ns / 1_000)
        (asked_ns, isHurried, unanswered) = (now_ns, false, rules.keepsToReport ? standing : nil)
        forget(now_ns)
        return Report(
            node: node, boot: boot, nonce: nonce, epoch: epoch, inForce: standing.inForce, rest: standing.rest,
            floor: standing.floor, ceiling: standing.ceiling, demand: standing.demand, bootsAtRest: standing.bootsAtRest)
    }

    /// Takes an answer, or says why not.
    public mutating func take(_ grant: Grant, now_ns: UInt64) -> Outcome {
        var random = SystemRandomNumberGenerator()
        return take(grant, now_ns: now_ns, using: &random)
    }

    package mutating func take(_ grant: Grant, now_ns: UInt64, using random: inout some RandomNumberGenerator) -> Outcome {
        forget(now_ns)
        guard let asked_ns, grant.nonce == nonce || !rules.takesNewestOnly else { return .overtaken }
        guard grant.epoch >= epoch else { return .superseded }
        (epoch, epochEnds_ns) = (grant.epoch, now_ns + grant.ttl_ms * 1_000_000)
        asksAgain_ns = now_ns + pace.answered(grant.askAgain_ms, using: &random)
        if isHurried { hurry(now_ns: now_ns) }
        guard grant.limit != nil else { return .nothingYet }
        let from_ns = rules.countsFromSending ? asked_ns : now_ns
        let end_ns = from_ns + shortened(grant.ttl_ms * 1_000_000)
        let lease_ns = rules.leavesTimeForLease ? lease_ns + Self.latency_ns : 0
        guard end_ns > now_ns + lease_ns else { return .late }
        (taken, unanswered) = (grant, nil)
        ends_ns = end_ns - lease_ns
        return .taken
    }

    /// There is no answer, or one that isn't a grant.
    /// - Parameter retryAfter_ms: what the other side said.
    public mutating func fail(retryAfter_ms: UInt64? = nil, now_ns: UInt64) {
        var random = SystemRandomNumberGenerator()
        fail(retryAfter_ms: retryAfter_ms, now_ns: now_ns, using: &random)
    }

    package mutating func fail(retryAfter_ms: UInt64?, now_ns: UInt64, using random: inout some RandomNumberGenerator) {
        asksAgain_ns = now_ns + pace.failed(retryAfter_ms, using: &random)
    }

    /// Others should hear at once: the limit in force was lowered, or the demand is another. Not sooner than a moment after the last time.
    public mutating func hurry(now_ns: UInt64) {
        isHurried = true
        asksAgain_ns = min(asksAgain_ns, max(now_ns, (asked_ns ?? 0) + Pace.least_ms * 1_000_000))
    }

    /// The most that may be in force; nil: the node's rest. A node that has less for a while may go up to it at any time.
    package func limit(at now_ns: UInt64) -> Microwatts? {
        granted(at: now_ns).map { min($0, unanswered?.inForce ?? $0) }
    }

    /// What the grant that holds allows, whatever is `unanswered`, which is to be kept to beside it; nil where none holds.
    public func granted(at now_ns: UInt64) -> Microwatts? {
        guard let ends_ns, now_ns < ends_ns else { return nil }
        return taken?.limit
    }

    /// What the helper's fallback is to be. Never above what is in force, so a limit goes down after its rest and up before it; and never above
    /// what is `unanswered`.
    /// - Parameter held: the fallback as it is; nil where there is none.
    public func rest(held: Microwatts?, inForce: Microwatts, floor: Microwatts) -> Microwatts {
        min(inForce, unanswered?.rest ?? inForce, max(floor, taken?.minimum ?? held ?? floor))
    }

    /// The answer that was taken last, also when its limit has ended.
    public var lastTaken: Grant? { taken }

    private mutating func forget(_ now_ns: UInt64) {
        // A Lease that was deleted begins at a low epoch again.
        if now_ns >= epochEnds_ns { epoch = 0 }
    }
}
