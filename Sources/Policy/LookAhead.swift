internal import PowercapProtocol

/// Whether a fall that is known is reached before it happens, and how long before.
public enum LookAhead: Equatable, Sendable {
    case off
    /// By the time window of the packages' limits: over so long a time the hardware keeps their average (Intel SDM, section 15.10.3).
    case window
    case time(Milliseconds)

    /// In milliseconds; nil where nothing is looked for.
    func lead_ms(_ devices: [Device]) -> Int64? {
        switch self {
        case .off: nil
        case .window: Int64(clamping: (devices.compactMap(\.window).max() ?? .second).rawValue)
        case .time(let time): Int64(clamping: time.rawValue)
        }
    }
}

/// What falls that are known leave of a moment's power.
struct Foresight: Equatable, Sendable {
    /// The lowest of those powers which have to be headed for by now; nil where none has.
    var power: Microwatts?
    /// When one may have to be that hasn't by now, in milliseconds since 1970; nil where none is known.
    var next_ms: Int64?

    /// So far ahead is looked, in seconds and in steps: what lies beyond isn't known yet.
    private static let horizon_s: Int64 = 86_400
    private static let mostSteps = 4_096

    /// - Parameters:
    ///   - power: what the source gives now, within what can be set.
    ///   - floor: the least that can be set.
    ///   - lead_ms: so long before a fall its power is to be reached.
    ///   - rampDown: how fast that can be got to, per second; nil is at once.
    ///   - moment: a time in seconds since 1970 with what the clock on the wall shows then.
    init(
        from power: Microwatts, at now: Moment, of source: some PowerSource, floor: Microwatts, lead_ms: Int64,
        rampDown: Microwatts?,
        moment: (Int64) -> Moment
    ) {
        let now_ms = now.milliseconds
        /// When the way to a power has to begin for it to be reached in time.
        func start_ms(of fall: Microwatts, at seconds: Int64) -> Int64 {
            seconds * 1_000 - lead_ms - (rampDown.map { time_ms(power - fall, $0) } ?? 0)
        }
        var (from, isLive) = (now, source.reading(at: now).isLive)
        for _ in 0..<Foresight.mostSteps {
            guard let step = source.nextStep(after: from), step <= now.seconds + Foresight.horizon_s else { return }
            let soonest_ms = start_ms(of: floor, at: step)
            if soonest_ms > now_ms {
                next_ms = min(next_ms ?? .max, soonest_ms)
                return
            }
            from = moment(step)
            let reading = source.reading(at: from)
            // That data end, or are too old then, is no fall: somebody may be about to write new ones. So it is with what was measured.
            let isOver = isLive && !reading.isLive
            isLive = reading.isLive
            guard !isOver, reading.lack == nil || reading.lack?.cause == .gap, reading.power < power else { continue }
            let start_ms = start_ms(of: max(reading.power, floor), at: step)
            if start_ms <= now_ms {
                self.power = min(self.power ?? reading.power, reading.power)
            } else {
                next_ms = min(next_ms ?? .max, start_ms)
            }
        }
    }
}

/// How long a way takes, in milliseconds, rounded up.
/// - Parameter rate: per second, above 0.
func time_ms(_ way: Microwatts, _ rate: Microwatts) -> Int64 {
    Int64(clamping: (UInt128(way.rawValue) * 1_000 + UInt128(rate.rawValue) - 1) / UInt128(rate.rawValue))
}

extension PowerSource {
    /// What it gives for a decision over these packages: with LOOK_AHEAD also what is to be headed for because of falls that are known.
    /// - Parameter moment: a time in seconds since 1970 with what the clock on the wall shows then.
    public func reading(
        at now: Moment, for devices: [Device], _ policy: PowerPolicy, _ overrides: Overrides = Overrides(),
        moment: (Int64) -> Moment
    ) -> SourceReading {
        var reading = reading(at: now)
        guard let lead_ms = policy.lookAhead.lead_ms(devices) else { return reading }
        let range = PowerRange(devices, policy, overrides)
        reading.foresight = Foresight(
            from: range.holding(reading.power), at: now, of: self, floor: range.floor, lead_ms: lead_ms,
            rampDown: policy.rampDown,
            moment: moment)
        return reading
    }
}

extension Moment {
    /// Since 1970.
    var milliseconds: Int64 { seconds * 1_000 + Int64(nanoseconds / 1_000_000) }
}
