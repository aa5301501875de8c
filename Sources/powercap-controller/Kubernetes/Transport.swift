internal import CCurl
internal import LinuxSystem

/// Exchanges over HTTP by libcurl, on the caller's thread. libcurl's sockets are watched by an epoll of their own, which the
/// caller's epoll watches as one descriptor: `run` is to be called when it is readable, and when `due_ns` has come.
@safe final class Transport {
    private let multi: UnsafeMutableRawPointer
    private let sockets: Epoll
    /// By the address of their handle.
    private var exchanges: [UInt: Exchange] = [:]
    /// When libcurl has something to do though no socket is ready, on CLOCK_MONOTONIC.
    private(set) var due_ns: UInt64 = .max

    /// For waiting on.
    var descriptorNumber: Int32 { sockets.number }

    /// - Throws: `.noLibrary`, or `.broken` where the kernel refuses an epoll.
    init() throws(APIProblem) {
        if let reason = unsafe ccurl_load() { throw .noLibrary(unsafe String(cString: reason)) }
        do throws(Errno) { sockets = try Epoll() } catch { throw .broken("\(error.explanation) (\(error.name))") }
        // SAFETY: libcurl calls back only within calls that this object makes, and the multi handle ends with it.
        let multi = unsafe ccurl_multi(
            { _, socket, what, owner, _ in
                unsafe Unmanaged<Transport>.fromOpaque(owner!).takeUnretainedValue().watch(socket, what)
                return 0
            },
            { _, milliseconds, owner in
                let transport = unsafe Unmanaged<Transport>.fromOpaque(owner!).takeUnretainedValue()
                transport.due_ns = milliseconds < 0 ? .max : Clock.monotonic_ns + UInt64(milliseconds) * 1_000_000
                return 0
            })
        guard let multi = unsafe multi else { throw .broken("libcurl has no memory left") }
        unsafe self.multi = multi
        unsafe ccurl_multi_owner(multi, Unmanaged.passUnretained(self).toOpaque())
    }

    deinit {
        for exchange in exchanges.values { unsafe ccurl_multi_remove(multi, exchange.handle) }
        exchanges.removeAll()
        unsafe ccurl_multi_end(multi)
    }

    private func watch(_ socket: Int32, _ what: Int32) {
        if what == CURL_POLL_REMOVE { return sockets.remove(socket) }
        // A socket that can't be watched would be silent for ever; its exchange then ends by its time limit.
        try? sockets.set(
            socket, forRead: what & CURL_POLL_IN != 0, forWrite: what & CURL_POLL_OUT != 0,
            token: UInt64(UInt32(bitPattern: socket)))
    }

    /// Sends a request. Nothing happens before `run`.
    func start(_ exchange: Exchange) {
        exchanges[exchange.address] = exchange
        unsafe ccurl_multi_add(multi, exchange.handle)
    }

    /// Ends an exchange without an outcome.
    func cancel(_ exchange: Exchange) {
        guard exchanges.removeValue(forKey: exchange.address) != nil else { return }
        unsafe ccurl_multi_remove(multi, exchange.handle)
    }

    /// Moves every exchange on as far as it goes without waiting.
    func run() {
        if due_ns <= Clock.monotonic_ns {
            due_ns = .max
            unsafe ccurl_multi_ready(multi, CURL_SOCKET_TIMEOUT)
        }
        let count = (try? sockets.wait(milliseconds: 0)) ?? 0
        for index in 0..<count {
            let socket = Int32(truncatingIfNeeded: sockets[index].token)
            unsafe ccurl_multi_ready(multi, socket)
        }
        // Outside of libcurl's callbacks, from which it must not be called.
        var result = CURLE_OK
        while let handle = unsafe ccurl_multi_next_ended(multi, &result) {
            guard let exchange = exchanges.removeValue(forKey: UInt(bitPattern: handle)) else { continue }
            unsafe ccurl_multi_remove(multi, handle)
            exchange.end(result)
        }
        for exchange in exchanges.values where exchanges[exchange.address] != nil { exchange.deliver() }
    }
}
