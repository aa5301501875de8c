import LinuxSystem
import PowercapProtocol

/// What can be measured or limited, with its open files.
final class Zone {
    /// Position in the helper's list, which is its number on the wire.
    let index: UInt16
    let parent: UInt16?
    let identity: ZoneIdentity
    var controlType: Name { identity.controlType }
    var id: Name { identity.id }
    var name: Name { identity.name }
    /// Its directory, for messages.
    let path: String
    /// Zero where there is no energy counter.
    let maxEnergyRange: Microjoules
    let readingKind: ReadingKind
    /// A file of its that is root's alone to write, for who checks that it can't be opened any more.
    let witness: String
    /// `energy_uj` or another counter, or a power.
    let reading: Attribute?
    /// `power/runtime_status` of a device that would have to wake up to be read.
    let sleep: SleepStatus?
    let enabled: Attribute?
    let constraints: [Constraint]
    /// Its driver may let its caller wait.
    let isSlow: Bool
    /// Its files are read and written by a thread of its own: nobody else touches them.
    var isBeside = false
    /// A write beside the loop is under way, or to be done; and why the last one failed.
    var isWriting = false
    var lastWrite: ErrorCode?
    /// What the thread has read last.
    var lastReading = Zone.unanswered
    /// Of a driver that lets its thread wait.
    static let unanswered = Reading(errno: UInt8(Errno.timedOut.number))
    /// Its descriptors answered ENODEV. They do so for ever, also when the zone is back: it has to be opened again.
    private(set) var isGone = false

    init(
        index: UInt16, parent: UInt16?, identity: ZoneIdentity, path: String, maxEnergyRange: Microjoules = Microjoules(0),
        readingKind: ReadingKind = .none, witness: String = "energy_uj", reading: consuming Attribute? = nil,
        sleep: SleepStatus? = nil,
        isSlow: Bool = false, enabled: consuming Attribute? = nil, constraints: [Constraint]
    ) {
        self.isSlow = isSlow
        (self.index, self.parent, self.identity) = (index, parent, identity)
        (self.path, self.maxEnergyRange, self.constraints) = (path, maxEnergyRange, constraints)
        (self.readingKind, self.sleep, self.witness) = (readingKind, sleep, "\(path)/\(witness)")
        self.reading = reading
        self.enabled = enabled
    }

    /// Passes an errno on, and remembers when it says that the zone is gone.
    func noting(_ errno: Errno) -> Errno {
        if errno == .noDevice { isGone = true }
        return errno
    }

    func constraint(_ index: UInt8) -> Constraint? {
        for constraint in constraints where constraint.index == index { return constraint }
        return nil
    }

    /// A constraint's limit and window now; of a device that sleeps, what was read last, so that looking doesn't wake it.
    func setting(of constraint: Constraint) throws(Errno) -> Constraint.Setting {
        if isBeside || sleep?.isAsleep() == true, let limit = constraint.lastLimit {
            return Constraint.Setting(limit: limit, window_us: 0)
        }
        if isBeside { throw .noData }
        return try constraint.readSetting()
    }

    /// Everything that changes, read now. An ENODEV marks the zone as gone. A device that sleeps is left asleep: its limits are what they
    /// were.
    func sample() -> ZoneSample {
        var sample = ZoneSample(index: index, constraintCount: 0)
        self.sample(into: &sample)
        return sample
    }

    /// The same, in the place of what was read of another zone: many of them aren't made and copied for each reply.
    func sample(into sample: inout ZoneSample) {
        sample.begin(index: index, constraintCount: UInt8(constraints.count))
        if isBeside {
            (sample.reading, sample.isWriting, sample.lastWrite) = (lastReading, isWriting, lastWrite)
            for position in 0..<constraints.count { sample.limits[position] = constraints[position].lastRead }
            sample.isGone = isGone
            return
        }
        if let sleep, sleep.isAsleep() {
            sample.reading = Reading(errno: UInt8(Errno.shutdown.number))
            for position in 0..<constraints.count { sample.limits[position] = constraints[position].lastRead }
            sample.isGone = isGone
            return
        }
        sample.reading = reading { () throws(Errno) in try reading.readOrAbsent() }
        switch reading({ () throws(Errno) in try enabled.readOrAbsent() }).ifRead {
        case 0: sample.enabled = .no
        case 1: sample.enabled = .yes
        default: sample.enabled = .unknown
        }
        for position in 0..<constraints.count {
            let constraint = constraints[position]
            sample.limits[position] = reading { () throws(Errno) in try constraint.limit.readOrAbsent() }
            constraint.note(sample.limits[position])
            sample.limits[position] = constraint.lastRead
        }
        sample.isGone = isGone
    }

    @inline(__always)
    private func reading(_ read: () throws(Errno) -> UInt64) -> Reading {
        do { return Reading(try read()) } catch { return Reading(errno: UInt8(clamping: noting(error).number)) }
    }

    /// How its reading is to be understood.
    var readingFormat: Attribute.Format { Attribute.Format(hasGaps: readingKind == .power) }

    var description: ZoneDescription {
        ZoneDescription(
            index: index, parent: parent, controlType: controlType, id: id, name: name, reading: readingKind,
            maxEnergyRange: maxEnergyRange, constraintCount: UInt8(constraints.count))
    }

    /// Bytes of this zone in a Zones reply; a Sample needs fewer.
    var describedBytes: Int {
        constraints.reduce(description.encodedBytes) { $0 + ConstraintDescription.fixedBytes + $1.name.count }
    }
}

extension Array where Element == Zone {
    /// Those from `first` on that one frame describes.
    func described(from first: Int) -> Range<Int> {
        var end = Swift.min(first, count)
        var room = Frame.maximumPayload - ZonesHeader.maximumBytes
        let start = end
        while end < count, self[end].describedBytes <= room {
            room -= self[end].describedBytes
            end += 1
        }
        return start..<end
    }
}

extension Optional where Wrapped: ~Copyable {
    fileprivate var isPresent: Bool {
        switch self {
        case .some: true
        case .none: false
        }
    }
}

extension Optional where Wrapped == Attribute {
    /// The value, or ENOENT where the zone has no such file.
    borrowing func readOrAbsent() throws(Errno) -> UInt64 {
        switch self {
        case .some(let attribute): return try attribute.read()
        case .none: throw .noEntry
        }
    }

    borrowing func writeOrAbsent(_ value: UInt64) throws(Errno) {
        switch self {
        case .some(let attribute): try attribute.write(value)
        case .none: throw .noEntry
        }
    }

    var isThere: Bool { isPresent }

    /// -1 where there is no file.
    var descriptorNumber: Int32 {
        switch self {
        case .some(let attribute): attribute.descriptorNumber
        case .none: -1
        }
    }
}
