internal import LinuxSystem
internal import Policy
internal import PowercapProtocol

/// The helper's operations, one method each. After any error but `.failed` the client is of no use any more.
struct HelperClient {
    let welcome: Welcome
    private let connection: HelperConnection

    var descriptorNumber: Int32 { connection.descriptorNumber }

    static let name = Name(constant: "powercap-controller")

    /// Connects and greets. The helper answers within a millisecond or not at all, so patience is short.
    ///
    /// A helper that ends closes its connections as it closes those of strangers, without a word.
    /// - Parameter isAskedAgain: by who doesn't come back by itself: one that has ended isn't there any more, one that was started
    ///   again answers, and one that closes a second time means it.
    init(connecting path: String, patience_ms: Int32 = 2_000, isAskedAgain: Bool = false) throws(HelperError) {
        do throws(HelperError) { (connection, welcome) = try HelperClient.greet(path, patience_ms) } catch {
            guard isAskedAgain, case .closed(greeting: true) = error else { throw error }
            do throws(HelperError) { (connection, welcome) = try HelperClient.greet(path, patience_ms) } catch {
                switch error {
                case .unreachable(_, .noEntry), .unreachable(_, .connectionRefused): throw .ended(path: path)
                default: throw error
                }
            }
        }
    }

    private static func greet(_ path: String, _ patience_ms: Int32) throws(HelperError) -> (HelperConnection, Welcome) {
        let connection = try HelperConnection(to: path, patience_ms: patience_ms)
        let welcome = try connection.exchange(
            .hello, expecting: .welcome, { Hello(clientName: HelperClient.name).encode(into: &$0) },
            { reader throws(ProtocolError) in try Welcome(from: &reader) })
        return (connection, welcome)
    }

    /// Who is in control, and every zone with what is known of it.
    func zones() throws(HelperError) -> HelperZones {
        var zones: [HelperZones.Zone] = []
        while true {
            let (header, more) = try page(from: UInt16(zones.count))
            zones += more
            // A helper that shows fewer than it counts, or counts anew, would be asked for ever.
            guard header.total > zones.count else {
                return HelperZones(header: header, minPower: welcome.minPower, zones: zones)
            }
            if more.isEmpty { throw .garbled(.badValue) }
        }
    }

    /// As many zones as one reply has, from `first` on.
    private func page(from first: UInt16) throws(HelperError) -> (ZonesHeader, [HelperZones.Zone]) {
        let version = welcome.version
        return try connection.exchange(
            .listZones, expecting: .zones, { if version >= Greeting.kindsVersion { $0.u16(first) } },
            { reader throws(ProtocolError) in
                let header = try ZonesHeader(from: &reader, version: version)
                guard Int(first) + Int(header.zoneCount) <= Limits.zones else { throw .badValue }
                var zones: [HelperZones.Zone] = []
                for _ in 0..<header.zoneCount {
                    let description = try ZoneDescription(from: &reader, version: version)
                    var constraints: [ConstraintDescription] = []
                    for _ in 0..<description.constraintCount {
                        constraints.append(try ConstraintDescription(from: &reader, version: version))
                    }
                    zones.append(HelperZones.Zone(description: description, constraints: constraints))
                }
                return (header, zones)
            })
    }

    /// Every counter, limit and enabled bit, read now.
    func sample() throws(HelperError) -> HelperSample {
        let version = welcome.version
        return try connection.exchange(.readSample, expecting: .sample, { _ in }) { reader throws(ProtocolError) in
            let header = try SampleHeader(from: &reader)
            var zones: [ZoneSample] = []
            zones.reserveCapacity(Int(header.zoneCount))
            for _ in 0..<header.zoneCount { zones.append(try ZoneSample(from: &reader, version: version)) }
            return HelperSample(time_ns: header.time_ns, zones: zones)
        }
    }

    /// Asks for control, or to keep the control that `previousToken` stands for.
    func acquire(lease_ms: UInt32, previousToken: UInt64) throws(HelperError) -> Control {
        try connection.exchange(
            .acquireControl, expecting: .control,
            { AcquireControl(lease_ms: lease_ms, previousToken: previousToken).encode(into: &$0) },
            { reader throws(ProtocolError) in try Control(from: &reader) })
    }

    /// A sign of life: the lease in ms from now.
    func renew(_ token: UInt64) throws(HelperError) -> UInt32 {
        try connection.exchange(
            .renew, expecting: .renewed, { $0.u64(token) }, { reader throws(ProtocolError) in try reader.u32() })
    }

    /// Sets limits, all or none: what was read back of each.
    func apply(_ items: [ApplyItem], token: UInt64) throws(HelperError) -> [AppliedItem] {
        let version = welcome.version
        return try connection.exchange(
            .apply, expecting: .applied,
            { writer in
                writer.u64(token)
                writer.u8(UInt8(items.count))
                for item in items { item.encode(into: &writer, version: version) }
            },
            { reader throws(ProtocolError) in
                guard try reader.u8() == items.count else { throw .badValue }
                var applied: [AppliedItem] = []
                for _ in items { applied.append(try AppliedItem(from: &reader, version: version)) }
                return applied
            })
    }

    /// Whether it knows fallback limits.
    var knowsFallback: Bool { welcome.version >= Greeting.fallbackVersion }

    /// Ends control. A helper that knows no fallback limit holds what is in force instead: nothing may rise.
    func release(_ token: UInt64, _ disposal: LimitDisposal) throws(HelperError) -> Released {
        let (version, disposal) = (welcome.version, knowsFallback || disposal != .fallback ? disposal : .hold)
        return try connection.exchange(
            .release, expecting: .released,
            { writer in
                writer.u64(token)
                writer.u8(disposal.rawValue)
            },
            { reader throws(ProtocolError) in try Released(from: &reader, version: version) })
    }
}

/// The reply to ListZones.
struct HelperZones: Equatable, Sendable {
    struct Zone: Equatable, Sendable {
        let description: ZoneDescription
        let constraints: [ConstraintDescription]
    }

    let header: ZonesHeader
    /// The helper's `--min-power`.
    var minPower = Microwatts.zero
    let zones: [Zone]

    /// Why counters and sensors can't be read, by the zone's id: ENOENT where there is none, ESHUTDOWN where the device sleeps.
    func energyErrors(in sample: HelperSample) -> [String: Errno] {
        var errors: [String: Errno] = [:]
        for zone in zones {
            guard let errno = sample.zone(zone.description.index)?.reading.errno, errno != 0 else { continue }
            errors[zone.description.id.string] = Errno(Int32(errno))
        }
        return errors
    }
}

/// The reply to ReadSample.
struct HelperSample: Sendable {
    /// The helper's CLOCK_MONOTONIC.
    let time_ns: UInt64
    /// By the helper's index.
    let zones: [ZoneSample]

    func zone(_ index: UInt16) -> ZoneSample? { zones.first { $0.index == index } }
}

extension Array where Element == Zone {
    /// The controller's view of the helper's zones; a sample adds what changes.
    init(_ helper: HelperZones, _ sample: HelperSample?) {
        let ids = Dictionary(
            helper.zones.map { ($0.description.index, $0.description.id.string) }, uniquingKeysWith: { first, _ in first })
        self = helper.zones.map { zone in
            let now = sample?.zone(zone.description.index)
            return Zone(
                id: zone.description.id.string, parent: zone.description.parent.flatMap { ids[$0] },
                controlType: zone.description.controlType.string, name: zone.description.name.string,
                enabled: now.flatMap { $0.enabled == .unknown ? nil : $0.enabled == .yes },
                energy: zone.description.reading == .energy ? now?.reading.ifRead.map { Microjoules($0) } : nil,
                maxEnergyRange: zone.description.maxEnergyRange,
                power: zone.description.reading == .power ? now?.reading.ifRead.map { Microwatts($0) } : nil,
                isGone: now?.isGone == true,
                constraints: zone.constraints.enumerated().map { position, constraint in
                    let reading = now.flatMap { position < $0.constraintCount ? $0.limits[position] : nil }
                    return Constraint(constraint, reading, minPower: helper.minPower)
                })
        }
    }
}

extension Constraint {
    fileprivate init(_ description: ConstraintDescription, _ reading: Reading?, minPower: Microwatts) {
        self.init(
            index: description.index, name: description.name.string, powerLimit: reading?.ifRead.map { Microwatts($0) },
            readErrno: reading?.errno ?? 0,
            timeWindowMicroseconds: description.flags.contains(.hasTimeWindow) ? description.originalWindow_us : nil,
            maxPower: description.maxPower,
            original: description.flags.contains(.originalKnown) && !description.flags.contains(.originalDisabled)
                ? description.original : nil,
            step: description.step, floor: description.floor,
            ceiling: description.ceiling, minPower: minPower, obstacle: description.obstacle)
    }
}
