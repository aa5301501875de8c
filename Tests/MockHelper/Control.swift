import PowercapProtocol

/// Who is in control and until when. Times are milliseconds and come from the caller. Tokens count from 1.
struct Control {
    private(set) var holder: Holder?
    private var lastToken: UInt64 = 0

    struct Holder {
        let token: UInt64
        let name: Name
        let granted_ms: UInt32
        var expiry_ms: UInt64
        /// nil when its connection is closed.
        var connection: UInt64?
    }

    /// The connection of a client that only the script knows.
    static let elsewhere = UInt64.max

    mutating func acquire(
        _ request: AcquireControl, by name: Name, _ connection: UInt64, allowed_ms: ClosedRange<UInt32>, at time_ms: UInt64
    ) throws(Failure) -> PowercapProtocol.Control {
        guard request.lease_ms > 0 else { throw Failure(.leaseOutOfRange) }
        let resumed = holder.map { $0.token == request.previousToken } ?? false
        if let holder, !resumed, holder.connection != nil, holder.connection != connection { throw Failure(.controlHeld) }
        let granted_ms = min(max(request.lease_ms, allowed_ms.lowerBound), allowed_ms.upperBound)
        let token = resumed ? request.previousToken : nextToken()
        holder = Holder(
            token: token, name: name, granted_ms: granted_ms, expiry_ms: time_ms + UInt64(granted_ms), connection: connection)
        return PowercapProtocol.Control(token: token, lease_ms: granted_ms, resumed: resumed)
    }

    /// Gives control to a client that only the script knows.
    mutating func give(to name: Name, lease_ms: UInt32, at time_ms: UInt64) {
        holder = Holder(
            token: nextToken(), name: name, granted_ms: lease_ms, expiry_ms: time_ms + UInt64(lease_ms),
            connection: Control.elsewhere)
    }

    private mutating func nextToken() -> UInt64 {
        lastToken += 1
        return lastToken
    }

    /// A sign of life: how long control lasts from now.
    mutating func renew(_ token: UInt64, _ connection: UInt64, at time_ms: UInt64) throws(Failure) -> UInt32 {
        guard let holder, holder.token == token, holder.connection == connection else { throw Failure(.notInControl) }
        self.holder?.expiry_ms = time_ms + UInt64(holder.granted_ms)
        return holder.granted_ms
    }

    mutating func end() { holder = nil }

    /// The time decides when control ends, not the connection.
    mutating func closed(_ connection: UInt64) { if holder?.connection == connection { holder?.connection = nil } }

    func remaining_ms(at time_ms: UInt64) -> UInt32 {
        guard let holder, holder.expiry_ms > time_ms else { return 0 }
        return UInt32(clamping: holder.expiry_ms - time_ms)
    }
}
