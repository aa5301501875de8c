import LinuxSystem

/// A file of the tree that holds one number and is kept open.
final class NumberFile {
    let path: String
    private let file: Descriptor
    private var lastLength = 0

    /// A file that exists, for reading.
    init(_ path: String) throws(Errno) {
        self.path = path
        file = try Descriptor(opening: path, .read)
    }

    /// A file that is made, with a mode that may allow nobody to write: this descriptor still can.
    init(creating path: String, mode: UInt32, contents: String) throws(Errno) {
        self.path = path
        file = try Descriptor(opening: path, .createNew, mode: 0o600)
        let line = Array("\(contents)\n".utf8)
        lastLength = line.count
        guard try file.write(line.span, at: 0) == line.count else { throw .noSpace }
        // Not by open(2), whose mode is subject to the umask.
        try changeMode(path, mode)
    }

    /// The decimal number of the first line, nil when there is none: a shorter value written over a longer one leaves the
    /// rest behind its newline.
    func read() throws(Errno) -> UInt64? {
        var storage = InlineArray<32, UInt8>(repeating: 0)
        var buffer = storage.mutableSpan
        let count = try file.read(into: &buffer, at: 0)
        var digits: [UInt8] = []
        for index in 0..<count {
            if storage[index] == UInt8(ascii: "\n") { break }
            digits.append(storage[index])
        }
        return UInt64(String(decoding: digits, as: UTF8.self))
    }

    /// One pwrite, so that a reader sees the old number or the new one.
    func write(_ value: UInt64) throws(Errno) {
        var line = Array("\(value)\n".utf8)
        while line.count < lastLength { line.append(UInt8(ascii: "\n")) }
        lastLength = line.count
        guard try file.write(line.span, at: 0) == line.count else { throw .inputOutput }
    }
}
