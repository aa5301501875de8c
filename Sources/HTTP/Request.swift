/// What is asked of a server.
public struct Request: Equatable, Sendable {
    /// What is to be done (RFC 9110, section 9).
    public enum Method: String, Sendable { case get = "GET", post = "POST", put = "PUT", patch = "PATCH" }

    /// What is sent along.
    public struct Body: Equatable, Sendable {
        let type: String
        let bytes: [UInt8]

        public init(type: String, bytes: [UInt8]) { (self.type, self.bytes) = (type, bytes) }
    }

    /// What is to be done.
    public let method: Method
    /// With the query.
    let path: String
    var accept = "application/json"
    /// Of the caller's own. One of the same name as the client's is sent in its place.
    var fields: [HTTPField] = []
    var login: Login?
    /// What is kept of the answer's head, by names in small letters.
    var wantedFields: Set<String> = []
    var body: Body?
    /// How long the server is asked to go on with its answer. What the client's patience is comes on top.
    public var stream_ms: UInt64 = 0
    /// Of bytes that are held at a time: an answer that is taken whole, or a line of one that goes on. Most are of one object's metadata:
    /// Kubernetes lets all annotations together have 256 KiB, and of the largest recorded Node it is 5 kB.
    var largestAnswer: Int

    static let connectTime_ms = 5_000
    /// In bytes.
    public static let usualAnswer = 512 << 10

    public init(
        method: Method, path: String, accept: String = "application/json", body: Body? = nil, stream_ms: UInt64 = 0,
        largestAnswer: Int = usualAnswer
    ) {
        (self.method, self.path, self.accept, self.body) = (method, path, accept, body)
        (self.stream_ms, self.largestAnswer) = (stream_ms, largestAnswer)
    }

    /// Of a server that isn't Kubernetes'.
    /// - Parameters:
    ///   - fields: of the caller's own.
    ///   - login: shown with the request.
    ///   - wantedFields: what is kept of the answer's head, by names in small letters.
    public init(
        method: Method, path: String, fields: [HTTPField], login: Login?, wantedFields: Set<String>, body: Body?,
        largestAnswer: Int = usualAnswer
    ) {
        self.init(method: method, path: path, body: body, largestAnswer: largestAnswer)
        (self.fields, self.login, self.wantedFields) = (fields, login, wantedFields)
    }
}
