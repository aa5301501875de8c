/// A frame: `u32 length` of what follows, `u8 type`, `u8 flags`, `u16 requestID`, payload. All integers are little-endian.
public enum Frame {
    public static let headerBytes = 8
    /// A whole frame with its length field.
    public static let maximumBytes = 65_536
    public static let maximumPayload = maximumBytes - headerBytes

    /// The first eight bytes, checked against the table.
    public struct Header: Equatable, Sendable {
        public let opcode: Opcode
        public let requestID: UInt16
        public let payloadBytes: Int

        public init(opcode: Opcode, requestID: UInt16, payloadBytes: Int) {
            (self.opcode, self.requestID, self.payloadBytes) = (opcode, requestID, payloadBytes)
        }

        /// Decodes `bytes`, of which there must be eight.
        /// - Throws: what is wrong with the frame; the connection must then be closed, because its end can't be known.
        public init(_ bytes: Span<UInt8>) throws(ProtocolError) {
            var reader = Reader(bytes)
            let length = Int(try reader.u32())
            guard length >= 4 else { throw .frameTooShort }
            guard length <= Frame.maximumBytes - 4 else { throw .frameTooLong }
            guard let opcode = Opcode(rawValue: try reader.u8()) else { throw .unknownType }
            guard try reader.u8() == 0 else { throw .unknownFlags }
            guard opcode.row.payloadOfAnyVersion.contains(length - 4) else { throw .payloadLength }
            self.init(opcode: opcode, requestID: try reader.u16(), payloadBytes: length - 4)
        }
    }
}
