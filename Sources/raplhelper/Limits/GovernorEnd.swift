import LinuxSystem
import PowercapProtocol

extension Governor {
    /// P6: puts back every original that this system changed and nobody else has changed since. Fallback limits are given up
    /// first: a crash before the last original is back must not bring them into force.
    /// - Parameter patience_ms: for limits that are written beside the loop. What isn't done by then counts as failed, and goes on.
    func restore(patience_ms: UInt64 = 0) -> Released {
        guard policy != .readOnly else { return Released() }
        giveUpFallbacks()
        slow?.end(.restore)
        let outcome = forEachChange { constraint, zone in constraint.restore(in: zone, &log) }
        return outcome + waitForSlow(patience_ms)
    }

    /// P18: brings the fallback limits into force, and puts the originals back where there is none.
    func fallBack(patience_ms: UInt64 = 0) -> Released {
        guard policy != .readOnly else { return Released() }
        slow?.end(.fallback)
        let outcome = forEachChange { constraint, zone in constraint.fallBack(in: zone, &log) }
        return outcome + waitForSlow(patience_ms)
    }

    /// Has the threads look for the first time, and waits for those whose drivers answer in time: no other keeps anybody waiting.
    func lookAtSlow(patience_ms: UInt64) {
        guard let slow else { return }
        slow.look()
        slow.wait(patience_ms, while: { $0.isAtWork }) { _ = takeSlow() }
    }

    /// Takes what the threads have done, and asks for what comes next. What has to come back is recorded before.
    /// - Returns: what became of limits at an end of control that wasn't waited for any more.
    func takeSlow() -> Released {
        guard let slow else { return Released() }
        let failure: StaticString = "the state file can't be brought up to date after a write"
        if slow.take(&log) { record(failure) }
        if slow.proceed(&log) { record(failure) }
        return slow.isBusy ? Released() : slow.takeOutcome()
    }

    /// Tells of drivers that let their threads wait.
    func tellSlow(_ now_ns: UInt64) {
        guard let slow else { return }
        for zone in slow.zones { zone.tell(now_ns, &log) }
    }

    private func waitForSlow(_ patience_ms: UInt64) -> Released {
        guard let slow else { return Released() }
        var outcome = Released()
        slow.wait(patience_ms, while: { $0.isBusy }) { outcome = outcome + takeSlow() }
        outcome = outcome + slow.takeOutcome()
        outcome.failed += slow.unfinished
        return outcome
    }

    private func giveUpFallbacks() {
        var count = 0
        for zone in zones {
            for constraint in zone.constraints where constraint.change?.fallback != nil {
                constraint.change?.fallback = nil
                count += 1
            }
        }
        if count > 0 { record("the state file still has fallback limits that were given up") }
    }

    private func forEachChange(_ end: (Constraint, Zone) -> Released.Restored) -> Released {
        var outcome = Released()
        for zone in zones where !zone.isBeside {
            for constraint in zone.constraints where constraint.change != nil {
                outcome.count(end(constraint, zone))
            }
        }
        if outcome != Released() { record("the state file can't be brought up to date after the end of control") }
        return outcome
    }
}
