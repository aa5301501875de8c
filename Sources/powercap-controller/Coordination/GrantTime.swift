/// How long grants may hold, over coordinators: the next one has to wait so long for nodes that it doesn't hear, and knows only what is kept.
///
/// One number for all budgets, which stands on every part: a budget that is deleted takes its part along, and its nodes may be another
/// budget's by then. So a longer time is granted when every part has it, and a shorter one is kept when no grant of the longer can hold any more.
struct GrantTime: Equatable, Sendable {
    /// The longest that grants of an earlier coordinator may hold.
    private let earlier_s: UInt64
    /// The longest that is granted now.
    private var granted_s: UInt64 = 0
    /// The longest that was granted before, and until when such a grant may hold.
    private var (tail_s, tailEnds_ns): (UInt64, UInt64) = (0, 0)

    /// The schema of PowerBudgets has no longer one, and no shorter.
    static let range: ClosedRange<UInt64> = 10...120

    init(earlier_s: UInt64) { self.earlier_s = earlier_s }

    /// What may be granted at most, from now on.
    /// - Parameters:
    ///   - wanted_s: the longest that any budget wants.
    ///   - kept_s: what the next coordinator knows at least, whichever parts are gone by then.
    mutating func most_s(_ wanted_s: UInt64, kept_s: UInt64, _ now_ns: UInt64) -> UInt64 {
        // Below the least no grant can be: then what is kept is of another version.
        let next_s = min(wanted_s, max(kept_s, GrantTime.range.lowerBound))
        if granted_s > next_s {
            (tail_s, tailEnds_ns) = (max(granted_s, tail(now_ns)), max(tailEnds_ns, now_ns + granted_s * 1_000_000_000))
        }
        granted_s = next_s
        return next_s
    }

    /// What is to be kept on every part.
    /// - Parameter isAfterEarlier: no grant of an earlier coordinator can hold any more.
    func due_s(_ wanted_s: UInt64, isAfterEarlier: Bool, _ now_ns: UInt64) -> UInt64 {
        max(wanted_s, tail(now_ns), isAfterEarlier ? 0 : earlier_s)
    }

    private func tail(_ now_ns: UInt64) -> UInt64 { now_ns < tailEnds_ns ? tail_s : 0 }
}
