internal import HTTP
internal import JSON
internal import Text

/// Why a service has given nothing, or has set nothing.
enum DeviceProblem: Error, Equatable, Sendable {
    /// No answer came.
    case failed(HTTPProblem)
    /// A file of DEVICE_LOGIN_FILE, DEVICE_TOKEN_FILE: what can't be read of it.
    case secret(variable: String, path: String, why: String)
    /// 401 or 403: it knows nobody by what was shown, or lets him do less.
    case denied(status: Int)
    /// 404, 405 or 410: there is no such device, or a release that can't do this.
    case absent(status: Int)
    /// Any other 4xx: it doesn't take what was asked for, and why in its own words.
    case refused(status: Int, words: String?)
    /// 5xx or 429: it can't at present.
    case troubled(status: Int, words: String?, retryAfter_s: Int)
    /// The answer isn't what is documented.
    case garbled(String)
    /// What was asked for wasn't done in its time.
    case late

    /// Of an answer whose status is none of success.
    init(_ answer: DeviceAnswer) {
        let words = answer.ownWords
        switch answer.status {
        case 401, 403: self = .denied(status: answer.status)
        case 404, 405, 410: self = .absent(status: answer.status)
        case 429, 500...: self = .troubled(status: answer.status, words: words, retryAfter_s: answer.retryAfter_s)
        case 400..<500: self = .refused(status: answer.status, words: words)
        default: self = .garbled("HTTP \(answer.status) is no answer to this")
        }
    }

    /// Nothing has changed at the device, nor will by what was asked. After anything else the limit may be the old one or the new one.
    var isWithoutEffect: Bool {
        switch self {
        case .denied, .absent, .refused, .secret: true
        case .failed(let problem): !problem.isOfServer
        case .troubled, .garbled, .late: false
        }
    }

    /// In a word: for counting, and for telling one problem from another.
    var kind: String {
        switch self {
        case .failed(let problem): problem.kind
        case .secret: "no-secret"
        case .denied: "denied"
        case .absent: "absent"
        case .refused: "refused"
        case .troubled: "troubled"
        case .garbled: "garbled"
        case .late: "late"
        }
    }

    /// A clause, without a full stop: behind "SERVICE: ".
    var words: String {
        switch self {
        case .failed(let problem): problem.words
        case .secret(let variable, let path, let why): "\(variable) \(path) \(why)"
        case .denied(401): "it knows nobody by what it was shown (HTTP 401): look into DEVICE_LOGIN_FILE or DEVICE_TOKEN_FILE"
        case .denied(let status): "it doesn't allow that (HTTP \(status)): the login needs the right to configure"
        case .absent(let status): "it doesn't have that (HTTP \(status))"
        case .refused(let status, let words): "it refuses that (HTTP \(status))\(words.map { ": \($0)" } ?? "")"
        case .troubled(let status, let words, _): "it can't at present (HTTP \(status))\(words.map { ": \($0)" } ?? "")"
        case .garbled(let what): "its answer is not what is documented: \(what)"
        case .late: "it wasn't done in its time"
        }
    }
}

extension HTTPProblem {
    /// Why a service on the own network gave no answer.
    fileprivate var words: String {
        switch self {
        case .noLibrary(let why): "libcurl can't be loaded: \(why)"
        case .unreachable(let why): "it can't be reached: \(why)"
        case .untrusted(let why): "its certificate isn't trusted (DEVICE_CA_FILE): \(why)"
        case .noCertificates(let why): "DEVICE_CA_FILE can't be used: \(why)"
        case .silent, .givenUp: "it doesn't answer"
        case .broken(let why): "the connection broke: \(why)"
        case .tooLarge: "its answer is too large"
        case .garbled(let why): "its answer is no HTTP: \(why)"
        case .noToken(let path, _): "the token in \(path) can't be read"
        }
    }
}

extension DeviceAnswer {
    /// What the service says of a failure, made fit to be shown: Redfish's extended information (DSP0266, section 8.6), the Zeus daemon's list
    /// of errors or its plain text.
    fileprivate var ownWords: String? {
        let text: String?
        if let document = try? document() {
            let information = document["error"]?["@Message.ExtendedInfo"]?.elements?.first
            let own = document["errors"]?.members?.first?.value.text
            text = information?["Message"]?.text ?? own ?? document["error"]?["message"]?.text
        } else {
            text = body.count <= 2_000 ? String(validating: body, as: UTF8.self) : nil
        }
        guard let text, !text.isEmpty, !text.hasPrefix("<") else { return nil }
        return text.printable.shortened(to: 200)
    }
}
