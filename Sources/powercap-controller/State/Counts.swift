internal import Metrics
internal import Policy
internal import PowercapProtocol

/// What has happened since the controller began: it only goes up.
struct Counts: Sendable {
    /// Limits that were set, refused, or had to be put back with the batch that failed.
    var (applied, refused, failed): (UInt64, UInt64, UInt64) = (0, 0, 0)
    /// How often another party had changed a limit, by the zone's id and the constraint.
    var drifts: [Drift: UInt64] = [:]
    /// Granted control, and lost it.
    var (connections, losses): (UInt64, UInt64) = (0, 0)
    var lostLogLines: UInt64 = 0
    /// By the zone's id.
    var energy: [String: EnergyCounter] = [:]
    /// How long a turn of the loop takes, in seconds, from waking up to going to sleep.
    var turns = Histogram(bounds: [0.000_1, 0.000_25, 0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.1, 1])
    /// How late a renewal is begun, in seconds.
    var lateness = Histogram(bounds: [0.001, 0.002_5, 0.005, 0.01, 0.025, 0.1, 0.25, 1, 5])

    /// A renewal is begun so late.
    mutating func noteLateness(_ nanoseconds: UInt64) { lateness.note(Double(nanoseconds) / 1e9) }
    /// A turn of the loop took so long.
    mutating func noteTurn(_ nanoseconds: UInt64) { turns.note(Double(nanoseconds) / 1e9) }

    struct Drift: Hashable, Sendable {
        let zone: String
        let constraint: String
    }
}

/// The one that counts, for everybody who has something to count.
final class Tally {
    var counts = Counts()
}
