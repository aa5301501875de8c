internal import Fleet
internal import LinuxSystem
internal import Policy
internal import PowercapProtocol

/// What the loop does about what is granted.
extension Controller {
    /// What this node says of itself; nil without control, because then it doesn't know.
    var standing: Tenure.Standing? {
        guard let session else { return nil }
        let (limits, welcome) = (session.limits, session.welcome)
        return limits.standing(
            within: limitRange(of: limits.devices, configuration.policy, wishes.together),
            fallsBack: session.knowsFallback && welcome.onLeaseExpiry == .fallback,
            bootsAtRest: welcome.boot.contains(.atFallback) && limits.isFallbackKept
        ) { device, inForce in work?.wanted(device, inForce: inForce) ?? device.longTerm.ceiling }
    }

    /// More may be drawn than that.
    func isAbove(_ power: Microwatts) -> Bool { standing.map { $0.inForce > power } ?? false }

    /// There is control, perhaps again.
    func beginGrants(_ session: ControlSession) {
        guard let granted, let boot = BootID(session.welcome.bootID) else { return }
        granted.begin(boot: boot, lease_ns: max(UInt64(session.lease_ms) * 1_000_000, configuration.leaseTime.nanoseconds))
    }
}

extension BootID {
    /// As the helper tells it.
    fileprivate init?(_ id: (high: UInt64, low: UInt64)) {
        func digits(_ number: UInt64) -> String {
            let text = String(number, radix: 16)
            return String(repeating: "0", count: 16 - text.utf8.count) + text
        }
        var text = digits(id.high) + digits(id.low)
        for place in [20, 16, 12, 8] { text.insert("-", at: text.index(text.startIndex, offsetBy: place)) }
        self.init(text)
    }
}
