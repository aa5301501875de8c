internal import CCurl
internal import LinuxSystem

/// A request on its way, and what came back of it so far.
@safe final class Exchange {
    /// libcurl's.
    let handle: UnsafeMutableRawPointer
    var address: UInt { unsafe UInt(bitPattern: handle) }
    private var headers: UnsafeMutablePointer<curl_slist>?
    /// Where libcurl writes what went wrong; it must outlive the handle.
    private let problem: UnsafeMutablePointer<CChar>
    private let largest: Int
    private var body: [UInt8] = []
    /// The server has begun to answer.
    private var isAnswered = false
    private var isDelivered = false
    private var isTooLarge = false
    private let onBytes: ((inout [UInt8]) -> Void)?
    private let onEnd: (Result<Answer, APIProblem>) -> Void

    private static let problemBytes = Int(CURL_ERROR_SIZE)

    /// - Parameters:
    ///   - onBytes: takes a body piece by piece, and leaves what it has no use for yet; nil for a body that is taken whole.
    ///   - onEnd: called once, unless the exchange is cancelled.
    init(
        _ request: Request, at access: ClusterAccess, token: String?, timeLimit_ms: UInt64,
        onBytes: ((inout [UInt8]) -> Void)? = nil, onEnd: @escaping (Result<Answer, APIProblem>) -> Void
    ) {
        unsafe handle = ccurl_easy()!
        unsafe problem = .allocate(capacity: Exchange.problemBytes)
        unsafe problem.initialize(repeating: 0, count: Exchange.problemBytes)
        (largest, self.onBytes, self.onEnd) = (request.largestAnswer, onBytes, onEnd)
        add("Accept: \(request.accept)")
        if let token { add("Authorization: Bearer \(token)") }
        if let body = request.body {
            add("Content-Type: \(body.type)")
            // libcurl would wait for "100 Continue" before a long body.
            add("Expect:")
            unsafe ccurl_number(handle, CURLOPT_POSTFIELDSIZE, body.bytes.count)
            // SAFETY: libcurl copies as many bytes as it was just told.
            unsafe body.bytes.withUnsafeBytes {
                unsafe ccurl_pointer(handle, CURLOPT_COPYPOSTFIELDS, UnsafeMutableRawPointer(mutating: $0.baseAddress))
            }
        }
        set(CURLOPT_URL, access.server + request.path)
        set(CURLOPT_CUSTOMREQUEST, request.method.rawValue)
        set(CURLOPT_USERAGENT, userAgent)
        set(CURLOPT_PROTOCOLS_STR, "http,https")
        unsafe ccurl_pointer(handle, CURLOPT_HTTPHEADER, headers)
        // Signals belong to the controller's own loop.
        unsafe ccurl_number(handle, CURLOPT_NOSIGNAL, 1)
        unsafe ccurl_number(handle, CURLOPT_CONNECTTIMEOUT_MS, Request.connectTime_ms)
        unsafe ccurl_number(handle, CURLOPT_TIMEOUT_MS, Int(timeLimit_ms))
        // A peer that is gone without a word is noticed by the kernel (tcp(7)).
        unsafe ccurl_number(handle, CURLOPT_TCP_KEEPALIVE, 1)
        unsafe ccurl_number(handle, CURLOPT_TCP_KEEPIDLE, 30)
        unsafe ccurl_number(handle, CURLOPT_TCP_KEEPINTVL, 10)
        // One connection for everything where the server speaks HTTP/2.
        unsafe ccurl_number(handle, CURLOPT_HTTP_VERSION, CURL_HTTP_VERSION_2TLS)
        unsafe ccurl_number(handle, CURLOPT_PIPEWAIT, 1)
        unsafe ccurl_number(handle, CURLOPT_SSLVERSION, CURL_SSLVERSION_TLSv1_2)
        if access.isPlain {
            // A proxy of the environment must not see a token in plain text.
            set(CURLOPT_PROXY, "")
        } else if let file = access.certificateFile {
            // This one alone is trusted: libcurl would add the system's directory.
            set(CURLOPT_CAINFO, file)
            unsafe ccurl_text(handle, CURLOPT_CAPATH, nil)
            // Read anew for each connection: it may be replaced on disk.
            unsafe ccurl_number(handle, CURLOPT_CA_CACHE_TIMEOUT, 0)
        }
        unsafe ccurl_pointer(handle, CURLOPT_ERRORBUFFER, problem)
        // SAFETY: the transport holds the exchange as long as libcurl may call back.
        let owner = unsafe Unmanaged.passUnretained(self).toOpaque()
        unsafe ccurl_pointer(handle, CURLOPT_HEADERDATA, owner)
        unsafe ccurl_function(handle, CURLOPT_HEADERFUNCTION) { _, size, count, owner in
            unsafe Unmanaged<Exchange>.fromOpaque(owner!).takeUnretainedValue().isAnswered = true
            return size * count
        }
        unsafe ccurl_pointer(handle, CURLOPT_WRITEDATA, owner)
        unsafe ccurl_function(handle, CURLOPT_WRITEFUNCTION) { bytes, size, count, owner in
            let exchange = unsafe Unmanaged<Exchange>.fromOpaque(owner!).takeUnretainedValue()
            // SAFETY: libcurl gives so many bytes.
            let bytes = unsafe UnsafeRawBufferPointer(start: bytes, count: size * count)
            return unsafe exchange.take(bytes) ? size * count : 0
        }
    }

    deinit {
        unsafe ccurl_easy_end(handle)
        unsafe ccurl_list_end(headers)
        unsafe problem.deallocate()
    }

    private func add(_ header: String) { unsafe headers = ccurl_append(headers, header) }

    private func set(_ option: CURLoption, _ text: String) { unsafe ccurl_text(handle, option, text) }

    /// False ends the exchange.
    private func take(_ bytes: UnsafeRawBufferPointer) -> Bool {
        isTooLarge = body.count + bytes.count > largest
        if isTooLarge { return false }
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

    /// To be called when libcurl is done with it.
    func end(_ result: CURLcode) {
        deliver()
        guard result == CURLE_OK else {
            if isTooLarge { return onEnd(.failure(.tooLarge)) }
            let detail = unsafe String(cString: problem[0] == 0 ? ccurl_words(result) : UnsafePointer(problem))
            return onEnd(.failure(APIProblem(result, detail)))
        }
        let retryAfter_s = unsafe ccurl_info_offset(handle, CURLINFO_RETRY_AFTER)
        let answer = Answer(status: status, body: body)
        onEnd(answer.status < 300 ? .success(answer) : .failure(APIProblem(answer, retryAfter_s: max(0, Int(retryAfter_s)))))
    }
}

/// What the server answered.
struct Answer: Equatable, Sendable {
    let status: Int
    let body: [UInt8]
}
