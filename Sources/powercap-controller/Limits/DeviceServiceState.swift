/// How it stands with a service that has devices, for whoever shows it.
struct DeviceServiceState: Equatable, Sendable {
    /// The word of DEVICE_URL.
    let url: String
    /// How many of its devices are there.
    let devices: Int
    /// When the last look began that showed something, on CLOCK_MONOTONIC; nil before the first.
    let answered_ns: UInt64?
    /// Why the last look came to nothing, a clause; nil where it didn't, and before the first.
    let problem: String?

    /// It answers.
    var isUp: Bool { problem == nil && answered_ns != nil }
}
