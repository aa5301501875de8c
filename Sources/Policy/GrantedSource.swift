public import PowercapProtocol

/// What a node has of a budget that it shares with others.
public struct Granted: Equatable, Sendable {
    /// The most that it may have.
    public let limit: Microwatts
    /// What that becomes when its controller is lost; nil where nothing is known of it.
    public let rest: Microwatts?
    /// Why nothing is granted, so that the limit is the node's rest; nil where it is.
    public let cause: SourceLack.Cause?

    public init(limit: Microwatts, rest: Microwatts?, cause: SourceLack.Cause? = nil) {
        (self.limit, self.rest, self.cause) = (limit, rest, cause)
    }
}

/// What is granted, as the last data say.
struct GrantedSource: PowerSource {
    let granted: Granted
    /// An override's peak; nil where there is none.
    let most: Microwatts?

    init(_ data: SourceData?, most: Microwatts?) {
        guard case .granted(let granted) = data?.points else {
            preconditionFailure("a source of grants is made from what is granted")
        }
        (self.granted, self.most) = (granted, most)
    }

    func reading(at moment: Moment) -> SourceReading {
        var reading = SourceReading(
            most.map { min(granted.limit, $0) } ?? granted.limit,
            lack: granted.cause.map { SourceLack(cause: $0, isHeld: false, lastGood: nil) })
        reading.fallback = granted.rest
        return reading
    }
}

extension SourceReading {
    /// The same of so much at most.
    public func lowered(to most: Microwatts, rest: Microwatts) -> SourceReading {
        var lowered = SourceReading(min(power, most), signal: signal, age: age, lack: lack, isLive: isLive)
        lowered.foresight = foresight
        lowered.fallback = fallback.map { min($0, rest) }
        return lowered
    }
}
