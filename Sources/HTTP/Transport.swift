internal import CCurl
internal import LinuxSystem

/// Exchanges over HTTP by libcurl, on the caller's thread. libcurl's sockets are watched by an epoll of their own, which the
/// caller's epoll watches as one descriptor: `run` is to be called when it is readable, and when `due_ns` has come.
@safe final class Transport {
    private var multi: UnsafeMutableRawPointer
    private let sockets: Epoll
    /// By the address of their handle.
    private var exchanges: [UInt: Exchange] = [:]
    /// Those that ended before libcurl had a part in it, to be told so by `run`.
    private var failed: [(exchange: Exchange, problem: HTTPProblem)] = []
    /// When libcurl has something to do though no socket is ready, on CLOCK_MONOTONIC.
    private var libcurlDue_ns: UInt64 = .max
    var due_ns: UInt64 { failed.isEmpty ? libcurlDue_ns : 0 }

    /// For waiting on.
    var descriptorNumber: Int32 { sockets.number }

    /// - Throws: `.noLibrary`, or `.broken` where the kernel refuses an epoll.
    init() throws(HTTPProblem) {
        if let reason = unsafe ccurl_load() { throw .noLibrary(unsafe String(cString: reason)) }
        do throws(Errno) { sockets = try Epoll() } catch { throw .broken("\(error.explanation) (\(error.name))") }
        unsafe multi = try Transport.multi()
        unsafe ccurl_multi_owner(multi, Unmanaged.passUnretained(self).toOpaque())
    }

    private static func multi() throws(HTTPProblem) -> UnsafeMutableRawPointer {
        // SAFETY: libcurl calls back only within calls that this object makes, and the multi handle ends with it.
        let multi = unsafe ccurl_multi(
            { _, socket, what, owner, _ in
                unsafe Unmanaged<Transport>.fromOpaque(owner!).takeUnretainedValue().watch(socket, what)
                return 0
            },
            { _, milliseconds, owner in
                let transport = unsafe Unmanaged<Transport>.fromOpaque(owner!).takeUnretainedValue()
                transport.libcurlDue_ns = milliseconds < 0 ? .max : Clock.monotonic_ns + UInt64(milliseconds) * 1_000_000
                return 0
            })
        guard let multi = unsafe multi else { throw .broken("libcurl has no memory left") }
        return unsafe multi
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
    /// - Parameter names: what they stand for, as CURLOPT_RESOLVE(3) takes it.
    func start(_ exchange: Exchange, _ names: [String]) {
        exchange.resolve(names)
        if let problem = exchange.refusal { return fail(exchange, problem) }
        exchanges[exchange.address] = exchange
        if unsafe ccurl_multi_add(multi, exchange.handle) != CURLM_OK {
            exchanges[exchange.address] = nil
            fail(exchange, .broken("libcurl has no memory left"))
        }
    }

    /// Ends an exchange, which hears of it from `run`.
    func fail(_ exchange: Exchange, _ problem: HTTPProblem) { failed.append((exchange, problem)) }

    /// Ends an exchange without an outcome.
    func cancel(_ exchange: Exchange) {
        failed.removeAll { $0.exchange === exchange }
        guard exchanges.removeValue(forKey: exchange.address) != nil else { return }
        unsafe ccurl_multi_remove(multi, exchange.handle)
    }

    /// Closes every connection, because something has had no answer on one of them in its time; what else is on its way fails. Over HTTP/2
    /// libcurl ends such an exchange, keeps the connection, and puts the next one on it: for ever, where the connection's packets vanish.
    /// Over HTTP/1 others lie idle that have the same way, and may have the same fate.
    func giveUpConnections() {
        // Without memory for another the old one has to do.
        guard let fresh = unsafe try? Transport.multi() else { return }
        for exchange in exchanges.values {
            unsafe ccurl_multi_remove(multi, exchange.handle)
            fail(exchange, .givenUp)
        }
        exchanges.removeAll()
        unsafe ccurl_multi_end(multi)
        libcurlDue_ns = .max
        unsafe multi = fresh
        unsafe ccurl_multi_owner(multi, Unmanaged.passUnretained(self).toOpaque())
    }

    /// Moves every exchange on as far as it goes without waiting.
    func run() {
        if libcurlDue_ns <= Clock.monotonic_ns {
            libcurlDue_ns = .max
            unsafe ccurl_multi_ready(multi, CURL_SOCKET_TIMEOUT)
        }
        let count = (try? sockets.wait(milliseconds: 0)) ?? 0
        for index in 0..<count {
            let socket = Int32(truncatingIfNeeded: sockets[index].token)
            unsafe ccurl_multi_ready(multi, socket)
        }
        // Outside of libcurl's callbacks, from which it must not be called.
        var (result, ended, isSilent) = (CURLE_OK, [(Exchange, CURLcode)](), false)
        while let handle = unsafe ccurl_multi_next_ended(multi, &result) {
            guard let exchange = exchanges.removeValue(forKey: UInt(bitPattern: handle)) else { continue }
            unsafe ccurl_multi_remove(multi, handle)
            ended.append((exchange, result))
            if result == CURLE_OPERATION_TIMEDOUT { isSilent = true }
        }
        // Before anybody hears of it, who might send again at once.
        if isSilent { giveUpConnections() }
        for (exchange, result) in ended { exchange.end(result) }
        for exchange in exchanges.values where exchanges[exchange.address] != nil { exchange.deliver() }
        while !failed.isEmpty {
            let (exchange, problem) = failed.removeFirst()
            exchange.fail(problem)
        }
    }
}
