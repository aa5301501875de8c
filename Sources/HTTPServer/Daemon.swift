internal import CMicrohttpd
internal import LinuxSystem

/// libmicrohttpd, without a listening socket and without a thread. It serves the connections that it is given.
@safe final class Daemon {
    private let daemon: OpaquePointer
    private let clients: Clients

    /// For waiting on.
    var descriptorNumber: Int32 { unsafe cmhd_descriptor(daemon) }
    /// It has something to do though its descriptor isn't readable.
    var isPending: Bool { unsafe cmhd_is_pending(daemon) }

    /// Of several with the same clients.
    let number: Int

    /// - Parameter certificate: what it speaks TLS with; nil is HTTP without TLS.
    /// - Throws: `.noLibrary`, or `.failed` where the kernel or the memory has no room.
    init(_ number: Int = 0, for clients: Clients, _ limits: Limits, _ certificate: Certificate? = nil) throws(ServerProblem) {
        // What should never be, such as a descriptor of its own that somebody else has closed.
        let panic: MHD_PanicCallback = { _, file, line, reason in
            let (file, reason) = unsafe (String(cString: file!), String(cString: reason!))
            fatalError("libmicrohttpd, \(file):\(line): \(reason)")
        }
        if let reason = unsafe cmhd_load(panic) { throw .noLibrary(unsafe String(cString: reason)) }
        // SAFETY: libmicrohttpd calls back only within calls that this object makes, which holds the clients, and it ends with it.
        let owner = unsafe Unmanaged.passUnretained(clients).toOpaque()
        var why: Int32 = 0
        // Who has to go for another is gone a turn later.
        let connections = UInt32(limits.connections + limits.arrivals)
        let daemon = unsafe cmhd_start(
            connections, limits.memory, certificate?.chain, certificate?.key, owner, Daemon.calls, &why)
        guard let daemon = unsafe daemon else { throw .failed("start libmicrohttpd", Errno(why)) }
        unsafe (self.daemon, self.clients, self.number) = (daemon, clients, number)
    }

    deinit { unsafe cmhd_stop(daemon) }

    /// - Throws: where there is no descriptor to be had.
    func add(_ client: Client) throws(Errno) {
        let number = try client.descriptor.duplicate()
        clients.arriving = client
        unsafe cmhd_add(daemon, number)
        clients.arriving = nil
    }

    func run() { unsafe cmhd_run(daemon) }

    // SAFETY, of all: the owner is what `init` gave, and a connection's context the client that it got when it began, whom `Clients`
    // holds until it has ended.
    private static var calls: cmhd_calls {
        unsafe cmhd_calls(
            connection: { owner, _, context, what in
                let clients = unsafe Daemon.clients(owner)
                switch what {
                case .CONNECTION_NOTIFY_STARTED:
                    unsafe context!.pointee = clients.arrived().map { unsafe Unmanaged.passUnretained($0).toOpaque() }
                case .CONNECTION_NOTIFY_CLOSED:
                    guard let client = unsafe context!.pointee else { return }
                    unsafe clients.left(Unmanaged<Client>.fromOpaque(client).takeUnretainedValue())
                }
            },
            target: { owner, target, connection in
                // What isn't UTF-8 is no target.
                let text = unsafe target.flatMap { unsafe String(validatingCString: $0) }
                unsafe Daemon.clients(owner).begin(Daemon.client(connection), text)
                return nil
            },
            answer: { owner, connection, _, method, version, bytes, count, _ in
                let bytes = unsafe [UInt8](UnsafeRawBufferPointer(start: bytes, count: count!.pointee))
                // All of them are taken.
                unsafe count!.pointee = 0
                let (clients, client) = unsafe (Daemon.clients(owner), Daemon.client(connection))
                let line = unsafe RequestLine(method: String(cString: method!), version: String(cString: version!))
                return unsafe clients.proceed(Connection(connection!), client, line, bytes) ? .YES : .NO
            },
            completed: { owner, connection, _, _ in unsafe Daemon.clients(owner).completed(Daemon.client(connection)) })
    }

    private static func clients(_ owner: UnsafeMutableRawPointer?) -> Clients {
        unsafe Unmanaged<Clients>.fromOpaque(owner!).takeUnretainedValue()
    }

    private static func client(_ connection: OpaquePointer?) -> Client {
        unsafe Unmanaged<Client>.fromOpaque(cmhd_context(connection)!).takeUnretainedValue()
    }
}
