public import PowercapProtocol

/// What there is now, measured, beside a source that foretells it.
public struct LiveValue: Equatable, Sendable {
    /// nil where what was measured is no data.
    let power: Microwatts?
    /// What the power comes from, in its own unit; nil where the power itself was measured.
    let signal: Double?
    /// When it was measured, in seconds since 1970.
    public let since: Int64

    public init(power: Microwatts, since: Int64) { (self.power, signal, self.since) = (power, nil, since) }

    /// - Parameters:
    ///   - peak: MAX_SOURCE.
    ///   - before: the value that it takes the place of: a threshold goes on from there.
    public init(signal: Double, through map: SignalMap, peak: Microwatts, after before: LiveValue?, since: Int64) {
        power = map.power(of: signal, whole: 0, after: before?.power, peak: peak)
        (self.signal, self.since) = (map == .watts ? nil : signal, since)
    }
}

/// A live value while it is fresh, and otherwise what another source gives.
struct LiveSource: PowerSource {
    let live: LiveValue?
    /// How long a value is fresh.
    let holdFor: Milliseconds
    /// Nothing gives more.
    let peak: Microwatts
    let forecast: any PowerSource

    /// Which of the two it is, the reading says.
    public func reading(at moment: Moment) -> SourceReading {
        guard let live, let power = live.power, moment.seconds < over(live) else { return forecast.reading(at: moment) }
        let age = Milliseconds.seconds(UInt64(max(moment.seconds - live.since, 0)))
        return SourceReading(min(power, peak), signal: live.signal, age: age, isLive: true)
    }

    /// When the forecast makes its next step; before, where the value is over by then.
    func nextStep(after moment: Moment) -> Int64? {
        let step = forecast.nextStep(after: moment)
        guard let live, live.power != nil, over(live) > moment.seconds else { return step }
        return min(step ?? .max, over(live))
    }

    /// The first second in which it isn't fresh any more.
    private func over(_ live: LiveValue) -> Int64 {
        let (over, isBeyond) = live.since.addingReportingOverflow(Int64(clamping: holdFor.rawValue / 1_000))
        return isBeyond ? .max : over
    }
}
