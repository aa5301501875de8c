internal import CCurl
internal import LinuxSystem
internal import Text

/// A request on its way, and what came back of it so far.
@safe public final class Exchange {
    /// libcurl's.
    let handle: UnsafeMutableRawPointer
    var address: UInt { unsafe UInt(bitPattern: handle) }
    private var headers: UnsafeMutablePointer<curl_slist>?
    private var addresses: UnsafeMutablePointer<curl_slist>?
    /// Where libcurl writes what went wrong; it must outlive the handle.
    private let problem: UnsafeMutablePointer<CChar>
    private let largest: Int
    /// A Unix-domain socket's path; nil where the server isn't behind one.
    private let socket: String?
    private var body: [UInt8] = []
    /// The server has begun to answer.
    private var isAnswered = false
    private var isDelivered = false
    /// What ended it, where libcurl wouldn't have.
    private var ownProblem: HTTPProblem?
    private var headerBytes = 0
    /// What is kept of its head.
    private let wanted: Set<String>
    private var fields: [String: String] = [:]
    /// The first option that libcurl refused: then nothing is sent.
    private var refusedOption = CURLE_OK
    /// Why the server couldn't be told from another: then nothing is sent either.
    private var noCertificates: HTTPProblem?
    private let onBytes: ((inout [UInt8]) -> Void)?
    private let onEnd: (Result<Answer, HTTPProblem>) -> Void

    private static let problemBytes = Int(CURL_ERROR_SIZE)
    /// Of all headers together, with those of answers that come before the answer (RFC 9110, section 15.2). A server's are a few hundred.
    private static let mostHeaderBytes = 32 << 10
    /// All the authorities that a distribution comes with take 220 kB.
    private static let largestCertificates = 1 << 20

    /// - Parameters:
    ///   - onBytes: takes a body piece by piece, and leaves what it has no use for yet; nil for a body that is taken whole.
    ///   - onEnd: called once, unless the exchange is cancelled.
    init(
        _ request: Request, to server: Server, by proxy: Proxy?, as userAgent: String, token: String?, timeLimit_ms: UInt64,
        onBytes: ((inout [UInt8]) -> Void)? = nil, onEnd: @escaping (Result<Answer, HTTPProblem>) -> Void
    ) {
        unsafe handle = ccurl_easy()!
        unsafe problem = .allocate(capacity: Exchange.problemBytes)
        unsafe problem.initialize(repeating: 0, count: Exchange.problemBytes)
        (largest, self.onBytes, self.onEnd) = (request.largestAnswer, onBytes, onEnd)
        socket = server.socket
        wanted = request.wantedFields
        for field in request.fields { add("\(field.name): \(field.value)") }
        func isOwn(_ name: String) -> Bool { request.fields.contains { $0.isNamed(name) } }
        if !isOwn("accept") { add("Accept: \(request.accept)") }
        if let token { add("Authorization: Bearer \(token)") }
        if let login = request.login {
            set(CURLOPT_HTTPAUTH, login.manner == .basic ? ccurl_basic : ccurl_digest_or_basic)
            set(CURLOPT_USERNAME, login.user)
            set(CURLOPT_PASSWORD, login.password)
        }
        if let body = request.body {
            if !isOwn("content-type") { add("Content-Type: \(body.type)") }
            // libcurl would wait for "100 Continue" before a long body.
            add("Expect:")
            set(CURLOPT_POSTFIELDSIZE, body.bytes.count)
            // SAFETY: libcurl copies as many bytes as it was just told.
            check(
                unsafe body.bytes.withUnsafeBytes {
                    unsafe ccurl_pointer(handle, CURLOPT_COPYPOSTFIELDS, UnsafeMutableRawPointer(mutating: $0.baseAddress))
                })
        }
        set(CURLOPT_URL, server.address + request.path)
        if let socket { set(CURLOPT_UNIX_SOCKET_PATH, socket) }
        set(CURLOPT_CUSTOMREQUEST, request.method.rawValue)
        set(CURLOPT_USERAGENT, userAgent)
        check(unsafe ccurl_pointer(handle, CURLOPT_HTTPHEADER, headers))
        // Another place than the one that was asked is none of ours, and must not see the token.
        set(CURLOPT_FOLLOWLOCATION, 0)
        // Signals belong to the controller's own loop.
        set(CURLOPT_NOSIGNAL, 1)
        set(CURLOPT_CONNECTTIMEOUT_MS, Request.connectTime_ms)
        set(CURLOPT_TIMEOUT_MS, Int(timeLimit_ms))
        // One connection for everything where the server speaks HTTP/2.
        set(CURLOPT_HTTP_VERSION, CURL_HTTP_VERSION_2TLS)
        set(CURLOPT_PIPEWAIT, 1)
        set(CURLOPT_SSLVERSION, CURL_SSLVERSION_TLSv1_2)
        // No variable of the environment is looked at any more.
        set(CURLOPT_PROXY, proxy?.text ?? "")
        set(CURLOPT_NOPROXY, "")
        if !server.isPlain, let file = server.certificateFile { trust(file) }
        // What libcurls before 7.85 and 7.87 don't have. The other schemes aren't reached without them either, as redirections aren't
        // followed; and where there is a cache of certificates, they are read anew for each connection: they may be replaced on disk.
        _ = unsafe ccurl_text(handle, CURLOPT_PROTOCOLS_STR, "http,https")
        _ = unsafe ccurl_number(handle, CURLOPT_CA_CACHE_TIMEOUT, 0)
        check(unsafe ccurl_pointer(handle, CURLOPT_ERRORBUFFER, problem))
        // SAFETY: the transport holds the exchange as long as libcurl may call back.
        let owner = unsafe Unmanaged.passUnretained(self).toOpaque()
        check(unsafe ccurl_pointer(handle, CURLOPT_HEADERDATA, owner))
        let takeHeader: curl_write_callback = { bytes, size, count, owner in
            let exchange = unsafe Unmanaged<Exchange>.fromOpaque(owner!).takeUnretainedValue()
            // SAFETY: libcurl gives so many bytes.
            let bytes = unsafe UnsafeRawBufferPointer(start: bytes, count: size * count)
            return unsafe exchange.take(header: bytes) ? size * count : 0
        }
        check(unsafe ccurl_function(handle, CURLOPT_HEADERFUNCTION, takeHeader))
        check(unsafe ccurl_pointer(handle, CURLOPT_WRITEDATA, owner))
        let takeBody: curl_write_callback = { bytes, size, count, owner in
            let exchange = unsafe Unmanaged<Exchange>.fromOpaque(owner!).takeUnretainedValue()
            // SAFETY: libcurl gives so many bytes.
            let bytes = unsafe UnsafeRawBufferPointer(start: bytes, count: size * count)
            return unsafe exchange.take(bytes) ? size * count : 0
        }
        check(unsafe ccurl_function(handle, CURLOPT_WRITEFUNCTION, takeBody))
    }

    /// The authorities of this file alone: libcurl would add the system's directory. It would also open the file itself, and might wait for
    /// it; those before 7.77 do, and those with another TLS library, once the path has been seen to name a file.
    private func trust(_ file: String) {
        do throws(GivenFile.Problem) {
            var bytes = try GivenFile.contents(of: file, atMost: Exchange.largestCertificates)
            guard 1...Exchange.largestCertificates ~= bytes.count else {
                return noCertificates = .noCertificates("\(file) \(bytes.isEmpty ? "is empty" : "is too large")")
            }
            // SAFETY: libcurl copies as many bytes as it is told.
            let isTaken = unsafe bytes.withUnsafeMutableBytes { unsafe ccurl_authorities(handle, $0.baseAddress, $0.count) }
            if !isTaken { set(CURLOPT_CAINFO, file) }
            check(unsafe ccurl_text(handle, CURLOPT_CAPATH, nil))
        } catch {
            let why =
                switch error {
                case .notAFile: "is no file, but a FIFO, a device or a socket"
                case .failed(let errno): "can't be read: \(errno.explanation) (\(errno.name))"
                }
            noCertificates = .noCertificates("\(file) \(why)")
        }
    }

    deinit {
        unsafe ccurl_easy_end(handle)
        unsafe ccurl_list_end(headers)
        unsafe ccurl_list_end(addresses)
        unsafe problem.deallocate()
    }

    private func add(_ header: String) { unsafe headers = ccurl_append(headers, header) }

    private func set(_ option: CURLoption, _ text: String) { check(unsafe ccurl_text(handle, option, text)) }
    private func set(_ option: CURLoption, _ number: Int) { check(unsafe ccurl_number(handle, option, number)) }

    private func check(_ code: CURLcode) { if refusedOption == CURLE_OK { refusedOption = code } }

    /// Why it can't be sent at all.
    var refusal: HTTPProblem? {
        if let noCertificates { return noCertificates }
        if refusedOption == CURLE_OK { return nil }
        return .broken("libcurl refuses the request: \(unsafe String(cString: ccurl_words(refusedOption)))")
    }

    /// Says which addresses names stand for, as CURLOPT_RESOLVE(3) takes them: libcurl must not look any up itself.
    func resolve(_ names: [String]) {
        for name in names { unsafe addresses = ccurl_append(addresses, name) }
        check(unsafe ccurl_pointer(handle, CURLOPT_RESOLVE, addresses))
    }

    /// False ends the exchange.
    private func take(header bytes: UnsafeRawBufferPointer) -> Bool {
        isAnswered = true
        headerBytes += bytes.count
        if headerBytes > Exchange.mostHeaderBytes { ownProblem = .tooLarge }
        // Nothing was said that invites a coding. One that is there all the same could blow up in memory.
        let text = unsafe String(decoding: bytes, as: UTF8.self)
        let line = text.lowercased()
        if !wanted.isEmpty { keep(text) }
        for (name, only) in [("content-encoding:", "identity"), ("transfer-encoding:", "chunked")] where line.hasPrefix(name) {
            let value = line.dropFirst(name.utf8.count).filter { !$0.isWhitespace }
            if value != only { ownProblem = .garbled("it encodes its answer as \(quoted(value))") }
        }
        return ownProblem == nil
    }

    /// Keeps a line of the head that is wanted. What came before a status is of an answer that wasn't the last.
    private func keep(_ line: String) {
        if line.hasPrefix("HTTP/") { fields = [:] }
        guard let colon = line.firstIndex(of: ":") else { return }
        let name = line[..<colon].lowercased()
        guard wanted.contains(name) else { return }
        let value = line[line.index(after: colon)...].drop { $0.isWhitespace }
        fields[name] = String(value[..<(value.lastIndex { !$0.isWhitespace }.map { value.index(after: $0) } ?? value.startIndex)])
    }

    /// False ends the exchange.
    private func take(_ bytes: UnsafeRawBufferPointer) -> Bool {
        if body.count + bytes.count > largest { ownProblem = .tooLarge }
        if ownProblem != nil { return false }
        unsafe body.append(contentsOf: bytes)
        return true
    }

    /// Hands over what has come; at first, that the answer has begun.
    func deliver() {
        // An answer that isn't 200 is taken whole.
        guard let onBytes, isAnswered, !body.isEmpty || !isDelivered, status == 200 else { return }
        isDelivered = true
        onBytes(&body)
    }

    private var status: Int { unsafe ccurl_info_number(handle, CURLINFO_RESPONSE_CODE) }

    /// Ends it without an answer.
    func fail(_ problem: HTTPProblem) { onEnd(.failure(problem)) }

    /// Why nobody answers on a Unix-domain socket: of that libcurl says "port 80".
    private func missingSocket(_ result: CURLcode) -> String? {
        let number = unsafe ccurl_info_number(handle, CURLINFO_OS_ERRNO)
        guard let socket, result == CURLE_COULDNT_CONNECT, number > 0 else { return nil }
        let errno = Errno(Int32(number))
        return "\(socket): \(errno.explanation) (\(errno.name))"
    }

    /// To be called when libcurl is done with it.
    func end(_ result: CURLcode) {
        deliver()
        guard result == CURLE_OK else {
            if let ownProblem { return fail(ownProblem) }
            let detail = unsafe String(cString: problem[0] == 0 ? ccurl_words(result) : UnsafePointer(problem))
            return onEnd(.failure(HTTPProblem(result, missingSocket(result) ?? detail)))
        }
        let retryAfter_s = unsafe ccurl_info_offset(handle, CURLINFO_RETRY_AFTER)
        onEnd(.success(Answer(status: status, body: body, retryAfter_s: max(0, Int(retryAfter_s)), fields: fields)))
    }
}
