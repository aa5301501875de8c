internal import Fleet
internal import PowercapProtocol

/// How it stands with what is granted, as everybody sees it who asks.
struct GrantState: Equatable, Sendable {
    /// The coordinator that is asked.
    let place: String
    /// The answer that was taken last; nil before the first.
    let last: Grant?
    /// When that was, in seconds since 1970.
    let taken: Int64?
    /// When its limit ends, on CLOCK_BOOTTIME; nil where none is in force.
    let ends_ns: UInt64?
    /// What the node goes to by itself: nil before there is control.
    let rest: Microwatts?
    /// What the node said last that its work could use; nil before it was asked.
    let demand: Microwatts?
    /// What is wrong with asking; nil where nothing is.
    let problem: String?
    /// How often a coordinator was asked, by what came of it.
    let counts: [String: UInt64]
}
