internal import LinuxSystem
internal import Policy
internal import PowercapProtocol

/// What the loop does about the node's work.
extension Controller {
    /// Looks what the node's work is, and decides anew where that is another. The source isn't asked: its cadence stays.
    func step(_ session: ControlSession, _ now_ns: UInt64) throws(HelperError) {
        due.step_ns = now_ns + DemandMeter.step_ns
        try renewWithLooks(session, now_ns)
        try sample(session, now_ns)
        server?.note(session.limits, session.power, at: now_ns)
        guard let work else { return try decideAndApply(session, isMove: true) }
        work.endStep(session.limits, minPower: wishes.together.minPower, now_ns)
        let now = work.workload(session.limits)
        if now != workload || server != nil { try decideAndApply(session, isMove: now.isIdle == workload.isIdle) }
        granted?.noteDemand()
    }

    /// The lease is renewed when the node's work is looked at, where a look comes before half of it is over: one time less to be woken.
    private func renewWithLooks(_ session: ControlSession, _ now_ns: UInt64) throws(HelperError) {
        let lease_ns = UInt64(session.lease_ms) * 1_000_000
        guard due.renew_ns < due.step_ns, lease_ns / 2 > DemandMeter.step_ns else { return }
        if session.leaseEnds_ns < due.step_ns + lease_ns / 2 { try renew(session, now_ns) }
        due.renew_ns = due.step_ns
    }

    /// Limits that wait for power are looked after as soon as there may be some.
    func planLook(_ session: ControlSession) {
        guard session.limits.isWaiting else { return }
        // A device that is written beside the loop is looked at again and again; the bank says by itself when there is something new.
        guard let after_ns = session.limits.handover?.lookAfter_ns ?? (session.limits.isPending ? Handover.look_ns : nil) else {
            return
        }
        due.sample_ns = min(due.sample_ns, Clock.monotonic_ns + after_ns)
    }

    /// What is to stand on the Node.
    func publish() -> NodeRecord {
        let record = NodeRecord(state, after: published)
        published = record
        return record
    }
}
