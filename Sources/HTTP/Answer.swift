/// What the server answered.
public struct Answer: Equatable, Sendable {
    /// HTTP's.
    public let status: Int
    /// Whole; empty where it was taken piece by piece.
    public let body: [UInt8]
    /// How long the server asks to be left alone; 0 where it doesn't (RFC 9110, section 10.2.3).
    public var retryAfter_s = 0
    /// Of its head those that the request wants, by their names in small letters.
    public var fields: [String: String] = [:]
}
