internal import PowercapProtocol

/// What the policy goes by. The initial values are what it does when nobody says anything.
struct PowerPolicy: Equatable, Sendable {
    /// The source's peak: the node's with `sum`, and otherwise each package's.
    var maxSource = Microwatts.watts(40)
    /// The exponent of the solar curve, above 0: the larger, the shorter the day.
    var alpha = 4.0
    /// The floor of every limit, per package.
    var raplMinPower = Microwatts.watts(10)
    /// The floor of the node's limit, as a part of its reference power.
    var raplLimit = Percent(millionths: 0)
    var pmaxFunction = ReferenceFunction.sum
    var source = SourceName.solar
    var shortTerm = ShortTermPolicy.equal

    init() {}
}

/// How the reference power comes from the packages' own. With `sum` MAX_SOURCE is the node's; otherwise each package's.
enum ReferenceFunction: String, CaseIterable, Sendable { case sum, max, min, avg }

/// Where power comes from.
enum SourceName: String, CaseIterable, Sendable {
    case solar
    case constant = "static"
    /// A day in 90 s, to look at: on no Node of a cluster.
    case demo
}

/// What becomes of a package's short-term limit (PL2).
enum ShortTermPolicy: String, CaseIterable, Sendable {
    /// The long-term limit: a source can't be overdrawn, not even for a moment.
    case equal
    /// As far from the long-term limit as it was at first.
    case scaled
    case untouched
}
