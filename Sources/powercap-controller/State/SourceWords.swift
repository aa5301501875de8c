internal import LinuxSystem
internal import Policy
internal import PowercapProtocol

// What is wrong with the source, as every view says it.

extension NodeState {
    /// Why the source says nothing of the moment, and what holds instead; nil where it does.
    var sourceLack: String? {
        guard let lack = source.reading.lack else { return nil }
        let good = lack.lastGood?.roughly ?? ""
        let instead: String =
            switch settings.configuration.policy.onStale {
            case _ where source.name == .granted: "the node is at its rest, \(source.reading.power.roughly)"
            case _ where lack.lastGood == nil: "the floor holds"
            case _ where lack.isHeld: "the last value, \(good), holds until it is \(staleAfter) old"
            case .floor: "the floor holds"
            case .hold: "the last value, \(good), holds"
            case .power(let power) where source.reading.power < power:
                "the last value, \(good), holds, which is less than ON_STALE"
            case .power(let power): "\(power.words) holds (ON_STALE)"
            }
        return "\(lack.cause.words(source.name, staleAfter, isMissing: source.file?.problem == nil)): \(instead)"
    }

    /// Why nothing newer can be had though the source is still followed; nil where that isn't so.
    var sourceProblem: String? {
        guard let file = source.file else { return nil }
        guard let problem = file.problem else {
            guard let since = source.data?.isMissing(at: now) else { return nil }
            let followed = LocalDay(.at(since - 1)).text
            return "\(file.path) has no file of \(LocalDay(now.local).text): that of \(followed) is followed since "
                + Instant(since).words(seenFrom: now)
        }
        if source.grant != nil { return problem }
        let since = source.data?.outdated.map { " since \(Instant($0.since.seconds).words(seenFrom: now))" } ?? ""
        return source.fetches == nil ? "\(file.path) \(problem)\(since)" : problem
    }

    /// What its power comes from, in its own unit; nil where the power itself is what the source says, and of the sun, whose is the power.
    var sourceSignal: String? {
        settings.configuration.valueMap == nil ? nil : source.reading.signal.map { $0.rounded(places: 3).words }
    }

    /// Which of the two is gone by where something is measured beside the source; nil where nothing is.
    var liveSentence: String? {
        guard let live = source.live else { return nil }
        let time = live.value.map { Instant($0.since).words(seenFrom: now) }
        if source.reading.isLive, let time { return "That is the live value of \(live.place), written at \(time)." }
        let why =
            live.problem.map { "\(live.place) \($0)" }
            ?? time.map { "\(live.place) was last written at \($0), which is longer ago than LIVE_FOR" }
            ?? "there was none in \(live.place)"
        return "That is the source's own, and no live value: \(why)."
    }

    private var staleAfter: String { settings.configuration.policy.staleAfter.words }
}

extension SourceLack.Cause {
    fileprivate func words(_ source: SourceName, _ staleAfter: String, isMissing: Bool) -> String {
        switch self {
        case .gap: "The source, \(source.rawValue), has no value for now"
        case .ended: "The source's last value is over"
        case .notBegun: "The source's first value is still to come"
        case .notFetched: "The source's first answer is still to come"
        case .notGranted: "No coordinator has granted anything yet"
        case .grantEnded: "The last grant is over, and no other came"
        case .outdated where source == .http:
            "The source's service has given no new answer for \(staleAfter) longer than it should have taken"
        case .outdated:
            isMissing
                ? "The source has had no file of its day for \(staleAfter)"
                : "The source's file could not be read for \(staleAfter)"
        }
    }

    /// For programs.
    var name: String {
        switch self {
        case .gap: "gap"
        case .ended: "ended"
        case .notBegun: "not-begun"
        case .notFetched: "not-fetched"
        case .outdated: "outdated"
        case .notGranted: "not-granted"
        case .grantEnded: "grant-ended"
        }
    }
}
