public import PowercapProtocol

/// Decisions one after another, as the loop makes them of a policy that is shaped, over a time that is looked at as a whole.
public struct Course {
    private let devices: [Device]
    private let policy: PowerPolicy
    private let source: any PowerSource
    private let rest: Microwatts
    /// Between two times at which the source is asked; nil where only its steps count.
    private let apart_ms: Int64?
    private let moment: (Int64) -> Moment
    private var reading: SourceReading?
    private var last: Decision?
    /// When it was made, and when the source is asked next, in milliseconds since 1970.
    private var decided_ms: Int64
    private var ask_ms: Int64

    /// - Parameters:
    ///   - start_ms: of the first decision, before which nothing is known, in milliseconds since 1970.
    ///   - apart: STABILISATION_TIME; nil where the source goes by steps alone.
    ///   - rest: what the server is assumed to take beside its devices, with BUDGET_OF=server.
    ///   - moment: a time in seconds since 1970 with what the clock on the wall shows then.
    public init(
        _ devices: [Device], _ policy: PowerPolicy, _ source: any PowerSource, from start_ms: Int64, apart: Milliseconds?,
        rest: Microwatts = .zero, moment: @escaping (Int64) -> Moment
    ) {
        (self.devices, self.policy, self.source, self.rest, self.moment) = (devices, policy, source, rest, moment)
        apart_ms = apart.map { Int64(clamping: $0.rawValue) }
        (decided_ms, ask_ms) = (start_ms, start_ms)
    }

    /// What is in force at a time, in milliseconds since 1970, at the start or later. To be asked for one time after the other.
    public mutating func decision(at now_ms: Int64) -> Decision {
        while true {
            // What has to be decided on the way. A way itself is where it is at any time, however often it was looked at.
            let hold_ms = last?.shape.flatMap { $0.isMoving ? nil : $0.nextMove(policy) } ?? .max
            let due_ms = min(ask_ms, hold_ms)
            if due_ms > now_ms { break }
            if due_ms >= ask_ms {
                // The loop has gone so far of the way by then.
                if last?.shape?.isMoving == true { decide(at: due_ms) }
                ask()
            }
            decide(at: due_ms)
        }
        if decided_ms < now_ms, last?.shape?.isMoving == true { decide(at: now_ms) }
        if let last { return last }
        return decide(at: now_ms)
    }

    private mutating func ask() {
        let (seconds, rest_ms) = ask_ms.quotientAndRemainder(dividingBy: 1_000)
        let wall = moment(seconds)
        let now = Moment(seconds: seconds, nanoseconds: UInt32(rest_ms) * 1_000_000, local: wall.local)
        let reading = source.reading(at: now, for: devices, policy, moment: moment)
        let step_ms = source.nextStep(after: now).map { $0 * 1_000 }
        ask_ms = [apart_ms.map { ask_ms + $0 }, step_ms, reading.nextLook_ms].compactMap { $0 }.min() ?? .max
        self.reading = reading
    }

    @discardableResult
    private mutating func decide(at now_ms: Int64) -> Decision {
        let decision = Policy.decide(
            devices: devices, policy: policy, reading: reading ?? SourceReading(.zero), rest: rest, last: last, at_ms: now_ms)
        (last, decided_ms) = (decision, now_ms)
        return decision
    }
}
