import CSandbox
import LinuxSystem
import PowercapProtocol

/// Every zone with a thread of its own.
final class SlowZones {
    let zones: [SlowZone]
    /// Readable when a thread is done with something.
    let events: Descriptor

    /// Starts a thread for each zone whose driver is slow: before the filter of system calls, which is then theirs too.
    /// - Returns: nil where there is none.
    init?(starting all: [Zone]) throws(Errno) {
        let slow = all.filter { $0.isSlow }
        if slow.isEmpty { return nil }
        let number = cs_worker_events()
        if number < 0 { throw Errno(-number) }
        events = Descriptor(owning: number)
        var zones: [SlowZone] = []
        for zone in slow { zones.append(try SlowZone(zone, done: number)) }
        self.zones = zones
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
    /// - Returns: whether the state has to say something else.
    func take(_ log: inout LogBudget) -> Bool {
        var storage = InlineArray<8, UInt8>(repeating: 0)
        var buffer = storage.mutableSpan
        _ = try? events.read(into: &buffer)
        var isChanged = false
        for zone in zones where zone.take(&log) { isChanged = true }
        return isChanged
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
}
