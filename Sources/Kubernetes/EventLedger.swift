public import LinuxSystem

/// What happened to an object, and what of it its API server has been told.
public struct EventLedger {
    private(set) var series: [EventSeries] = []
    private let object: EventSubject

    /// Series that are remembered.
    static let mostSeries = 64

    public init(about object: EventSubject) { self.object = object }

    /// Every Event is told; how often it came again since may be told later.
    public var isTold: Bool { series.allSatisfy { $0.isTold || $0.isKnown } }

    /// The series that is due first.
    public var next: EventSeries? { series.filter { !$0.isTold }.min { $0.due_ns < $1.due_ns } }

    /// Takes note of what happened.
    public mutating func record(_ event: Event, at now: Clock.Wall, _ now_ns: UInt64) {
        series.removeAll { $0.isTold && now.seconds - $0.last.seconds > EventSeries.lifetime_s }
        if let same = series.firstIndex(where: { $0.isOf(event) }) { return series[same].note(event, now) }
        // What nobody was told of yet is worth more than counting on, and than what is new.
        if series.count >= EventLedger.mostSeries {
            guard let told = series.firstIndex(where: \.isTold) else { return }
            series.remove(at: told)
        }
        series.append(EventSeries(event, about: object, at: now, now_ns))
    }

    /// An object of the series was made or changed.
    public mutating func told(_ sent: EventSeries, next_ns: UInt64) {
        change(sent) { $0.told(sent.name, sent.telling, next_ns: next_ns) }
    }

    /// What a refusal says of this Event alone.
    public enum Settlement: Sendable {
        /// It is there already: the answer to an earlier attempt was lost.
        case told
        /// It isn't there any more, and is made anew.
        case gone
        /// The server takes others, and never this one: it is given up.
        case givenUp
    }

    /// The request of `sent` was refused.
    /// - Returns: nil where that is no matter of this Event, but trouble with the server.
    public mutating func refused(
        _ sent: EventSeries, _ problem: APIProblem, next_ns: UInt64, _ now_ns: UInt64
    ) -> Settlement? {
        switch problem.status {
        case 409 where sent.telling == 1:
            told(sent, next_ns: next_ns)
            return .told
        // The server keeps no Event for ever.
        case 404 where sent.telling > 1:
            isGone(sent, now_ns)
            return .gone
        // Another attempt would be refused again, and keep the others from being told.
        case 400, 413, 422:
            giveUp(sent)
            return .givenUp
        default: return nil
        }
    }

    /// The server has that object no more.
    mutating func isGone(_ sent: EventSeries, _ now_ns: UInt64) {
        change(sent) { if $0.name == sent.name { $0.isGone(now_ns) } }
    }

    /// The server doesn't take it.
    mutating func giveUp(_ sent: EventSeries) { series.removeAll { $0.name == sent.name } }

    private mutating func change(_ sent: EventSeries, _ body: (inout EventSeries) -> Void) {
        guard let index = series.firstIndex(where: { $0.isOf(sent.event) }) else { return }
        body(&series[index])
    }
}
