internal import HTTP
internal import LinuxSystem

/// Why a service said nothing that could be used. Nothing that is shown to it is in here, and of its address the host at most.
enum ServiceProblem: Error, Equatable, Sendable {
    /// A file that a variable names.
    case file(variable: String, path: String, SecretFile.Problem)
    /// What is in the file of addresses.
    case addresses(variable: String, path: String, AddressTemplate.Problem)
    case tooManyAddresses(variable: String, path: String)
    /// There is no answer.
    case failed(place: String, FetchProblem)
    /// An answer that isn't the wanted one.
    case refused(place: String, status: Int, retryAfter_s: Int)
    /// The answer, and what is wrong with it.
    case unreadable(place: String, String)
    /// The login's own problem: nobody was asked for data.
    indirect case login(ServiceProblem)
    /// The login's answer has no token.
    case noToken(place: String, path: String)

    /// Asking again soon makes no sense: somebody has to change something first, or the server something of its own.
    var isLasting: Bool {
        switch self {
        case .file, .addresses, .tooManyAddresses, .unreadable, .noToken: true
        case .failed(_, let problem):
            switch problem {
            case .redirected, .failed(.noLibrary), .failed(.noCertificates), .failed(.tooLarge), .failed(.untrusted),
                .failed(.noToken):
                true
            case .failed: false
            }
        case .refused(_, let status, _): status < 500 && ![408, 425, 429].contains(status)
        case .login(let problem): problem.isLasting
        }
    }

    var retryAfter_s: Int {
        switch self {
        case .refused(_, _, let seconds): seconds
        case .login(let problem): problem.retryAfter_s
        default: 0
        }
    }

    /// In a word, of which there are few: for counting, and to tell one problem from another.
    var kind: String {
        switch self {
        case .file, .addresses, .tooManyAddresses: "configuration"
        case .failed(_, let problem): problem.kind
        case .refused(_, 401, _), .refused(_, 403, _), .login, .noToken: "denied"
        case .refused(_, 429, _): "too-many"
        case .refused(_, let status, _): status >= 500 ? "server-error" : "refused"
        case .unreadable: "unreadable"
        }
    }
}

extension ServiceProblem {
    /// What a person reads, and what there is to do; without a full stop.
    /// - Parameter prefix: what the variables of the service begin with.
    func sentence(_ prefix: String) -> String {
        switch self {
        case .file(let variable, let path, let problem): "\(variable), \(path), \(problem.words)"
        case .addresses(let variable, let path, let problem): "what is in \(variable), \(path), \(problem.words)"
        case .tooManyAddresses(let variable, let path):
            "\(variable), \(path), has more than \(AddressTemplate.most) addresses: give fewer"
        case .failed(let place, .failed(let problem)): "\(place) \(problem.words(prefix))"
        case .failed(let place, .redirected(let problem)): "\(place) \(problem.words)"
        case .refused(let place, let status, _): "\(place) answered HTTP \(status)" + ServiceProblem.remedy(status, prefix)
        case .unreadable(let place, let words): "the answer of \(place) \(words)"
        case .login(let problem): "the login came to nothing: \(problem.sentence(prefix))"
        case .noToken(let place, let path):
            "the answer of \(place) to the login has no token at \(path): name its place with \(prefix)_LOGIN_TOKEN"
        }
    }

    private static func remedy(_ status: Int, _ prefix: String) -> String {
        switch status {
        case 401:
            ": it wants to know who asks, or what was shown to it has expired (see \(prefix)_HEADER_FILE, \(prefix)_LOGIN_FILE)"
        case 403: ": what was shown to it doesn't allow that"
        case 404, 410: ": there is nothing at that address"
        case 429: ": it was asked too often (see \(prefix)_REFRESH)"
        case 400, 422: ": it doesn't understand the address or the body"
        case 500...: ": it can't answer at present"
        default: ""
        }
    }
}

extension HTTPProblem {
    /// Of a service, behind its place.
    fileprivate func words(_ prefix: String) -> String {
        switch self {
        case .noLibrary(let detail): "can't be asked, because libcurl can't be loaded: \(detail) (install libcurl4)"
        case .unreachable(let detail): "can't be reached: \(detail)"
        case .untrusted(let detail):
            "has a certificate that isn't trusted: \(detail) (a device's own authority is named by \(prefix)_CA_FILE)"
        case .noCertificates(let detail):
            "can't be told from another, because of the file of certificates: \(detail) (see \(prefix)_CA_FILE)"
        case .silent, .givenUp: "did not answer in time"
        case .broken(let detail): "broke the connection: \(detail)"
        case .tooLarge: "answered with more than 4 MiB"
        case .garbled(let detail): "answered with something that isn't HTTP as it was asked for: \(detail)"
        case .noToken: "can't be asked without a token"
        }
    }
}

extension FetchProblem.Redirection {
    /// Of a service, behind its place.
    fileprivate var words: String {
        switch self {
        case .fromPlain: "sends whoever asks elsewhere, which without TLS anybody could: give the address that it means"
        case .toPlain(let host): "leads from TLS to \(host) without: give another address"
        case .toAddress(let address):
            "leads to \(address), an address without a name, where nobody goes for it: give that address where it is meant"
        case .posted(let host): "leads to \(host) with what is posted, which it isn't for: give the address that it means"
        case .nowhere: "leads to what is no address of the web"
        case .tooMany: "leads from one address to the next, more than three times"
        }
    }
}

extension SecretFile.Problem {
    /// Behind the file's path.
    fileprivate var words: String {
        switch self {
        case .file(.noEntry): "does not exist: put it there"
        case .file(.denied), .file(.notPermitted): "may not be read by this user: change its mode or its owner"
        case .file(let errno): "can't be read: \(errno.explanation) (\(errno.name))"
        case .notAFile: "is no file, but a FIFO, a device or a socket"
        case .empty: "is empty"
        case .tooLarge: "is larger than any that is taken: 16 KiB, and 32 lines of a head"
        case .notText: "is no text in UTF-8"
        case .manyLines: "has more than one line: write one"
        case .noLogin: "has no login: write USER:PASSWORD"
        case .noField(let line): "has no `NAME: VALUE` in line \(line): write one to a line, in ASCII"
        case .reserved(let name, let line): "has \(name) in line \(line), which isn't the writer's to say: take it away"
        }
    }
}
