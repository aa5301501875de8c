internal import CLinux

/// Unix-domain sockets (unix(7)), TCP's (tcp(7)) and the kernel's uevents (netlink(7)).
public enum Socket {
    /// Who is at the other end of a connection, as the kernel saw it when it connected (SO_PEERCRED).
    public struct Peer: Equatable, Sendable {
        public let uid: UInt32
        public let gid: UInt32
    }

    public enum Kind: Sendable { case stream, datagram }

    /// A connected socket. `path` may be abstract, written with a leading `@`.
    /// - Parameter isBlocking: a blocking connect waits for ever where the other end doesn't accept and its queue is full
    ///   (connect(2)); another throws `.again` there.
    public static func connect(to path: String, _ kind: Kind = .stream, isBlocking: Bool = true) throws(Errno) -> Descriptor {
        let socket = Descriptor(owning: try check { cl_unix_socket(kind == .datagram) })
        if !isBlocking { try socket.setNonBlocking() }
        try check { unsafe path.withCString { unsafe cl_unix_connect(socket.number, $0) } }
        return socket
    }

    /// A stream socket at `path`, to which nobody can connect yet; the file is created with `mode`, whatever the umask.
    public static func bind(at path: String, mode: UInt32) throws(Errno) -> Descriptor {
        let socket = Descriptor(owning: try check { cl_unix_socket(false) })
        let before = setFileModeMask(0o777 & ~mode)
        defer { setFileModeMask(before) }
        try check { unsafe path.withCString { unsafe cl_unix_bind(socket.number, $0) } }
        return socket
    }

    /// A TCP socket at an address and a port of this machine, to which nobody can connect yet.
    /// - Parameters:
    ///   - address: 4 bytes (IPv4) or 16 (IPv6) in the order of the network. Sixteen zeros are every address of both kinds.
    ///   - port: 0 is any that is free.
    /// - Throws: `.addressInUse`, `.addressNotAvailable`, `.denied` for a port below 1024 without CAP_NET_BIND_SERVICE.
    public static func bind(address: [UInt8], port: UInt16) throws(Errno) -> Descriptor {
        // SAFETY: the array outlives the call, and its own count bounds it.
        Descriptor(
            owning: try check {
                unsafe address.withUnsafeBufferPointer { unsafe cl_tcp_bind($0.baseAddress, $0.count, port) }
            })
    }

    /// A listening stream socket at `path`.
    public static func listen(at path: String, mode: UInt32) throws(Errno) -> Descriptor {
        let socket = try bind(at: path, mode: mode)
        try socket.listen()
        return socket
    }
}

extension Descriptor {
    /// The next connection, non-blocking (accept4(2)).
    public borrowing func accept() throws(Errno) -> Descriptor {
        let number = number
        return Descriptor(owning: try check { cl_accept(number) })
    }

    /// Takes connections from now on (listen(2)), without waiting for them.
    public borrowing func listen(backlog: Int32 = 64) throws(Errno) {
        let number = number
        refuseDescriptors()
        try check { cl_listen(number, backlog) }
        try setNonBlocking()
    }

    /// SO_PEERCRED. Between two containers of a pod the pid is 0, so it isn't offered: never authorise by it.
    public borrowing func peer() throws(Errno) -> Socket.Peer {
        let number = number
        var credentials = cl_credentials()
        try check { unsafe cl_peer_credentials(number, &credentials) }
        return Socket.Peer(uid: credentials.uid, gid: credentials.gid)
    }

    /// Whether the peer was a member of one of these groups when it connected, beside its primary one (SO_PEERGROUPS). False where
    /// the kernel can't say: before Linux 4.13, or for a peer with more than 4,096 groups.
    public borrowing func peerIsMember(ofAny groups: [UInt32]) -> Bool {
        let number = number
        if groups.isEmpty { return false }
        // SAFETY: the array outlives the call, and its own count bounds it.
        return unsafe groups.withUnsafeBufferPointer { unsafe cl_peer_is_member(number, $0.baseAddress, $0.count) } == 1
    }

    /// Whence a TCP connection comes (getpeername(2)): the address of IPv4, or the first 64 bits of IPv6, which one host has for itself
    /// (RFC 4291, section 2.5.4).
    /// - Throws: of other sockets, and where the connection has ended already.
    public borrowing func origin() throws(Errno) -> UInt64 {
        let number = number
        var origin: UInt64 = 0
        try check { unsafe cl_peer_origin(number, &origin) }
        return origin
    }

    /// Whether this is a listening Unix stream socket (what LISTEN_FDS must hold).
    public borrowing func isListeningUnixStream() throws(Errno) -> Bool {
        let number = number
        return try check { cl_is_listening_unix_stream(number) } == 1
    }

    /// Lets no peer pass descriptors to the connections of this listening socket. Closing a stranger's descriptor can take as
    /// long as he likes (SO_LINGER), and whoever reads without asking for descriptors closes them. Before Linux 6.16 it can't be
    /// refused: what then ends a helper that hangs is its supervisor's watchdog.
    public borrowing func refuseDescriptors() { _ = cl_refuse_descriptors(number) }

    /// send(2): the number of bytes taken. A connection whose other end is gone gives EPIPE, and no signal.
    public borrowing func send(_ bytes: Span<UInt8>) throws(Errno) -> Int {
        let number = number
        // SAFETY: the span outlives the call, and its own count bounds it.
        return Int(try check { unsafe bytes.withUnsafeBufferPointer { unsafe cl_send(number, $0.baseAddress, $0.count) } })
    }

    /// Ends a connection for both sides, also where another descriptor of it is open (shutdown(2)). One that has ended stays so.
    public borrowing func endConnection() { _ = cl_shutdown(number) }

    public borrowing func setNonBlocking() throws(Errno) {
        let number = number
        try check { cl_set_nonblocking(number) }
    }

    /// Waits until the descriptor is readable (or writable): false when the time ran out (poll(2)).
    public borrowing func wait(forWrite: Bool = false, milliseconds: Int32) throws(Errno) -> Bool {
        let number = number
        return try check { cl_poll(number, forWrite, milliseconds) } > 0
    }
}

/// The kernel's messages about devices that come and go. They are the only sign that a powercap zone appeared.
public final class UeventSocket: Sendable {
    private let descriptor: Descriptor
    public var number: Int32 { descriptor.number }

    public init() throws(Errno) { descriptor = Descriptor(owning: try check { cl_uevent_socket() }) }

    /// The next message's bytes in `buffer`; 0 if it was not the kernel that sent it.
    public func receive(into buffer: inout MutableSpan<UInt8>) throws(Errno) -> Int {
        var fromKernel = false
        let number = descriptor.number
        // SAFETY: the span's own count bounds what the kernel may write.
        let count = try check {
            unsafe buffer.withUnsafeMutableBufferPointer {
                unsafe cl_uevent_receive(number, $0.baseAddress, $0.count, &fromKernel)
            }
        }
        return fromKernel ? Int(count) : 0
    }
}
