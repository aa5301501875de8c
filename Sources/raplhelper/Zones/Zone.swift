import LinuxSystem
import PowercapProtocol

/// A power zone with its open files (Documentation/power/powercap/powercap.rst).
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
    let energy: Attribute?
    let enabled: Attribute?
    let constraints: [Constraint]
    /// Its descriptors answered ENODEV. They do so for ever, also when the zone is back: it has to be opened again.
    private(set) var isGone = false

    init(
        index: UInt16, parent: UInt16?, identity: ZoneIdentity, path: String, maxEnergyRange: Microjoules,
        energy: consuming Attribute?, enabled: consuming Attribute?, constraints: [Constraint]
    ) {
        (self.index, self.parent, self.identity) = (index, parent, identity)
        (self.path, self.maxEnergyRange, self.constraints) = (path, maxEnergyRange, constraints)
        self.energy = energy
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

    /// Everything that changes, read now. An ENODEV marks the zone as gone.
    func sample() -> ZoneSample {
        var sample = ZoneSample(index: index, constraintCount: UInt8(constraints.count))
        sample.reading = reading { () throws(Errno) in try energy.readOrAbsent() }
        switch reading({ () throws(Errno) in try enabled.readOrAbsent() }).ifRead {
        case 0: sample.enabled = .no
        case 1: sample.enabled = .yes
        default: sample.enabled = .unknown
        }
        for position in 0..<constraints.count {
            sample.limits[position] = reading { () throws(Errno) in try constraints[position].limit.readOrAbsent() }
        }
        sample.isGone = isGone
        return sample
    }

    @inline(__always)
    private func reading(_ read: () throws(Errno) -> UInt64) -> Reading {
        do { return Reading(try read()) } catch { return Reading(errno: UInt8(clamping: noting(error).number)) }
    }

    var readingKind: ReadingKind { energy.isThere ? .energy : .none }

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
}

/// A constraint of a zone: its two files, what they held before the first change, and what was done to them.
final class Constraint {
    /// N of `constraint_N_name`: it differs between machines, the name doesn't.
    let index: UInt8
    let name: Name
    /// Zero when firmware gives none.
    let maxPower: Microwatts
    /// `constraint_N_power_limit_uw`.
    let limit: Attribute?
    /// `constraint_N_time_window_us`.
    let window: Attribute?
    /// Opened for writing too.
    let isOpenForWriting: Bool
    /// What is in its way since the start, whatever its numbers are.
    var obstacle: Obstacle?
    /// What was there before the first change of this boot; nil when it couldn't be read.
    var original: Setting?
    /// What was done since; nil while the original is in force as far as this system is concerned.
    var change: Change?
    /// The driver refused the last write as it does where firmware has locked the register. Nothing that can be read says so.
    var isLocked = false

    /// A limit with its time window (0 where there is none).
    struct Setting: Equatable {
        var limit: Microwatts
        var window_us: UInt64
    }

    /// A change of this system's. `intended` is recorded before it is written and `inForce` is what was read back, so that
    /// after a crash at any instruction the hardware holds one of the two, unless somebody else has written since.
    struct Change: Equatable {
        var intended: Setting
        var inForce: Setting
        /// Whether the time window is ours too, and to be restored.
        var touchesWindow: Bool
        /// What the limit becomes when the controller is lost, instead of the original: at most what is in force. P18.
        var fallback: Microwatts?
    }

    init(
        index: UInt8, name: Name, maxPower: Microwatts, limit: consuming Attribute?, window: consuming Attribute?,
        isOpenForWriting: Bool
    ) {
        (self.index, self.name, self.maxPower, self.isOpenForWriting) = (index, name, maxPower, isOpenForWriting)
        self.limit = limit
        self.window = window
    }

    /// The limit and window that the hardware holds now.
    func readSetting() throws(Errno) -> Setting {
        let limit = Microwatts(try limit.readOrAbsent())
        // peak_power has a window file that can't be written: it reads 0 on Linux 6.1 and ENODATA on 6.12. That, and no file,
        // count as 0; the limit is known all the same.
        do throws(Errno) {
            return Setting(limit: limit, window_us: window.isThere ? try window.readOrAbsent() : 0)
        } catch {
            if error == .noData || error == .invalid { return Setting(limit: limit, window_us: 0) }
            throw error
        }
    }

    /// Writes the limit, and notes whether the register is locked: a locked one answers ENODATA to every write of a limit, and
    /// ENOSYS to every other (powercap_sys.c).
    func writeLimit(_ value: Microwatts) throws(Errno) {
        do throws(Errno) {
            try limit.writeOrAbsent(value.rawValue)
            isLocked = false
        } catch {
            isLocked = error == .noData || error == .notImplemented
            throw error
        }
    }

    /// Whether it has a time window that can be put back.
    var hasWindow: Bool { window.isThere && (original?.window_us ?? 0) > 0 }
}
