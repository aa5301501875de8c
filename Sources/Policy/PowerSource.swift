public import PowercapProtocol

/// What a source gives at a moment.
public struct SourceReading: Equatable, Sendable {
    /// 0 is a source that gives nothing, and no error.
    public let power: Microwatts
    /// What the source itself says, in its own unit, where that isn't the power: of the sun the irradiance in W per square metre.
    public let signal: Double?
    /// How old the value is; 0 for a source that is computed. One that is read from elsewhere ages when it can't be reached.
    public let age: Milliseconds
    /// Why the source says nothing of the moment; nil where it does. `power` is then what holds instead.
    public let lack: SourceLack?
    /// What falls that are known make of it; nil where they aren't looked for.
    var foresight: Foresight?
    /// It was measured just now (LIVE_FILE), and isn't what the source itself gives.
    public let isLive: Bool
    /// What the node's limit becomes when its controller is lost, where the source says that too; nil leaves it to the policy.
    public var fallback: Microwatts?

    init(
        _ power: Microwatts, signal: Double? = nil, age: Milliseconds = Milliseconds(0), lack: SourceLack? = nil,
        isLive: Bool = false
    ) {
        (self.power, self.signal, self.age, self.lack, self.isLive) = (power, signal, age, lack, isLive)
    }
}

extension SourceReading {
    /// When a fall that is known may have to be headed for, in milliseconds since 1970; nil where none is.
    public var nextLook_ms: Int64? { foresight?.next_ms }
}

/// Where power comes from, as a function of time.
public protocol PowerSource: Sendable {
    func reading(at moment: Moment) -> SourceReading

    /// When it may next give something else at a stroke, in seconds since 1970: a decision is due then. nil where it never does, or
    /// changes all the time.
    func nextStep(after moment: Moment) -> Int64?
}

extension PowerSource {
    /// Never.
    func nextStep(after moment: Moment) -> Int64? { nil }
}

/// The source that the policy names, with the node's override of its peak.
/// - Parameters:
///   - data: of a source that goes by data, which has none without.
///   - live: what was measured last; while it is fresh it stands for the source.
public func powerSource(
    for policy: PowerPolicy, _ overrides: Overrides = Overrides(), data: SourceData? = nil, live: LiveValue? = nil
) -> any PowerSource {
    let peak = overrides.maxSource ?? policy.maxSource
    let source: any PowerSource =
        switch policy.source {
        case .solar: SolarSource(peak: peak, alpha: policy.alpha, from: policy.solarFrom, to: policy.solarTo)
        case .sun: SunSource(peak: peak, over: policy)
        case .constant: StaticSource(power: peak)
        case .demo: DemoSource(solar: SolarSource(peak: peak, alpha: policy.alpha))
        case .schedule, .series, .http: DataSource(peak: peak, by: policy, data)
        case .granted: GrantedSource(data, most: overrides.maxSource)
        }
    return live == nil ? source : LiveSource(live: live, holdFor: policy.liveFor, peak: peak, forecast: source)
}

extension SunSource {
    fileprivate init(peak: Microwatts, over policy: PowerPolicy) {
        guard let latitude = policy.latitude, let longitude = policy.longitude else {
            preconditionFailure("a configuration with the sun and without a place is refused")
        }
        self.init(peak: peak, latitude: latitude, longitude: longitude)
    }
}

extension DataSource {
    fileprivate init(peak: Microwatts, by policy: PowerPolicy, _ data: SourceData?) {
        guard let data else { preconditionFailure("a source of data is made from data") }
        self.init(data: data, peak: peak, staleAfter: policy.staleAfter, onStale: policy.onStale)
    }
}
