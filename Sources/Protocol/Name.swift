/// A short name of printable ASCII without spaces, such as `package-0` or `long_term`, kept in place: no allocation, no
/// Unicode tables.
public struct Name: Equatable, Sendable {
    private var storage: InlineArray<63, UInt8>
    private var length: UInt8

    public var count: Int { Int(length) }
    public subscript(index: Int) -> UInt8 { storage[index] }

    /// Nil unless there are 1 to 63 bytes, each from `!` to `~`.
    public init?(_ bytes: Span<UInt8>) {
        guard 1...Limits.nameBytes ~= bytes.count else { return nil }
        var storage = InlineArray<63, UInt8>(repeating: 0)
        for index in 0..<bytes.count {
            guard 0x21...0x7E ~= bytes[index] else { return nil }
            storage[index] = bytes[index]
        }
        self.storage = storage
        length = UInt8(bytes.count)
    }

    public init?(_ text: String) {
        let bytes = [UInt8](text.utf8)
        self.init(bytes.span)
    }

    /// `text` must be a valid name; it is checked where it is written down.
    public init(constant text: StaticString) {
        precondition(1...Limits.nameBytes ~= text.utf8CodeUnitCount)
        var storage = InlineArray<63, UInt8>(repeating: 0)
        // SAFETY: the buffer is read within the count that was checked above.
        text.withUTF8Buffer { for index in 0..<$0.count { unsafe storage[index] = $0[index] } }
        self.storage = storage
        length = UInt8(text.utf8CodeUnitCount)
    }

    public static func == (left: Name, right: Name) -> Bool {
        guard left.length == right.length else { return false }
        for index in 0..<left.count where left.storage[index] != right.storage[index] { return false }
        return true
    }

    /// For messages and for code that has the Unicode tables.
    public var string: String {
        unsafe String(unsafeUninitializedCapacity: count) { buffer in
            for index in 0..<count { unsafe buffer[index] = storage[index] }
            return count
        }
    }
}
