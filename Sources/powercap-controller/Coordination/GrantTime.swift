/// How long grants of a budget may hold, over coordinators: the next one has to wait so long for nodes that it doesn't hear, and knows only
/// what is kept. So a longer time is kept before it is granted, and a shorter one when no grant of the longer can hold any more.
struct GrantTime: Equatable, Sendable {
    /// What the next coordinator knows at most; nil where nothing is kept: it then waits as long as any grant can hold.
    private(set) var kept_s: UInt64?
    /// Until when grants of longer time may hold, and of which.
    private var tail: (s: UInt64, until_ns: UInt64)?
    private var granted_s: UInt64?

    static let longest_s: UInt64 = 120

    init(kept_s: UInt64?) { self.kept_s = kept_s }

    static func == (left: GrantTime, right: GrantTime) -> Bool {
        left.kept_s == right.kept_s && left.granted_s == right.granted_s && left.tail?.s == right.tail?.s
            && left.tail?.until_ns == right.tail?.until_ns
    }

    /// What may be granted of a time that is wanted, from now on.
    mutating func grant(_ wanted_s: UInt64, _ now_ns: UInt64) -> UInt64 {
        // Below the least no grant can be: then what is kept is of another version.
        let next_s = kept_s.map { min(wanted_s, max($0, 10)) } ?? wanted_s
        if let granted_s, granted_s > next_s {
            tail = (max(granted_s, tailed_s(now_ns)), max(tail?.until_ns ?? 0, now_ns + granted_s * 1_000_000_000))
        }
        granted_s = next_s
        return next_s
    }

    private func tailed_s(_ now_ns: UInt64) -> UInt64 { tail.map { now_ns < $0.until_ns ? $0.s : 0 } ?? 0 }

    /// What is to be kept.
    func due_s(_ wanted_s: UInt64, _ now_ns: UInt64) -> UInt64 { max(wanted_s, tailed_s(now_ns)) }

    /// It is on its way to be kept: from now on the next coordinator may know either.
    mutating func sent(_ time_s: UInt64) { kept_s = kept_s.map { min($0, time_s) } ?? time_s }

    mutating func arrived(_ time_s: UInt64) { kept_s = time_s }
}
