import CSandbox
import LinuxSystem
import PowercapProtocol

/// Every zone with a thread of its own.
final class SlowZones {
    let zones: [SlowZone]
    /// Readable when a thread is done with something.
    let events: Descriptor

    /// Starts a thread for each zone whose driver is slow: before the filter of system calls, which is then theirs too.
    /// - Parameter apart: whether they are processes: for who ends without waiting for a driver.
    /// - Returns: nil where there is none.
    init?(starting all: [Zone], apart: Bool = false) throws(Errno) {
        let slow = all.filter { $0.isSlow }
        if slow.isEmpty { return nil }
        let number = cs_worker_events()
        if number < 0 { throw Errno(-number) }
        events = Descriptor(owning: number)
        var zones: [SlowZone] = []
        for zone in slow { zones.append(try SlowZone(zone, done: number, apart: apart)) }
        self.zones = zones
        // The threads have the numbers of these descriptors, and can't be stopped: nothing else may ever come to be called so.
        _ = unsafe Unmanaged.passRetained(self)
    }

    func slow(_ zone: Zone) -> SlowZone? {
        for slow in zones where slow.zone === zone { return slow }
        return nil
    }

    var isBusy: Bool {
        for zone in zones where zone.isBusy { return true }
        return false
    }

    /// Takes what was done.
    /// - Returns: whether the state has to say something else, before anything more is asked (`proceed`).
    func take(_ log: inout LogBudget) -> Bool {
        var storage = InlineArray<8, UInt8>(repeating: 0)
        var buffer = storage.mutableSpan
        _ = try? events.read(into: &buffer)
        var isChanged = false
        for zone in zones where zone.take(&log) { isChanged = true }
        return isChanged
    }

    /// Asks each for what comes next.
    /// - Returns: whether the state has to say something else.
    func proceed(_ log: inout LogBudget) -> Bool {
        var isChanged = false
        for zone in zones where zone.proceed(&log) { isChanged = true }
        return isChanged
    }

    /// Waits while something is to be done.
    /// - Parameter take: for what a thread has done.
    func wait(_ patience_ms: UInt64, while isAwaited: (SlowZone) -> Bool, _ take: () -> Void) {
        let deadline_ns = Clock.monotonic_ns + patience_ms * 1_000_000
        while zones.contains(where: isAwaited) {
            let now_ns = Clock.monotonic_ns
            guard now_ns < deadline_ns else { return }
            let milliseconds = Int32((deadline_ns - now_ns + 999_999) / 1_000_000)
            if (try? events.wait(milliseconds: milliseconds)) == true { take() }
        }
    }

    /// Looks at all of them, and waits for those that answer in time.
    func look(patience_ms: UInt64) {
        var log = LogBudget()
        look()
        wait(patience_ms, while: { $0.isAtWork }) { _ = take(&log) }
    }

    /// Begins the end of control of every zone that has a change, behind what is under way.
    func end(_ disposal: LimitDisposal) {
        for slow in zones where !slow.isEnding && slow.changeCount > 0 { slow.end(disposal) }
    }

    /// What became of the limits of those that are done with the end of control.
    func takeOutcome() -> Released { zones.reduce(Released()) { $0 + $1.takeOutcome() } }

    /// How many changes are still to be undone.
    var unfinished: UInt16 { zones.reduce(0) { $0 + ($1.isEnding ? UInt16($1.changeCount) : 0) } }

    /// Reads everything again, and keeps nobody waiting.
    func look() { for slow in zones { slow.look() } }

    /// When the next driver has let its thread wait for too long.
    var overdueAt_ns: UInt64? { zones.reduce(nil) { next, slow in slow.overdueAt_ns.map { min($0, next ?? .max) } ?? next } }
}
