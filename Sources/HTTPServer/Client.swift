internal import LinuxSystem

/// A connection, and the request that is on it.
final class Client {
    /// Of this object's own: libmicrohttpd has another of the same connection, which it closes itself.
    let descriptor: Descriptor
    /// nil over TCP.
    let identity: Socket.Peer?
    /// 0 over a Unix socket.
    let origin: UInt64
    /// On CLOCK_MONOTONIC.
    let arrived_ns: UInt64
    /// Until when the request's first line, or the rest of it with its answer, is waited for, on CLOCK_MONOTONIC.
    var until_ns: UInt64 = .max
    var request: IncomingRequest?
    /// Has sent no request yet: over TLS, the handshake may not be over.
    var isFresh = true
    /// Has posted nothing yet that was answered with success, and is still to be here.
    var isNewcomer = true
    /// Which of several daemons serves it.
    let daemon: Int

    init(_ descriptor: consuming Descriptor, _ identity: Socket.Peer?, _ now_ns: UInt64, of daemon: Int) {
        origin = (try? descriptor.origin()) ?? 0
        self.descriptor = descriptor
        (self.identity, arrived_ns, self.daemon) = (identity, now_ns, daemon)
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
    /// There is an answer, which is on its way.
    var isAnswered = false
    /// It was posted, and is answered with success.
    var isWelcome = false
}
