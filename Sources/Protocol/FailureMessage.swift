/// Why a request failed: the payload of Error, without its text.
public struct Failure: Error, Equatable, Sendable {
    public var code: ErrorCode
    /// The kernel's errno, 0 where there is none.
    public var errno: UInt16
    /// Which item of the batch; nil where it isn't about one.
    public var item: UInt16?
    /// For `notInForce`: what was read back. Otherwise zero.
    public var effective: Microwatts

    public init(_ code: ErrorCode, errno: UInt16 = 0, item: UInt16? = nil, effective: Microwatts = .zero) {
        (self.code, self.errno, self.item, self.effective) = (code, errno, item, effective)
    }

    public func encode(into writer: inout Writer) {
        writer.u16(code.rawValue)
        writer.u16(errno)
        writer.u16(item ?? .max)
        writer.u64(effective.rawValue)
        writer.text(code.explanation)
    }

    public init(from reader: inout Reader) throws(ProtocolError) {
        code = try ErrorCode.decoded(try reader.u16())
        errno = try reader.u16()
        let item = try reader.u16()
        self.item = item == .max ? nil : item
        effective = Microwatts(try reader.u64())
        _ = try reader.text()
    }
}
