internal import LinuxSystem
internal import Policy
internal import PowercapProtocol

/// The devices of the connected helper and of the bank, and for each of their limits what was asked for and what is in force. It decides
/// nothing and sends nothing: it says what has to be written for a decision, and takes note of what became of it.
struct NodeLimits {
    var entries: [Entry]
    /// Every zone as it was last seen.
    private(set) var zones: [Zone]
    private let described: HelperZones
    /// Power on its way between packages; nil where limits go up and down at once.
    var handover: Handover?
    /// The next boot begins at the fallback limits that are held.
    var isFallbackKept: Bool
    /// Limits that are to go up wait for power that isn't free yet.
    var isWaiting = false
    /// Why counters and sensors can't be read, by the zone's id.
    var energyErrors: [String: Errno] = [:]
    let policy: PowerPolicy

    /// nil where it was read.
    func energyError(of zone: Zone) -> Errno? { energyErrors[zone.id] }

    /// What a zone's reading is.
    func reading(of zone: Zone) -> ReadingKind {
        described.zones.first { $0.description.id.string == zone.id }?.description.reading ?? .none
    }

    /// - Parameters:
    ///   - sample: read after `zones`.
    ///   - policy: what it governs.
    init(_ zones: HelperZones, _ sample: HelperSample, _ policy: PowerPolicy = PowerPolicy()) {
        self.zones = [Zone](zones, sample)
        (described, self.policy) = (zones, policy)
        isFallbackKept = zones.isFallbackKept
        energyErrors = zones.energyErrors(in: sample)
        entries = Device.all(in: self.zones, policy).compactMap { Entry($0, .part, zones, sample) }
        for index in entries.indices {
            guard let mirror = entries[index].device.mirror.flatMap({ Device.mirror($0, in: self.zones) }) else { continue }
            if let entry = Entry(mirror, .mirror(of: index), zones, sample) { entries.append(entry) }
        }
        entries += Device.servers(in: self.zones, policy).compactMap { Entry($0, .server, zones, sample) }
    }

    /// What a decision is made over: the packages that are there, in the order of `present`. One that is locked, refuses its
    /// limit, or has another party's, takes what it takes and the others share the rest (P8).
    var devices: [Device] {
        present.map { index in
            var device = entries[index].device
            let tracked = entries[index].longTerm
            if device.fixed != nil || tracked.isSkipped || tracked.isLeft {
                device.fixed = min(tracked.inForce ?? device.fixed ?? device.longTerm.ceiling, device.most)
            }
            return device
        }
    }

    /// The caps of the whole server that are there.
    var servers: [Device] { presentServers.map { entries[$0].device } }

    /// Everything that the last decision asked for is in force.
    var isComplete: Bool {
        entries.allSatisfy { entry in
            if entry.isGone { return true }
            let isSet =
                entry.device.fixed != nil || entry.longTerm.asked != nil && !entry.longTerm.isLeft && !entry.longTerm.isPending
            return isSet && entry.shortTerm?.refusal == nil
        }
    }

    /// The entries that the node's limit is divided over, and whose zone isn't gone.
    var present: [Int] { entries.indices.filter { entries[$0].role == .part && !entries[$0].isGone } }

    /// Those that the node's limit is divided over, also where the zone is gone.
    var parts: [Entry] { entries.filter { $0.role == .part } }

    /// Some write goes on beside the loop.
    var isPending: Bool { entries.contains { !$0.isGone && $0.longTerm.isPending } }

    /// What GOVERN names, and isn't here.
    var missing: [Governable] { policy.missing(in: zones) }

    /// Those of the whole server.
    private var presentServers: [Int] { entries.indices.filter { entries[$0].role == .server && !entries[$0].isGone } }

    // MARK: Writing

    /// A limit to be written.
    struct Change: Equatable, Sendable {
        let entry: Int
        let isShortTerm: Bool
        let to: Microwatts
        /// What is in force now; nil when it isn't known.
        let from: Microwatts?
        /// What it is to become when the controller is lost; zero is its original.
        var fallback = Microwatts.zero
        /// The limit is the one that is in force; what it becomes is another.
        var isOfFallbackAlone = false
        let reason: Reason
    }

    /// What has to be written for a decision over `devices`: first what becomes less, so that the limits together never
    /// exceed the budget on the way, then the rest. Among either, what was refused before comes first: a batch that fails again
    /// then fails early.
    func changes(for decision: Decision) -> [Change] {
        var changes: [Change] = []
        for (index, limit) in zip(present, decision.devices) { changes += self.changes(of: index, to: limit) }
        for (index, limit) in zip(presentServers, decision.server?.caps ?? []) { changes += self.changes(of: index, to: limit) }
        let parts = Dictionary(zip(present, decision.devices), uniquingKeysWith: { first, _ in first })
        for index in entries.indices where !entries[index].isGone {
            guard case .mirror(let lead) = entries[index].role, let limit = parts[lead] else { continue }
            changes += self.changes(of: index, to: limit.within(entries[index].device))
        }
        return changes.sorted { rank($0) < rank($1) }
    }

    private func changes(of index: Int, to limit: DeviceLimit) -> [Change] {
        let entry = entries[index]
        if entry.device.fixed != nil || entry.longTerm.isSkipped || entry.longTerm.isLeft { return [] }
        var changes: [Change] = []
        let fallback = limit.fallback?.longTerm ?? .zero
        // A zone takes one write at a time: what is asked for meanwhile is asked for when it has ended.
        let isOther = entry.longTerm.asked != limit.longTerm || entry.longTerm.askedFallback != fallback
        if isOther, !entry.longTerm.isPending {
            changes.append(
                Change(
                    entry: index, isShortTerm: false, to: limit.longTerm, from: entry.longTerm.inForce, fallback: fallback,
                    isOfFallbackAlone: entry.longTerm.asked == limit.longTerm, reason: limit.reason))
        }
        if let tracked = entry.shortTerm, let shortTerm = limit.shortTerm, !tracked.isSkipped, !tracked.isLeft {
            let fallback = limit.fallback?.shortTerm ?? .zero
            if tracked.asked == shortTerm, tracked.askedFallback == fallback { return changes }
            changes.append(
                Change(
                    entry: index, isShortTerm: true, to: shortTerm, from: tracked.inForce, fallback: fallback,
                    isOfFallbackAlone: tracked.asked == shortTerm, reason: limit.reason))
        }
        return changes
    }

    private func rank(_ change: Change) -> Int {
        (change.isIncrease ? 2 : 0) + (self[change].refusal == nil ? 1 : 0)
    }

    func items(_ changes: [Change]) -> [ApplyItem] {
        changes.map { ApplyItem(zone: entries[$0.entry].zone, constraint: self[$0].index, limit: $0.to, fallback: $0.fallback) }
    }

    /// P4: what is in force is what was read back.
    mutating func note(_ change: Change, _ applied: AppliedItem) {
        settle(change, applied.effective)
        self[change].asked = change.to
        self[change].inForce = applied.effective
        self[change].isPending = applied.isPending
        self[change].askedFallback = change.fallback
        self[change].fallback = change.fallback == .zero ? nil : min(change.fallback, applied.effective)
        self[change].refusal = nil
        if !applied.isPending { see(applied.effective, change) }
    }

    /// The helper could not set this limit: it isn't tried again before `retry`, or until what is being written there is in force.
    mutating func note(_ change: Change, _ failure: Failure) {
        if failure.code == .writePending { return self[change].awaitOther(upTo: entries[change.entry].device.longTerm.ceiling) }
        if failure.code == .zoneGone { entries[change.entry].isGone = true }
        self[change].refusal = failure.code
        self[change].isSkipped = true
        self[change].asked = nil
        self[change].isPending = false
        see(nil, change)
    }

    /// Keeps `zones` up with what a write has shown of the governed register.
    private mutating func see(_ effective: Microwatts?, _ change: Change) {
        guard let zone = zones.firstIndex(where: { $0.id == entries[change.entry].device.zone }),
            let position = zones[zone].constraints.firstIndex(where: { $0.name == self[change].name })
        else { return }
        if let effective {
            (zones[zone].constraints[position].powerLimit, zones[zone].constraints[position].readErrno) = (effective, 0)
        }
        markLock(zone, position, self[change])
    }

    /// Only a write shows a lock, and only a write its end.
    private mutating func markLock(_ zone: Int, _ position: Int, _ tracked: Tracked) {
        if tracked.refusal == .locked {
            zones[zone].constraints[position].obstacle = .locked
        } else if zones[zone].constraints[position].obstacle == .locked {
            zones[zone].constraints[position].obstacle = .none
        }
    }

    mutating func see(_ sample: HelperSample) {
        zones = [Zone](described, sample)
        energyErrors = described.energyErrors(in: sample)
        for entry in entries {
            guard let zone = zones.firstIndex(where: { $0.id == entry.device.zone }) else { continue }
            for tracked in [entry.longTerm, entry.shortTerm].compactMap({ $0 }) {
                if let position = zones[zone].constraints.firstIndex(where: { $0.name == tracked.name }) {
                    markLock(zone, position, tracked)
                }
            }
        }
    }

    /// A new decision tries everything again.
    mutating func retry() {
        for index in entries.indices {
            entries[index].longTerm.isSkipped = false
            entries[index].shortTerm?.isSkipped = false
        }
    }

    subscript(change: Change) -> Tracked {
        get { change.isShortTerm ? entries[change.entry].shortTerm! : entries[change.entry].longTerm }
        set {
            if change.isShortTerm {
                entries[change.entry].shortTerm = newValue
            } else {
                entries[change.entry].longTerm = newValue
            }
        }
    }
}

extension DeviceLimit {
    /// The same for another register, which has bounds of its own.
    fileprivate func within(_ device: Device) -> DeviceLimit {
        func held(_ limit: Microwatts, _ range: Device.LimitRange) -> Microwatts { min(max(limit, range.floor), range.ceiling) }
        var limit = self
        limit.longTerm = held(longTerm, device.longTerm)
        limit.shortTerm = shortTerm.flatMap { most in device.shortTerm.map { held(most, $0) } }
        limit.fallback = fallback.map { fallback in
            Fallback(
                longTerm: held(fallback.longTerm, device.longTerm),
                shortTerm: fallback.shortTerm.flatMap { most in device.shortTerm.map { held(most, $0) } })
        }
        return limit
    }
}
