public import HTTP
public import JSON
internal import LinuxSystem
internal import Text

/// Why a request to the API server came to nothing.
public enum APIProblem: Error, Equatable, Sendable {
    /// There is no answer.
    case failed(HTTPProblem)
    /// The server's own word (metav1.Status).
    case refused(Refusal)

    /// An answer that isn't the wanted one.
    public struct Refusal: Equatable, Sendable {
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
        case .failed(let problem): problem.kind
        case .refused(let refusal): "\(refusal.status) \(refusal.reason)"
        }
    }

    /// Asking again soon makes no sense: somebody has to change something first.
    var isLasting: Bool {
        switch self {
        case .failed: false
        case .refused(let refusal): 400..<500 ~= refusal.status && ![401, 408, 409, 410, 429].contains(refusal.status)
        }
    }

    /// Not the one request's: whatever is asked for meets it.
    var isShared: Bool {
        switch self {
        case .failed(let problem): problem.isShared
        case .refused(let refusal): [401, 429].contains(refusal.status) || refusal.status >= 500
        }
    }

    /// Something was asked, and the server or what is between had its part in what became of it.
    var isOfServer: Bool {
        switch self {
        case .failed(let problem): problem.isOfServer
        case .refused: true
        }
    }

    /// An answer came, and can't be made sense of.
    var isUnreadable: Bool {
        switch self {
        case .failed(.tooLarge), .failed(.garbled): true
        case .failed, .refused: false
        }
    }

    /// It came, and was more than this program reads.
    var isTooLarge: Bool { if case .failed(.tooLarge) = self { true } else { false } }

    /// HTTP's; nil where there is no answer.
    public var status: Int? { if case .refused(let refusal) = self { refusal.status } else { nil } }
    var retryAfter_s: Int { if case .refused(let refusal) = self { refusal.retryAfter_s } else { 0 } }

    /// What a person reads, and what there is to do.
    public var sentence: String {
        switch self {
        case .failed(let problem): problem.sentence
        case .refused(let refusal): refusal.sentence
        }
    }

    /// What is read of a Status.
    static let interest = JSONInterest.members(["kind": .all, "reason": .all, "message": .all, "code": .all])

    /// An answer that isn't the wanted one.
    init(_ answer: Answer) {
        let status = try? JSON(answer.body, APIProblem.interest, within: .answer)
        let isStatus = status?["kind"]?.text == "Status"
        self = .refused(
            Refusal(
                status: answer.status, reason: isStatus ? status?["reason"]?.text ?? "" : "",
                message: isStatus ? status?["message"]?.text ?? "" : String(decoding: answer.body.prefix(200), as: UTF8.self),
                retryAfter_s: answer.retryAfter_s))
    }

    /// A Status object that came inside another answer, as a watch's last event.
    public init(event object: JSON) {
        self = .refused(
            Refusal(
                status: object["code"]?.integer.flatMap { Int(exactly: $0) } ?? 0, reason: object["reason"]?.text ?? "",
                message: object["message"]?.text ?? ""))
    }
}

extension HTTPProblem {
    /// Of an API server.
    fileprivate var sentence: String {
        switch self {
        case .noLibrary(let detail): "libcurl can't be loaded: \(detail) (install libcurl4)"
        case .unreachable(let detail): "no connection to the API server: \(detail)"
        case .untrusted(let detail):
            "the API server's certificate is not trusted: \(detail) (is KUBE_CA_FILE this cluster's authority?)"
        case .noCertificates(let detail): "the file of certificates can't be used: \(detail) (see KUBE_CA_FILE)"
        case .silent: "the API server does not answer in time: it is overloaded or stopped, or a network policy drops packets"
        case .givenUp: "the connection to the API server was given up: something else on it had no answer in its time"
        case .broken(let detail): "the connection to the API server failed: \(detail)"
        case .tooLarge: "the answer is larger than any that this program reads"
        case .garbled(let detail): "what answered is not an API server: \(detail) (see KUBE_SERVER)"
        case .noToken(let path, let problem): "no token: \(path) \(problem.words)"
        }
    }
}

extension TokenFile.Problem {
    fileprivate var words: String {
        switch self {
        case .file(.noEntry): "does not exist (see KUBE_TOKEN_FILE; in a pod, automountServiceAccountToken)"
        case .file(.denied): "may not be read by this user (in a pod, see fsGroup)"
        case .file(let errno): "can't be read: \(errno.explanation) (\(errno.name))"
        case .notAFile: "is no file, but a FIFO, a device or a socket"
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
