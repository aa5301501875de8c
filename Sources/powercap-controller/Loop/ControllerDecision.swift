internal import LinuxSystem
internal import Logging
internal import Policy
internal import PowercapProtocol

/// How the loop decides: what the source and people ask for becomes limits, and what is worth telling of it is told.
extension Controller {
    /// Asks the source, and does what it says.
    func follow(_ session: ControlSession, _ now_ns: UInt64) throws(HelperError) {
        let wait_ns = min(configuration.stabilisationTime.nanoseconds, source.ask(for: session.limits.devices) ?? .max)
        due.decide_ns = now_ns + (granted == nil ? wait_ns : min(wait_ns, Controller.retry_ns))
        tellOfSource()
        session.retryRefused()
        isAboveGrant = granted != nil && isAbove(source.reading.power)
        try decideAndApply(session)
        isAboveGrant = false
        if session.limits.isComplete { due.decide_ns = now_ns + wait_ns }
    }

    /// A limit that is above what is granted is tried again so soon.
    private static let retry_ns: UInt64 = 1_000_000_000

    private func tellOfSource() {
        guard source.isNews else { return }
        if let lack = state.sourceLack {
            log.warning(
                "the source says nothing of the moment", ("why", .text(lack)), ("source_uw", .power(source.reading.power)))
        } else {
            log.info("the source says something again", ("source_uw", .power(source.reading.power)))
        }
    }

    /// - Parameter isMove: the node's work is another, and nothing else.
    func decideAndApply(_ session: ControlSession, isMove: Bool = false) throws(HelperError) {
        let (policy, wishes) = (configuration.policy, wishes)
        let reading = granted?.bounded(source.reading) ?? source.reading
        let (before, overrides) = (decided?.decision, wishes.together)
        let workload = work?.workload(session.limits) ?? Workload()
        self.workload = workload
        let (servers, loop, now_ms) = (session.limits.servers, server?.loop, Int64(clamping: Clock.monotonic_ns / 1_000_000))
        defer {
            planLook(session)
            granted?.noteSet()
        }
        let decision = try session.enforce(isMove: isMove) { devices in
            decide(
                devices: devices, servers: servers, policy: policy, reading: reading, overrides: overrides, workload: workload,
                server: loop, last: before, at_ms: now_ms)
        }
        if let loop = decision.server?.loop { server?.loop = loop }
        // A step of a ramp at the same time moves the node's limit, too.
        self.isMove = isMove && decision.nodeLimit == before?.nodeLimit
        due.shape_ns = decision.shape?.nextMove(policy).map { UInt64(max($0, 0)) * 1_000_000 } ?? .max
        tellOfWay(decision.shape, before?.shape)
        if decision.floorsExceedBudget != (before?.floorsExceedBudget ?? false) {
            if decision.floorsExceedBudget {
                log.warning(
                    "the floors take more than \(wishes.budgetWords): the floors win", ("source_uw", .power(decision.source)),
                    ("node_limit_uw", .power(decision.nodeLimit)))
            } else {
                log.info("the floors are covered again", ("source_uw", .power(decision.source)))
            }
        }
        log.debug(
            "decided",
            [
                ("source_uw", .power(decision.source)), ("node_limit_uw", .power(decision.nodeLimit)),
                ("reason", .text(decision.reason.rawValue)),
            ])
        if !isMove || decision != before { decided = Decided(decision: decision, at: Clock.wall.seconds) }
        reportedFailure = nil
    }

    /// Once, and not with each of its steps.
    private func tellOfWay(_ shape: Shape?, _ before: Shape?) {
        guard let shape, let cause = shape.cause, shape.isMoving, shape.goal != before?.goal else { return }
        log.info(
            "the limit is on its way", ("from_uw", .power(shape.power)), ("to_uw", .power(shape.goal)),
            ("why", .text(cause.option)))
    }
}
