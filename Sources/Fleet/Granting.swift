internal import PowercapProtocol

// What may be granted now. What a node has in force, has said so since this coordinator answered it, and counts at, may always go on; for
// more there has to be room, in the budgets and in what is kept for a next coordinator.
extension Coordinator {
    mutating func grant(_ index: Int, _ report: Report, _ now_ns: UInt64) -> Grant {
        let node = nodes[index]
        let held = node.repeatable
        let target = node.target ?? held
        let isKept = isKeptEnough(node)
        var (limit, binding): (UInt64, Int?) = (target, nil)
        if target > held {
            var room = isKept ? UInt64.max : held
            for place in node.places {
                let own = budgets[place.budget].tally.room(for: place.slot) ?? 0
                if own < room { (room, binding) = (own, place.budget) }
            }
            limit = max(held, min(target, room))
        } else if held - target <= node.deadBand / 2, node.places.allSatisfy({ isCalm(budgets[$0.budget]) }) {
            limit = held
        }
        let isWaiting = limit + node.deadBand / 2 < target
        if isWaiting { for place in node.places { budgets[place.budget].isLacking = true } }
        // A rest may be as high as a next coordinator takes it for.
        let most = rules.recordsFirst ? node.kept?.rest.rawValue ?? .max : .max
        let minimum = min(node.range.minimum, limit, max(most, node.floor))
        nodes[index].grant(limit, minimum: minimum, now_ns: now_ns, rules)
        count(index, now_ns)
        let usual_ms = Pace.usual_ms(nodes: covered, ttl_ms: node.bounds.ttl_ns / 1_000_000)
        let isHopeful = waits(index, isWaiting, usual_ms, now_ns)
        let isSoon = isHopeful || node.target == nil || (isDue && report.demand.rawValue > limit) || !isKept
        let wait_ms = isSoon ? waiting_ms(node) : usual_ms
        return answer(index, report, limit: Microwatts(limit), minimum: Microwatts(minimum), wait_ms, binding)
    }

    /// The node is to show first that it has heard this coordinator.
    func nothing(_ index: Int, _ report: Report) -> Grant {
        answer(index, report, limit: nil, minimum: .zero, Pace.least_ms * 2, nil)
    }

    /// Nobody lacks what the node has too much of.
    private func isCalm(_ budget: Budget) -> Bool { !budget.isLacking && budget.tally.whole <= budget.tally.limit }

    /// Whether a next coordinator would count the node at no less than this one.
    private func isKeptEnough(_ node: NodeClaim) -> Bool {
        guard rules.recordsFirst, let kept = node.kept, let record = node.record else { return true }
        return kept.covers(record)
    }

    /// Whether a node waits for room that may come soon. Where nothing has made any for three of the usual times, because nodes that aren't heard
    /// keep it, asking often is in vain.
    private mutating func waits(_ index: Int, _ isWaiting: Bool, _ usual_ms: UInt64, _ now_ns: UInt64) -> Bool {
        guard isWaiting else {
            nodes[index].waiting = nil
            return false
        }
        let changes = nodes[index].places.reduce(resets) { $0 &+ budgets[$1.budget].changes }
        if nodes[index].waiting?.changes != changes { nodes[index].waiting = (now_ns, changes) }
        return now_ns < (nodes[index].waiting?.since_ns ?? now_ns) + 3 * usual_ms * 1_000_000
    }

    /// Until somebody who waits for room asks again: soon, and the more there are, the later.
    private func waiting_ms(_ node: NodeClaim) -> UInt64 {
        let most = node.places.map { budgets[$0.budget].members.count }.max() ?? 0
        return min(max(300, UInt64(most) * 2 / 5), Pace.usual_ms)
    }

    private func answer(
        _ index: Int, _ report: Report, limit: Microwatts?, minimum: Microwatts, _ askAgain_ms: UInt64, _ binding: Int?
    ) -> Grant {
        Grant(
            epoch: leadership.epoch, nonce: report.nonce, limit: limit, minimum: minimum,
            ttl_ms: nodes[index].bounds.ttl_ns / 1_000_000, askAgain_ms: askAgain_ms,
            budgets: nodes[index].places.filter { $0.leaves_ns == nil }.map { place in
                let budget = budgets[place.budget]
                return GrantedBudget(
                    name: budget.terms.name, limit: budget.terms.limit,
                    counted: Microwatts(budget.tally.whole) + budget.terms.reserve, nodes: UInt64(budget.members.count),
                    silent: UInt64(budget.silent), isBinding: place.budget == binding)
            })
    }
}
