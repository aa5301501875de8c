import LinuxSystem

/// Lines out of a stream that comes in pieces.
struct LineBuffer {
    private var bytes: [UInt8] = []
    /// Of the last line that `next` gave.
    private(set) var lineNumber = 0

    /// Reads what is there: false at the end.
    mutating func fill(from stream: borrowing Descriptor) -> Bool {
        var chunk = [UInt8](repeating: 0, count: 4096)
        guard let count = try? stream.read(into: &chunk, from: 0, atMost: chunk.count), count > 0 else { return false }
        bytes += chunk[..<count]
        return true
    }

    /// The next complete line, without its end; `isLast` gives a last one that has none.
    mutating func next(isLast: Bool = false) -> String? {
        guard let end = bytes.firstIndex(of: UInt8(ascii: "\n")) ?? (isLast && !bytes.isEmpty ? bytes.endIndex : nil) else {
            return nil
        }
        defer { bytes.removeFirst(min(end + 1, bytes.count)) }
        lineNumber += 1
        return String(decoding: bytes[..<end], as: UTF8.self)
    }
}
