internal import PowercapProtocol

/// What the whole server would have drawn, of the times at which its meter said something: the recorded rest of it, and beside that what the
/// devices would have drawn.
struct ServerOutcome: Equatable {
    /// In µW·ms: with what the devices would have drawn at least.
    private(set) var least: UInt128 = 0
    /// The same, with what they would have drawn at most.
    private(set) var most: UInt128 = 0
    /// In µW·ms: what it took beside its devices, as far as it is known what they drew.
    private(set) var rest: UInt128 = 0
    private(set) var counted_ms: UInt64 = 0
    /// How long it would have drawn more than its limit, with what the devices would have drawn at most; nil where it has no limit.
    private(set) var above_ms: UInt64?

    /// What its devices drew in the recording, and would have drawn, as far as that is known.
    struct Devices {
        private(set) var (drawn, least, most) = (Microwatts.zero, Microwatts.zero, Microwatts.zero)

        mutating func add(_ drawn: Microwatts, least: Microwatts, most: Microwatts) {
            (self.drawn, self.least, self.most) = (self.drawn + drawn, self.least + least, self.most + most)
        }
    }

    mutating func note(_ meter: Microwatts, _ devices: Devices, limit: Microwatts?, for time_ms: UInt64) {
        let rest = meter - devices.drawn
        counted_ms += time_ms
        self.rest += UInt128(rest.rawValue) * UInt128(time_ms)
        least += UInt128((rest + devices.least).rawValue) * UInt128(time_ms)
        most += UInt128((rest + devices.most).rawValue) * UInt128(time_ms)
        if let limit { above_ms = (above_ms ?? 0) + (rest + devices.most > limit ? time_ms : 0) }
    }
}
