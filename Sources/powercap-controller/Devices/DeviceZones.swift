internal import LinuxSystem
internal import PowercapProtocol

/// The devices as the helper describes those of the kernel.
extension DeviceServices {
    static let constraint = Name(constant: "power_limit")

    var zones: [HelperZones.Zone] { ids.indices.compactMap { index in device(index).flatMap { zone($0, UInt16(index)) } } }

    private func zone(_ device: ServedDevice, _ index: UInt16) -> HelperZones.Zone? {
        guard let id = Name(device.id), let controlType = Name(device.found.kind.rawValue) else { return nil }
        let constraints = device.found.kind == .redfishServer ? [] : [constraint(device)]
        return HelperZones.Zone(
            description: ZoneDescription(
                index: index, parent: nil, controlType: controlType, id: id, name: Name(device.found.name) ?? id, reading: .power,
                maxEnergyRange: Microjoules(0), constraintCount: UInt8(constraints.count)),
            constraints: constraints)
    }

    private func constraint(_ device: ServedDevice) -> ConstraintDescription {
        let range = range(device)
        var flags: ConstraintDescription.Flags = [.isSlow]
        if let original = originals[device.id] {
            flags.insert(.originalKnown)
            if original.limit == .off { flags.insert(.originalDisabled) }
        }
        if saved.contains(where: { $0.id == device.id }) { flags.insert(.changed) }
        return ConstraintDescription(
            index: 0, name: DeviceServices.constraint, flags: flags, obstacle: obstacle(device),
            original: originals[device.id]?.limit.power ?? .zero, maxPower: device.found.most ?? .zero, floor: range.floor,
            ceiling: range.ceiling, originalWindow_us: 0, requested: requested[device.id] ?? .zero,
            fallback: device.fallback ?? .zero, step: device.found.step)
    }

    func obstacle(_ device: ServedDevice) -> Obstacle {
        if !isGoverned { return .notGoverned }
        if device.isGone { return .zoneGone }
        if !device.found.isSettable { return .writeDenied }
        if fileProblem != nil && !isOnlyLookedAt || originals[device.id] == nil { return .originalUnknown }
        let range = range(device)
        return range.ceiling < range.floor || range.ceiling == .zero ? .ceilingBelowFloor : .none
    }

    func sample() -> [ZoneSample] {
        ids.indices.compactMap { index in
            guard let device = device(index) else { return nil }
            let isMeasured = device.found.kind == .redfishServer
            var sample = ZoneSample(index: UInt16(index), constraintCount: isMeasured ? 0 : 1)
            sample.isGone = device.isGone
            sample.isWriting = device.isWriting
            sample.lastWrite = device.lastWrite
            sample.reading = device.power.map { Reading($0.rawValue) } ?? .noData
            switch device.limit {
            case .set(let limit): sample.limits[0] = Reading(limit.rawValue)
            case .off: sample.limits[0] = Reading(0)
            case .unknown: sample.limits[0] = .noData
            }
            return sample
        }
    }

    func range(_ device: ServedDevice) -> DeviceRange {
        DeviceRange(device.found, original: originals[device.id]?.limit ?? .unknown, minPower: minPower)
    }
}

extension Reading {
    /// What isn't known.
    fileprivate static let noData = Reading(errno: UInt8(Errno.noData.number))
}
