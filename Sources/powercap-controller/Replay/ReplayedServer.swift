internal import Policy
internal import PowercapProtocol

/// The whole server in a replay (BUDGET_OF=server), by the loop that `run` has: its rest is the recorded one, and beside that is drawn what the
/// devices would have drawn.
struct ReplayedServer {
    /// As the last decision left it.
    var loop = ServerLoop()
    /// Of the recording's devices those that are governed. What others draw is a part of the rest.
    private let governed: [Int]
    private let devices: [Device]
    private var noted_ms: Int64?
    /// Whether there is something to decide by since the last decision.
    private(set) var isNews = false

    /// `run` looks every 2 s; what was recorded as often is some milliseconds off.
    private static let step_ms = Int64(SharedPower.step.rawValue) * 9 / 10

    /// - Parameter first: the first sample, from whose limits the loop goes on.
    init(_ recording: Recording, governed: [Int], from first: Recording.Sample) {
        (self.governed, devices) = (governed, recording.devices)
        let inForce = governed.reduce(Microwatts.zero) { $0 + held(first, $1) }
        let drawn = governed.reduce(Microwatts.zero) { $0 + (first.devices[$1].power ?? held(first, $1)) }
        loop.note(meter: first.server, drawn: drawn, inForce: inForce, at: first.time_ms)
        noted_ms = first.time_ms
    }

    /// What a device counts at whose power isn't known.
    private func held(_ sample: Recording.Sample, _ index: Int) -> Microwatts {
        sample.devices[index].limit ?? devices[index].longTerm.ceiling
    }

    /// Takes what the devices would have drawn up to a sample.
    /// - Parameters:
    ///   - drawn: by each device of the recording; nil where that isn't known.
    ///   - limits: of each.
    mutating func note(_ sample: Recording.Sample, _ drawn: [Microwatts?], under limits: [Microwatts?]) {
        isNews = false
        if let noted_ms, sample.time_ms - noted_ms < ReplayedServer.step_ms { return }
        (noted_ms, isNews) = (sample.time_ms, true)
        var (recorded, replayed, inForce) = (Microwatts.zero, Microwatts.zero, Microwatts.zero)
        for index in governed {
            let limit = limits[index] ?? devices[index].longTerm.ceiling
            inForce = inForce + limit
            recorded = recorded + (sample.devices[index].power ?? held(sample, index))
            replayed = replayed + (drawn[index] ?? limit)
        }
        loop.note(meter: sample.server.map { $0 - recorded + replayed }, drawn: replayed, inForce: inForce, at: sample.time_ms)
    }
}
