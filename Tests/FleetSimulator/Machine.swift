import Fleet
import PowercapProtocol

/// A node: its registers, its helper and its agent. Powers in µW.
struct Machine {
    enum State { case off, firmware, up, asleep }

    let name: String
    let floor: UInt64
    let ceiling: UInt64
    /// Of its clock, in millionths.
    let rate: Int64
    let bootsAtRest: Bool
    /// It is in the row, too.
    let isInRow: Bool

    var state = State.up
    /// What is in force while it is on.
    var register: UInt64
    var bootNumber: UInt64 = 1
    var booted_ns: UInt64 = 0
    var wentOff_ns: UInt64 = 0
    var joined_ns: UInt64 = 0
    /// It does what only the contingency covers, until it counts as what it is again.
    var isJumping = false
    /// By the budgets' selectors.
    var isMember = true
    var demand: UInt64
    /// Less than it may have, for a while: an operator's limit, a ramp, a write that is refused.
    var heldBack: UInt64?

    // The helper.
    var helperIsUp = true
    var fallback: UInt64?
    var leaseEnds_ns: UInt64?
    var token = 0

    // The agent.
    var agentIsUp = false
    var generation = 0
    var isInControl = false
    var tenure: Tenure
    var writing: (limit: UInt64, rest: UInt64)?
    /// For an answer, by its clock.
    var waitsUntil_ns: UInt64?
    var nonce: UInt64 = 0
    var wakeNumber = 0
    var renews_ns: UInt64 = 0
    var office = 0
    /// Whose coordinators it asks.
    var shard = 0

    init(name: String, floor: UInt64, ceiling: UInt64, rest: UInt64, rate: Int64, bootsAtRest: Bool, isInRow: Bool) {
        (self.name, self.floor, self.ceiling, self.rate) = (name, floor, ceiling, rate)
        (self.bootsAtRest, self.isInRow, register, demand) = (bootsAtRest, isInRow, rest, ceiling)
        fallback = rest
        tenure = Tenure(node: name, boot: .number(1, of: name), lease_ns: Machine.lease_ns)
    }

    static let lease_ns: UInt64 = 5_000_000_000

    var inForce: UInt64 { state == .off || state == .asleep ? 0 : register }
    /// The most that a write under way may make of it.
    var mostInForce: UInt64 { max(register, writing?.limit ?? 0) }
    var mostRest: UInt64 { max(fallback ?? ceiling, writing?.rest ?? 0) }

    /// CLOCK_BOOTTIME.
    func clock(_ now_ns: UInt64) -> UInt64 { skewed(now_ns - booted_ns, rate) }
    /// When this clock shows a time, at the earliest.
    func time(of clock_ns: UInt64) -> UInt64 { booted_ns + skewed(clock_ns, -rate) }
}

/// A span of time by a clock whose rate is off by some millionths.
func skewed(_ time_ns: UInt64, _ rate: Int64) -> UInt64 { UInt64(Int64(time_ns) + Int64(time_ns) / 1_000_000 * rate) }

extension BootID {
    static func number(_ number: UInt64, of node: String) -> BootID {
        let digits = String(number)
        let start = String(node.utf8.last! & 15, radix: 16)
        return BootID("\(start)0000000-0000-4000-8000-" + String(repeating: "0", count: 12 - digits.count) + digits)!
    }
}
