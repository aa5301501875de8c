/// Builds frames one after the other in a buffer that is allocated once.
public struct Writer: ~Copyable {
    private var storage: [UInt8]
    public private(set) var count = 0
    private var frameStart = 0

    /// - Parameter capacity: bytes; a writer that sends the largest frames needs `Frame.maximumBytes`.
    public init(capacity: Int = Frame.maximumBytes) { storage = [UInt8](repeating: 0, count: capacity) }

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
        put(UInt32(count - frameStart - 4), at: frameStart)
    }

    /// In one piece: a Sample has hundreds of them.
    @inline(__always)
    private mutating func put<Value: FixedWidthInteger & UnsignedInteger & BitwiseCopyable>(_ value: Value, at offset: Int) {
        var span = storage.mutableSpan
        // SAFETY: whatever is written, a byte is a byte. The bounds are checked.
        var bytes = unsafe span.mutableBytes
        bytes.storeBytes(of: value.littleEndian, toByteOffset: offset, as: Value.self)
    }

    @inline(__always)
    private mutating func integer<Value: FixedWidthInteger & UnsignedInteger & BitwiseCopyable>(_ value: Value) {
        put(value, at: count)
        count += Value.bitWidth / 8
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
