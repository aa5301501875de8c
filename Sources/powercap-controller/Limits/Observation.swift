internal import LinuxSystem
internal import Policy
internal import PowercapProtocol

/// What samples say of limits: whether they are still as they were set, and what is worth telling.
extension NodeLimits {
    /// Something that a sample shows to be different.
    enum Observation: Equatable, Sendable {
        case gone(Device)
        case enabled(Device, Bool)
        /// P12: the limit isn't the one that was in force; another party, or firmware, changed it.
        case drift(Device, constraint: String, before: Microwatts, found: Microwatts, DriftAction, count: Int)
        /// After it was told, it went on so often, and hasn't for a while.
        case steady(Device, constraint: String, count: Int)
        /// P13: another register limits the package to less; nil: none does any more, after so many changes.
        case lower(Device, InForce.Register?, count: Int)
        /// A write that went on beside the loop has ended: it failed, and why, or what was asked for is in force (nil).
        case written(Device, constraint: String, ErrorCode?)
        /// As long as a limit can't be read, nobody knows whether it drifts. 0: it can be read again.
        case unreadable(Device, constraint: String, errno: UInt8)

        /// What was seen changes what the packages may take, or has to be put right.
        var callsForDecision: Bool {
            switch self {
            case .gone, .drift, .unreadable: true
            // Others may have what it doesn't, or has to have.
            case .written: true
            case .enabled, .steady, .lower: false
            }
        }
    }

    /// Compares a sample with what should be in force.
    /// - Parameter action: a drifted limit is marked to be set again, or left alone until the next connection.
    mutating func observe(_ sample: HelperSample, onDrift action: DriftAction) -> [Observation] {
        var observations: [Observation] = []
        see(sample)
        for index in entries.indices where !entries[index].isGone {
            guard let zone = sample.zone(entries[index].zone) else { continue }
            let device = entries[index].device
            if zone.isGone {
                entries[index].isGone = true
                observations.append(.gone(device))
                continue
            }
            if entries[index].longTerm.isPending {
                observations += end(index, zone)
                continue
            }
            // The others divide what a long-term limit leaves, also where it isn't ours.
            observations += entries[index].longTerm.observe(zone, of: device, action, always: true)
            observations += entries[index].shortTerm?.observe(zone, of: device, action) ?? []
        }
        return observations
    }

    /// Looks whether a write that goes on beside the loop has ended.
    private mutating func end(_ index: Int, _ zone: ZoneSample) -> [Observation] {
        if zone.isWriting { return [] }
        let (device, before) = (entries[index].device, entries[index].longTerm.inForce)
        let found = zone.limits[entries[index].longTerm.position]
        entries[index].longTerm.isPending = false
        entries[index].longTerm.readErrno = found.errno
        // Where nothing can be read, it may still be either of the two.
        if let now = device.limit(found) { entries[index].longTerm.inForce = now }
        // What became of a write that this controller didn't ask for is nothing to it.
        let refusal = entries[index].longTerm.asked == nil ? nil : zone.lastWrite
        if let code = refusal {
            entries[index].longTerm.refusal = code
            (entries[index].longTerm.isSkipped, entries[index].longTerm.asked) = (true, nil)
        } else {
            settle(index, from: before, to: entries[index].longTerm.inForce ?? device.longTerm.ceiling)
        }
        return [.written(device, constraint: entries[index].longTerm.name, refusal)]
    }

    /// What is different of the enforcement of limits and of registers that hold less since it was last asked. To be asked when
    /// what was decided has been written: a locked zone reads as if it were disabled, and only a write tells them apart.
    mutating func consequences() -> [Observation] {
        var observations: [Observation] = []
        for index in entries.indices
        where !entries[index].isGone && entries[index].role == .part && entries[index].device.ungoverned == nil {
            let device = entries[index].device
            let isEnforced = zones.first { $0.id == device.zone }?.isDisabled != true
            if isEnforced != entries[index].toldEnforced {
                entries[index].toldEnforced = isEnforced
                observations.append(.enabled(device, isEnforced))
            }
            let lower = inForce(entries[index]).lower
            let isTold = entries[index].toldLower != nil
            if let lower {
                // Who holds it counts, not how far: thermal daemons move such a limit every few seconds.
                if entries[index].toldLower != lower.controlType { observations.append(.lower(device, lower, count: 0)) }
                entries[index].toldLower = lower.controlType
                _ = entries[index].lower.note(true)
            } else if isTold, let count = entries[index].lower.note(false) {
                entries[index].toldLower = nil
                observations.append(.lower(device, nil, count: count))
            }
        }
        return observations
    }
}

extension NodeLimits.Tracked {
    /// Takes note of what is in force.
    /// - Parameter always: also where the limit isn't ours.
    fileprivate mutating func observe(
        _ zone: ZoneSample, of device: Device, _ action: DriftAction, always: Bool = false
    ) -> [NodeLimits.Observation] {
        guard position < zone.constraintCount else { return [] }
        let (before, lastErrno) = (inForce, readErrno)
        let reading = zone.limits[position]
        readErrno = reading.errno
        if reading.ifRead != nil { inForce = device.limit(reading) }
        guard asked != nil || always else { return [] }
        guard let before, let found = inForce, found != before else {
            var observations: [NodeLimits.Observation] = []
            if let count = drift.note(false), count > 1 { observations.append(.steady(device, constraint: name, count: count)) }
            if readErrno != lastErrno { observations.append(.unreadable(device, constraint: name, errno: readErrno)) }
            return observations
        }
        _ = drift.note(true)
        let action = isLeft || asked == nil ? .leave : action
        if asked != nil {
            switch action {
            case .reassert: asked = nil
            case .leave: isLeft = true
            }
        }
        return [.drift(device, constraint: name, before: before, found: found, action, count: drift.count)]
    }
}
