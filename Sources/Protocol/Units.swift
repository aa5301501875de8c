/// Power in microwatts, the unit of the kernel's `*_power_limit_uw` files (Documentation/power/powercap/powercap.rst).
public struct Microwatts: RawRepresentable, Comparable, Hashable, Sendable {
    public let rawValue: UInt64

    public init(rawValue: UInt64) { self.rawValue = rawValue }
    public init(_ value: UInt64) { rawValue = value }

    /// 0 W. As a limit it is what the hardware makes of anything below one step, never "no limit".
    public static let zero = Microwatts(0)

    /// No limit at all: more than any other.
    public static let unlimited = Microwatts(.max)

    /// The step of most RAPL power registers, 1/8 W: the driver rounds a limit down to it (intel_rapl_common.c, power unit 3).
    public static let step = Microwatts(125_000)

    /// The largest limit that a 15-bit register of 1/8 W holds. The driver lets anything above wrap around modulo 4096 W.
    public static let registerMaximum = Microwatts(4_095_875_000)

    /// Rounded down to a multiple of `step`.
    public var roundedDown: Microwatts { Microwatts(rawValue - rawValue % Self.step.rawValue) }

    /// Rounded up to a multiple of `step`, or the largest value where that would be beyond it.
    public var roundedUp: Microwatts {
        let remainder = rawValue % Self.step.rawValue
        return remainder == 0 ? self : Microwatts(rawValue - remainder) + Self.step
    }

    public static func < (left: Microwatts, right: Microwatts) -> Bool { left.rawValue < right.rawValue }

    /// The sum, or the largest value where it would be beyond it: firmware's numbers (`max_power_uw`) may be anything.
    public static func + (left: Microwatts, right: Microwatts) -> Microwatts {
        let (sum, overflow) = left.rawValue.addingReportingOverflow(right.rawValue)
        return Microwatts(overflow ? .max : sum)
    }

    /// The difference, or zero where it would be negative.
    public static func - (left: Microwatts, right: Microwatts) -> Microwatts {
        left.rawValue > right.rawValue ? Microwatts(left.rawValue - right.rawValue) : .zero
    }
}

/// Energy in microjoules, the unit of the kernel's `energy_uj` files.
public struct Microjoules: RawRepresentable, Comparable, Hashable, Sendable {
    public let rawValue: UInt64

    public init(rawValue: UInt64) { self.rawValue = rawValue }
    public init(_ value: UInt64) { rawValue = value }

    public static func < (left: Microjoules, right: Microjoules) -> Bool { left.rawValue < right.rawValue }

    /// The energy since an earlier reading of a counter that wraps around at `range` (`max_energy_range_uj`). Two readings
    /// must be closer together than the range divided by the largest power, or the answer is short by whole ranges.
    /// - Returns: nil where the counter went back without a wrap: it was reset.
    public func since(_ earlier: Microjoules, range: Microjoules) -> Microjoules? {
        if rawValue >= earlier.rawValue { return Microjoules(rawValue - earlier.rawValue) }
        guard range >= earlier else { return nil }
        let (sum, overflow) = (range.rawValue - earlier.rawValue).addingReportingOverflow(rawValue)
        return overflow ? nil : Microjoules(sum)
    }
}
