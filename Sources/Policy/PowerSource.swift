public import PowercapProtocol

/// What a source gives at a moment.
public struct SourceReading: Equatable, Sendable {
    /// 0 is a source that gives nothing, and no error.
    public let power: Microwatts
    /// What the source itself says, in its own unit, where that isn't the power: of the sun the irradiance in W per square metre.
    public let signal: Double?
    /// How old the value is; 0 for a source that is computed. One that is read from elsewhere ages when it can't be reached.
    public let age: Milliseconds

    init(_ power: Microwatts, signal: Double? = nil, age: Milliseconds = Milliseconds(0)) {
        (self.power, self.signal, self.age) = (power, signal, age)
    }
}

/// Where power comes from, as a function of time.
public protocol PowerSource: Sendable {
    func reading(at moment: Moment) -> SourceReading
}

/// The source that the policy names, with the node's override of its peak.
public func powerSource(for policy: PowerPolicy, _ overrides: Overrides = Overrides()) -> any PowerSource {
    let peak = overrides.maxSource ?? policy.maxSource
    return switch policy.source {
    case .solar: SolarSource(peak: peak, alpha: policy.alpha, from: policy.solarFrom, to: policy.solarTo)
    case .sun: SunSource(peak: peak, over: policy)
    case .constant: StaticSource(power: peak)
    case .demo: DemoSource(solar: SolarSource(peak: peak, alpha: policy.alpha))
    }
}

extension SunSource {
    fileprivate init(peak: Microwatts, over policy: PowerPolicy) {
        guard let latitude = policy.latitude, let longitude = policy.longitude else {
            preconditionFailure("a configuration with the sun and without a place is refused")
        }
        self.init(peak: peak, latitude: latitude, longitude: longitude)
    }
}
