internal import PowercapProtocol

extension SourceName {
    /// How long a day of the demonstration is. Divides 24 hours.
    public static let demoDay = Milliseconds.seconds(60)
}

/// For showing what the program does at any hour: the solar curve from 04:00 to 20:00 in a minute, again and again.
/// Each day begins at a multiple of that time of a UTC day.
struct DemoSource: PowerSource {
    let solar: SolarSource

    /// By the time since 1970, whatever the clock on the wall shows.
    public func reading(at moment: Moment) -> SourceReading {
        let day_s = Int64(SourceName.demoDay.rawValue / 1_000)
        let passed_s = Double(moment.seconds % day_s) + Double(moment.nanoseconds) / 1e9
        return SourceReading(solar.power(atShare: passed_s / Double(day_s)))
    }
}
