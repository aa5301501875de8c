internal import LinuxSystem
internal import Policy
internal import PowercapProtocol

/// A power zone with its limits: what `status` has a line for.
struct ZoneState: Equatable, Sendable {
    let id: String
    let parent: String?
    let controlType: String
    let name: String
    /// What it is; nil of a part of something, and of what means nothing here.
    let kind: DeviceKind?
    /// What its reading is: a counter of energy, a sensor of power, or nothing.
    let reading: ReadingKind
    /// Its package's number; nil of zones that belong to none.
    let package: String?
    let isGone: Bool
    /// nil where it can't be read.
    let enabled: Bool?
    /// Its limits are not enforced.
    let isDisabled: Bool
    let power: Microwatts?
    /// It sleeps, and isn't read so that it goes on sleeping.
    var isSuspended: Bool { energyError == Errno.shutdown.name }
    /// Why its counter or its sensor can't be read, as errno's name: `ENOENT` where there is none. nil where it was read.
    let energyError: String?
    let limits: [Limit]

    struct Limit: Equatable, Sendable {
        let name: String
        let original: Microwatts?
        /// What was last asked for; nil where nothing was.
        let asked: Microwatts?
        /// What this zone's register holds; nil where it can't be read.
        let register: Microwatts?
        /// Why not, as errno's name; nil where it can, and where nothing is known of that.
        let registerError: String?
        /// The lowest of every register that limits the same; nil where that isn't known, or nothing is enforced.
        let inForce: Microwatts?
        /// The control type whose register that is.
        let holder: String?
        let floor: Microwatts
        let ceiling: Microwatts
        /// What the limit becomes when the controller is lost; nil where the original comes back.
        var fallback: Microwatts?
        /// The limit is this system's doing.
        let isChanged: Bool
        let obstacle: Obstacle
        /// Why what was asked for isn't in force; nil where there is nothing to say.
        let note: String?
    }
}

extension ZoneState {
    /// - Parameters:
    ///   - zone: one of `zones`.
    ///   - asked: what was last asked for of a constraint, what it becomes, and whether its limit is this system's doing.
    init(
        _ zone: Zone, in zones: [Zone], reading: ReadingKind, power: Microwatts?, energyError: Errno?,
        asked: (_ constraint: String) -> (limit: Microwatts?, fallback: Microwatts?, isChanged: Bool)
    ) {
        (id, parent, controlType, name) = (zone.id, zone.parent, zone.controlType, zone.name)
        (kind, self.reading) = (zone.parent == nil ? zone.kind : nil, reading)
        package = zone.packageNumber(in: zones)
        (isGone, enabled, isDisabled) = (zone.isGone, zone.enabled, zone.isDisabled)
        (self.power, self.energyError) = (power, energyError?.name)
        limits = zone.constraints.map { constraint in
            let (asked, fallback, isChanged) = asked(constraint.name)
            let all = InForce(of: constraint.name, zone, in: zones)
            let inForce = all.limit
            return Limit(
                name: constraint.name, original: constraint.original, asked: asked, register: constraint.powerLimit,
                registerError: constraint.readErrno == 0 ? nil : Errno(Int32(constraint.readErrno)).name, inForce: inForce,
                holder: inForce == nil ? nil : all.holder?.controlType, floor: constraint.floor,
                ceiling: constraint.ceiling, fallback: fallback, isChanged: isChanged, obstacle: constraint.obstacle,
                note: ZoneState.note(on: constraint, of: zone, in: zones, asked: asked))
        }
    }

    private static func note(on constraint: Constraint, of zone: Zone, in zones: [Zone], asked: Microwatts?) -> String? {
        if zone.isGone { return nil }
        // What lies in a package, and psys, is only measured; a lock is known only where somebody has tried.
        if zone.isOff(constraint) { return "no limit is in force" }
        guard zone.parent == nil, zone.word != nil else { return constraint.obstacle == .locked ? Standing.locked.words : nil }
        // Another register of a package, and what nobody was told to govern, are only measured.
        let isOther = zone.controlType != InForce.governed && asked == nil
        if isOther, constraint.obstacle != .locked { return nil }
        let standing = Standing(of: constraint, zone, in: zones)
        if standing != .asAsked { return standing.words }
        guard let asked else { return nil }
        return constraint.powerLimit?.isRounding(of: asked) != true ? "another party has changed it" : nil
    }
}

extension Zone {
    /// Of `package-0` and what lies in it: `0`; of `package-0-die-1`: `0`.
    fileprivate func packageNumber(in zones: [Zone]) -> String? {
        var zone = self
        while let parent = zone.parent, let outer = zones.first(where: { $0.id == parent }) { zone = outer }
        return PackageName(zone.name).map { "\($0.package)" }
    }
}

extension NodeState {
    /// Every zone of the connected helper.
    var zones: [ZoneState] {
        guard let limits else { return [] }
        return limits.zones.map { zone in
            ZoneState(
                zone, in: limits.zones, reading: limits.reading(of: zone), power: power[zone.id],
                energyError: limits.energyError(of: zone)
            ) { constraint in
                let entry = limits.entries.first { $0.device.zone == zone.id }
                let tracked = entry.flatMap { entry in
                    [entry.longTerm, entry.shortTerm].lazy.compactMap { $0 }.first { $0.name == constraint }
                }
                return (tracked?.asked, tracked?.fallback, tracked?.asked != nil)
            }
        }
    }
}

extension Microwatts {
    /// Whether a register that is told to hold `asked` may read so. No unit of a power register is coarser than 1 W (Intel SDM 15.10.1).
    func isRounding(of asked: Microwatts) -> Bool { max(self, asked) - min(self, asked) < .watts(1) }
}
