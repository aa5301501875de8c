internal import LinuxSystem

/// The contents of a file that a person named: at most one byte more than `largest`, so that who asks can tell.
///
/// - Parameter path: `-` is standard input.
func contents(of path: String, atMost largest: Int) throws(Errno) -> [UInt8] {
    let file = try path == "-" ? Descriptor(owning: 0) : Descriptor(opening: path, .readThroughLinks)
    var bytes: [UInt8] = []
    var chunk = [UInt8](repeating: 0, count: 1 << 16)
    while bytes.count <= largest {
        var span = chunk.mutableSpan
        let count = try file.read(into: &span)
        if count == 0 { break }
        bytes += chunk[..<min(count, largest + 1 - bytes.count)]
    }
    return bytes
}
