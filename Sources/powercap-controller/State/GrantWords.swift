internal import Fleet
internal import JSON
internal import LinuxSystem
internal import Policy
internal import PowercapProtocol

// What this node has of a budget that it shares, as every view says it.

extension NodeState {
    /// A time of CLOCK_BOOTTIME in seconds since 1970, rounded down, as the clock on the wall is set now.
    private func bootWall(_ ns: UInt64) -> Int64 {
        now.seconds + (Int64(clamping: ns) - Int64(clamping: boot_ns)).quotient(by: 1_000_000_000)
    }

    /// When the grant in force ends, in seconds since 1970; nil where none is.
    var grantEnd: Int64? { source.grant?.ends_ns.map(bootWall) }

    /// In sentences; none where the source is another.
    var grantSentences: [String] {
        guard let grant = source.grant else { return [] }
        var sentences: [String] = []
        if let last = grant.last, let limit = last.limit, let taken = grant.taken {
            let at = Instant(taken).words(seenFrom: now)
            let until = grantEnd.map { "until \(Instant($0).words(seenFrom: now)) unless it is renewed" } ?? "and that is over"
            sentences.append("The coordinator at \(grant.place) granted \(limit.roughly) at \(at), \(until).")
            sentences += last.budgets.map(\.sentence)
        } else {
            sentences.append("The coordinator at \(grant.place) is asked, and has granted nothing yet.")
        }
        if let decision = decision?.decision, decision.floor > decision.nodeLimit {
            sentences.append("The floor, \(decision.floor.roughly), is more than that, and holds as far as it is granted.")
        }
        if let demand = grant.demand { sentences.append("What this node could use, it said last, is \(demand.roughly).") }
        return sentences
    }

    /// What comes next without anybody's doing; nil where the source is another.
    var grantNext: String? {
        guard let grant = source.grant else { return nil }
        guard let end = grantEnd else { return "A coordinator is asked again and again, at least every 4 s." }
        let rest = grant.rest.map { ", \($0.roughly)" } ?? ""
        return "Where no other grant comes, the limit is the node's rest\(rest) from \(Instant(end).words(seenFrom: now)) on."
    }
}

extension GrantedBudget {
    fileprivate var sentence: String {
        let nodes = nodes == 1 ? "1 node" : "\(nodes) nodes"
        let heard = silent == 0 ? "" : silent == 1 ? ", of which 1 isn't heard" : ", of which \(silent) aren't heard"
        return "Of the budget \(name), \(limit.roughly) for \(nodes)\(heard), \(counted.roughly) is taken"
            + (isBinding ? ", which is why this node hasn't more." : ".")
    }
}

extension GrantState {
    /// For programs.
    /// - Parameter end: in seconds since 1970.
    func json(end: Int64?) -> JSON {
        [
            "coordinator": .text(place), "limit_uw": .power(ends_ns == nil ? nil : last?.limit),
            "end": .text(end.map { Instant($0).text }), "taken": .text(taken.map { Instant($0).text }), "rest_uw": .power(rest),
            "demand_uw": .power(demand), "epoch": last.map { .whole($0.epoch) } ?? .null, "problem": .text(problem),
            "budgets": .list((last?.budgets ?? []).map(\.json)),
            "counts": .list(
                counts.sorted { $0.key < $1.key }.map { ["result": .text($0.key), "count": .whole($0.value)] }),
        ]
    }
}

extension GrantedBudget {
    fileprivate var json: JSON {
        [
            "name": .text(name), "limit_uw": .power(limit), "counted_uw": .power(counted), "nodes": .whole(nodes),
            "silent": .whole(silent), "binding": .flag(isBinding),
        ]
    }
}

extension Int64 {
    /// Rounded down.
    fileprivate func quotient(by divisor: Int64) -> Int64 {
        let (quotient, remainder) = quotientAndRemainder(dividingBy: divisor)
        return remainder < 0 ? quotient - 1 : quotient
    }
}
