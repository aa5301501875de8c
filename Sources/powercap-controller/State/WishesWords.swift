internal import Kubernetes
internal import LinuxSystem
internal import Policy
internal import PowercapProtocol
internal import Text

extension Wishes {
    /// Who allows less than the floors take: the source, or the override that takes its place or changes it.
    var budgetWords: String {
        if let limit = together.limit {
            if ordersProblem != nil { return "saved orders allow that can't be read" }
            if limit == orders.overrides.limit { return "an operator on the node allows, \(limit.words)" }
            return limit == .zero ? "an override allows that can't be read" : "powercap.dev/limit=\(limit.setting) allows"
        }
        if let maxSource = together.maxSource { return "the source gives at powercap.dev/max-source=\(maxSource.setting)" }
        return "the source gives"
    }

    /// Whose limit is followed; nil where it is the source's.
    enum LimitHolder: String, Sendable { case node, `operator`, unreadable }

    var limitHolder: LimitHolder? {
        guard let limit = together.limit else { return nil }
        if ordersProblem != nil { return .unreadable }
        return limit == orders.overrides.limit ? .operator : .node
    }
}

extension NodeState {
    /// For the Node's annotation: what operators have ordered; nil where nothing.
    var ordersWords: String? {
        if let problem = wishes.ordersProblem { return "the saved orders \(problem): the floor holds" }
        let words = wishes.orders.standing.map { order in
            let what =
                switch order.wish {
                case .limit(let limit): limit.words;
                case .pause: "paused"
                }
            let reason = order.reason.isEmpty ? "" : ": \(order.reasonWords)"
            let until = end(of: order).map { " until \(Timestamp.seconds(Clock.Wall(seconds: $0, nanoseconds: 0)))" } ?? ""
            return "\(what)\(until) by uid \(order.uid)\(reason)"
        }
        return words.isEmpty ? nil : words.joined(separator: "; ").shortened(to: NodeState.longestOrdersWords)
    }

    /// In bytes: the admission policy refuses more than 256 characters.
    private static let longestOrdersWords = 250

    /// When an order ends by the wall clock as it is now, in seconds since 1970; nil where it has no end. The same from one look to the
    /// next, so that nothing is written on the Node while nothing changes: where the clock was set since, it is to the minute.
    func end(of order: Order) -> Int64? {
        guard let end_ns = order.end_ns, let left = order.left(at: boot_ns) else { return nil }
        let meant = order.since + Int64(clamping: (end_ns - min(order.start_ns, end_ns)) / 1_000_000_000)
        let found = now.seconds + Int64(left.rawValue / 1_000)
        return abs(found - meant) <= 3 ? meant : (found + 59) / 60 * 60
    }
}
