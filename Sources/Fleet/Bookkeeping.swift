internal import PowercapProtocol

// What nodes count at, kept in the tallies of their budgets.
extension Coordinator {
    /// Counts one node anew.
    mutating func count(_ index: Int, _ now_ns: UInt64) {
        let (counted, ceiling) = nodes[index].count(now_ns, rules)
        guard counted != nodes[index].counted || ceiling != nodes[index].ceiling else { return }
        let isLess = counted < nodes[index].counted || ceiling < nodes[index].ceiling
        (nodes[index].counted, nodes[index].ceiling) = (counted, ceiling)
        if isLess { for place in nodes[index].places { budgets[place.budget].changes += 1 } }
        for place in nodes[index].places { budgets[place.budget].tally.set(place.slot, counted: counted, ceiling: ceiling) }
    }

    /// Ends what has ended, and finds out when the next thing does. A look at each node: what is renewed all the time is looked at once in a ttl.
    mutating func sweep(_ now_ns: UInt64) {
        sweep_ns = .max
        for index in nodes.indices {
            if nodes[index].places.contains(where: { $0.leaves_ns.map { $0 <= now_ns } ?? false }) {
                nodes[index].places.removeAll { $0.leaves_ns.map { $0 <= now_ns } ?? false }
                return rebuild(now_ns)
            }
            let before = nodes[index].counted
            count(index, now_ns)
            if before != nodes[index].counted { isDue = true }
            sweep_ns = min(sweep_ns, nodes[index].next(after: now_ns))
        }
        countSilent(now_ns)
    }

    /// Makes the tallies anew: budgets or members are others.
    mutating func rebuild(_ now_ns: UInt64) {
        isRebuilt = true
        covered = nodes.count(where: \.isCovered)
        sweep_ns = .max
        for budget in budgets.indices { budgets[budget].members.removeAll(keepingCapacity: true) }
        for index in nodes.indices {
            nodes[index].bounds = bounds(of: nodes[index])
            (nodes[index].counted, nodes[index].ceiling) = nodes[index].count(now_ns, rules)
            for place in nodes[index].places.indices {
                let budget = nodes[index].places[place].budget
                nodes[index].places[place].slot = budgets[budget].members.count
                budgets[budget].members.append(index)
            }
            sweep_ns = min(sweep_ns, nodes[index].next(after: now_ns))
        }
        for index in budgets.indices {
            let (terms, members) = (budgets[index].terms, budgets[index].members)
            budgets[index].tally = Tally(
                limit: (terms.limit - terms.reserve).rawValue, counted: members.map { nodes[$0].counted },
                ceilings: members.map { nodes[$0].ceiling }, contingency: rules.keepsContingency ? terms.contingencyNodes : 0)
        }
        countSilent(now_ns)
        isDue = true
        // A limit that fell is divided at once.
        allocated_ns = 0
    }

    private mutating func countSilent(_ now_ns: UInt64) {
        for budget in budgets.indices {
            budgets[budget].silent = budgets[budget].members.count { !nodes[$0].isHeard(now_ns) }
        }
    }

    /// What the budgets that cover a node say of it.
    private func bounds(of node: NodeClaim) -> NodeClaim.Bounds {
        // Beyond what any cluster has, and far enough from what a sum can hold.
        let most: UInt64 = 100_000_000_000_000
        var bounds = NodeClaim.Bounds(minimum: 0, maximum: most, unknown: 0, ttl_ns: .max, priority: .min, weight: 1)
        for place in node.places {
            let terms = budgets[place.budget].terms
            bounds.maximum = min(bounds.maximum, terms.maximum?.rawValue ?? most)
            // A limit may be less than what one node has: at night a source's is nothing.
            bounds.unknown = max(bounds.unknown, min((terms.maximum ?? terms.limit).rawValue, most))
            bounds.ttl_ns = min(bounds.ttl_ns, terms.ttl_ms * 1_000_000)
            guard place.leaves_ns == nil else { continue }
            bounds.minimum = max(bounds.minimum, terms.minimum.rawValue)
            if place.priority > bounds.priority { (bounds.priority, bounds.weight) = (place.priority, place.weight) }
        }
        return bounds
    }
}

extension NodeClaim {
    /// When it counts otherwise without having said anything.
    fileprivate func next(after now_ns: UInt64) -> UInt64 {
        var next_ns = UInt64.max
        for time_ns in [ends_ns, unknownUntil_ns] where time_ns > now_ns { next_ns = min(next_ns, time_ns) }
        for place in places { if let leaves_ns = place.leaves_ns { next_ns = min(next_ns, leaves_ns) } }
        return next_ns
    }
}
