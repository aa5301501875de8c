public import PowercapProtocol

/// A span of time in milliseconds, the finest that any option takes.
public struct Milliseconds: RawRepresentable, Comparable, Hashable, Sendable {
    /// In milliseconds.
    public let rawValue: UInt64

    public init(rawValue: UInt64) { self.rawValue = rawValue }
    public init(_ value: UInt64) { rawValue = value }

    /// So many whole seconds.
    public static func seconds(_ count: UInt64) -> Milliseconds { Milliseconds(count * 1_000) }
    /// 1 s.
    public static let second = seconds(1)
    /// 60 min.
    public static let hour = seconds(3_600)
    /// 24 h.
    public static let day = seconds(86_400)

    /// The shorter one.
    public static func < (left: Milliseconds, right: Milliseconds) -> Bool { left.rawValue < right.rawValue }

    /// As one would say it: `5 min`, `1 h`, `90 s`, `250 ms`.
    public var words: String {
        let units: [(name: String, scale: UInt64)] = [("d", 86_400_000), ("h", 3_600_000), ("min", 60_000), ("s", 1_000)]
        for unit in units where rawValue >= unit.scale && rawValue % unit.scale == 0 {
            return "\(rawValue / unit.scale) \(unit.name)"
        }
        return rawValue < 1_000 ? "\(rawValue) ms" : decimal(rawValue, places: 3) + " s"
    }

    /// As the option takes it: `300s`, `0.25s`.
    public var setting: String { decimal(rawValue, places: 3) + "s" }
}

/// A percentage, exact to a millionth of a percent.
public struct Percent: Equatable, Sendable {
    /// In millionths of a percent, 0 to 100,000,000.
    public let millionths: UInt64

    public init(millionths: UInt64) { self.millionths = millionths }

    /// All of it.
    public static let hundred = Percent(millionths: 100_000_000)

    /// This share of a power, rounded down to a microwatt.
    func of(_ power: Microwatts) -> Microwatts {
        Microwatts(Percent.hundred.millionths.dividingFullWidth(power.rawValue.multipliedFullWidth(by: millionths)).quotient)
    }
}

extension Microwatts {
    /// So many whole watts.
    public static func watts(_ count: UInt64) -> Microwatts { Microwatts(count * 1_000_000) }

    /// As one would say it: `40 W`, `4095.875 W`, `12.5 kW`.
    public var words: String {
        switch rawValue {
        case 10_000_000_000...: decimal(rawValue, places: 9) + " kW"
        default: decimal(rawValue, places: 6) + " W"
        }
    }

    /// About how much, to a tenth of a watt: `83.1 W`; from 10 kW on to ten watts: `12.35 kW`. What is measured is no finer.
    public var roughly: String {
        let (unit, places): (UInt64, Int) = rawValue >= 9_999_950_000 ? (10_000_000, 2) : (100_000, 1)
        let (rounded, overflow) = rawValue.addingReportingOverflow(unit / 2)
        return decimal((overflow ? rawValue : rounded) / unit, places: places) + (places == 2 ? " kW" : " W")
    }

    /// As the option takes it: `40W`.
    public var setting: String { decimal(rawValue, places: 6) + "W" }
}

/// A whole number of `10^-places` in decimal notation, without trailing zeros.
public func decimal(_ value: UInt64, places: Int) -> String {
    let scale = (0..<places).reduce(UInt64(1)) { power, _ in power * 10 }
    var fraction = String(value % scale)
    fraction = String(repeating: "0", count: places - fraction.utf8.count) + fraction
    while fraction.utf8.last == UInt8(ascii: "0") { fraction.removeLast() }
    return fraction.isEmpty ? String(value / scale) : "\(value / scale).\(fraction)"
}
