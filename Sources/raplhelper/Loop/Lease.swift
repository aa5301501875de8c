import PowercapProtocol

/// Who is in control and until when (P7): one controller at a time, and only while it gives signs of life. Times are
/// CLOCK_MONOTONIC nanoseconds and come from the caller.
struct Lease {
    let maximum_ms: UInt32
    private(set) var holder: Holder?

    struct Holder {
        let token: UInt64
        let name: Name
        let granted_ms: UInt32
        var expiry_ns: UInt64
        /// The connection that holds it; nil once that is closed. It can then be resumed with the token, or taken over by
        /// any peer that is served: a controller that was restarted doesn't have to wait.
        var session: Int?
    }

    static let minimum_ms: UInt32 = 1_000

    init(maximum_ms: UInt32) { self.maximum_ms = maximum_ms }

    /// Grants control, unless another controller holds it.
    /// - Parameter newToken: a random number that isn't 0.
    mutating func acquire(
        _ request: AcquireControl, by name: Name, session: Int, newToken: UInt64, now_ns: UInt64
    ) throws(Failure) -> Control {
        guard request.lease_ms > 0 else { throw Failure(.leaseOutOfRange) }
        let granted_ms = min(max(request.lease_ms, Lease.minimum_ms), maximum_ms)
        var resumed = false
        if let holder {
            resumed = holder.token == request.previousToken
            guard resumed || holder.session == nil || holder.session == session else { throw Failure(.controlHeld) }
        }
        let token = resumed ? request.previousToken : newToken
        holder = Holder(
            token: token, name: name, granted_ms: granted_ms, expiry_ns: Lease.expiry(granted_ms, now_ns), session: session)
        return Control(token: token, lease_ms: granted_ms, resumed: resumed)
    }

    /// Checks the token of Renew, Apply or Release and counts it as a sign of life.
    /// - Returns: how long control lasts from now.
    mutating func renew(_ token: UInt64, session: Int, now_ns: UInt64) throws(Failure) -> UInt32 {
        guard let holder, holder.token == token, holder.session == session else { throw Failure(.notInControl) }
        self.holder?.expiry_ns = Lease.expiry(holder.granted_ms, now_ns)
        return holder.granted_ms
    }

    mutating func end() { holder = nil }

    /// A closed connection doesn't end control: the time does.
    mutating func sessionClosed(_ session: Int) { if holder?.session == session { holder?.session = nil } }

    func isExpired(_ now_ns: UInt64) -> Bool { holder.map { $0.expiry_ns <= now_ns } ?? false }

    func remaining_ms(_ now_ns: UInt64) -> UInt32 {
        guard let holder, holder.expiry_ns > now_ns else { return 0 }
        return UInt32((holder.expiry_ns - now_ns + 999_999) / 1_000_000)
    }

    private static func expiry(_ milliseconds: UInt32, _ now_ns: UInt64) -> UInt64 { now_ns + UInt64(milliseconds) * 1_000_000 }
}
