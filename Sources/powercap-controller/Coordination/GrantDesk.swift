internal import Fleet
internal import Kubernetes

/// Where reports of nodes come in. In this order it is looked whether this coordinator answers at all, who asks, how often, what, and for
/// whom: whoever isn't a node learns nothing of the fleet.
struct GrantDesk {
    /// By what became of it, how often something was asked.
    private(set) var counts: [String: UInt64] = [:]
    private var meters: [String: Allowance] = [:]
    private let sharding: Sharding
    private let shard: Int

    /// - Parameter shard: which of the shards is asked here.
    init(shard: Int = 0, of sharding: Sharding = Sharding(1)) { (self.shard, self.sharding) = (shard, sharding) }

    /// A node asks every 2 s, and sooner when something happens to it.
    private static let burst = 10
    private static let refill_ns: UInt64 = 200_000_000

    /// - Parameters:
    ///   - judge: of whom the token is that was shown.
    ///   - coordinator: nil while nothing may be answered; then why that is.
    mutating func answer(
        body: [UInt8], now_ns: UInt64, judge: () -> Verdict,
        coordinator: (Report) throws(GrantDesk.Refusal) -> Grant, closed: GrantReply?
    ) -> GrantReply {
        // Whoever takes over knows by then whom those are that ask in vain now: a review for each of them would cost a second.
        let verdict = judge()
        let reply = closed ?? self.reply(body, now_ns, verdict, coordinator)
        counts[reply.result, default: 0] += 1
        return reply
    }

    /// Nobody asks who isn't heard any more.
    mutating func forget() { meters = [:] }

    typealias Refusal = Fleet.Refusal

    private mutating func reply(
        _ body: [UInt8], _ now_ns: UInt64, _ verdict: Verdict, _ coordinator: (Report) throws(Refusal) -> Grant
    ) -> GrantReply {
        let node: String
        switch verdict {
        case .node(let name): node = name
        case .pending: return .refused(.pending, "The token is being looked at: ask again.", retryAfter_s: 1)
        case .refused(let why): return .refused(.unauthorized, why)
        case .forbidden(let why): return .refused(.forbidden, why)
        case .unknown(let why): return .refused(.pending, why, retryAfter_s: 2)
        }
        guard meters[node, default: Allowance(burst: GrantDesk.burst, refill_ns: GrantDesk.refill_ns)].take(now_ns) else {
            return .refused(
                .flood, "The node \(node) asks more than 5 times a second: is there one agent on it, and no more?",
                retryAfter_s: 1)
        }
        let report: Report
        do throws(FleetProblem) { report = try Report(body) } catch {
            if case .version = error { return .refused(.version, error.sentence) }
            return .refused(.malformed, error.sentence)
        }
        guard report.node == node else {
            return .refused(.forbidden, "The token is of a pod on the node \(node), and the report is one of \(report.node).")
        }
        let own = sharding.shard(of: node)
        guard own == shard else {
            return .refused(
                .misdirected,
                "The node \(node) is one of shard \(own) of \(sharding.count), and this is shard \(shard): GRANT_SHARDS of the node has to be "
                    + "\(sharding.count), and {shard} to stand in GRANT_URL.")
        }
        do throws(Refusal) { return .granted(try coordinator(report)) } catch { return GrantReply(error) }
    }
}

extension GrantReply {
    init(_ refusal: Refusal) {
        self =
            switch refusal {
            case .notLeading, .superseded: .refused(.following, refusal.sentence, retryAfter_s: 1)
            case .overtaken: .refused(.overtaken, refusal.sentence)
            case .inNoBudget: .refused(.uncovered, refusal.sentence)
            }
    }
}
