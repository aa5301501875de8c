internal import HTTP
internal import LinuxSystem
internal import Logging
internal import Policy
internal import PowercapProtocol

/// How the loop comes to control over the limits, and loses it.
extension Controller {
    func check(_ candidate: ControlSession) throws(UsageError) {
        try settings.check(candidate.limits.parts.map(\.device))
        if granted != nil, !candidate.knowsFallback {
            throw .grantsWithoutFallback(settings.given("SOURCE"), helper: candidate.welcome.helperVersion.string)
        }
    }

    func connect() -> ControlSession? {
        do throws(HelperError) {
            return try ControlSession(
                helper: configuration.helperSocket, configuration.policy, bank: bank, isOnce: isOnce, log: log, tally: tally
            ) { [node] in
                node.tell($0)
            }
        } catch {
            lose(error)
            return nil
        }
    }

    func takeControl(_ candidate: ControlSession, _ now_ns: UInt64) {
        do throws(HelperError) {
            try candidate.acquire(lease: configuration.leaseTime, previousToken: last?.token ?? 0)
        } catch { return lose(error, holder: candidate.holder) }
        try? epoll.add(candidate.descriptorNumber, token: Token.helper)
        session = candidate
        welcome = candidate.welcome
        // Before the first decision, which goes by them.
        if let path = configuration.controlSocket { book.open(OrderFile(beside: path, bootID: candidate.welcome.bootID)) }
        last = (candidate.token, candidate.welcome.onLeaseExpiry)
        reportedProblem = nil
        if let misfit {
            log.warning("the configuration doesn't fit the zones any more: their ceilings hold", ("why", .text(misfit.sentence)))
        }
        misfit = nil
        reportFloor(candidate)
        reportFallback(candidate)
        if isControlMissed {
            node.tell(NodeEvent(reason: .controlRegained, subject: "", note: "The controller is in control of the limits again"))
            isControlMissed = false
        }
        node.note(candidate.limits.parts.map(\.device))
        work?.begin(candidate.lastSample, candidate.limits)
        server?.note(candidate.limits, candidate.power, at: now_ns)
        beginGrants(candidate)
        // Whoever decides once isn't there any more when the power is free.
        if configuration.policy.split == .demand, !isOnce { candidate.handOver() }
        due = Schedule(
            connect_ns: 0, decide_ns: now_ns, sample_ns: now_ns + configuration.sampleInterval.nanoseconds,
            renew_ns: now_ns + candidate.renewal_ns, step_ns: work == nil && server == nil ? .max : now_ns + DemandMeter.step_ns)
    }

    /// Said at the first connection, and when the helper's floor has changed.
    private func reportFloor(_ session: ControlSession) {
        let floor = session.welcome.minPower
        if floor > configuration.policy.raplMinPower, floor != reportedFloor {
            log.warning(
                "RAPL_MIN_POWER is below the helper's floor (--min-power), which counts",
                ("rapl_min_power_uw", .power(configuration.policy.raplMinPower)), ("min_power_uw", .power(floor)))
        }
        reportedFloor = floor
    }

    /// A fallback limit that the helper doesn't go to isn't one.
    private func reportFallback(_ session: ControlSession) {
        guard configuration.policy.fallbackLimit != nil, !session.knowsFallback || session.welcome.onLeaseExpiry != .fallback
        else {
            return
        }
        let why =
            session.knowsFallback
            ? "the helper was started with --on-lease-expiry \(session.welcome.onLeaseExpiry), which counts when the lease ends"
            : "the helper is of a version without fallback limits: install both programs from one release"
        guard why != reportedFallback else { return }
        log.warning("FALLBACK_LIMIT isn't what the limits become when control is lost", ("why", .text(why)))
        reportedFallback = why
    }

    func fail(_ error: HelperError) {
        guard case .failed(let failure) = error, failure.code != .notInControl else { return lose(error) }
        // The connection is fine: the next decision tries again.
        if reportedFailure != failure { log.error("the limits could not be set", ("why", .text(failure.sentence))) }
        reportedFailure = failure
    }

    /// Gives the connection up. The helper keeps the limits until the lease ends, so there is time to come back.
    func lose(_ error: HelperError, holder: Name? = nil) {
        let hadControl = session != nil
        granted?.end()
        if hadControl { tally.counts.losses += 1 }
        let wait_ms = isProven ? 0 : backoff.fail()
        (session, isProven) = (nil, false)
        due.connect_ns = Clock.monotonic_ns + wait_ms * 1_000_000
        // Once, that may be a helper which ends: it closes its connections as it closes those of strangers. The next attempt tells.
        let isFirstClosed = error == .closed(greeting: true) && !wasClosed && !isOnce
        wasClosed = error == .closed(greeting: true)
        if isFirstClosed { return }
        guard reportedProblem != error || hadControl else { return }
        reportedProblem = error
        if hadControl {
            let message = if case .failed = error { "lost control over the limits" } else { "lost the helper" }
            log.error(message, ("why", .text(error.sentence)))
            node.tell(
                NodeEvent(reason: .controlLost, subject: "", note: "The controller lost control of the limits: \(error.sentence)")
            )
            isControlMissed = true
        } else {
            var fields: [Log.Field] = [("why", .text(error.sentence))]
            if let holder { fields.append(("holder", .text(holder.string))) }
            if !isOnce { fields.append(("next", .text("trying again, at least every 10 s"))) }
            log.error("no control over the limits", fields)
        }
    }
}
