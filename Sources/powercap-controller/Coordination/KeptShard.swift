internal import Fleet
internal import PowercapProtocol

/// What is known of a budget's part.
struct KeptShard {
    /// Of the object as this coordinator left it; nil where it has to be claimed, or made.
    var version: String?
    var exists = false
    /// How long grants may hold as far as a next coordinator knows it at least, s; nil where nothing is kept: it then waits as long as any can.
    private(set) var grant_s: UInt64?
    /// As it stands there.
    var limit: Microwatts?
    var records: [Fleet.NodeRecord] = []
    /// Of several shards: what this one may give; nil where that isn't known.
    var part: Part?
    /// Of the spec.
    var generation: UInt64 = 0
    var report: ShardReport?
    var report_ns: UInt64 = 0

    /// How long a next coordinator waits at least for grants to end, by this part, s.
    var wait_s: UInt64 { grant_s ?? GrantTime.range.upperBound }

    /// A write of it is on its way: from now on the next coordinator may know either.
    mutating func sent(grant_s time_s: UInt64) { grant_s = min(wait_s, time_s) }

    /// It stands there.
    mutating func know(grant_s time_s: UInt64?) { grant_s = time_s }

    /// What isn't needed is told once a minute, where it has moved by more than 2 % of the limit.
    /// - Parameter isShared: there are several shards, and the parent divides by it: then it is told twice a minute, and what is urgent after 5 s.
    func isWorth(_ report: ShardReport, _ limit: Microwatts, isShared: Bool, _ now_ns: UInt64) -> Bool {
        guard let told = self.report else { return true }
        if isShared, report.isUrgent(beside: told, limit) { return now_ns >= report_ns + KeptShard.urgent_ns }
        return now_ns >= report_ns + (isShared ? KeptShard.reportToParent_ns : KeptShard.usual_ns)
            && report.isFar(from: told, limit)
    }

    private static let urgent_ns: UInt64 = 5_000_000_000
    private static let reportToParent_ns: UInt64 = 30_000_000_000
    private static let usual_ns: UInt64 = 60_000_000_000

    /// Whether the limit that stands there is another by more than 1 %.
    func isFar(from limit: Microwatts) -> Bool {
        guard let standing = self.limit else { return true }
        return max(standing, limit) - min(standing, limit) > Microwatts(standing.rawValue / 100)
    }
}
