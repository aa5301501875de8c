/// What is asked of a server.
struct Request: Equatable, Sendable {
    enum Method: String, Sendable { case get = "GET", post = "POST", put = "PUT", patch = "PATCH" }

    struct Body: Equatable, Sendable {
        let type: String
        let bytes: [UInt8]
    }

    let method: Method
    /// With the query.
    let path: String
    var accept = "application/json"
    var body: Body?
    /// How long the server is asked to go on with its answer. What the client's patience is comes on top.
    var stream_ms: UInt64 = 0
    /// Of bytes that are held at a time: an answer that is taken whole, or a line of a watch. Most are of one object's metadata: Kubernetes
    /// lets all annotations together have 256 KiB, and of the largest recorded Node it is 5 kB.
    var largestAnswer = 512 << 10

    /// A whole object. etcd takes none of more than 1.5 MiB (--max-request-bytes).
    static let largestObject = 2 << 20

    static let connectTime_ms = 5_000
}
