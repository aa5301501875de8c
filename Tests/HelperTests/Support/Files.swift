import Glibc
import LinuxSystem

/// The first line of a file.
func firstLine(_ path: String) throws -> String {
    let bytes = try contents(path)
    return String(decoding: bytes.prefix { $0 != UInt8(ascii: "\n") }, as: UTF8.self)
}

func contents(_ path: String) throws -> [UInt8] {
    let file = try Descriptor(opening: path, .read)
    var bytes: [UInt8] = []
    var storage = InlineArray<4096, UInt8>(repeating: 0)
    while true {
        var buffer = storage.mutableSpan
        let count = try file.read(into: &buffer)
        if count == 0 { return bytes }
        for index in 0..<count { bytes.append(storage[index]) }
    }
}

/// Replaces what is in a file, or creates it.
func put(_ text: String, in path: String) throws { try put(Array(text.utf8), in: path) }

func put(_ bytes: [UInt8], in path: String) throws {
    // Files that nobody may write are changed all the same, also by a test that isn't root.
    try? changeMode(path, 0o644)
    let file = try Descriptor(opening: path, .create, mode: 0o644)
    if bytes.isEmpty { return }
    guard try file.write(bytes.span) == bytes.count else { throw Errno.noSpace }
}

/// Opens a file so that every write goes to its end, whatever the offset (pwrite(2), BUGS). Once its first line is complete,
/// writes to it succeed and change nothing that is read: as with a register that ignores them. What was written can be read
/// in the file itself.
func openForAppending(_ path: String) throws -> Descriptor {
    let number = unsafe open(path, O_RDWR | O_APPEND | O_CLOEXEC)
    guard number >= 0 else { throw Errno(errno) }
    return Descriptor(owning: number)
}
