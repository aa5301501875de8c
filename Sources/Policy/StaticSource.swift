internal import PowercapProtocol

/// The same power at all times.
struct StaticSource: PowerSource {
    let power: Microwatts

    /// The same at any moment.
    public func reading(at moment: Moment) -> SourceReading { SourceReading(power) }
}
