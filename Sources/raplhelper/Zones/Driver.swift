import PowercapProtocol

/// What the helper knows of a kernel driver: one row per driver, which is all that tells one from another.
final class Driver: Sendable {
    /// Where its zones are found.
    enum Place: Sendable {
        /// A control type of the powercap tree (Documentation/power/powercap/powercap.rst).
        case powercap
        /// A device of /sys/class/hwmon by its `name` (Documentation/hwmon/sysfs-interface.rst).
        case hwmon
        /// /sys/firmware/opal/powercap (Documentation/ABI/testing/sysfs-firmware-opal-powercap).
        case opal
    }

    /// A limit by the names of its files; empty where the driver has no such file.
    struct LimitFiles: Sendable {
        /// It names the constraint, too.
        let limit: String
        var minimum = ""
        var maximum = ""
    }

    /// The control type on the wire.
    let name: String
    /// What the kernel calls it when it is bound (DRIVER=), where that isn't its device's name.
    let boundAs: [String]
    let place: Place
    /// The word of `--govern`; nil for what is only ever measured.
    let kind: GovernedKind?
    /// Limits are multiples of it: what the hardware can tell apart, as far as the driver's source says.
    let step: Microwatts
    /// Whether the driver rounds down to its step itself. Where it would round up or to the nearest, the helper rounds down before it
    /// writes.
    let roundsDown: Bool
    /// µW of 1 in its files.
    let unit: UInt64
    /// Whether 0 in a limit's file is no limit at all, read and written.
    let takesLimitsAway: Bool
    /// What its register holds at most.
    let registerMaximum: Microwatts?
    /// Whether a write may wait for firmware, or for a device that is being reset.
    let isSlow: Bool
    /// Whether reading wakes a device that the kernel has suspended.
    let sleeps: Bool
    /// Beside powercap, whose files are numbered.
    let limits: [LimitFiles]
    /// A counter of µJ, first of all.
    let energy: String
    /// Powers, of which the first that is there is read.
    let powers: [String]

    private init(
        name: String, boundAs: [String] = [], place: Place, kind: GovernedKind? = nil, step: Microwatts, roundsDown: Bool = false,
        unit: UInt64 = 1,
        takesLimitsAway: Bool = false, registerMaximum: Microwatts? = nil, isSlow: Bool = false, sleeps: Bool = false,
        limits: [LimitFiles] = [], energy: String = "", powers: [String] = []
    ) {
        self.name = name
        self.boundAs = boundAs
        self.place = place
        self.kind = kind
        self.step = step
        self.roundsDown = roundsDown
        self.unit = unit
        self.takesLimitsAway = takesLimitsAway
        self.registerMaximum = registerMaximum
        self.isSlow = isSlow
        self.sleeps = sleeps
        self.limits = limits
        self.energy = energy
        self.powers = powers
    }

    /// - drivers/powercap/intel_rapl_common.c, by MSR and by TPMI: 1/8 W where firmware names no other unit; rounds down.
    /// - drivers/powercap/arm_scmi_powercap.c: µW or mW by firmware, and a mW is rounded up to.
    /// - drivers/powercap/dtpm_cpu.c, dtpm_devfreq.c: what an operating point needs.
    /// - drivers/gpu/drm/amd/pm/amdgpu_pm.c: whole watts; waits for the SMU's answer, and for a reset.
    /// - drivers/gpu/drm/i915/i915_hwmon.c, drivers/gpu/drm/xe/xe_hwmon.c: to the nearest 1/8 W, in a register of 15 bits; waits for a
    ///   reset of the GuC; a limit of 0 disables it.
    /// - drivers/platform/x86/amd/hsmp/hwmon.c: mW; bound by plat.c or acpi.c beside it.
    /// - drivers/hwmon/acpi_power_meter.c: to the nearest mW, by a method of firmware's (_SHL) that may ask the BMC.
    /// - arch/powerpc/platforms/powernv/opal-powercap.c: whole watts, in an asynchronous call to firmware.
    static let table: [Driver] = [
        Driver(
            name: "intel-rapl", place: .powercap, kind: .rapl, step: .step, roundsDown: true, registerMaximum: .registerMaximum),
        Driver(
            name: "intel-rapl-mmio", place: .powercap, kind: .mmio, step: .step, roundsDown: true,
            registerMaximum: .registerMaximum),
        Driver(name: "arm-scmi", place: .powercap, kind: .scmi, step: Microwatts(1_000)),
        Driver(name: "dtpm", place: .powercap, kind: .dtpm, step: Microwatts(1)),
        Driver(
            name: "amdgpu", place: .hwmon, kind: .gpu, step: Microwatts(1_000_000), isSlow: true, sleeps: true,
            limits: [
                LimitFiles(limit: "power1_cap", minimum: "power1_cap_min", maximum: "power1_cap_max"),
                LimitFiles(limit: "power2_cap", minimum: "power2_cap_min", maximum: "power2_cap_max"),
            ], powers: ["power1_average", "power1_input"]),
        Driver(
            name: "i915", place: .hwmon, kind: .gpu, step: .step, takesLimitsAway: true, registerMaximum: .registerMaximum,
            isSlow: true, sleeps: true, limits: [LimitFiles(limit: "power1_max", maximum: "power1_rated_max")],
            energy: "energy1_input"),
        Driver(
            name: "xe", place: .hwmon, kind: .gpu, step: .step, takesLimitsAway: true, registerMaximum: .registerMaximum,
            isSlow: true, sleeps: true,
            limits: [
                LimitFiles(limit: "power1_max", maximum: "power1_rated_max"),
                LimitFiles(limit: "power2_max", maximum: "power2_rated_max"),
            ], energy: "energy1_input"),
        Driver(
            name: "amd_hsmp_hwmon", boundAs: ["amd_hsmp", "hsmp_acpi"], place: .hwmon, kind: .hsmp, step: Microwatts(1_000),
            limits: [LimitFiles(limit: "power1_cap", maximum: "power1_cap_max")], powers: ["power1_input"]),
        Driver(
            name: "power_meter", place: .hwmon, kind: .powerMeter, step: Microwatts(1_000), isSlow: true,
            limits: [LimitFiles(limit: "power1_cap", minimum: "power1_cap_min", maximum: "power1_cap_max")],
            powers: ["power1_average"]),
        Driver(
            name: "opal", place: .opal, kind: .opal, step: Microwatts(1_000_000), unit: 1_000_000, isSlow: true,
            limits: [LimitFiles(limit: "powercap-current", minimum: "powercap-min", maximum: "powercap-max")]),
    ]

    /// A control type of powercap's that the table doesn't know: its files are measured, and what a limit of its would do nobody knows.
    static let unknownControlType = Driver(name: "", place: .powercap, step: .step, roundsDown: true)

    /// The row of a control type or of a hwmon device's name.
    static func named(_ name: Name, in place: Place) -> Driver? {
        for driver in table where driver.place == place && name.isSame(as: driver.name) { return driver }
        return nil
    }

    /// The row of the hwmon devices that a driver has, by what the kernel calls it.
    static func bound(as name: Name) -> Driver? {
        for driver in table where driver.place == .hwmon {
            if driver.boundAs.isEmpty ? name.isSame(as: driver.name) : driver.boundAs.contains(where: name.isSame) {
                return driver
            }
        }
        return nil
    }

    /// How its limits' files are to be read.
    var limitFormat: Attribute.Format {
        Attribute.Format(
            unit: unit, zero: takesLimitsAway ? .unlimited : place == .powercap ? .number : .nothing, hasGaps: place != .powercap)
    }

    /// What is written where this is asked for.
    func rounded(_ limit: Microwatts) -> Microwatts {
        roundsDown || limit == .unlimited ? limit : Microwatts(limit.rawValue - limit.rawValue % step.rawValue)
    }

    /// The least that can be written and isn't below this.
    func roundedUp(_ limit: Microwatts) -> Microwatts {
        let remainder = limit.rawValue % step.rawValue
        return roundsDown || remainder == 0 ? limit : Microwatts(limit.rawValue - remainder) + step
    }
}

extension Name {
    /// Equality byte by byte.
    func isSame(as text: String) -> Bool {
        guard text.utf8.count == count else { return false }
        var index = 0
        for byte in text.utf8 {
            if self[index] != byte { return false }
            index += 1
        }
        return true
    }
}
