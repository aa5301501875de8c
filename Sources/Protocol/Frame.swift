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
            guard opcode.row.payload.contains(length - 4) else { throw .payloadLength }
            self.init(opcode: opcode, requestID: try reader.u16(), payloadBytes: length - 4)
        }
    }
}

/// What makes a frame unreadable. Each ends the connection.
public enum ProtocolError: UInt8, Error, CaseIterable, Sendable {
    case frameTooShort
    case frameTooLong
    case unknownType
    case unknownFlags
    case payloadLength
    case truncated
    case trailingBytes
    case badMagic
    case badText
    case badValue
    case outOfPhase

    public var explanation: StaticString {
        switch self {
        case .frameTooShort: "a frame shorter than its own header"
        case .frameTooLong: "a frame longer than 64 KiB"
        case .unknownType: "a frame of a type that isn't in the table"
        case .unknownFlags: "a frame with flags set"
        case .payloadLength: "a payload of a length that its type can't have"
        case .truncated: "a payload that ends inside a field"
        case .trailingBytes: "a payload with bytes after its last field"
        case .badMagic: "a Hello without the magic number"
        case .badText: "a name that is empty, too long or not printable ASCII"
        case .badValue: "a field with a value that it can't have"
        case .outOfPhase: "a frame that may not be sent now"
        }
    }
}

/// Reads a payload field by field. It never allocates, and never reads beyond its bytes.
public struct Reader: ~Escapable {
    private let bytes: Span<UInt8>
    private var offset = 0

    @_lifetime(copy bytes)
    public init(_ bytes: Span<UInt8>) { self.bytes = bytes }

    public var remaining: Int { bytes.count - offset }

    /// - Throws: `.trailingBytes` unless everything was read.
    public func finish() throws(ProtocolError) { if remaining != 0 { throw .trailingBytes } }

    @inline(__always)
    private mutating func integer<Value: FixedWidthInteger & UnsignedInteger>() throws(ProtocolError) -> Value {
        let size = Value.bitWidth / 8
        guard remaining >= size else { throw .truncated }
        var value: Value = 0
        for index in 0..<size { value |= Value(bytes[offset + index]) << Value(8 * index) }
        offset += size
        return value
    }

    public mutating func u8() throws(ProtocolError) -> UInt8 { try integer() }
    public mutating func u16() throws(ProtocolError) -> UInt16 { try integer() }
    public mutating func u32() throws(ProtocolError) -> UInt32 { try integer() }
    public mutating func u64() throws(ProtocolError) -> UInt64 { try integer() }

    /// `u8` 0 or 1.
    public mutating func flag() throws(ProtocolError) -> Bool {
        switch try u8() {
        case 0: false
        case 1: true
        default: throw .badValue
        }
    }

    /// A name: `u8` length, then printable ASCII without spaces.
    public mutating func name() throws(ProtocolError) -> Name {
        let length = Int(try u8())
        guard remaining >= length else { throw .truncated }
        guard let name = Name(bytes.extracting(offset..<(offset + length))) else { throw .badText }
        offset += length
        return name
    }

    /// A sentence for a person: `u8` length, then UTF-8.
    @_lifetime(copy self)
    public mutating func text() throws(ProtocolError) -> Span<UInt8> {
        let length = Int(try u8())
        guard remaining >= length else { throw .truncated }
        defer { offset += length }
        return bytes.extracting(offset..<(offset + length))
    }
}

/// Builds frames one after the other in a buffer that is allocated once.
public struct Writer: ~Copyable {
    private var storage: [UInt8]
    public private(set) var count = 0
    private var frameStart = 0

    /// - Parameter capacity: bytes; a writer that sends the largest frames needs `Frame.maximumBytes`.
    public init(capacity: Int = Frame.maximumBytes) { storage = [UInt8](repeating: 0, count: capacity) }

    public var capacity: Int { storage.count }

    public var bytes: Span<UInt8> {
        @_lifetime(borrow self)
        get { storage.span.extracting(0..<count) }
    }

    public mutating func removeAll() { count = 0 }

    /// Starts a frame. `end()` fills in its length.
    public mutating func begin(_ opcode: Opcode, requestID: UInt16) {
        frameStart = count
        u32(0)
        u8(opcode.rawValue)
        u8(0)
        u16(requestID)
    }

    public mutating func end() {
        let length = UInt32(count - frameStart - 4)
        for index in 0..<4 { storage[frameStart + index] = UInt8(truncatingIfNeeded: length >> UInt32(8 * index)) }
    }

    @inline(__always)
    private mutating func integer<Value: FixedWidthInteger & UnsignedInteger>(_ value: Value) {
        for index in 0..<(Value.bitWidth / 8) {
            storage[count] = UInt8(truncatingIfNeeded: value >> Value(8 * index))
            count += 1
        }
    }

    public mutating func u8(_ value: UInt8) { integer(value) }
    public mutating func u16(_ value: UInt16) { integer(value) }
    public mutating func u32(_ value: UInt32) { integer(value) }
    public mutating func u64(_ value: UInt64) { integer(value) }
    public mutating func flag(_ value: Bool) { u8(value ? 1 : 0) }

    public mutating func name(_ name: Name) {
        u8(UInt8(name.count))
        for index in 0..<name.count { u8(name[index]) }
    }

    /// A sentence, cut at 255 bytes.
    public mutating func text(_ text: StaticString) {
        let length = min(text.utf8CodeUnitCount, 255)
        u8(UInt8(length))
        text.withUTF8Buffer { for index in 0..<length { unsafe u8($0[index]) } }
    }
}
