internal import CCurl
internal import LinuxSystem

/// Why a request came to nothing. What to do about it depends on whose server it is: whoever asked has the words.
public enum HTTPProblem: Error, Equatable, Sendable {
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
    /// The connection was closed, because something else on it was `silent`.
    case givenUp
    /// The connection ended or failed in the middle.
    case broken(String)
    /// The answer is larger than any that was expected.
    case tooLarge
    /// What came is no answer of HTTP, or not one of those that were asked for.
    case garbled(String)
    case noToken(path: String, TokenFile.Problem)

    /// What a person has to know to tell one problem from another: `silent` again and again is one problem.
    public var kind: String {
        switch self {
        case .noLibrary: "no-library"
        case .unreachable: "unreachable"
        case .untrusted: "untrusted"
        case .noCertificates: "no-certificates"
        // One problem, of which the other exchange tells.
        case .silent, .givenUp: "silent"
        case .broken: "broken"
        case .tooLarge: "too-large"
        case .garbled: "garbled"
        case .noToken: "no-token"
        }
    }

    /// Not the one request's: whatever is asked for meets it.
    public var isShared: Bool {
        switch self {
        case .noLibrary, .unreachable, .untrusted, .noCertificates, .silent, .givenUp, .broken, .noToken: true
        case .tooLarge, .garbled: false
        }
    }

    /// What another connection, or another address, may not have.
    var isOfConnection: Bool {
        switch self {
        case .unreachable, .untrusted, .silent, .givenUp, .broken: true
        case .noLibrary, .noCertificates, .tooLarge, .garbled, .noToken: false
        }
    }

    /// Something was asked, and the server or what is between had its part in what became of it.
    public var isOfServer: Bool {
        switch self {
        case .silent, .givenUp, .broken, .tooLarge, .garbled: true
        case .noLibrary, .unreachable, .untrusted, .noCertificates, .noToken: false
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
}
