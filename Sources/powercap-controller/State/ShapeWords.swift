internal import LinuxSystem
internal import Policy
internal import PowercapProtocol

// Why the limit isn't where the source is, as every view says it.

extension Shape.Cause {
    /// The option that makes it so.
    var option: String {
        switch self {
        case .rampUp: "RAMP_UP"
        case .rampDown: "RAMP_DOWN"
        case .deadBand: "DEAD_BAND"
        case .minHold: "MIN_HOLD"
        case .lookAhead: "LOOK_AHEAD"
        }
    }
}

extension NodeState {
    /// What comes behind the limit: `, on its way up to 200 W by 1 W each second (RAMP_UP), there at 12:03:20`.
    func shapeWords(_ shape: Shape) -> String {
        let policy = settings.configuration.policy
        let (goal, source) = (shape.goal.roughly, source.reading.power.roughly)
        let arrival = shape.arrival(policy).map { ", there at \(clock($0))" } ?? ""
        switch shape.cause {
        case .rampUp: return ", on its way up to \(goal) by \(policy.rampUp?.words ?? "") each second (RAMP_UP)\(arrival)"
        case .rampDown:
            return
                ", on its way down to \(goal) by \(policy.rampDown?.words ?? "") each second (RAMP_DOWN)\(arrival): until then it is "
                + "more than the source gives"
        case .deadBand: return ", because a rise to \(source) is less than \(policy.deadBand.words) (DEAD_BAND)"
        case .minHold:
            let end = shape.nextMove(policy).map { ", so not before \(clock($0))" } ?? ""
            return ", because there is no rise within \(policy.minHold.words) of a change (MIN_HOLD)\(end)"
        case .lookAhead:
            return shape.isMoving
                ? ", on its way down to \(goal), because that is what the source is known to fall to (LOOK_AHEAD)\(arrival)"
                : ", because that is what the source is known to fall to (LOOK_AHEAD)"
        case nil: return ", as the source gives it"
        }
    }

    /// A time of the decisions' clock on the wall.
    private func clock(_ time_ms: Int64) -> String { Instant(wall(UInt64(max(time_ms, 0)) * 1_000_000)).words(seenFrom: now) }
}
