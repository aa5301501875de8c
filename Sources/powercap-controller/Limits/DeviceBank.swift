internal import PowercapProtocol

/// Devices whose limits the controller sets by itself, beside the helper's: behind a service, not in sysfs. Everything else of the controller
/// takes them for zones of the helper's. Nothing here waits: what takes time goes on beside the loop, and samples tell how it ended.
protocol DeviceBank: AnyObject {
    /// Every device as the helper would describe it. The index counts from 0, and is a device's for as long as this process lives; none lies
    /// in another.
    var zones: [HelperZones.Zone] { get }
    /// Counts up whenever `zones` isn't what it was: they are then taken anew.
    var generation: UInt64 { get }
    /// What is known now, one for each of `zones`. What can't be read has an errno, and is never 0.
    func sample() -> [ZoneSample]
    /// Asks for limits: all are taken on, and pending from then on, or none.
    /// - Parameter items: limits are multiples of the constraint's step from its floor to its ceiling.
    /// - Throws: the item that can't be taken on, and why. Nothing is done then.
    func apply(_ items: [ApplyItem]) throws(Failure) -> [AppliedItem]
    /// The services that it asks.
    var states: [DeviceServiceState] { get }
    /// Readable when something happened; nil where nothing ever does.
    var descriptorNumber: Int32? { get }
    /// When `step` has something to do though nothing happened, in ns of CLOCK_MONOTONIC; `.max` is never.
    var due_ns: UInt64 { get }
    /// Does what is due, and takes what has come.
    /// - Returns: whether `sample` has something new to say.
    func step(_ now_ns: UInt64) -> Bool
    /// Ends control, waiting so long at most. What couldn't be put back is put back at the next start.
    func release(_ disposal: LimitDisposal, patience_ms: Int32) -> Released
}

/// The helper's zones and the bank's as one list. The bank's have indices of their own, far above any that a helper gives.
enum BankIndex {
    static let first: UInt16 = 0x8000

    static func isBank(_ index: UInt16) -> Bool { index >= first }
}

extension HelperZones {
    /// With a bank's devices behind the helper's zones.
    func joined(by bank: (any DeviceBank)?) -> HelperZones {
        guard let bank else { return self }
        let more = bank.zones.map { zone in
            var description = zone.description
            description.index += BankIndex.first
            return Zone(description: description, constraints: zone.constraints)
        }
        return HelperZones(header: header, minPower: minPower, zones: zones + more)
    }
}

extension HelperSample {
    /// With what is known of a bank's devices behind the helper's zones.
    func joined(by bank: (any DeviceBank)?) -> HelperSample {
        guard let bank else { return self }
        let more = bank.sample().map { sample in
            var sample = sample
            sample.index += BankIndex.first
            return sample
        }
        return HelperSample(time_ns: time_ns, zones: zones + more)
    }
}
