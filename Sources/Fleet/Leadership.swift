/// How long a coordinator may answer by its Lease. Whoever takes over begins when the Lease is over by his own clock, and knows of a
/// renewal only that it was committed after it was sent: so validity counts from the sending, and a little less than the whole.
public struct Leadership: Equatable, Sendable {
    /// Grows with each that takes over: the Lease's `leaseTransitions`. A process that starts again is another, so it is one more.
    package private(set) var epoch: UInt64
    /// When it ends by this coordinator's own clock, in ns.
    package private(set) var validUntil_ns: UInt64

    /// - Parameters:
    ///   - sent_ns: when the request was sent that took the Lease.
    ///   - duration_ns: the Lease's.
    public init(epoch: UInt64, sent_ns: UInt64, duration_ns: UInt64) {
        (self.epoch, validUntil_ns) = (epoch, sent_ns + shortened(duration_ns))
    }

    /// A renewal was committed.
    /// - Parameter sent_ns: when it was sent.
    public mutating func renew(sent_ns: UInt64, duration_ns: UInt64) {
        validUntil_ns = max(validUntil_ns, sent_ns + shortened(duration_ns))
    }

    /// The Lease was given up, or is seen to be another's.
    package mutating func end() { validUntil_ns = 0 }

    /// Whether anything may be answered.
    package func isValid(at now_ns: UInt64) -> Bool { now_ns < validUntil_ns }
}

/// A time that somebody else's clock measures, too: clocks may differ in their rates. NTP slews by 0.05 % (adjtimex(2)); this is 1 %.
func shortened(_ time_ns: UInt64) -> UInt64 { time_ns - time_ns / 100 }
