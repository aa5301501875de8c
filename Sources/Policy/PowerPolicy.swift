public import PowercapProtocol

/// What the policy goes by. The initial values are what it does when nobody says anything.
public struct PowerPolicy: Equatable, Sendable {
    /// The source's peak: the node's with `sum`, and otherwise each package's. Of the sun, what 1000 W per square metre give.
    public var maxSource = Microwatts.watts(40)
    /// The exponent of the solar curve, above 0: the larger, the shorter the day.
    public var alpha = 4.0
    /// When the solar curve leaves 0, by the clock on the wall.
    public var solarFrom = SolarSource.usualStart
    /// When it is back at 0: at least an hour later, on the same day.
    public var solarTo = SolarSource.usualEnd
    /// Where the sun is looked at from, north of the equator; nil where the source is another.
    public var latitude: Degrees?
    /// East of Greenwich; nil where the source is another.
    public var longitude: Degrees?
    /// The floor of every limit, per package.
    public var raplMinPower = Microwatts.watts(10)
    /// The floor of the node's limit, as a part of its reference power.
    public var raplLimit = Percent(millionths: 0)
    /// How the reference power comes from the packages'.
    public var pmaxFunction = ReferenceFunction.sum
    /// Where power comes from.
    public var source = SourceName.solar
    /// How long the last good value holds where a source should say something and doesn't.
    public var staleAfter = Milliseconds.hour
    /// What holds then.
    public var onStale = StaleAction.floor
    /// How long what was measured stands for the source.
    public var liveFor = Milliseconds.seconds(300)
    /// How fast the power rises, per second; nil is at once.
    public var rampUp: Microwatts?
    /// How fast it falls, per second; nil is at once. Until it has fallen it is more than the source gives.
    public var rampDown: Microwatts?
    /// A smaller rise isn't followed.
    public var deadBand = Microwatts.zero
    /// How long after a change the power doesn't rise.
    public var minHold = Milliseconds(0)
    /// Whether falls that are known are reached before they happen.
    public var lookAhead = LookAhead.off
    /// What is governed, as far as it is there.
    public var govern: Set<Governable> = [.rapl]
    /// What the node's limit is a limit of; nil is what is governed: packages where nothing else is, and otherwise devices.
    public var budgetScope: BudgetScope?
    /// By what a device's reference power is multiplied for its share.
    public var weights = KindWeights()
    /// How the node's limit is divided over its devices.
    public var split = SplitRule.proportional
    /// What the node's work has to do with its limit.
    public var strategy = Strategy.follow
    /// How long the node has to have nothing to do before it is idle.
    public var idleAfter = Milliseconds.seconds(60)
    /// Whether work of best effort alone is none.
    public var qosHint = Switch.off
    /// What the node's limit becomes when its controller is lost; nil is the originals.
    public var fallbackLimit: Microwatts?
    /// What becomes of short-term limits.
    public var shortTerm = ShortTermPolicy.equal

    public init() {}

    /// What the node's limit is a limit of.
    public var budgetOf: BudgetScope { budgetScope ?? (govern.allSatisfy { $0.kind == .package } ? .packages : .devices) }

    /// What is decided depends on what was decided before.
    public var isShaped: Bool {
        rampUp != nil || rampDown != nil || deadBand > .zero || minHold > Milliseconds(0) || lookAhead != .off
    }
}

/// What the node's limit is a limit of.
public enum BudgetScope: String, CaseIterable, Sendable {
    /// Of the processor packages together.
    case packages
    /// Of everything together that is governed.
    case devices
    /// Of the whole machine, as a meter reads it: devices have what the rest of it leaves.
    case server
}

/// By what a device's reference power is multiplied for its share of the node's limit, by its kind.
public struct KindWeights: Equatable, Sendable {
    /// 1 to 100.
    public var package: UInt64
    /// 1 to 100.
    public var gpu: UInt64

    public init(package: UInt64 = 1, gpu: UInt64 = 1) { (self.package, self.gpu) = (package, gpu) }

    /// What a device's share goes by.
    func weight(of device: Device) -> Microwatts {
        Microwatts(device.reference.rawValue * (device.kind == .gpu ? gpu : package))
    }
}

/// How the reference power comes from the packages' own. With `sum` MAX_SOURCE is the node's; otherwise each package's.
public enum ReferenceFunction: String, CaseIterable, Sendable { case sum, max, min, avg }

/// Where power comes from.
public enum SourceName: String, CaseIterable, Sendable {
    /// One curve for every day, by the clock on the wall.
    case solar
    /// The real sun over a place, in a clear sky.
    case sun
    case constant = "static"
    /// A day in a minute, to look at: on no Node of a cluster.
    case demo
    /// Powers by the hours of the week, from a file.
    case schedule
    /// Powers by points in time, from a file.
    case series
    /// Powers by points in time, from a service that is asked now and then.
    case http
    /// What a coordinator grants to this node, of a budget that it shares with others.
    case granted

    /// Whether it goes by data from elsewhere.
    public var isFromData: Bool { self == .schedule || self == .series || self == .http }
}

/// What becomes of a package's short-term limit (PL2).
public enum ShortTermPolicy: String, CaseIterable, Sendable {
    /// The long-term limit: a source can't be overdrawn, not even for a moment.
    case equal
    /// As far from the long-term limit as it was at first.
    case scaled
    case untouched
}

/// How the node's limit is divided over its packages.
public enum SplitRule: String, CaseIterable, Sendable {
    /// By their reference power, whatever they draw.
    case proportional
    /// By what they want, as far as that can be told.
    case demand
}

/// What the node's work has to do with its limit.
public enum Strategy: String, CaseIterable, Sendable {
    /// Nothing: the limit follows the source.
    case follow
    /// A node that has nothing to do has its floor.
    case idleDown = "idle-down"
}

/// On or off.
public enum Switch: String, CaseIterable, Sendable { case off, on }
