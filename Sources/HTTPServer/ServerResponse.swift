/// What a request is answered. Content-Length, Date and `X-Content-Type-Options: nosniff` are in every answer, and `Cache-Control:
/// no-store` where it has no Cache-Control of its own.
public struct ServerResponse: Equatable, Sendable {
    /// A header beside those that every answer has.
    public struct Header: Equatable, Sendable {
        let name: String
        let value: String

        public init(_ name: String, _ value: String) { (self.name, self.value) = (name, value) }
    }

    let status: UInt32
    let headers: [Header]
    let body: [UInt8]

    /// - Parameters:
    ///   - status: of RFC 9110, section 15; 200 to 599.
    ///   - contentType: with its charset.
    ///   - headers: beside those that every answer has. One with a line break in it makes the answer a 500.
    public init(status: UInt32 = 200, contentType: String, headers: [Header] = [], body: [UInt8]) {
        self.status = status
        self.body = body
        var headers = [Header("Content-Type", contentType), Header("X-Content-Type-Options", "nosniff")] + headers
        if !headers.contains(where: { $0.name.lowercased() == "cache-control" }) {
            headers.append(Header("Cache-Control", "no-store"))
        }
        self.headers = headers
    }

    /// A sentence, with a line break behind it.
    public init(status: UInt32, text: String, headers: [Header] = []) {
        self.init(status: status, contentType: "text/plain; charset=utf-8", headers: headers, body: [UInt8]("\(text)\n".utf8))
    }
}
