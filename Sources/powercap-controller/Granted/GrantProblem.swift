internal import HTTP
internal import LinuxSystem
internal import Text

/// Why an answer grants nothing, or there is none.
enum GrantProblem: Error, Equatable, Sendable {
    /// There is no answer.
    case failed(place: String, HTTPProblem)
    /// The coordinator doesn't grant anything, and what it says of that; empty where it says nothing.
    case refused(place: String, status: Int, words: String)
    /// The answer can't be read: the sentence about it.
    case unreadable(place: String, String)
    /// It speaks another version of the messages: the sentence about it.
    case version(place: String, String)
    /// It came when its time was nearly over.
    case late(place: String)
    /// It is of a coordinator that another one has taken over from.
    case superseded(place: String)

    /// In a word, of which there are few: for counting, and to tell one problem from another.
    var kind: String {
        switch self {
        case .failed(_, let problem): problem.kind
        case .refused(_, let status, _):
            switch status {
            case 400, 413: "not-understood"
            case 401: "denied"
            case 403: "other-node"
            case 404: "no-budget"
            case 421: "other-shard"
            case 426: "version"
            case 429: "too-often"
            case 503: "not-leading"
            default: status >= 500 ? "server-error" : "refused"
            }
        case .unreadable: "unreadable"
        case .version: "version"
        case .late: "late"
        case .superseded: "superseded"
        }
    }

    /// What a person reads, and what there is to do; without a full stop.
    var sentence: String {
        switch self {
        case .failed(_, .noToken(let path, let problem)): "the token for the coordinator, \(path), \(problem.words)"
        case .failed(let place, let problem): "the coordinator at \(place) \(problem.words)"
        case .refused(let place, let status, let words):
            "the coordinator at \(place) answered HTTP \(status)" + GrantProblem.meaning(status)
                + (words.isEmpty ? "" : ": \(words)")
        case .unreadable(let place, let words): "the answer of \(place) can't be read: \(words)"
        case .version(let place, let words): "\(place) speaks otherwise: \(words)"
        case .late(let place):
            "the answer of the coordinator at \(place) came when its time was nearly over: it, or the network, is too slow"
        case .superseded(let place):
            "the coordinator at \(place) isn't the one that answered last: another one has taken over, which the Service leads to"
        }
    }

    private static func meaning(_ status: Int) -> String {
        switch status {
        case 401: ", as the token isn't one that it takes (see GRANT_TOKEN_FILE, whose audience has to be powercap-coordinator)"
        case 403: ", as the token is of another Node than NODE_NAME"
        case 404: ", as no PowerBudget covers this node"
        case 421: ", as this node is one of another shard (see GRANT_SHARDS)"
        case 426: ", as it speaks another version of the messages (bring both programs to one release)"
        case 429: ", as it was asked too often (is NODE_NAME another node's, too?)"
        case 503: ", as it isn't the leader, or can't say so at present"
        default: ""
        }
    }
}

extension HTTPProblem {
    /// Of a coordinator, behind its place.
    fileprivate var words: String {
        switch self {
        case .noLibrary(let detail): "can't be asked, because libcurl can't be loaded: \(detail) (install libcurl4)"
        case .unreachable(let detail): "can't be reached: \(detail)"
        case .untrusted(let detail):
            "has a certificate that isn't trusted: \(detail) (is GRANT_CA_FILE the authority that signed it?)"
        case .noCertificates(let detail):
            "can't be told from another, because of the file of certificates: \(detail) (see GRANT_CA_FILE)"
        case .silent, .givenUp: "did not answer in time"
        case .broken(let detail): "broke the connection: \(detail)"
        case .tooLarge: "answered with more than a grant ever takes"
        case .garbled(let detail): "answered with something that isn't HTTP as it was asked for: \(detail) (see GRANT_URL)"
        case .noToken: "can't be asked without a token"
        }
    }
}

extension TokenFile.Problem {
    /// Behind the file's path.
    fileprivate var words: String {
        switch self {
        case .file(.noEntry):
            "does not exist: put it there, or name it with GRANT_TOKEN_FILE (in a pod, see the projected volume)"
        case .file(.denied): "may not be read by this user: change its mode or its owner (in a pod, see fsGroup)"
        case .file(let errno): "can't be read: \(errno.explanation) (\(errno.name))"
        case .notAFile: "is no file, but a FIFO, a device or a socket"
        case .empty: "is empty"
        case .malformed: "holds something else than one token"
        }
    }
}
