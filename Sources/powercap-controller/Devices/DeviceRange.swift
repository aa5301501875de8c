internal import PowercapProtocol

/// What a device's limit may be set to.
struct DeviceRange: Equatable, Sendable {
    let floor: Microwatts
    /// Zero where nobody says how much is too much.
    let ceiling: Microwatts

    /// - Parameters:
    ///   - original: in force before the first change.
    ///   - minPower: the floor where the service names none; the original where that is less.
    init(_ found: FoundDevice, original: ServedLimit, minPower: Microwatts) {
        let step = found.step.rawValue
        let least = found.least ?? min(minPower, original.power ?? minPower)
        let most = found.most ?? max(found.standard ?? .zero, original.power ?? .zero)
        floor = Microwatts((least.rawValue + step - 1) / step * step)
        ceiling = Microwatts(most.rawValue / step * step)
    }
}
