internal import LinuxSystem
internal import Policy
internal import PowercapProtocol

// A device of the helper or of the bank, and what is known of each of its limits.

extension NodeLimits {
    /// A constraint that is governed.
    struct Tracked: Equatable, Sendable {
        let name: String
        let index: UInt8
        /// Where the zone's limits have it in a sample.
        let position: Int
        /// What was last asked for and granted; nil before the first time, and when it has to be set again.
        var asked: Microwatts?
        /// What was read back then, or found since; nil when it isn't known.
        var inForce: Microwatts?
        /// What it becomes when the controller is lost, as the helper holds it; nil where the original comes back.
        var fallback: Microwatts?
        /// What was last asked for of that; nil before the first time. Zero is none.
        var askedFallback: Microwatts?
        /// Its writes go on beside the loop.
        var isSlow = false
        /// What was asked for is on its way: `inForce` is the most that may be in force meanwhile.
        var isPending = false
        /// Why the last attempt failed; nil when it didn't.
        var refusal: ErrorCode?
        /// Another party's limit is left alone.
        var isLeft = false
        /// Not to be tried again before the next decision.
        var isSkipped = false
        /// Why the last sample doesn't have it; 0 where it does.
        var readErrno: UInt8 = 0
        /// Another party changes it again and again.
        var drift = Spell()
        /// It is set again as so often before.
        var isRepeated: Bool { drift.count > 1 }

        /// Something is being written that this controller didn't ask for: a former one's, or the original at its end. Where to nobody knows.
        mutating func awaitOther(upTo ceiling: Microwatts) {
            (isPending, asked) = (true, nil)
            inForce = max(inForce ?? ceiling, ceiling)
        }
    }

    /// What an entry's limit is of the decision.
    enum Role: Equatable, Sendable {
        /// A part of the node's limit.
        case part
        /// The same as that of another entry, in another register of the same package.
        case mirror(of: Int)
        /// The whole server's.
        case server
    }

    struct Entry: Equatable, Sendable {
        let device: Device
        var role = Role.part
        let zone: UInt16
        /// What its zone's reading is.
        let reading: ReadingKind
        let energyRange: Microjoules
        var longTerm: Tracked
        var shortTerm: Tracked?
        var isGone = false
        /// Whether it was last told that its limits are enforced.
        var toldEnforced = true
        /// Who limits it to less than the governed register, and how often that changes.
        var toldLower: String?
        var lower = Spell()
    }
}

extension NodeLimits.Entry {
    /// nil where the zone has no such limit.
    init?(_ device: Device, _ role: NodeLimits.Role, _ zones: HelperZones, _ sample: HelperSample) {
        guard let zone = zones.zones.first(where: { $0.description.id.string == device.zone }) else { return nil }
        func tracked(_ name: String) -> NodeLimits.Tracked? {
            guard let position = zone.constraints.firstIndex(where: { $0.name.string == name }) else { return nil }
            let constraint = zone.constraints[position]
            let reading = sample.zone(zone.description.index).map { $0.limits[position] }
            // Known before it is tried: the others divide what it leaves from the first decision on.
            let isLocked = constraint.obstacle == .locked
            return NodeLimits.Tracked(
                name: name, index: constraint.index, position: position, inForce: reading.flatMap { device.limit($0) },
                fallback: constraint.heldFallback, isSlow: constraint.flags.contains(.isSlow),
                refusal: isLocked ? .locked : nil, isSkipped: isLocked)
        }
        guard var longTerm = tracked(device.constraint) else { return nil }
        if sample.zone(zone.description.index)?.isWriting == true { longTerm.awaitOther(upTo: device.longTerm.ceiling) }
        self.init(
            device: device, role: role, zone: zone.description.index, reading: zone.description.reading,
            energyRange: zone.description.maxEnergyRange,
            longTerm: longTerm, shortTerm: device.shortTerm == nil ? nil : tracked("short_term"))
    }
}

extension Device {
    /// What a reading of its limit says; nil where it says nothing, or that there is no limit.
    func limit(_ reading: Reading) -> Microwatts? { reading.ifRead.flatMap { $0 == 0 && isOffAtZero ? nil : Microwatts($0) } }
}
