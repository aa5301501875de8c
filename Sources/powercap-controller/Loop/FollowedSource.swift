internal import LinuxSystem
internal import Policy
internal import PowercapProtocol

/// The source as the loop follows it: what it goes by, what it gave last, and when it is to be asked next.
final class FollowedSource {
    private let policy: PowerPolicy
    /// nil where the source goes by a formula.
    private let feed: (any Feed)?
    /// nil where nothing is measured beside it.
    private let live: (any LiveFeed)?
    private var source: any PowerSource
    private var overrides = Overrides()
    /// What it gave at the last time for a decision. What has to be put right in between goes by it too: STABILISATION_TIME is how often the
    /// source may move the limits, but for its steps.
    private(set) var reading: SourceReading
    private var read = Clock.wall.seconds
    /// nil before the first decision.
    private var told: SourceLack??

    init(_ policy: PowerPolicy, _ feed: (any Feed)?, live: (any LiveFeed)? = nil) {
        self.live = live
        (self.policy, self.feed) = (policy, feed)
        source = powerSource(for: policy, data: feed?.data, live: live?.value)
        reading = source.reading(at: .now)
    }

    /// What is asked of others is asked from now on.
    func start() {
        feed?.start()
        live?.start()
    }

    /// Readable when something happened beside the source's file; nil where there is none.
    var descriptorNumber: Int32? { feed?.descriptorNumber }

    /// As everybody sees it who asks.
    var state: SourceState {
        SourceState(
            name: policy.source, reading: reading, read: read, data: feed?.data,
            file: feed.map { SourceFileState(path: $0.place, problem: $0.trouble) }, fetches: feed?.fetches,
            live: live.map { LiveState(value: $0.value, place: $0.place, problem: $0.trouble) },
            grant: (feed as? GrantedFeed)?.state)
    }

    /// Goes by these overrides from now on.
    func follow(_ overrides: Overrides) {
        self.overrides = overrides
        source = powerSource(for: policy, overrides, data: feed?.data, live: live?.value)
        // What isn't granted any more isn't for what has to be put right either.
        if policy.source == .granted { reading = source.reading(at: .now) }
    }

    /// Readable when something happened beside what is measured; nil where there is none.
    var liveDescriptorNumber: Int32? { live?.descriptorNumber }

    /// When `refresh` has something to do though nothing happened, on CLOCK_MONOTONIC.
    var due_ns: UInt64 { min(feed?.due_ns ?? .max, live?.due_ns ?? .max) }

    /// Takes what has happened beside what is measured: whether there is another value now.
    func takeLive() -> Bool {
        live?.take()
        return refresh()
    }

    /// Takes what has happened beside the file: whether there are other data now.
    func take() -> Bool {
        feed?.take()
        return refresh()
    }

    /// Looks at the file: whether there are other data now.
    func refresh() -> Bool {
        let isOther = feed?.refresh() == true
        guard live?.refresh() == true || isOther else { return false }
        follow(overrides)
        return true
    }

    /// Asks it for a decision over these packages.
    /// - Returns: in how many nanoseconds it makes its next step, or a known one may have to be prepared for; nil where that isn't so
    ///   within a day.
    func ask(for devices: [Device]) -> UInt64? {
        _ = refresh()
        let wall = Clock.wall
        let now = Moment(seconds: wall.seconds, nanoseconds: wall.nanoseconds)
        reading = source.reading(at: now, for: devices, policy, overrides) { Moment(seconds: $0) }
        read = now.seconds
        let step_ms = source.nextStep(after: now).map { $0 * 1_000 }
        guard let next_ms = [step_ms, reading.nextLook_ms].compactMap({ $0 }).min(), next_ms - now.seconds * 1_000 <= 86_400_000
        else { return nil }
        return UInt64(next_ms - now.seconds * 1_000) * 1_000_000
            - min(UInt64(wall.nanoseconds), UInt64(next_ms - now.seconds * 1_000) * 1_000_000)
    }

    /// What it gives now, and the least that it gives from now on for so long, as far as that is known. That data end is no fall: somebody may be
    /// about to write new ones.
    func least(for lead_ms: Int64) -> Microwatts {
        _ = refresh()
        let wall = Clock.wall
        let now = Moment(seconds: wall.seconds, nanoseconds: wall.nanoseconds)
        reading = source.reading(at: now)
        read = now.seconds
        var least = reading.power
        let end = Moment(seconds: now.seconds + (lead_ms + 999) / 1_000)
        func note(_ moment: Moment) {
            let reading = source.reading(at: moment)
            let isFall = reading.isLive == self.reading.isLive && (reading.lack == nil || reading.lack?.cause == .gap)
            if isFall { least = min(least, reading.power) }
        }
        // What changes all the time has its least at an end: within minutes there is one top at most, and no valley.
        note(end)
        var from = now
        for _ in 0..<FollowedSource.mostSteps {
            guard let step = source.nextStep(after: from), step <= end.seconds else { break }
            from = Moment(seconds: step)
            note(from)
        }
        return least
    }

    private static let mostSteps = 240

    /// Whether it is to be told that it says nothing, or that it says something again: once each time.
    var isNews: Bool {
        let before = told ?? nil
        told = .some(reading.lack)
        return before?.cause != reading.lack?.cause || before?.isHeld != reading.lack?.isHeld
    }
}
