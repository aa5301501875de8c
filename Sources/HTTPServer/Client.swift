internal import LinuxSystem

/// A connection, and the request that is on it.
final class Client {
    /// Of this object's own: libmicrohttpd has another of the same connection, which it closes itself.
    let descriptor: Descriptor
    /// nil over TCP.
    let identity: Socket.Peer?
    /// Since when the request's first line, or the rest of it with its answer, is waited for, on CLOCK_MONOTONIC.
    var since_ns: UInt64
    var request: IncomingRequest?

    init(_ descriptor: consuming Descriptor, _ identity: Socket.Peer?, _ now_ns: UInt64) {
        self.descriptor = descriptor
        (self.identity, since_ns) = (identity, now_ns)
    }

    /// Somebody other than root and this process's own user.
    var isStranger: Bool { identity.map { $0.uid != 0 && $0.uid != Process.uid } ?? false }

    var peer: ServerRequest.Peer? { identity.map { ServerRequest.Peer(uid: $0.uid, gid: $0.gid, client: self) } }
}

/// A request that isn't whole yet.
struct IncomingRequest {
    /// nil where it was none.
    let target: Target?
    /// nil until they have come.
    var headers: [ServerRequest.Header]?
    /// As long as it is no larger than it may be.
    var body: [UInt8] = []
    /// Of the whole body so far, in bytes.
    var length = 0
}
