/// How long the API server is waited for, and how often it is written to.
struct Patience: Sendable {
    /// For a whole answer, or for the beginning of one that goes on and on.
    var answer_ms: UInt64 = 10_000
    /// How long the server is asked to keep a watch: at random, so that a fleet's don't end together.
    var watch_s: ClosedRange<UInt64> = 300...600
    /// Between two patches, so that a limit that changes all the time is published now and then.
    var patch_ms: UInt64 = 10_000
    /// The same where the last one isn't true any more.
    var hurry_ms: UInt64 = 1_000
    /// Between two updates of a series of Events.
    var series_ms: UInt64 = 300_000
    /// For the last writes before the program ends.
    var end_ms: UInt64 = 3_000
}
