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

extension RawRepresentable where RawValue: FixedWidthInteger {
    /// The value of a raw one that came in a frame.
    @inline(__always)
    public static func decoded(_ raw: RawValue) throws(ProtocolError) -> Self {
        guard let value = Self(rawValue: raw) else { throw .badValue }
        return value
    }
}
