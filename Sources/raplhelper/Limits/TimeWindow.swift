/// Which time windows can be put back. The register holds a window as (1 + F/4)·2^Y units, F from 0 to 3 (Intel SDM 15.10.3),
/// and the driver takes whole units only (intel_rapl_common.c): of windows below four units some can be read and never written,
/// such as the 2440 µs that firmware likes to give to short_term.
enum TimeWindow {
    /// Nearly every processor's unit, 1/1024 s, as the driver rounds it.
    static let unit_us: UInt64 = 976

    /// Whether a window that was read comes back exactly when it is written. It is computed for a unit of 976 µs, and says yes
    /// of no window that another unit, 1/2^N s, would lose: a longer unit's windows aren't among those of this one, and of a
    /// shorter one's those that are lost are below four of its units.
    static func comesBack(_ window_us: UInt64) -> Bool {
        let units = window_us / unit_us
        guard units > 0 else { return window_us == 0 }
        let exponent = UInt64(63 - units.leadingZeroBitCount)
        guard exponent < 32 else { return false }
        let power: UInt64 = 1 << exponent
        let quarters = 4 * (units - power) / power
        return power * (4 + quarters) * unit_us / 4 == window_us
    }
}
