internal import CCurl
internal import LinuxSystem

/// Why a request to the API server came to nothing.
enum APIProblem: Error, Equatable, Sendable {
    /// libcurl can't be loaded.
    case noLibrary(String)
    /// No connection.
    case unreachable(String)
    /// The server's certificate isn't signed by the given authority, or isn't the server's.
    case untrusted(String)
    /// The certificates to check it against can't be read.
    case noCertificates(String)
    /// Nothing came in time, or not all of it.
    case silent
    /// The connection ended or failed in the middle.
    case broken(String)
    /// The answer is larger than any that this program reads.
    case tooLarge
    /// What came is no answer of an API server.
    case garbled(String)
    case noToken(path: String, TokenProblem)
    /// The server's own word (metav1.Status).
    case refused(Refusal)

    enum TokenProblem: Equatable, Sendable {
        case file(Errno)
        case empty, malformed
    }

    struct Refusal: Equatable, Sendable {
        /// HTTP's.
        let status: Int
        /// Such as `Forbidden`; empty where the answer isn't a Status.
        let reason: String
        let message: String
        /// How long the server asks to be left alone; 0 where it doesn't.
        var retryAfter_s = 0
    }

    /// What a person has to know to tell one problem from another: `silent` again and again is one problem.
    var kind: String {
        switch self {
        case .noLibrary: "no-library"
        case .unreachable: "unreachable"
        case .untrusted: "untrusted"
        case .noCertificates: "no-certificates"
        case .silent: "silent"
        case .broken: "broken"
        case .tooLarge: "too-large"
        case .garbled: "garbled"
        case .noToken: "no-token"
        case .refused(let refusal): "\(refusal.status) \(refusal.reason)"
        }
    }

    /// Asking again soon makes no sense: somebody has to change something first.
    var isLasting: Bool {
        switch self {
        case .refused(let refusal): 400..<500 ~= refusal.status && ![401, 408, 409, 410, 429].contains(refusal.status)
        case .noLibrary, .unreachable, .untrusted, .noCertificates, .silent, .broken, .tooLarge, .garbled, .noToken: false
        }
    }

    /// Not the one request's: whatever is asked for meets it.
    var isShared: Bool {
        switch self {
        case .refused(let refusal): [401, 429].contains(refusal.status) || refusal.status >= 500
        case .noLibrary, .unreachable, .untrusted, .noCertificates, .silent, .broken, .noToken: true
        case .tooLarge, .garbled: false
        }
    }

    /// What another connection, or another address, may not have.
    var isOfConnection: Bool {
        switch self {
        case .unreachable, .untrusted, .silent, .broken: true
        case .noLibrary, .noCertificates, .tooLarge, .garbled, .noToken, .refused: false
        }
    }

    /// Something was asked, and the server or what is between had its part in what became of it.
    var isOfServer: Bool {
        switch self {
        case .silent, .broken, .tooLarge, .garbled, .refused: true
        case .noLibrary, .unreachable, .untrusted, .noCertificates, .noToken: false
        }
    }

    var status: Int? { if case .refused(let refusal) = self { refusal.status } else { nil } }
    var retryAfter_s: Int { if case .refused(let refusal) = self { refusal.retryAfter_s } else { 0 } }

    /// What a person reads, and what there is to do.
    var sentence: String {
        switch self {
        case .noLibrary(let detail): "libcurl can't be loaded: \(detail) (install libcurl4)"
        case .unreachable(let detail): "no connection to the API server: \(detail)"
        case .untrusted(let detail):
            "the API server's certificate is not trusted: \(detail) (is KUBE_CA_FILE this cluster's authority?)"
        case .noCertificates(let detail): "the file of certificates can't be used: \(detail) (see KUBE_CA_FILE)"
        case .silent: "the API server does not answer in time: it is overloaded or stopped, or a network policy drops packets"
        case .broken(let detail): "the connection to the API server failed: \(detail)"
        case .tooLarge: "the answer is larger than any that this program reads"
        case .garbled(let detail): "what answered is not an API server: \(detail) (see KUBE_SERVER)"
        case .noToken(let path, let problem): "no token: \(path) \(problem.words)"
        case .refused(let refusal): refusal.sentence
        }
    }

    init(_ code: CURLcode, _ detail: String) {
        switch code {
        case CURLE_COULDNT_CONNECT, CURLE_COULDNT_RESOLVE_HOST, CURLE_COULDNT_RESOLVE_PROXY: self = .unreachable(detail)
        case CURLE_PEER_FAILED_VERIFICATION, CURLE_SSL_ISSUER_ERROR: self = .untrusted(detail)
        case CURLE_SSL_CACERT_BADFILE: self = .noCertificates(detail)
        case CURLE_OPERATION_TIMEDOUT: self = .silent
        case CURLE_WEIRD_SERVER_REPLY, CURLE_UNSUPPORTED_PROTOCOL: self = .garbled(detail)
        default: self = .broken(detail)
        }
    }

    /// What is read of a Status.
    static let interest = JSONInterest.members(["kind": .all, "reason": .all, "message": .all, "code": .all])

    /// An answer that isn't the wanted one.
    init(_ answer: Answer, retryAfter_s: Int) {
        let status = try? JSON(answer.body, APIProblem.interest, within: .answer)
        let isStatus = status?["kind"]?.text == "Status"
        self = .refused(
            Refusal(
                status: answer.status, reason: isStatus ? status?["reason"]?.text ?? "" : "",
                message: isStatus ? status?["message"]?.text ?? "" : String(decoding: answer.body.prefix(200), as: UTF8.self),
                retryAfter_s: retryAfter_s))
    }

    /// A Status object that came inside another answer, as a watch's last event.
    init(event object: JSON) {
        self = .refused(
            Refusal(
                status: object["code"]?.integer.flatMap { Int(exactly: $0) } ?? 0, reason: object["reason"]?.text ?? "",
                message: object["message"]?.text ?? ""))
    }
}

extension APIProblem.TokenProblem {
    fileprivate var words: String {
        switch self {
        case .file(.noEntry): "does not exist (see KUBE_TOKEN_FILE; in a pod, automountServiceAccountToken)"
        case .file(.denied): "may not be read by this user (in a pod, see fsGroup)"
        case .file(let errno): "can't be read: \(errno.explanation) (\(errno.name))"
        case .empty: "is empty"
        case .malformed: "holds something else than one token"
        }
    }
}

extension APIProblem.Refusal {
    fileprivate var sentence: String {
        let remedy =
            switch status {
            case 401: " (the token is expired, or not of this cluster)"
            case 403: " (see the ClusterRole and Role of the manifests)"
            case 429: " (the API server is overloaded)"
            default: ""
            }
        let name = reason.isEmpty ? "" : " \(reason)"
        return "HTTP \(status)\(name)" + (message.isEmpty ? "" : ": \(quoted(message))") + remedy
    }
}
