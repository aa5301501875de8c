/// What the server answered.
struct Answer: Equatable, Sendable {
    /// HTTP's.
    let status: Int
    let body: [UInt8]
    /// How long the server asks to be left alone; 0 where it doesn't (RFC 9110, section 10.2.3).
    var retryAfter_s = 0
}
