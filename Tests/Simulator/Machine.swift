/// The machine to simulate.
struct Machine {
    /// 1 to 32: more packages than one digit of a zone's hexadecimal index can number.
    var packages = 2
    var hasPsys = false
    /// The second control type over the same packages, as many laptops have it.
    var hasMMIO = false
    var hasCore = false
    var hasDRAM = true
    /// No zone has constraints, as on AMD.
    var isMonitorOnly = false
    /// Firmware gives no maximum: `max_power_uw` reads 0.
    var maxPowerIsZero = false
    /// What each package would draw without a limit; the last one counts for the packages after it.
    var demand_uw: [UInt64] = [120_000_000]
    /// Where every energy counter starts.
    var energyStart_uj: UInt64 = 1_000_000_000

    func demand_uw(ofPackage package: Int) -> UInt64 { demand_uw[min(package, demand_uw.count - 1)] }
}
