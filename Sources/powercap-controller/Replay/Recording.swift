internal import Policy
internal import PowercapProtocol

/// What a node's packages drew and what they were limited to, sample by sample: `record` writes it, `replay` reads it.
struct Recording: Equatable, Sendable {
    /// As they were when it began.
    let devices: [Device]
    /// In the order of their times.
    private(set) var samples: [Sample] = []

    /// One look at every package.
    struct Sample: Equatable, Sendable {
        /// Since 1970, in milliseconds.
        let time_ms: Int64
        /// In the order of the recording's packages.
        let devices: [Reading]
    }

    /// What was seen of a package.
    struct Reading: Equatable, Sendable {
        /// The average since the sample before; nil where that isn't known.
        let power: Microwatts?
        /// Of the long-term limit, what was in force: the lowest of all registers; nil where that isn't known.
        let limit: Microwatts?
    }

    init(_ devices: [Device]) { self.devices = devices }

    /// - Returns: false where it isn't later than the one before, and isn't taken: the clock was set.
    mutating func add(_ sample: Sample) -> Bool {
        if let last = samples.last, sample.time_ms <= last.time_ms { return false }
        samples.append(sample)
        return true
    }
}
