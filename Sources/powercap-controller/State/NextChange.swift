internal import LinuxSystem
internal import Policy
internal import PowercapProtocol

/// The next time at which the node's limit becomes another, as far as is known today: by the source, or because an order or an override ends.
struct NextChange: Equatable, Sendable {
    /// In seconds since 1970.
    let at: Int64
    let nodeLimit: Microwatts
    let reason: Reason

    /// How far ahead is looked.
    static let horizon_s: Int64 = 86_400
}

extension NodeState {
    /// nil where nothing that is known changes it within a day, and without control. Limits that others hold are taken to stay.
    ///
    /// Looks at each decision that `run` is going to make, with the decision's own function: of a day at one decision a minute, a
    /// millisecond of CPU time.
    var nextChange: NextChange? {
        guard let limits, let decision, let nextDecision_ns else { return nil }
        let policy = settings.configuration.policy
        let step_s = max(Int64(settings.configuration.stabilisationTime.rawValue / 1_000), 1)
        let first = now.seconds + Int64(clamping: (max(nextDecision_ns, monotonic_ns) - monotonic_ns) / 1_000_000_000)
        let ends = (wishes.orders.standing.compactMap { end(of: $0) } + wishes.later.map(\.at)).filter { $0 > now.seconds }
            .sorted()
        var (at, last, upcoming) = (first, decision.decision, ends[...])
        while at <= now.seconds + NextChange.horizon_s {
            // The end of an order decides at once, and the source is not read for that.
            var isEnd = false
            if let end = upcoming.first, end < at { (at, isEnd, upcoming) = (end, true, upcoming.dropFirst()) }
            var (orders, boot_ns) = (wishes.orders, boot_ns)
            boot_ns += UInt64(at - now.seconds + (isEnd ? 1 : 0)) * 1_000_000_000
            _ = orders.end(at: boot_ns)
            var then = wishes
            then.orders = orders
            if let later = wishes.later.last(where: { $0.at <= at }) { then.node = later.node }
            let reading = powerSource(for: policy, then.together).reading(at: Moment(seconds: at))
            let next = decide(packages: limits.packages, policy: policy, reading: reading, overrides: then.together, last: last)
            if next.nodeLimit != decision.decision.nodeLimit {
                return NextChange(at: at, nodeLimit: next.nodeLimit, reason: next.reason)
            }
            last = next
            at = isEnd ? first + (at - first + step_s) / step_s * step_s : at + step_s
        }
        return nil
    }
}
