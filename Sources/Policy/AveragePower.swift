public import PowercapProtocol

/// The average power between two readings of a counter; nil where either can't be read, no time has passed, or the difference
/// means more than a power register can hold: then the counter was reset, or went back, which a wrap would hide as an absurd
/// amount of energy. The later reading is what measuring starts from again.
public func averagePower(
    from earlier: Reading, at earlier_ns: UInt64, to later: Reading, at later_ns: UInt64, range: Microjoules
) -> Microwatts? {
    guard let first = earlier.ifRead, let second = later.ifRead, later_ns > earlier_ns,
        let energy = Microjoules(second).since(Microjoules(first), range: range)
    else { return nil }
    let power = UInt128(energy.rawValue) * 1_000_000_000 / UInt128(later_ns - earlier_ns)
    return power <= UInt128(Microwatts.registerMaximum.rawValue) ? Microwatts(UInt64(power)) : nil
}
