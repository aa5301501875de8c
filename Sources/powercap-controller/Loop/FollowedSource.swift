internal import LinuxSystem
internal import Policy

/// The source as the loop follows it: what it goes by, what it gave last, and when it is to be asked next.
final class FollowedSource {
    private let policy: PowerPolicy
    /// nil where the source goes by a formula.
    private let feed: (any Feed)?
    private var source: any PowerSource
    private var overrides = Overrides()
    /// What it gave at the last time for a decision. What has to be put right in between goes by it too: STABILISATION_TIME is how often the
    /// source may move the limits, but for its steps.
    private(set) var reading: SourceReading
    private var read = Clock.wall.seconds
    /// nil before the first decision.
    private var told: SourceLack??

    init(_ policy: PowerPolicy, _ feed: (any Feed)?) {
        (self.policy, self.feed) = (policy, feed)
        source = powerSource(for: policy, data: feed?.data)
        reading = source.reading(at: .now)
    }

    /// What is asked of others is asked from now on.
    func start() { feed?.start() }

    /// Readable when something happened beside the source's file; nil where there is none.
    var descriptorNumber: Int32? { feed?.descriptorNumber }

    /// As everybody sees it who asks.
    var state: SourceState {
        SourceState(
            name: policy.source, reading: reading, read: read, data: feed?.data,
            file: feed.map { SourceFileState(path: $0.place, problem: $0.trouble) }, fetches: feed?.fetches)
    }

    /// Goes by these overrides from now on.
    func follow(_ overrides: Overrides) {
        self.overrides = overrides
        source = powerSource(for: policy, overrides, data: feed?.data)
    }

    /// When `refresh` has something to do though nothing happened, on CLOCK_MONOTONIC.
    var due_ns: UInt64 { feed?.due_ns ?? .max }

    /// Takes what has happened beside the file: whether there are other data now.
    func take() -> Bool {
        feed?.take()
        return refresh()
    }

    /// Looks at the file: whether there are other data now.
    func refresh() -> Bool {
        guard feed?.refresh() == true else { return false }
        follow(overrides)
        return true
    }

    /// Asks it for a decision.
    /// - Returns: in how many nanoseconds it makes its next step; nil where it makes none within a day.
    func ask() -> UInt64? {
        _ = refresh()
        let wall = Clock.wall
        let now = Moment(seconds: wall.seconds, nanoseconds: wall.nanoseconds)
        (reading, read) = (source.reading(at: now), now.seconds)
        guard let step = source.nextStep(after: now), step - now.seconds <= 86_400 else { return nil }
        return UInt64(step - now.seconds) * 1_000_000_000 - UInt64(wall.nanoseconds)
    }

    /// Whether it is to be told that it says nothing, or that it says something again: once each time.
    var isNews: Bool {
        let before = told ?? nil
        told = .some(reading.lack)
        return before?.cause != reading.lack?.cause || before?.isHeld != reading.lack?.isHeld
    }
}
