import LinuxSystem

/// Random control tokens, so that a peer that is served can't guess another's. From /dev/urandom (random(4)), opened before
/// the sandbox.
struct TokenSource: ~Copyable {
    private let urandom: Descriptor

    init() throws(Errno) { urandom = try Descriptor(opening: "/dev/urandom", .read) }

    /// A number that isn't 0.
    borrowing func next() -> UInt64 {
        var storage = InlineArray<8, UInt8>(repeating: 0)
        var value: UInt64 = 0
        while value == 0 {
            var buffer = storage.mutableSpan
            guard (try? urandom.read(into: &buffer)) == 8 else { Process.exit(1) }
            for index in 0..<8 { value = value << 8 | UInt64(storage[index]) }
        }
        return value
    }
}
