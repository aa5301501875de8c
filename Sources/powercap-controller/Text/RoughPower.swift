internal import Policy
internal import PowercapProtocol

extension Microwatts {
    /// About how much, to a tenth of a watt: `83.1 W`; from 10 kW on to ten watts: `12.35 kW`. What is measured is no finer.
    var roughly: String {
        let (unit, places): (UInt64, Int) = rawValue >= 9_999_950_000 ? (10_000_000, 2) : (100_000, 1)
        let (rounded, overflow) = rawValue.addingReportingOverflow(unit / 2)
        return decimal((overflow ? rawValue : rounded) / unit, places: places) + (places == 2 ? " kW" : " W")
    }
}
