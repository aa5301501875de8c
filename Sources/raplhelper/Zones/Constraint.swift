import LinuxSystem
import PowercapProtocol

/// A constraint of a zone: its two files, what they held before the first change, and what was done to them.
final class Constraint {
    /// N of `constraint_N_name`: it differs between machines, the name doesn't. Beside powercap a number of the helper's.
    let index: UInt8
    let name: Name
    let driver: Driver
    /// Zero when driver and firmware give none.
    private(set) var minPower: Microwatts
    private(set) var maxPower: Microwatts
    /// The files of these two, where only a thread reads them; nil otherwise.
    let minimum: Attribute?
    let maximum: Attribute?
    /// Its driver may let its caller wait, and hasn't been heard yet: nothing is known of it, and it takes no limit.
    var isUnread = false
    /// `constraint_N_power_limit_uw`, `power1_cap`, …
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

    /// What was last read of the limit, as the wire has it: 0 where a driver says so that there is none.
    private(set) var lastRead = Reading(errno: UInt8(Errno.noData.number))

    /// The same as it compares; nil where there is no value.
    var lastLimit: Microwatts? {
        guard let limit = lastRead.ifRead else { return nil }
        if limit == 0 { return driver.takesLimitsAway ? .unlimited : nil }
        return Microwatts(limit)
    }

    /// Remembers what was read now. An original that isn't known yet, because nobody could read it, is known with it.
    /// - Returns: whether that has to be saved before something is written.
    @discardableResult
    func note(_ reading: Reading) -> Bool {
        lastRead = reading.ifRead == Microwatts.unlimited.rawValue ? Reading(0) : reading
        guard original == nil, driver.place != .powercap, let limit = lastLimit else { return false }
        let now = Setting(limit: limit, window_us: 0)
        original = now
        // A boot whose fallback limit waits for this.
        guard change != nil else { return false }
        change?.intended = now
        change?.inForce = now
        return true
    }

    /// Remembers the driver's least and most limit, which are read with the first limit that can be.
    func note(bounds: (minimum: Reading, maximum: Reading)) {
        (minPower, maxPower) = (Constraint.bound(bounds.minimum), Constraint.bound(bounds.maximum))
        isUnread = false
    }

    private static func bound(_ reading: Reading) -> Microwatts {
        let value = Microwatts(reading.ifRead ?? 0)
        return value == .unlimited ? .zero : value
    }

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
        index: UInt8, name: Name, driver: Driver = Driver.table[0], minPower: Microwatts = .zero, maxPower: Microwatts,
        limit: consuming Attribute?, window: consuming Attribute?, isOpenForWriting: Bool, minimum: consuming Attribute? = nil,
        maximum: consuming Attribute? = nil
    ) {
        (self.index, self.name, self.driver, self.isOpenForWriting) = (index, name, driver, isOpenForWriting)
        (self.minPower, self.maxPower) = (minPower, maxPower)
        self.limit = limit
        self.window = window
        self.minimum = minimum
        self.maximum = maximum
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

    /// Writes the limit in the driver's steps, and notes whether the register is locked: powercap answers ENODATA to every write of a
    /// limit to a locked one, and ENOSYS to every other (powercap_sys.c).
    func writeLimit(_ value: Microwatts) throws(Errno) {
        do throws(Errno) {
            try limit.writeOrAbsent(driver.rounded(value).rawValue)
            isLocked = false
        } catch {
            isLocked = driver.place == .powercap && (error == .noData || error == .notImplemented)
            throw error
        }
    }

    /// Writes a limit that was read here.
    func putBack(_ value: Microwatts) throws(Errno) { try limit.writeOrAbsent(value.rawValue) }

    /// Whether it has a time window that can be put back.
    var hasWindow: Bool { window.isThere && (original?.window_us ?? 0) > 0 }
}
