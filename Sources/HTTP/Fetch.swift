/// A document that a stranger's server has, and what is shown to that server and to no other.
public struct Fetch: Sendable {
    /// Where it is.
    public var url: WebURL
    var fields: [HTTPField]
    /// What is posted; nil is a GET.
    var body: Request.Body?
    var login: Login?
    var token: String?
    var validators: Validators?
    /// For all of it: names, connections, redirections and the last byte.
    let timeLimit_ms: UInt64

    /// - Parameters:
    ///   - fields: beside those that every request has.
    ///   - token: a bearer token (RFC 6750); with one no field has the name Authorization.
    ///   - validators: of what is known already.
    public init(
        _ url: WebURL, fields: [HTTPField] = [], body: Request.Body? = nil, login: Login? = nil, token: String? = nil,
        validators: Validators? = nil, timeLimit_ms: UInt64
    ) {
        (self.url, self.body, self.login, self.token) = (url, body, login, token)
        (self.validators, self.timeLimit_ms) = (validators, timeLimit_ms)
        self.fields = token == nil ? fields : fields.filter { !$0.isNamed("authorization") }
    }

    /// In bytes. The largest answers that are known have 60 kB; what is larger costs memory that the node's work could have.
    static let largest = 4 << 20

    /// The same document at another address of the server, or at another server, which is shown nothing.
    func redirected(to url: WebURL) -> Fetch {
        var next = self
        if url.origin != self.url.origin {
            next = Fetch(url, timeLimit_ms: timeLimit_ms)
        }
        next.url = url
        return next
    }

    /// As it is sent.
    var request: Request {
        var fields = fields
        if let validators { fields += validators.conditions }
        return Request(
            method: body == nil ? .get : .post, path: url.path + url.query, fields: fields, login: login,
            wantedFields: ["location", "etag", "last-modified"], body: body, largestAnswer: Fetch.largest)
    }
}

/// By what a server tells whether a document is still the one that was sent (RFC 9110, section 8.8).
public struct Validators: Equatable, Sendable {
    /// Both are the server's words, to be given back as they are.
    private let (tag, modified): (String?, String?)

    /// nil where the server gave none that could be given back.
    init?(_ answer: Answer) {
        tag = answer.fields["etag"].flatMap { HTTPField("If-None-Match", $0) }?.value
        modified = answer.fields["last-modified"].flatMap { HTTPField("If-Modified-Since", $0) }?.value
        if tag == nil, modified == nil { return nil }
    }

    /// With a tag the time doesn't count (RFC 9110, section 13.1.3).
    var conditions: [HTTPField] {
        [tag.flatMap { HTTPField("If-None-Match", $0) } ?? modified.flatMap { HTTPField("If-Modified-Since", $0) }].compactMap {
            $0
        }
    }
}

/// What came of a fetch.
public struct Fetched: Equatable, Sendable {
    /// HTTP's, which is none of a redirection that was followed.
    public let status: Int
    /// Whole.
    public let body: [UInt8]
    /// How long the server asks to be left alone; 0 where it doesn't.
    public let retryAfter_s: Int
    /// nil where there are none, and where it came from another server than the one that was asked.
    public let validators: Validators?

    public init(status: Int, body: [UInt8], retryAfter_s: Int = 0, validators: Validators? = nil) {
        (self.status, self.body, self.retryAfter_s, self.validators) = (status, body, retryAfter_s, validators)
    }
}

/// Why a fetch came to nothing.
public enum FetchProblem: Error, Equatable, Sendable {
    case failed(HTTPProblem)
    /// The server sends whoever asks elsewhere, and nobody goes there: why.
    case redirected(Redirection)

    /// What is wrong with where it leads. No more of it is kept than a host, because the rest may have secrets in it.
    public enum Redirection: Equatable, Sendable {
        /// From HTTP without TLS anybody could lead anywhere.
        case fromPlain
        case toPlain(host: String)
        /// To another server that has no name: one of the own network's.
        case toAddress(String)
        /// What is posted would go to another server, or would be lost on the way.
        case posted(host: String)
        case nowhere
        case tooMany
    }

    /// In a word: for counting.
    public var kind: String {
        switch self {
        case .failed(let problem): problem.kind
        case .redirected: "redirected"
        }
    }
}
