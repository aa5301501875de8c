internal import Fleet
internal import Kubernetes
internal import LinuxSystem
internal import Metrics
internal import Policy
internal import PowercapProtocol

/// A coordinator as everybody sees it who asks: status, metrics and the page read it, and compute nothing of their own.
struct FleetState: Sendable {
    /// By the clock on the wall.
    let now: Moment
    /// On CLOCK_BOOTTIME, as the coordinator counts.
    let boot_ns: UInt64
    /// In seconds since 1970.
    let started: Int64
    let identity: String
    /// Which shard it keeps, of how many.
    let shard: Int
    let shards: Int
    /// Who has the Lease; nil where nobody has, as far as is known.
    let holder: String?
    let epoch: UInt64
    /// Until when this coordinator leads, on CLOCK_BOOTTIME; 0 where it doesn't.
    let validUntil_ns: UInt64
    /// Why nothing is granted at present; nil where it is.
    let closed: String?
    /// How long the last takeover took, from the Lease until all nodes were heard or had had their time; nil where that isn't over, or none was.
    let takeover_ns: UInt64?
    let budgets: [Budget]
    let nodes: [NodeOverview]
    /// What goes wrong with the API server.
    let troubles: [String]
    let requests: [APIClient.Outcome: UInt64]
    /// By what became of it, how often something was asked.
    let asks: [String: UInt64]
    let turns: Histogram
    let answers: Histogram
    let allocations: Histogram
    /// Tokens that the API server was asked about, by what it said.
    let reviews: [String: UInt64]
    let listeners: [ListenerState]

    struct Budget: Sendable {
        let name: String
        let generation: UInt64
        /// As a coordinator that leads sees it; nil where none of it is known here.
        let overview: BudgetOverview?
        let conditions: [BudgetCondition]
        /// Where this coordinator divides it over several shards, what each has; empty elsewhere.
        let parts: [ShardStatus]
    }

    var isLeading: Bool { boot_ns < validUntil_ns }

    /// Until when, by the clock on the wall, in seconds since 1970.
    func wall(_ time_ns: UInt64) -> Int64 {
        now.seconds
            + (time_ns > boot_ns ? Int64((time_ns - boot_ns) / 1_000_000_000) : -Int64((boot_ns - time_ns) / 1_000_000_000))
    }
}

extension Coordination {
    var state: FleetState {
        let (boot_ns, term) = (Clock.boottime_ns, election.term)
        var why: String?
        if case .refused(_, let words, _)? = closed(boot_ns) { why = words }
        let leader = why == nil ? self.leader : nil
        return FleetState(
            now: .now, boot_ns: boot_ns, started: started, identity: election.identity, shard: options.shard,
            shards: options.sharding.count, holder: election.holder,
            epoch: term.epoch,
            validUntil_ns: term.validUntil_ns, closed: why, takeover_ns: leader?.takeover_ns,
            budgets: leader?.book.entries.map { entry in
                let facts = leader!.facts(entry, boot_ns)
                return FleetState.Budget(
                    name: entry.head.name, generation: entry.head.generation, overview: facts.overview,
                    conditions: BudgetCondition.all(leader!.whole(entry, boot_ns)), parts: leader!.parts(of: entry) ?? [])
            } ?? [],
            nodes: leader?.coordinator?.nodesOverview(now_ns: boot_ns).sorted { $0.name < $1.name } ?? [],
            troubles: troubles, requests: client.outcomes, asks: desk.counts, turns: turns, answers: answers,
            allocations: leader?.allocations ?? Leader.noAllocations, reviews: tokens.outcomes,
            listeners: listeners.states)
    }
}
