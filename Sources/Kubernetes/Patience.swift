/// How long the API server is waited for, and how often it is written to.
public struct Patience: Sendable {
    /// For a whole answer, or for the beginning of one that goes on and on.
    public var answer_ms: UInt64
    /// How long the server is asked to keep a watch: at random, so that a fleet's don't end together.
    var watch_s: ClosedRange<UInt64>
    /// For anything on a watch whose server has sent a bookmark before: it sends one about every minute (cacher.go of
    /// k8s.io/apiserver), so that two are missing.
    var quiet_ms: UInt64
    /// Before the first patch, so that what is published first isn't what is over in a moment.
    public var first_ms: UInt64
    /// Between two patches, so that a limit that changes all the time is published now and then.
    public var patch_ms: UInt64
    /// The same where the last one isn't true any more.
    public var hurry_ms: UInt64
    /// Between two changes of the overrides that are followed.
    public var overrides_ms: UInt64
    /// Between two updates of a series of Events.
    public var series_ms: UInt64
    /// For the last writes before the program ends.
    public var end_ms: UInt64

    public init(
        answer_ms: UInt64 = 10_000, watch_s: ClosedRange<UInt64> = 300...600, quiet_ms: UInt64 = 150_000,
        first_ms: UInt64 = 0, patch_ms: UInt64 = 10_000, hurry_ms: UInt64 = 1_000, overrides_ms: UInt64 = 1_000,
        series_ms: UInt64 = 300_000, end_ms: UInt64 = 3_000
    ) {
        (self.answer_ms, self.watch_s, self.quiet_ms) = (answer_ms, watch_s, quiet_ms)
        (self.first_ms, self.patch_ms) = (first_ms, patch_ms)
        (self.hurry_ms, self.overrides_ms, self.series_ms, self.end_ms) = (hurry_ms, overrides_ms, series_ms, end_ms)
    }

    /// For an answer about names, of which there may be some more to come after it.
    var names_ms: UInt64 { answer_ms / 2 }
}
