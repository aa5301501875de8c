/// How long the API server is waited for, and how often it is written to.
struct Patience: Sendable {
    /// For a whole answer, or for the beginning of one that goes on and on.
    var answer_ms: UInt64 = 10_000
    /// How long the server is asked to keep a watch: at random, so that a fleet's don't end together.
    var watch_s: ClosedRange<UInt64> = 300...600
    /// For anything on a watch whose server has sent a bookmark before: it sends one about every minute (cacher.go of
    /// k8s.io/apiserver), so that two are missing.
    var quiet_ms: UInt64 = 150_000
    /// Between two patches, so that a limit that changes all the time is published now and then.
    var patch_ms: UInt64 = 10_000
    /// The same where the last one isn't true any more.
    var hurry_ms: UInt64 = 1_000
    /// Between two changes of the overrides that are followed.
    var overrides_ms: UInt64 = 1_000
    /// Between two updates of a series of Events.
    var series_ms: UInt64 = 300_000
    /// For the last writes before the program ends.
    var end_ms: UInt64 = 3_000

    /// For an answer about names, of which there may be some more to come after it.
    var names_ms: UInt64 { answer_ms / 2 }
}
