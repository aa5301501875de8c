internal import Policy
internal import PowercapProtocol

/// What a node's devices drew and what they were limited to, sample by sample: `record` writes it, `replay` reads it.
struct Recording: Equatable, Sendable {
    /// As they were when it began.
    let devices: [Device]
    /// There was a meter of the whole server.
    var hasMeter = false
    /// In the order of their times.
    private(set) var samples: [Sample] = []

    /// One look at every device.
    struct Sample: Equatable, Sendable {
        /// Since 1970, in milliseconds.
        let time_ms: Int64
        /// In the order of the recording's devices.
        let devices: [Reading]
        /// What the whole server's meter said; nil where it said nothing, or there is none.
        var server: Microwatts?
    }

    /// What was seen of a device.
    struct Reading: Equatable, Sendable {
        /// The average since the sample before, or what a sensor said; nil where that isn't known, and 0 of a device that sleeps.
        let power: Microwatts?
        /// Of the limit that is set, of a package the long-term one, what was in force: the lowest of all registers; nil where that isn't known.
        let limit: Microwatts?
    }

    init(_ devices: [Device], hasMeter: Bool = false) { (self.devices, self.hasMeter) = (devices, hasMeter) }

    /// - Returns: false where it isn't later than the one before, and isn't taken: the clock was set.
    mutating func add(_ sample: Sample) -> Bool {
        if let last = samples.last, sample.time_ms <= last.time_ms { return false }
        samples.append(sample)
        return true
    }

    /// How far its samples are apart on average.
    var apart: Milliseconds {
        guard let first = samples.first, let last = samples.last, samples.count > 1 else { return Milliseconds(0) }
        return Milliseconds(UInt64(last.time_ms - first.time_ms) / UInt64(samples.count - 1))
    }
}
